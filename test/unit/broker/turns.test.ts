import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { defaultBrokerConfig } from '../../../src/broker/settings/broker-config.ts'
import { defaultConnectionLimits } from '../../../src/broker/server/connection-limits.ts'
import { defineHandler } from '../../../src/broker/requests/handler.ts'
import { Router } from '../../../src/broker/requests/router.ts'
import { Server } from '../../../src/broker/server/server.ts'
import { KafkaClient } from '../../../src/client/kafka-client.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { apis } from '../../support/protocol/apis.ts'
import { encodeRequestFrame } from '../../../src/protocol/frame.ts'
import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { RawKafkaClient } from '../../support/broker/raw-kafka-client.ts'
import { patienceMs, until } from '../../support/until.ts'

const cleanups: (() => unknown)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

const beat = (groupId: string) => ({ groupId, generationId: 1, memberId: '' })
/** `count` requests in one write. */
const many = (groupId: string, count: number): Buffer =>
  Buffer.concat(
    Array.from({ length: count }, (_, correlationId) =>
      encodeRequestFrame(apis.heartbeat, { apiVersion: 0, correlationId, clientId: 'raw' }, beat(groupId)),
    ).flat(),
  )

/** A server whose heartbeats take 6 ms of its thread, those of group `own` none. It tells in which order they were served. */
async function busyServer() {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-turns-'))
  cleanups.push(() => rmSync(directory, { recursive: true }))
  const served: string[] = []
  const perRound = new Map<number, number>()
  let round = 0
  let isOver = false
  const next = (): void => {
    round += 1
    if (!isOver) setImmediate(next)
  }
  next()
  cleanups.push(() => {
    isOver = true
  })
  const heartbeats = defineHandler(apis.heartbeat, ({ groupId }) => {
    const end = performance.now() + (groupId === 'own' ? 0 : 6)
    while (performance.now() < end);
    served.push(groupId)
    perRound.set(round, (perRound.get(round) ?? 0) + 1)
    return { errorCode: 0 }
  })
  const server = await Server.listen({
    listen: { host: '127.0.0.1', port: 0 },
    router: new Router([heartbeats]),
    clock: systemClock,
    logger: quietLogger(),
    limits: defaultConnectionLimits,
    ownPath: join(directory, 'worker.sock'),
  })
  cleanups.push(() => server.close(0))
  const connect = async (address: Parameters<typeof RawKafkaClient.connect>[0] = server.address) => {
    const client = await RawKafkaClient.connect(address)
    cleanups.push(() => client.close())
    return client
  }
  return { server, served, perRound, connect }
}

describe('requests that take long', () => {
  it('let the event loop come round between them, and are served by turns of the connections', async () => {
    const { served, perRound, connect } = await busyServer()
    const [a, b] = [await connect(), await connect()]
    a.sendBytes(many('a', 40))
    b.sendBytes(many('b', 40))
    await until('all are served', () => served.length === 80)
    // What is left of one slice, and the next.
    expect(Math.max(...perRound.values())).toBeLessThanOrEqual(4)
    const behindB = served.slice(served.indexOf('b'), served.lastIndexOf('b') + 1)
    const aheadOfA = behindB.slice(0, behindB.lastIndexOf('a') + 1)
    expect(aheadOfA.length).toBeGreaterThan(20)
    expect(aheadOfA.join('')).not.toMatch(/aaaa|bbbb/)
  })

  it("do not hold up the worker's own", async () => {
    const { server, served, connect } = await busyServer()
    const strangers = await Promise.all(Array.from({ length: 40 }, () => connect()))
    const own = await connect({ path: server.ownPath ?? '' })
    await until('all are taken', () => server.connectionCount === strangers.length)
    for (const stranger of strangers) stranger.sendBytes(many('stranger', 5))
    await until('some are served', () => served.length > 0)
    for (let sent = 0; sent < 5; sent += 1) await own.call(apis.heartbeat, 0, beat('own'))
    expect(served.filter((group) => group === 'stranger').length).toBeLessThan(100)
    await until('all are served', () => served.length === 205)
  })
})

describe("the worker's own socket", () => {
  const connections = { ...defaultConnectionLimits, maxConnections: 1 }
  const start = async (): Promise<BrokerHarness> => {
    const harness = await BrokerHarness.start({ ownSocket: true, config: { ...defaultBrokerConfig, connections } })
    cleanups.push(() => harness.close())
    return harness
  }
  const clientAt = async (bootstrapServers: string): Promise<KafkaClient> => {
    const logger = quietLogger()
    const client = await KafkaClient.connect({ bootstrapServers, clientId: 'own', clock: systemClock, logger })
    cleanups.push(() => client.close())
    return client
  }

  it('takes connections that are not counted, and its client stays on it', async () => {
    const harness = await start()
    const stranger = await harness.connect()
    await stranger.call(apis.metadata, 1, { topics: null })
    const client = await clientAt(harness.broker.ownPath ?? '')
    await client.admin.createTopic({ name: 't', partitions: 1, replicationFactor: 1 })
    // This one asks the partition's leader, which tells the address of the others.
    const ranges = await client.partitionRanges(['t'], AbortSignal.timeout(patienceMs))
    expect(ranges.length).toBe(1)
    await stranger.call(apis.metadata, 1, { topics: null })
    expect(stranger.socket.destroyed).toBe(false)
  })

  it('goes with the broker, and replaces what a killed one left', async () => {
    const harness = await start()
    const path = harness.broker.ownPath ?? ''
    expect(existsSync(path)).toBe(true)
    await harness.stop()
    expect(existsSync(path)).toBe(false)
    writeFileSync(path, '')
    await harness.restart()
    expect(harness.broker.ownPath).toBe(path)
    await clientAt(path)
  })

  it('is left out by name where its path is too long for the system', async () => {
    const directory = mkdtempSync(join(tmpdir(), `penstock-${'l'.repeat(100)}-`))
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
    const harness = await BrokerHarness.start({ dataDir: directory, ownSocket: true })
    cleanups.push(() => harness.close())
    expect(harness.broker.ownPath).toBeNull()
    expect(harness.logger.lines.map(({ message }) => message)).toContain(
      'the worker connects to its log as other clients do: no socket of its own could be opened',
    )
  })
})
