import { once } from 'node:events'
import { connect } from 'node:net'

import { afterEach, describe, expect, it } from 'vitest'

import { parseRestUsers } from '../../../src/config/worker/rest/rest-users.ts'
import { tokenHash } from '../../../src/foundation/network/token-hash.ts'
import type { FollowedRecord, TopicInfo } from '../../../src/herder/entities/topic-info.ts'
import { UserLogins } from '../../../src/rest/access/user-logins.ts'
import type { RestServer } from '../../../src/rest/rest-server.ts'
import type { TopicReads } from '../../../src/rest/route.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { startedRest } from '../../support/rest/started-rest.ts'
import { untilPasses } from '../../support/until.ts'
import { EventStream } from '../../support/worker/event-stream.ts'

const token = (user: string): string => `token-of-the-user-${user}`.padEnd(40, '-')
const bearer = (user: string): Record<string, string> => ({ authorization: `Bearer ${token(user)}` })
const users = {
  admin: { role: 'admin' },
  reader: { role: 'read' },
  analyst: { role: 'read', topics: 'shop.*, logs' },
  team: { role: 'admin', connectors: 'shop-*' },
  support: { role: 'operate', connectors: 'other', topics: 'shop.orders' },
}
const file = Object.entries(users).flatMap(([name, lines]) =>
  Object.entries({ token: tokenHash(token(name)), ...lines }).map(([key, value]) => `${name}.${key}=${value}`),
)

const usedBy: Readonly<Record<string, readonly string[]>> = { 'shop.orders': ['shop-in', 'archive'], logs: ['archive'] }

/** Two topics. Their records are those that the test gives. */
class ScriptedTopics implements TopicReads {
  readonly ended: AbortSignal[] = []
  batches: (signal: AbortSignal) => AsyncIterable<readonly FollowedRecord[]> = async function* nothing() {
    // Nothing comes.
  }

  async users() {
    return (topic: string) => usedBy[topic] ?? []
  }

  async list() {
    return Object.entries(usedBy).map(([name, connectors]) => {
      return { name, connectors, partitions: 1, internal: false, records: 0 }
    })
  }

  async describe(name: string): Promise<TopicInfo> {
    return { name, connectors: usedBy[name] ?? [], internal: false, records: 0, partitions: [], configs: [] }
  }

  async records() {
    return { records: [], connector: null, next: '0:0', read: 0, note: null }
  }

  async journey() {
    return { record: null, commit: null, sinks: [], note: null }
  }

  async follow(...[, , , ended]: Parameters<TopicReads['follow']>) {
    this.ended.push(ended)
    return { connector: null, batches: this.batches(ended) }
  }
}

let server: RestServer | null = null
const topics = new ScriptedTopics()
const clock = new ManualClock()

async function start(text: string | null = null): Promise<RestServer> {
  const logins = text === null ? {} : { users: new UserLogins(parseRestUsers(text), clock) }
  server = await startedRest({ topics, clock, ...logins })
  return server
}

afterEach(async () => {
  await server?.close(0)
  topics.ended.length = 0
})

describe('records of topics', () => {
  it.each([
    ['admin', { 'shop.orders': 200, logs: 200 }],
    ['reader', { 'shop.orders': 403, logs: 403 }],
    ['analyst', { 'shop.orders': 200, logs: 200, shop: 403 }],
    ['team', { 'shop.orders': 403 }],
    ['support', { 'shop.orders': 200, 'shop.orders2': 403, logs: 403 }],
  ])('are for %s as the users file says: %o', async (user, expected) => {
    const client = new RestClient((await start(file.join('\n'))).url)
    for (const [topic, status] of Object.entries(expected)) {
      const response = await client.get(`/topics/${topic}/records`, bearer(user))
      expect(response.status).toBe(status)
      if (status === 403) expect(response.body).toContain(`may not read the records of topic \\"${topic}\\"`)
    }
  })

  it('need the permission for the journey of one, too', async () => {
    const client = new RestClient((await start(file.join('\n'))).url)
    const path = '/topics/shop.orders/journey'
    expect(await client.get(`${path}?key=1`, bearer('analyst'))).toMatchObject({ status: 200, json: { log: null } })
    expect(await client.get(`${path}?key=1`, bearer('reader'))).toMatchObject({ status: 403 })
    expect(await client.get(path, bearer('admin'))).toMatchObject({ status: 400 })
  })

  it('need the reach of the connector whose converters read them', async () => {
    const client = new RestClient((await start(file.join('\n'))).url)
    const path = '/topics/shop.orders/records?connector='
    expect(await client.get(`${path}other`, bearer('support'))).toMatchObject({ status: 200 })
    expect(await client.get(`${path}shop-in`, bearer('support'))).toMatchObject({ status: 403 })
  })
})

describe('topics', () => {
  it('are shown to a user with patterns if its connectors use them, or it reads their records', async () => {
    const client = new RestClient((await start(file.join('\n'))).url)
    const shown = async (user: string): Promise<unknown> => {
      const { json } = await client.get('/topics', bearer(user))
      return (json as readonly TopicInfo[]).map(({ name, connectors }) => [name, ...connectors].join())
    }
    expect(await shown('reader')).toEqual(['shop.orders,shop-in,archive', 'logs,archive'])
    expect(await shown('team')).toEqual(['shop.orders,shop-in'])
    expect(await shown('support')).toEqual(['shop.orders'])
    expect(await client.get('/topics/logs', bearer('team'))).toMatchObject({ status: 403 })
    expect(await client.get('/topics/shop.orders', bearer('team'))).toMatchObject({ json: { connectors: ['shop-in'] } })
  })
})

describe('a stream of records', () => {
  /** A batch that fills the buffers of a connection after a few dozen times. */
  const large: readonly FollowedRecord[] = [
    {
      next: '0:1',
      record: {
        partition: 0,
        offset: 0,
        timestamp: 0,
        key: 'null',
        value: JSON.stringify('x'.repeat(1_000_000)),
        headers: [],
        keySchema: null,
        valueSchema: null,
        error: null,
        raw: null,
      },
    },
  ]
  const until = async (signal: AbortSignal): Promise<void> => {
    if (!signal.aborted) await once(signal, 'abort')
  }

  it('ends when its client goes, and makes room for another one', async () => {
    topics.batches = async function* waiting(signal) {
      await until(signal)
      yield []
    }
    const { url } = await start()
    const open = await Promise.all(Array.from({ length: 16 }, () => EventStream.open(`${url}/topics/logs/records`)))
    const client = new RestClient(url)
    const refused = await client.get('/topics/logs/records', { accept: 'text/event-stream' })
    expect(refused).toMatchObject({ status: 503, json: { message: expect.stringContaining('16 clients follow') } })
    expect(await client.get('/topics/logs/records')).toMatchObject({ status: 200 })
    open[3]?.close()
    await untilPasses(() => expect(topics.ended.filter(({ aborted }) => aborted)).toHaveLength(1))
    const next = await EventStream.open(`${url}/topics/logs/records`)
    expect(next.status).toBe(200)
    for (const stream of [...open, next]) stream.close()
  })

  it('ends when the server stops, which does not wait for it, and after a while', async () => {
    topics.batches = async function* waiting(signal) {
      await until(signal)
      yield []
    }
    const { url } = await start()
    const first = await EventStream.open(`${url}/topics/logs/records`)
    clock.advance(15 * 60_000)
    await untilPasses(() => expect(first.isOver).toBe(true))
    const second = await EventStream.open(`${url}/topics/logs/records`)
    // The clock stands still: what waits for the end of the grace period waits indefinitely.
    await server?.close()
    await untilPasses(() => expect(second.isOver).toBe(true))
  })

  it('reads no more than its client has room for', async () => {
    let taken = 0
    topics.batches = async function* endless(signal) {
      for (; !signal.aborted; taken += 1) yield large
    }
    const { url } = await start()
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port) })
    socket.pause()
    socket.write(`GET /topics/logs/records HTTP/1.1\r\nhost: ${hostname}:${port}\r\naccept: text/event-stream\r\n\r\n`)
    await untilPasses(() => expect(taken).toBeGreaterThan(0))
    let before = -1
    await untilPasses(() => {
      const isStanding = taken === before
      before = taken
      expect(isStanding).toBe(true)
    })
    expect(taken).toBeLessThan(100)
    socket.resume()
    await untilPasses(() => expect(taken).toBeGreaterThan(before + 5))
    socket.destroy()
  })

  it('says why a topic cannot be read any more', async () => {
    topics.batches = async function* failing() {
      yield [{ ...large[0], record: { ...large[0]?.record, value: '7' } } as FollowedRecord]
      throw new RangeError('topic logs was created again')
    }
    const stream = await EventStream.open(`${(await start()).url}/topics/logs/records`)
    await untilPasses(() => expect(stream.isOver).toBe(true))
    expect(stream.events).toMatchObject([
      { event: 'message', id: '0:1', data: expect.stringContaining('"value":7') },
      { event: 'failure', data: '{"message":"topic logs was created again"}' },
    ])
  })
})
