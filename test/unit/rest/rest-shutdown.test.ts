import { Agent, request } from 'node:http'
import { describe, expect, it } from 'vitest'

import type { RestServer } from '../../../src/rest/rest-server.ts'

import { deferred } from '../../../src/foundation/async/deferred.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { MemoryHerder } from '../../support/rest/memory-herder.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { untilPasses } from '../../support/until.ts'
import { startedRest } from '../../support/rest/started-rest.ts'

const clock = new ManualClock()

async function start(herder: MemoryHerder): Promise<RestServer> {
  return await startedRest({ herder, clock })
}

function connectionOf(url: string, agent: Agent, method: string, body: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const sent = request(`${url}/connectors/a/config`, { agent, method, headers }, (response) => {
      response.resume().on('end', () => resolve(response.headers.connection))
    })
    sent.on('error', reject).end(body)
  })
}

describe('a connection', () => {
  it('stays open for further requests, also after errors', async () => {
    const server = await start(new MemoryHerder())
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    for (const [method, body] of [
      ['PUT', '{"connector.class":"FileStreamSource","topic":"t"}'],
      ['PUT', '{'],
      ['TRACE', 'a body that the worker does not read'],
      ['PUT', '{}'],
    ] as const) {
      expect(await connectionOf(server.url, agent, method, body)).toBe('keep-alive')
    }
    agent.destroy()
    await server.close(0)
  })
})

describe('the REST API during shutdown', () => {
  it('completes requests in progress and accepts no others', async () => {
    const herder = new MemoryHerder()
    const server = await start(herder)
    const client = new RestClient(server.url)
    const [begun, finish] = [deferred<void>(), deferred<void>()]
    herder.stopConnector = async () => {
      begun.resolve()
      await finish.promise
    }
    const response = client.put('/connectors/a/stop')
    await begun.promise
    const closed = server.close()
    await expect(client.get('/')).rejects.toThrow(/ECONNREFUSED/)
    finish.resolve()
    expect(await response).toMatchObject({ status: 204, headers: { connection: 'close' } })
    await closed
  })

  it('destroys connections whose requests do not end in time', async () => {
    const herder = new MemoryHerder()
    const server = await start(herder)
    const begun = deferred<void>()
    herder.stopConnector = () => {
      begun.resolve()
      return new Promise(() => {})
    }
    const response = new RestClient(server.url).put('/connectors/a/stop')
    await begun.promise
    const waiting = clock.pending
    const closed = server.close(5000)
    await untilPasses(() => expect(clock.pending).toBe(waiting + 1))
    clock.advance(5000)
    await expect(response).rejects.toThrow(/socket hang up|ECONNRESET/)
    await closed
  })
})
