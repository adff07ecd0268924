import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { Meters } from '../../src/foundation/metrics/meters.ts'
import { systemClock } from '../../src/foundation/clock.ts'
import { startRest, type RestServer } from '../../src/rest/rest-server.ts'
import { MemoryHerder } from '../support/rest/memory-herder.ts'
import { quietLogger } from '../support/quiet-logger.ts'
import { RestClient } from '../support/rest/rest-client.ts'

/**
 * The responses of Kafka Connect 3.9.1 to requests at the edges: names, bodies, headers, methods, paths, and configs with
 * one thing wrong (ConnectDistributed, `group.id=connect-cluster`, FileStream and Debezium plugins). Of a validation
 * the values are kept that were given or are wrong.
 */
interface Edge {
  readonly method: string
  readonly path: string
  /** Null takes a header away. */
  readonly headers?: Readonly<Record<string, string | null>>
  readonly request?: string
  readonly status: number
  /** Kept where it can be followed. */
  readonly location?: string
  /** Not kept where the words are Java's, or others on purpose: see src/rest/UNSUPPORTED.md. */
  readonly answer?: unknown
}

interface ValidatedValue {
  readonly name: string
  readonly value: string | null
  readonly errors: readonly string[]
}

const recording = readFileSync(new URL('rest-3.9.1/edges.jsonl', import.meta.url), 'utf8')
const edges = recording
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Edge)

interface Answer {
  readonly configs?: readonly { readonly value: ValidatedValue }[]
  readonly groups?: readonly string[]
}

let server: RestServer
let client: RestClient

beforeAll(async () => {
  const listeners = [{ host: '127.0.0.1', port: 0 }]
  const herder = new MemoryHerder()
  server = await startRest({ herder, listeners, clock: systemClock, logger: quietLogger(), meters: new Meters(), metrics: () => '' })
  client = new RestClient(server.url)
})
afterAll(() => server.close())

function summary(request: string | undefined, body: string): unknown {
  if (body === '') return ''
  const answer = JSON.parse(body) as Answer
  if (answer.configs === undefined) return answer
  const { configs, groups = [], ...head } = answer
  const given = Object.keys(JSON.parse(request ?? '{}') as object)
  const values = configs
    .map(({ value }) => value)
    .filter(({ name, errors }) => given.includes(name) || errors.length > 0)
    .map(({ name, value, errors }) => ({ name, value, errors }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
  return { ...head, groups: groups.toSorted(), values }
}

describe('a request at the edge gets the response of Kafka Connect 3.9.1', () => {
  for (const [index, { method, path, headers = {}, request, ...recorded }] of edges.entries()) {
    it(`${index}: ${method} ${path}`, async () => {
      const undeclared = headers['content-type'] === null ? { 'content-type': '' } : {}
      const declared = Object.entries(headers).flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]))
      const answer = await client.send(method, path, request ?? null, { ...Object.fromEntries(declared), ...undeclared })
      const location = String(answer.headers['location'] ?? '').replace(/^\w+:\/\/[^/]+/, '')
      const got = { status: answer.status, location, answer: summary(request, answer.body) }
      const { status, location: wanted = location, answer: body = got.answer } = recorded
      expect(got).toEqual({ status, location: wanted, answer: body })
    })
  }
})
