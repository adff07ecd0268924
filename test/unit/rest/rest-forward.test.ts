import { createServer } from 'node:http'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { RestServer } from '../../../src/rest/rest-server.ts'

import { systemClock } from '../../../src/foundation/clock.ts'
import { NotAssignedError, NotLeaderError } from '../../../src/herder/herder-errors.ts'
import { freePort } from '../../../src/servers/process/port.ts'
import { HastyClock } from '../../support/hasty-clock.ts'
import { MemoryHerder } from '../../support/rest/memory-herder.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { startedRest } from '../../support/rest/started-rest.ts'

const source = { 'connector.class': 'FileStreamSource', topic: 't' }

let herder = new MemoryHerder()
let server: RestServer
let client: RestClient
let clock = new HastyClock()
const lines = quietLogger()

async function start(): Promise<void> {
  herder = new MemoryHerder()
  clock = new HastyClock()
  server = await startedRest({ herder, clock, logger: lines })
  client = new RestClient(server.url)
}

const create = (name: string, config: Record<string, unknown>): ReturnType<RestClient['post']> =>
  client.post('/connectors', { name, config })
const error = (status: number, message: unknown): object => ({ status, json: { error_code: status, message } })

describe('a request that another worker has to carry out', () => {
  let other: RestServer
  let leader = new MemoryHerder()
  const asked: string[] = []
  beforeEach(async () => {
    await start()
    leader = new MemoryHerder()
    other = await startedRest({ herder: leader, clock: systemClock, logger: lines })
    asked.length = 0
  })
  afterEach(async () => {
    await Promise.all([server.close(), other.close()])
  })
  const notLeader = (url: string | null): NotLeaderError => new NotLeaderError('not the leader', url)

  it('is forwarded to the leader with its body, and returns an address of the first worker', async () => {
    herder.createConnector = () => Promise.reject(notLeader(`${other.url}/`))
    const response = await create('sp ace', source)
    expect(response).toMatchObject({ status: 201, json: { name: 'sp ace' } })
    expect(response.headers['location']).toBe(`${server.url}/connectors/sp%20ace`)
    expect(await leader.connectors()).toEqual(['sp ace'])
  })

  it('returns the error of the leader, or its empty response', async () => {
    herder.deleteConnector = () => Promise.reject(notLeader(other.url))
    expect(await client.delete('/connectors/a')).toMatchObject(error(404, 'Connector a not found'))
    await leader.createConnector('a', { ...source, name: 'a' }, null, AbortSignal.timeout(60_000))
    expect(await client.delete('/connectors/a')).toMatchObject({ status: 204, body: '' })
  })

  it('is forwarded over at most two hops', async () => {
    clock.speed = 1000
    herder.stopConnector = () => Promise.reject(notLeader(server.url))
    const conflict = 'Cannot complete request because of a conflicting operation (e.g. worker rebalance)'
    expect(await client.put('/connectors/a/stop')).toMatchObject(error(409, conflict))
    expect(await client.put('/connectors/a/stop?forward=false')).toMatchObject(error(409, conflict))
  })

  it('is forwarded with Authorization and the flags, and no other header', async () => {
    const witness = createServer((message, response) => {
      asked.push(`${message.url} ${message.headers.authorization} ${String(message.headers['x-mine'])}`)
      response.writeHead(204).end()
    }).listen(0, '127.0.0.1')
    await once(witness, 'listening')
    const address = witness.address()
    const port = typeof address === 'object' ? address?.port : 0
    herder.restartTask = () => Promise.reject(new NotAssignedError('not mine', `http://127.0.0.1:${port}`))
    const headers = { authorization: 'Basic x', 'x-mine': 'y' }
    await client.send('POST', '/connectors/a/tasks/0/restart', null, headers)
    await client.send('POST', '/connectors/a/tasks/0/restart?forward=true', null, headers)
    expect(asked).toEqual([
      '/connectors/a/tasks/0/restart?forward=true Basic x undefined',
      '/connectors/a/tasks/0/restart?forward=false Basic x undefined',
    ])
    witness.close()
  })

  it('waits for a leader that is not known yet, or that has ended, and is carried out by its successor', async () => {
    const ended = `http://127.0.0.1:${await freePort()}/`
    const leaders = [null, ended, ended, null]
    herder.createConnector = () =>
      Promise.reject(notLeader(leaders.length === 0 ? other.url : (leaders.shift() ?? null)))
    expect(await create('a', source)).toMatchObject({ status: 201 })
    expect(await leader.connectors()).toEqual(['a'])
  })

  it('is carried out here once this worker leads or runs what it concerns', async () => {
    let refusals = 3
    const restarted = herder.restartTask.bind(herder)
    await herder.createConnector('a', { ...source, name: 'a' }, null, AbortSignal.timeout(60_000))
    herder.restartTask = async (id) => {
      refusals -= 1
      if (refusals >= 0) throw new NotAssignedError('not mine', null)
      return await restarted(id)
    }
    expect(await client.post('/connectors/a/tasks/0/restart')).toMatchObject({ status: 204 })
  })

  it('is not sent again when the leader may have carried it out', async () => {
    let requests = 0
    const cut = createServer((message) => {
      requests += 1
      message.socket.destroy()
    }).listen(0, '127.0.0.1')
    await once(cut, 'listening')
    const address = cut.address()
    herder.deleteConnector = () =>
      Promise.reject(notLeader(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/`))
    expect(await client.delete('/connectors/a')).toMatchObject(error(500, expect.stringMatching(/^IO Error/)))
    expect(requests).toBe(1)
    cut.close()
  })

  it('is a conflict while no leader is known, and fails when the leader does not respond', async () => {
    clock.speed = 1000
    herder.stopConnector = () => Promise.reject(notLeader(null))
    expect(await client.put('/connectors/a/stop')).toMatchObject(
      error(409, expect.stringMatching(/no known leader URL/)),
    )
    herder.stopConnector = () => Promise.reject(notLeader('http://127.0.0.1:1'))
    expect(await client.put('/connectors/a/stop')).toMatchObject(
      error(500, expect.stringMatching(/^IO Error trying to forward REST request: /)),
    )
  })
})
