import { readFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'

import { parseCrossOrigin } from '../../src/config/worker/rest/cross-origin.ts'
import { systemClock } from '../../src/foundation/clock.ts'
import { Meters } from '../../src/foundation/metrics/meters.ts'
import { startRest, type RestServer } from '../../src/rest/rest-server.ts'
import { quietLogger } from '../support/quiet-logger.ts'
import { MemoryHerder } from '../support/rest/memory-herder.ts'
import { RestClient } from '../support/rest/rest-client.ts'

/** What Jetty 9.4.57, the server of Kafka Connect 3.9.1, adds to a response with its CrossOriginFilter as Connect sets it up. */
interface Recorded {
  /** `access.control.allow.origin`. */
  readonly origins: string
  /** `access.control.allow.methods`. */
  readonly methods: string
  readonly method: string
  readonly request: Readonly<Record<string, string>>
  /** Headers of the response, as far as they concern other origins. */
  readonly response: Readonly<Record<string, string>>
}

const recorded = readFileSync(new URL('cors-jetty-9.4.57.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded)

const servers: RestServer[] = []
afterAll(async () => {
  for (const server of servers) await server.close()
})

async function serverWith(origins: string, methods: string): Promise<RestClient> {
  const herder = new MemoryHerder()
  const listeners = [{ host: '127.0.0.1', port: 0 }]
  const parts = { herder, listeners, clock: systemClock, logger: quietLogger(), meters: new Meters(), metrics: () => '' }
  const server = await startRest({ ...parts, crossOrigin: parseCrossOrigin(origins, methods) })
  servers.push(server)
  return new RestClient(server.url)
}

/** Jetty allows several origins in one header if it allows one of them. No browser sends this, and no page should gain by it. */
const isLedgered = ({ request }: Recorded): boolean => request['origin']?.includes(' ') === true

describe('Cross-origin requests', () => {
  const bySettings = Map.groupBy(recorded, ({ origins, methods }) => `${origins} and methods ${methods || 'by default'}`)

  it.each([...bySettings])('get the headers that Jetty adds, with origins %s', async (_settings, exchanges) => {
    const [{ origins, methods } = { origins: '', methods: '' }] = exchanges
    const client = await serverWith(origins, methods)
    for (const exchange of exchanges) {
      const { status, headers } = await client.send(exchange.method, '/connectors', null, exchange.request)
      const { vary, ...given } = headers
      const found = Object.entries(given).filter(([name]) => name.startsWith('access-control-'))
      const { vary: _vary, ...wanted } = isLedgered(exchange) ? {} : exchange.response
      expect(Object.fromEntries(found), JSON.stringify(exchange)).toEqual(wanted)
      // Jetty leaves it out where it adds no other header: a cache would give that response to other origins.
      if (status !== 403) expect(vary, JSON.stringify(exchange)).toBe('Origin')
    }
  })

  it('are refused if their origin is not allowed, and served otherwise', async () => {
    const client = await serverWith('http://a.example', '')
    const statusFrom = async (origin: string): Promise<number> => (await client.get('/connectors', { origin })).status
    expect(await statusFrom('http://a.example')).toBe(200)
    expect(await statusFrom('http://evil.example')).toBe(403)
    expect(await statusFrom('http://evil.example http://a.example')).toBe(403)
  })
})
