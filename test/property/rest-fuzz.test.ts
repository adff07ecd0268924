import fc from 'fast-check'
import { afterAll, beforeAll, describe, it } from 'vitest'

import type { RestServer } from '../../src/rest/rest-server.ts'

import { Meters } from '../../src/foundation/metrics/meters.ts'
import { systemClock } from '../../src/foundation/clock.ts'
import { startRest } from '../../src/rest/rest-server.ts'
import { MemoryHerder } from '../support/rest/memory-herder.ts'
import { quietLogger } from '../support/quiet-logger.ts'
import { RestClient } from '../support/rest/rest-client.ts'

let server: RestServer
let client: RestClient
const logger = quietLogger()

beforeAll(async () => {
  const listeners = [{ host: '127.0.0.1', port: 0 }]
  server = await startRest({
    herder: new MemoryHerder(),
    listeners,
    clock: systemClock,
    logger,
    meters: new Meters(),
    metrics: () => '',
  })
  client = new RestClient(server.url)
})
afterAll(() => server.close(0))

const segment = fc.oneof(
  fc.constantFrom('connectors', 'connector-plugins', 'config', 'status', 'tasks', 'restart', 'offsets', 'validate'),
  fc.constantFrom('', '0', '-1', '..', '%2F', '%', '__proto__', 'constructor', 'FileStreamSource', 'a'),
  fc.string({ maxLength: 8 }).map((text) => encodeURIComponent(text.toWellFormed())),
)
const path = fc.tuple(
  fc.array(segment, { maxLength: 6 }),
  fc.constantFrom('', '/', '?expand=status', '?=&&%', '?forward=x'),
)
const config = fc.dictionary(
  fc.oneof(fc.constantFrom('connector.class', 'name', 'topic', 'topics', 'transforms', '__proto__'), fc.string()),
  fc.oneof(fc.constantFrom<unknown>('FileStreamSource', 'FileStreamSink', 'a'), fc.jsonValue()),
)
const body = fc.oneof(
  fc.constant(null),
  fc.string(),
  fc.json(),
  config.map((value) => JSON.stringify(value)),
  fc.record({ name: fc.jsonValue(), config }, { requiredKeys: [] }).map((value) => JSON.stringify(value)),
)
const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS')

describe('the REST API under random requests', () => {
  it('responds to each as openapi.yaml describes, and never fails unexpectedly', async () => {
    await fc.assert(
      fc.asyncProperty(method, path, body, async (verb, [segments, tail], text) => {
        await client.send(verb, `/${segments.join('/')}${tail}`, text)
        const unexpected = logger.lines.find(({ level }) => level === 'error')
        if (unexpected !== undefined) throw unexpected.fields?.['error']
      }),
      { numRuns: 400 },
    )
  })
})
