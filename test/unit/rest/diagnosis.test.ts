import { createServer } from 'node:http'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { systemClock } from '../../../src/foundation/clock.ts'
import type { RestServer } from '../../../src/rest/rest-server.ts'
import { tasksRequest } from '../../../src/rest/forward/tasks-request.ts'
import { workerCall } from '../../../src/rest/forward/worker-call.ts'
import { freePort } from '../../../src/servers/process/port.ts'
import { MemoryHerder } from '../../support/rest/memory-herder.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { startedRest } from '../../support/rest/started-rest.ts'

const signal = new AbortController().signal
let herder: MemoryHerder
let server: RestServer
let client: RestClient

beforeEach(async () => {
  herder = new MemoryHerder()
  server = await startedRest({ herder, clock: systemClock })
  client = new RestClient(server.url)
  await client.post('/connectors', { name: 'a', config: { 'connector.class': 'FileStreamSource', topic: 't' } })
})
afterEach(async () => await server.close())

describe('GET /connectors/{connector}/diagnosis', () => {
  it('has the findings of the connector, and what moves through its tasks', async () => {
    await client.put('/connectors/a/pause')
    const { status, json } = await client.get('/connectors/a/diagnosis')
    expect(status).toBe(200)
    expect(json).toMatchObject({
      connector: 'a',
      type: 'source',
      checked_at: '1970-01-01T00:00:00.000Z',
      verdict: 'healthy',
      findings: [
        { code: 'CONNECTOR_PAUSED', severity: 'info', task: null, since: null, evidence: { waiting_records: 3 } },
      ],
      flow: { binds: null, lag_records: null, tasks: [{ task: 0, state: 'PAUSED', flow: null }] },
    })
  })

  it('is of connectors that exist, and of two scopes', async () => {
    expect(await client.get('/connectors/b/diagnosis')).toMatchObject({ status: 404 })
    const { status, json } = await client.get('/connectors/a/diagnosis?scope=all')
    expect({ status, json }).toMatchObject({ status: 400, json: { message: '"scope" is neither group nor worker' } })
  })
})

describe('GET /diagnosis', () => {
  it('has the findings of the worker and of its connectors', async () => {
    const { json } = await client.get('/diagnosis')
    expect(json).toMatchObject({ findings: [{ connector: null }, { connector: 'a' }] })
  })
})

describe('the tasks of another worker', () => {
  const ask = tasksRequest(workerCall(null, null), 'http', systemClock)
  const place = (url: string): string => new URL(url).host

  it('are those of its diagnosis', async () => {
    expect(await ask(place(server.url), 'a', signal)).toEqual({
      kind: 'tasks',
      tasks: [{ id: 0, state: 'RUNNING', workerId: herder.workerId, restarts: 0, flow: null }],
    })
  })

  it('are unknown of a worker that does not have the connector, and of one that says something else', async () => {
    expect(await ask(place(server.url), 'b', signal)).toEqual({ kind: 'tasks', tasks: [] })
    const other = createServer((_request, response) => response.end('<html>'))
    other.listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    expect(await ask(`127.0.0.1:${port}`, 'a', signal)).toEqual({ kind: 'tasks', tasks: [] })
    other.close()
  })

  it('are silent of a worker that is gone, and of one that does not respond in time', async () => {
    const gone = `127.0.0.1:${await freePort()}`
    expect(await ask(gone, 'a', signal)).toMatchObject({
      kind: 'silent',
      isGone: true,
      reason: expect.stringContaining('ECONNREFUSED'),
    })
    const hangs = createServer(() => undefined)
    hangs.listen(0, '127.0.0.1')
    await once(hangs, 'listening')
    const { port } = hangs.address() as { port: number }
    expect(await ask(`127.0.0.1:${port}`, 'a', signal)).toMatchObject({ kind: 'silent', isGone: false })
    hangs.closeAllConnections()
    hangs.close()
  })
})
