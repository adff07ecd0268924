import { createServer } from 'node:http'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'

import { systemClock } from '../../../src/foundation/clock.ts'
import { connectorClassesRequest } from '../../../src/rest/forward/connector-classes-request.ts'
import { workerCall } from '../../../src/rest/forward/worker-call.ts'
import { freePort } from '../../../src/servers/process/port.ts'
import { MemoryHerder } from '../../support/rest/memory-herder.ts'
import { startedRest } from '../../support/rest/started-rest.ts'

const signal = new AbortController().signal
const token = 'x'.repeat(40)

describe('the connector classes of another worker', () => {
  it('are those of its plugins, with the token of the group', async () => {
    const herder = new MemoryHerder()
    const server = await startedRest({ herder, clock: systemClock, token })
    const classes = await connectorClassesRequest(workerCall(token, null))(`${server.url}/`, signal)
    const connectors = (await herder.plugins()).filter(({ kind }) => kind === 'source' || kind === 'sink')
    expect(classes).toEqual(connectors.map(({ className }) => className))
    expect(classes.length).toBeGreaterThan(0)
    await expect(connectorClassesRequest(workerCall(null, null))(server.url, signal)).rejects.toThrow(
      `GET ${server.url}/connector-plugins returned status 401`,
    )
    await server.close()
  })

  it('are unavailable from a worker that is not there, and from something else', async () => {
    const gone = `http://127.0.0.1:${await freePort()}`
    await expect(connectorClassesRequest(workerCall(null, null))(gone, signal)).rejects.toThrow(
      /^GET http:\/\/127\.0\.0\.1:\d+\/connector-plugins failed: connect ECONNREFUSED/v,
    )
    const other = createServer((_request, response) => response.end('{"a":1}'))
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const url = `http://127.0.0.1:${(other.address() as { port: number }).port}`
    await expect(connectorClassesRequest(workerCall(null, null))(url, signal)).rejects.toThrow(
      'returned status 200: {"a":1}',
    )
    other.close()
  })
})
