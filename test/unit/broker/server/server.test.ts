import { afterEach, describe, expect, it } from 'vitest'
import { defineHandler, type Handler } from '../../../../src/broker/requests/handler.ts'
import { Router } from '../../../../src/broker/requests/router.ts'
import { Server } from '../../../../src/broker/server/server.ts'
import { defaultConnectionLimits, type ConnectionLimits } from '../../../../src/broker/server/connection-limits.ts'
import { systemClock } from '../../../../src/foundation/clock.ts'
import { deferred, type Deferred } from '../../../../src/foundation/async/deferred.ts'
import { apis } from '../../../support/protocol/apis.ts'
import { decodeResponseFrame } from '../../../../src/protocol/frame.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'
import { withApiVersions } from '../../../support/broker/broker-harness.ts'
import { RawKafkaClient } from '../../../support/broker/raw-kafka-client.ts'

const cleanups: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function serve(handlers: readonly Handler[], limits: Partial<ConnectionLimits> = {}) {
  const logger = quietLogger()
  const server = await Server.listen({
    listen: { host: '127.0.0.1', port: 0 },
    router: new Router(withApiVersions(handlers)),
    clock: systemClock,
    logger,
    limits: { ...defaultConnectionLimits, ...limits },
  })
  cleanups.push(() => server.close(0))
  const client = await RawKafkaClient.connect(server.address)
  cleanups.push(() => client.close())
  return { server, client, logger }
}

/** Answers each Heartbeat when the test says so, with the code the test gives; groupId names the request. */
function heldHeartbeats(options: { overlaps: boolean }) {
  const seen: string[] = []
  const held = new Map<string, Deferred<number>>()
  const handler = defineHandler(
    apis.heartbeat,
    async ({ groupId }) => {
      seen.push(groupId)
      const answer = held.get(groupId)
      return { errorCode: answer === undefined ? 0 : await answer.promise }
    },
    options,
  )
  for (const name of ['a', 'b', 'c']) held.set(name, deferred<number>())
  return { seen, held, handler }
}

const beat = (groupId: string) => ({ groupId, generationId: 1, memberId: '' })

describe('the server', () => {
  it('lists what it serves, whatever version of ApiVersions it is asked in', async () => {
    const { client } = await serve([defineHandler(apis.heartbeat, () => ({ errorCode: 0 }), { advertised: [1, 3] })])
    const expected = [
      { apiKey: 12, minVersion: 1, maxVersion: 3 },
      { apiKey: 18, minVersion: 0, maxVersion: 4 },
    ]
    for (const version of [0, 1, 2, 3, 4]) {
      const answer = await client.call(apis.apiVersions, version, {
        clientSoftwareName: 'test',
        clientSoftwareVersion: '1.0',
      })
      expect(answer).toMatchObject({ errorCode: 0, apiKeys: expected })
    }
  })

  it('responds to an unknown version of ApiVersions in version 0, with the versions it knows', async () => {
    const { client } = await serve([])
    const answer = client.next()
    // Key 18, version 99, correlation id 7, client id "x", and a body no one can know.
    client.sendBytes(Buffer.from('0000000f0012006300000007000178deadbeef', 'hex'))
    const frame = await answer
    expect(decodeResponseFrame(apis.apiVersions, 0, frame)).toMatchObject({
      correlationId: 7,
      body: { errorCode: 35, apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }] },
    })
  })

  it('refuses client names that Kafka refuses', async () => {
    const { client } = await serve([])
    const answer = await client.call(apis.apiVersions, 3, { clientSoftwareName: '-bad-', clientSoftwareVersion: '1' })
    expect(answer.errorCode).toBe(42)
  })

  it('responds in the order of the requests, each after the one before it', async () => {
    const { seen, held, handler } = heldHeartbeats({ overlaps: false })
    const { client } = await serve([handler])
    const first = client.call(apis.heartbeat, 0, beat('a'))
    const second = client.call(apis.heartbeat, 0, beat('b'))
    held.get('b')?.resolve(2)
    await expect.poll(() => seen).toEqual(['a'])
    held.get('a')?.resolve(1)
    expect(await first).toMatchObject({ errorCode: 1 })
    expect(await second).toMatchObject({ errorCode: 2 })
    expect(seen).toEqual(['a', 'b'])
  })

  it('lets requests of an API that overlaps run together and still responds in order', async () => {
    const { seen, held, handler } = heldHeartbeats({ overlaps: true })
    const { client } = await serve([handler], { maxOverlapping: 2 })
    const answers = ['a', 'b', 'c'].map((name) => client.call(apis.heartbeat, 4, beat(name)))
    await expect.poll(() => seen).toEqual(['a', 'b'])
    held.get('b')?.resolve(2)
    held.get('c')?.resolve(3)
    held.get('a')?.resolve(1)
    expect((await Promise.all(answers)).map((answer) => answer.errorCode)).toEqual([1, 2, 3])
    expect(seen).toEqual(['a', 'b', 'c'])
  })

  it('sends nothing for a request without a response and continues with the next', async () => {
    const silent = defineHandler(apis.heartbeat, ({ groupId }) => (groupId === 'silent' ? null : { errorCode: 5 }))
    const { client } = await serve([silent])
    client.send(apis.heartbeat, 0, beat('silent'))
    expect(await client.call(apis.heartbeat, 0, beat('loud'))).toMatchObject({ errorCode: 5 })
  })

  it('closes the connection at an API or version it does not serve, and says so', async () => {
    const handlers = [defineHandler({ ...apis.heartbeat, versions: [0, 3] as const }, () => ({ errorCode: 0 }))]
    const sends: ((client: RawKafkaClient) => void)[] = [
      (client) => client.send(apis.leaveGroup, 0, { groupId: 'g', memberId: '' }),
      (client) => client.send(apis.heartbeat, 4, beat('g')),
    ]
    for (const send of sends) {
      const { client, logger } = await serve(handlers)
      send(client)
      await client.closed
      expect(logger.lines.filter((line) => line.level === 'warn').map((line) => line.message)).toHaveLength(1)
    }
  })

  it('closes the connection at a request that does not decode, one that is too large, and garbage', async () => {
    const handlers = [defineHandler(apis.heartbeat, () => ({ errorCode: 0 }))]
    for (const bytes of ['0000000a000c000000000001ffff', '000003e9', 'ffffffff', '000000020000']) {
      const { client, logger } = await serve(handlers, { maxRequestBytes: 1000 })
      client.sendBytes(Buffer.from(bytes, 'hex'))
      await client.closed
      expect(logger.lines.at(-1)?.message).toMatch(/closing a connection/)
    }
  })

  it('closes the connection when a handler fails, and logs why', async () => {
    const broken = defineHandler(apis.heartbeat, () => {
      throw new TypeError('boom')
    })
    const { client, logger } = await serve([broken])
    client.send(apis.heartbeat, 0, beat('g'))
    await client.closed
    expect(logger.lines.find((line) => line.level === 'error')?.fields?.['error']).toMatch(/boom/)
  })

  it('stops reading a client that does not read its responses, and continues when it does', async () => {
    let served = 0
    const large = Buffer.alloc(256 * 1024)
    const handler = defineHandler(apis.saslAuthenticate, () => {
      served += 1
      return { errorCode: 0, errorMessage: null, authBytes: large }
    })
    const { client } = await serve([handler], { maxPendingBytes: 512 * 1024 })
    client.socket.pause()
    const answers = Array.from({ length: 200 }, () =>
      client.call(apis.saslAuthenticate, 0, { authBytes: Buffer.alloc(10) }),
    )
    await expect.poll(() => served).toBeGreaterThan(0)
    expect(served).toBeLessThan(200)
    client.socket.resume()
    await Promise.all(answers)
    expect(served).toBe(200)
  })

  it('responds to parked requests when it closes, and only then ends the connection', async () => {
    let isParked = false
    const parked = defineHandler(
      apis.heartbeat,
      (_request, { signal }) =>
        new Promise((resolve) => {
          isParked = true
          signal.addEventListener('abort', () => resolve({ errorCode: 9 }))
        }),
    )
    const { server, client } = await serve([parked])
    const answer = client.call(apis.heartbeat, 0, beat('g'))
    await expect.poll(() => isParked).toBe(true)
    await server.close()
    expect(await answer).toMatchObject({ errorCode: 9 })
    await client.closed
  })

  it('does not wait longer than its grace for a handler that never responds', async () => {
    const stuck = defineHandler(apis.heartbeat, () => new Promise<never>(() => undefined))
    const { server, client } = await serve([stuck])
    client.send(apis.heartbeat, 0, beat('g'))
    await server.close(20)
    await client.closed
  })

  it('says what is wrong when the port is taken', async () => {
    const { server } = await serve([])
    await expect(
      Server.listen({ listen: server.address, router: new Router([]), clock: systemClock, logger: quietLogger() }),
    ).rejects.toThrow(/EADDRINUSE.*another process listens there/)
  })
})
