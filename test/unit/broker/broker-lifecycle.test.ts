import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Broker } from '../../../src/broker/broker.ts'
import { BrokerHost, BrokerStartError } from '../../../src/broker/broker-host.ts'
import { systemClock, type Clock } from '../../../src/foundation/clock.ts'
import { apis } from '../../support/protocol/apis.ts'
import { BrokerHarness, fetchValue, produceOne, textBatch } from '../../support/broker/broker-harness.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { MemoryFileSystem } from '../../support/log/memory-file-system.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { RawKafkaClient } from '../../support/broker/raw-kafka-client.ts'
import { verifiedBatch } from '../../../src/log/batch-check.ts'

const cleanups: (() => Promise<unknown> | void)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

async function harness(...args: Parameters<typeof BrokerHarness.start>): Promise<BrokerHarness> {
  const started = await BrokerHarness.start(...args)
  cleanups.push(() => started.close())
  return started
}

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'penstock-broker-'))
  cleanups.push(() => rmSync(path, { recursive: true, force: true }))
  return path
}

describe('a broker that was frozen', () => {
  it('writes nothing more once another broker has taken its directory over', async () => {
    let frozenForMs = 0
    // Requests come before timers when a process continues: here no timer ever comes.
    const clock = { ...systemClock, now: () => systemClock.now() + frozenForMs, every: () => () => undefined }
    const broker = await harness({ clock })
    await broker.broker.topics.create('orders', 1, {})
    const client = await broker.connect()
    await produceOne(client, 'orders', textBatch(['kept']))
    const files = (): [string, number][] =>
      readdirSync(join(broker.dataDir, 'orders-0')).map((name) => [
        name,
        statSync(join(broker.dataDir, 'orders-0', name)).size,
      ])
    const before = files()
    const lock = join(broker.dataDir, '.lock')
    const own = readFileSync(lock)
    writeFileSync(lock, JSON.stringify({ pid: 7, hostname: 'another-container', processStart: '1' }))
    frozenForMs = 40_000
    await expect(produceOne(client, 'orders', textBatch(['refused']))).rejects.toThrow()
    await expect(broker.broker.close()).rejects.toThrow(/taken over by process 7 on another-container/)
    expect(files()).toEqual(before)
    writeFileSync(lock, own)
    const again = await broker.connect()
    expect(await produceOne(again, 'orders', textBatch(['next']))).toMatchObject({ errorCode: 0, baseOffset: 1 })
  })
})

describe('the shutdown of a broker', () => {
  /** A clock whose timer of this period cannot be stopped. */
  function clockFailingAt(periodMs: number): Clock {
    return {
      ...systemClock,
      every(ms, action) {
        const stop = systemClock.every(ms, action)
        return () => {
          stop()
          if (ms === periodMs) throw new RangeError(`the timer of ${ms} ms does not stop`)
        }
      },
    }
  }

  it('runs every step although one throws, and throws its error (I9)', async () => {
    const offsetsRetentionCheckMs = 7_654_321
    const clock = clockFailingAt(offsetsRetentionCheckMs)
    const dataDir = directory()
    const options = { dataDir, listen: { host: '127.0.0.1', port: 0 }, logger: quietLogger('broker') }
    const failing = await Broker.start({ ...options, clock, coordinators: { offsetsRetentionCheckMs } })
    const topic = await failing.topics.create('orders', 1, {})
    await topic.partitions[0]?.append(verifiedBatch(textBatch(['kept'])))
    await expect(failing.close()).rejects.toThrow('the timer of 7654321 ms does not stop')
    // The steps behind the one that threw: the partition log wrote its checkpoint, and the directory lock is released.
    expect(readdirSync(join(dataDir, 'orders-0'))).toContain('partition-checkpoint')
    expect(existsSync(join(dataDir, '.lock'))).toBe(false)
    const next = await Broker.start({ ...options, clock: systemClock })
    expect(next.topics.partition('orders', 0)?.highWatermark).toBe(1)
    await next.close()
  })
})

describe('the broker on a failing disk', () => {
  async function onMemory() {
    const fs = new MemoryFileSystem()
    const dataDir = directory()
    fs.makeDirectory(dataDir)
    const broker = await harness({ fs, dataDir })
    const client = await broker.connect()
    await broker.broker.topics.create('orders', 1, {})
    await produceOne(client, 'orders', textBatch(['kept']))
    return { fs, client, broker }
  }

  it('responds with KAFKA_STORAGE_ERROR when the disk is full, reads on, and writes again when there is room', async () => {
    const { fs, client } = await onMemory()
    fs.capacity = fs.usedBytes
    expect(await produceOne(client, 'orders', textBatch(['x'.repeat(1000)]))).toMatchObject({ errorCode: 56 })
    const fetched = await client.call(apis.fetch, 11, fetchValue('orders', 0))
    expect(fetched.responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 1 })
    const metadata = await client.call(apis.metadata, 9, { topics: [{ name: 'another' }] })
    expect(metadata.topics[0]?.errorCode).toBe(56)
    fs.capacity = Number.POSITIVE_INFINITY
    expect(await produceOne(client, 'orders', textBatch(['y']))).toMatchObject({ errorCode: 0, baseOffset: 1 })
  })

  it('acknowledges nothing that a failed sync may have lost (I1)', async () => {
    const { fs, client } = await onMemory()
    fs.failSyncs = ['EIO']
    expect(await produceOne(client, 'orders', textBatch(['lost']))).toMatchObject({ errorCode: 56 })
    const fetched = await client.call(apis.fetch, 11, fetchValue('orders', 0))
    expect(fetched.responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 1 })
  })
})

describe('the upkeep of logs', () => {
  it('applies retention and compaction as time passes', async () => {
    const clock = new ManualClock(Date.now())
    const { broker, connect } = await harness({ clock }).then((started) => ({
      broker: started.broker,
      connect: () => started.connect(),
    }))
    const client = await connect()
    await broker.topics.create('short-lived', 1, { 'retention.ms': '1000', 'segment.bytes': '300' })
    await broker.topics.create('compacted', 1, { 'cleanup.policy': 'compact', 'segment.bytes': '300' })
    for (let i = 0; i < 20; i += 1) {
      await produceOne(client, 'short-lived', textBatch([`value ${i} `.repeat(10)], { timestampMs: clock.now() }))
      await produceOne(
        client,
        'compacted',
        textBatch([['key', `value ${i} `.repeat(10)]], { timestampMs: clock.now() }),
      )
    }
    const before = broker.topics.partition('compacted', 0)?.sizeInBytes ?? 0
    clock.advance(600_000)
    await expect.poll(() => broker.topics.partition('short-lived', 0)?.logStartOffset).toBe(20)
    await expect.poll(() => broker.topics.partition('compacted', 0)?.sizeInBytes).toBeLessThan(before / 3)
    expect(broker.topics.partition('compacted', 0)?.highWatermark).toBe(20)
  })
})

describe('the broker in its thread', () => {
  it('serves, stops gracefully and keeps everything', async () => {
    const dataDir = directory()
    const logger = quietLogger('log')
    const options = { dataDir, listen: { host: '127.0.0.1', port: 0 }, clock: systemClock, logger }
    const host = await BrokerHost.start(options)
    const client = await RawKafkaClient.connect(host.address)
    await client.call(apis.metadata, 9, { topics: [{ name: 'orders' }] })
    expect(await produceOne(client, 'orders', textBatch(['x']))).toMatchObject({ errorCode: 0 })
    await host.close()
    expect(await host.ended).toBeNull()
    await client.closed

    const again = await BrokerHost.start(options)
    cleanups.push(() => again.close())
    const other = await RawKafkaClient.connect(again.address)
    cleanups.push(() => other.close())
    const fetched = await other.call(apis.fetch, 11, fetchValue('orders', 0))
    expect(fetched.responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 1 })
  })

  it('refuses a directory that another broker holds, by the name of the error, and leaves the first one alone', async () => {
    const first = await harness()
    const second = BrokerHost.start({
      dataDir: first.dataDir,
      listen: { host: '127.0.0.1', port: 0 },
      clock: systemClock,
      logger: quietLogger(),
    })
    const error = await second.catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(BrokerStartError)
    expect(error).toMatchObject({ reason: 'DataDirectoryLockedError' })
    expect(String(error)).toMatch(new RegExp(`process ${process.pid}`))
    await first.connect()
  })

  it('gives up the directory when its port is taken', async () => {
    const first = await harness()
    const dataDir = directory()
    const options = { dataDir, clock: systemClock, logger: quietLogger() }
    await expect(BrokerHost.start({ ...options, listen: first.broker.address })).rejects.toMatchObject({
      reason: 'ListenError',
    })
    const host = await BrokerHost.start({ ...options, listen: { host: '127.0.0.1', port: 0 } })
    await host.close()
  })

  it('hands its log lines over under their names', async () => {
    const logger = quietLogger('log')
    const host = await BrokerHost.start({
      dataDir: directory(),
      listen: { host: '127.0.0.1', port: 0 },
      clock: systemClock,
      logger,
    })
    cleanups.push(() => host.close())
    const client = await RawKafkaClient.connect(host.address)
    client.sendBytes(Buffer.from('ffffffff', 'hex'))
    await client.closed
    await expect
      .poll(() => logger.lines.map((line) => line.message))
      .toContainEqual(expect.stringMatching(/closing a connection/))
  })
})

describe('clients and the address', () => {
  it('are told the advertised host', async () => {
    const started = await harness({ advertisedHost: 'log.example' })
    const client = await started.connect()
    const answer = await client.call(apis.metadata, 9, { topics: [] })
    expect(answer.brokers[0]).toMatchObject({ host: 'log.example', port: started.broker.address.port })
  })

  it("are told this machine's name when it listens everywhere", async () => {
    const started = await harness({ listen: { host: '0.0.0.0', port: 0 } })
    const client = await RawKafkaClient.connect({ host: '127.0.0.1', port: started.broker.address.port })
    cleanups.push(() => client.close())
    const answer = await client.call(apis.metadata, 9, { topics: [] })
    expect(answer.brokers[0]?.host).not.toMatch(/0\.0\.0\.0/)
  })
})
