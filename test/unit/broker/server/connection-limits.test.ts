import { afterEach, describe, expect, it } from 'vitest'
import { ConnectionAdmission } from '../../../../src/broker/server/connection-admission.ts'
import { defaultConnectionLimits, type ConnectionLimits } from '../../../../src/broker/server/connection-limits.ts'
import { defineHandler, type Handler } from '../../../../src/broker/requests/handler.ts'
import { Router } from '../../../../src/broker/requests/router.ts'
import { Server } from '../../../../src/broker/server/server.ts'
import { apis } from '../../../support/protocol/apis.ts'
import { encodeRequestFrame } from '../../../../src/protocol/frame.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'
import { withApiVersions } from '../../../support/broker/broker-harness.ts'
import { RawKafkaClient } from '../../../support/broker/raw-kafka-client.ts'
import { until } from '../../../support/until.ts'

const mebibyte = 1024 * 1024
const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

const beat = (groupId: string) => ({ groupId, generationId: 1, memberId: '' })
/** Answers unless the group is called `never`. */
const heartbeats = defineHandler(apis.heartbeat, ({ groupId }, { signal }) =>
  groupId === 'never'
    ? new Promise((resolve) => signal.addEventListener('abort', () => resolve({ errorCode: 1 })))
    : { errorCode: 0 },
)

async function serve(limits: Partial<ConnectionLimits>, handlers: readonly Handler[] = [heartbeats]) {
  const logger = quietLogger()
  const clock = new ManualClock()
  const server = await Server.listen({
    listen: { host: '127.0.0.1', port: 0 },
    router: new Router(withApiVersions(handlers)),
    clock,
    logger,
    limits: { ...defaultConnectionLimits, ...limits },
  })
  cleanups.push(() => server.close(0))
  const connect = async (): Promise<RawKafkaClient> => {
    const client = await RawKafkaClient.connect(server.address)
    cleanups.push(() => client.close())
    return client
  }
  const warnings = (): string[] => logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
  return { server, clock, connect, warnings }
}

describe('a connection', () => {
  it('is closed when nothing happens on it for connections.max.idle.ms, and not while it waits for an answer', async () => {
    const { clock, connect } = await serve({ maxIdleMs: 60_000 })
    const [idle, parked] = [await connect(), await connect()]
    await idle.call(apis.heartbeat, 0, beat('g'))
    parked.send(apis.heartbeat, 0, beat('never'))
    clock.advance(55_000)
    await idle.call(apis.heartbeat, 0, beat('g'))
    clock.advance(55_000)
    await idle.call(apis.heartbeat, 0, beat('g'))
    clock.advance(65_000)
    await idle.closed
    expect(parked.socket.destroyed).toBe(false)
  })

  it('is closed when a request was begun and nothing more of it comes', async () => {
    const { server, clock, connect, warnings } = await serve({ requestStallMs: 20_000 })
    const [whole, half, lengthOnly] = [await connect(), await connect(), await connect()]
    const frame = Buffer.alloc(200_000)
    frame.writeInt32BE(frame.length - 4, 0)
    half.sendBytes(frame.subarray(0, 100_000))
    lengthOnly.sendBytes(frame.subarray(0, 2))
    await until('the half to be there', () => server.memory.requests.used >= 200_000 - 4)
    await whole.call(apis.heartbeat, 0, beat('g'))
    clock.advance(25_000)
    await Promise.all([half.closed, lengthOnly.closed])
    expect(warnings()).toEqual(Array(2).fill(expect.stringMatching(/a request was begun, and nothing more of it came/)))
    expect(await whole.call(apis.heartbeat, 0, beat('g'))).toMatchObject({ errorCode: 0 })
    expect(server.memory.requests.used).toBe(0)
  })

  it('is closed when thousands of requests wait on it', async () => {
    const { server, connect, warnings } = await serve({})
    const client = await connect()
    client.send(apis.heartbeat, 0, beat('never'))
    const header = { apiVersion: 0, correlationId: 1, clientId: null }
    const tiny = Buffer.concat(encodeRequestFrame(apis.apiVersions, header, {}))
    client.sendBytes(Buffer.concat(Array.from({ length: 20_000 }, () => tiny)))
    await client.closed
    expect(warnings()).toEqual([expect.stringMatching(/more than 1000 requests wait on one connection/)])
    await until(
      'its memory to be given back',
      () => server.memory.requests.used === 0 && server.memory.responses.used === 0,
    )
  })

  it('gives way to a new one of this machine when it is idle for longest, and else the new one is refused', async () => {
    const { connect, clock, warnings } = await serve({ maxConnections: 3 })
    const clients = []
    for (let i = 0; i < 3; i += 1) {
      const client = await connect()
      await client.call(apis.heartbeat, 0, beat('g'))
      clients.push(client)
      clock.advance(1)
    }
    const [first, second, third] = clients as [RawKafkaClient, RawKafkaClient, RawKafkaClient]
    first.send(apis.heartbeat, 0, beat('never'))
    third.send(apis.heartbeat, 0, beat('never'))
    const fourth = await connect()
    expect(await fourth.call(apis.heartbeat, 0, beat('g'))).toMatchObject({ errorCode: 0 })
    await second.closed
    fourth.send(apis.heartbeat, 0, beat('never'))
    await until('a client to be refused', async () => {
      const fifth = await connect()
      await Promise.race([fifth.closed, fifth.call(apis.heartbeat, 0, beat('g')).catch(() => null)])
      return warnings().some((warning) => warning.includes('(max.connections)'))
    })
  })
})

describe('admission', () => {
  const connectionOf = (address: string, idleSinceMs: number | null = null, isAuthenticated = true) => {
    const connection = {
      address,
      idleSinceMs,
      isAuthenticated,
      destroyed: 0,
      destroy: () => void (connection.destroyed += 1),
    }
    return connection
  }

  it('closes one that has not authenticated before one that is idle', () => {
    const admission = new ConnectionAdmission({ ...defaultConnectionLimits, maxConnections: 3 })
    const idle = connectionOf('127.0.0.1', 1)
    const [stranger, later] = [connectionOf('127.0.0.1', null, false), connectionOf('127.0.0.1', 5, false)]
    for (const connection of [idle, stranger, later]) admission.add(connection)
    expect(admission.refusalOf('127.0.0.1')).toBeNull()
    expect([idle, stranger, later].map(({ destroyed }) => destroyed)).toEqual([0, 1, 0])
  })

  it('limits the connections of an address', () => {
    const admission = new ConnectionAdmission({ ...defaultConnectionLimits, maxConnectionsPerIp: 2 })
    const first = connectionOf('10.0.0.1')
    admission.add(first)
    admission.add(connectionOf('10.0.0.1'))
    expect(admission.refusalOf('10.0.0.1')).toBe('its address has 2 connections (max.connections.per.ip)')
    expect(admission.refusalOf('10.0.0.2')).toBeNull()
    admission.remove(first)
    expect(admission.refusalOf('10.0.0.1')).toBeNull()
  })

  it('keeps some connections for this machine, and closes none that are idle for others', () => {
    const admission = new ConnectionAdmission({ ...defaultConnectionLimits, maxConnections: 16 })
    const remote = Array.from({ length: 14 }, (_, i) => connectionOf(`10.0.0.${i}`, i === 3 ? 5 : 7))
    for (const connection of remote) admission.add(connection)
    expect(admission.refusalOf('10.0.1.1')).toMatch(/14 connections are open \(max.connections\), 2 are kept/)
    for (const address of ['127.0.0.1', '::1']) {
      expect(admission.refusalOf(address)).toBeNull()
      admission.add(connectionOf(address))
    }
    expect(admission.refusalOf('::ffff:127.0.0.1')).toBeNull()
    expect(remote.map(({ destroyed }) => destroyed).indexOf(1)).toBe(3)
    expect(remote.reduce((sum, { destroyed }) => sum + destroyed, 0)).toBe(1)
  })
})

describe('the memory of all connections (I10)', () => {
  /** Answers with as much as there is room for, 8 MiB at least: a batch comes whole. */
  const records = (answered: number[]): Handler =>
    defineHandler(
      apis.saslAuthenticate,
      (_request, { memory }) => {
        const bytes = Math.max(Math.min(memory.room, 50 * mebibyte), 8 * mebibyte)
        memory.hold(bytes)
        answered.push(bytes)
        return { errorCode: 0, errorMessage: null, authBytes: Buffer.alloc(bytes) }
      },
      { respondsWithRecords: true },
    )

  it('bounds the responses that slow clients do not read; all others get theirs, and the slow ones wait', async () => {
    const answered: number[] = []
    const limit = 64 * mebibyte
    const { server, clock, connect, warnings } = await serve({ queuedResponseBytes: limit }, [
      heartbeats,
      records(answered),
    ])
    const slow = await Promise.all(Array.from({ length: 16 }, connect))
    const answers = slow.map((client) => {
      client.socket.pause()
      const all = [1, 2, 3].map(() => client.call(apis.saslAuthenticate, 0, { authBytes: Buffer.alloc(10) }))
      return Promise.allSettled(all)
    })
    await until('memory to be waited for', () => server.memory.responses.isContended)
    expect(server.memory.responses.used).toBeLessThanOrEqual(limit)
    expect(await (await connect()).call(apis.heartbeat, 0, beat('g'))).toMatchObject({ errorCode: 0 })
    for (const client of slow.slice(3)) client.socket.resume()
    await Promise.all(answers.slice(3))
    expect(server.memory.responses.used).toBeLessThanOrEqual(limit)
    expect(Math.max(...answered)).toBeLessThanOrEqual(limit / 4)
    slow[0]?.socket.resume()
    await answers[0]
    for (const client of slow.slice(1, 3)) client.socket.destroy()
    await Promise.all(answers)
    await until('the memory to be given back', () => server.memory.responses.used === 0)
    clock.advance(5000)
    expect(warnings()).toEqual([])
  })

  it('is taken from clients that read nothing of their responses while others wait for it', async () => {
    const { server, clock, connect, warnings } = await serve({ queuedResponseBytes: 64 * mebibyte }, [
      heartbeats,
      records([]),
    ])
    const slow = await Promise.all(Array.from({ length: 16 }, connect))
    for (const client of slow) {
      client.socket.pause()
      client.sendBytes(
        Buffer.concat(
          [1, 2, 3, 4].flatMap(() =>
            encodeRequestFrame(
              apis.saslAuthenticate,
              { apiVersion: 0, correlationId: 1, clientId: null },
              { authBytes: Buffer.alloc(1) },
            ),
          ),
        ),
      )
    }
    await until('memory to be waited for', () => server.memory.responses.isContended)
    const honest = await connect()
    let isAnswered = false
    const answer = honest.call(apis.saslAuthenticate, 0, { authBytes: Buffer.alloc(10) }).then(() => {
      isAnswered = true
    })
    await until('the honest client to get its response', () => {
      clock.advance(5000)
      return isAnswered
    })
    await answer
    expect(warnings()).toContainEqual(
      expect.stringMatching(/its client read nothing of a response for 10000 ms, while others wait/),
    )
  })

  /** Clients that begin a request of 900 kB and send 40 kB of it, until nothing is left. */
  async function exhaust({ server, connect }: Awaited<ReturnType<typeof serve>>): Promise<RawKafkaClient[]> {
    const beginning = Buffer.alloc(40_000)
    beginning.writeInt32BE(900_000, 0)
    const clients: RawKafkaClient[] = []
    while (!server.memory.requests.isExhausted) {
      const client = await connect()
      const { used } = server.memory.requests
      client.sendBytes(beginning)
      clients.push(client)
      await until('the beginning to be there', () => server.memory.requests.used > used)
    }
    return clients
  }

  it('lets a small request through when others hold all of it with requests that never end', async () => {
    const world = await serve({ queuedRequestBytes: mebibyte })
    await exhaust(world)
    const known = await world.connect()
    for (let asked = 0; asked < 3; asked += 1)
      expect(await known.call(apis.heartbeat, 0, beat('g'))).toMatchObject({ errorCode: 0 })
  })

  it('is taken from requests that come a byte at a time while others wait for it, not from those that have begun', async () => {
    const world = await serve({ queuedRequestBytes: mebibyte })
    const { clock, connect, warnings } = world
    const late = [await connect(), await connect()]
    for (const client of late) await client.call(apis.heartbeat, 0, beat('g'))
    const dripping = await exhaust(world)
    clock.advance(9_000)
    const beginning = Buffer.alloc(40_000)
    beginning.writeInt32BE(900_000, 0)
    for (const client of late) client.sendBytes(beginning)
    await until('memory to be waited for', () => world.server.memory.requests.isContended)
    for (const client of dripping) client.sendBytes(Buffer.from('x'))
    clock.advance(2_000)
    await Promise.all(dripping.map(({ closed }) => closed))
    expect(late.map(({ socket }) => socket.destroyed)).toEqual([false, false])
    expect(warnings()).toEqual(dripping.map(() => expect.stringMatching(/none was complete within 10000 ms/)))
  })

  it('lets small requests through and large ones end, one after the other, when more is sent than it holds', async () => {
    const taken: number[] = []
    const large = defineHandler(
      apis.saslAuthenticate,
      ({ authBytes }) => {
        taken.push(authBytes.length)
        return { errorCode: 0, errorMessage: null, authBytes: Buffer.alloc(0) }
      },
      { carriesRecords: true },
    )
    const { server, connect } = await serve({ queuedRequestBytes: 8 * mebibyte }, [heartbeats, large])
    const frame = Buffer.concat(
      encodeRequestFrame(
        apis.saslAuthenticate,
        { apiVersion: 0, correlationId: 1, clientId: null },
        { authBytes: Buffer.alloc(9 * mebibyte) },
      ),
    )
    const clients = await Promise.all(Array.from({ length: 6 }, connect))
    for (const client of clients) client.sendBytes(frame.subarray(0, 8 * mebibyte))
    await until('memory to be waited for', () => server.memory.requests.isContended)
    expect(server.memory.requests.used).toBeLessThan(8 * mebibyte)
    const small = await connect()
    expect(await small.call(apis.heartbeat, 0, beat('g'))).toMatchObject({ errorCode: 0 })
    const answers = clients.map((client) => client.next())
    for (const client of clients) client.sendBytes(frame.subarray(8 * mebibyte))
    await Promise.all(answers)
    expect(taken).toEqual(Array(6).fill(9 * mebibyte))
    await until('the memory to be given back', () => server.memory.requests.used === 0)
  })
})
