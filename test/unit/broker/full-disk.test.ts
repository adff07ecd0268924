import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import type { Broker } from '../../../src/broker/broker.ts'
import { apis } from '../../support/protocol/apis.ts'
import { BrokerHarness, fetchValue, produceOne, textBatch } from '../../support/broker/broker-harness.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { MemoryFileSystem } from '../../support/log/memory-file-system.ts'
import type { RawKafkaClient } from '../../support/broker/raw-kafka-client.ts'

const cleanups: (() => Promise<unknown> | void)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

const filler = textBatch(['x'.repeat(1000)])

interface World {
  readonly fs: MemoryFileSystem
  readonly client: RawKafkaClient
  readonly harness: BrokerHarness
  readonly dataDir: string
  readonly clock: ManualClock
  readonly conditions: ReadonlyMap<string, string>
}

/** A broker with the topics `orders` (one record) and `big` (many records) on a disk without a free byte. */
async function onFullDisk(): Promise<World> {
  const fs = new MemoryFileSystem()
  const dataDir = mkdtempSync(join(tmpdir(), 'penstock-full-'))
  cleanups.push(() => rmSync(dataDir, { recursive: true, force: true }))
  fs.makeDirectory(dataDir)
  const clock = new ManualClock(Date.now())
  const conditions = new Map<string, string>()
  const onCondition = (code: string, message: string | null): void => {
    if (message === null) conditions.delete(code)
    else conditions.set(code, message)
  }
  const harness = await BrokerHarness.start({ fs, dataDir, clock, onCondition })
  cleanups.push(async () => {
    fs.capacity = Number.POSITIVE_INFINITY
    await harness.close()
  })
  const client = await harness.connect()
  for (const name of ['orders', 'big']) await harness.broker.topics.create(name, 1, {})
  await produceOne(client, 'orders', textBatch(['kept']))
  for (let i = 0; i < 50; i += 1) await produceOne(client, 'big', Buffer.from(filler))
  fs.capacity = fs.usedBytes
  expect(await produceOne(client, 'orders', Buffer.from(filler))).toMatchObject({ errorCode: 56 })
  return { fs, client, harness, dataDir, clock, conditions }
}

async function takesWrites({ client }: World): Promise<void> {
  expect(await produceOne(client, 'orders', Buffer.from(filler))).toMatchObject({ errorCode: 0, baseOffset: 1 })
}

function hasReserve({ fs, dataDir }: World): boolean {
  const path = `${dataDir}/__cluster/reserve`
  return fs.exists(path) && fs.sizeOf(path) >= 1024 * 1024
}

async function withRoom(world: World): Promise<void> {
  world.fs.capacity += 2 * 1024 * 1024
  await world.harness.broker.topics.refillReserve()
  expect(hasReserve(world)).toBe(true)
}

describe('on a disk without a free byte', () => {
  it('DeleteTopics frees space', async () => {
    const world = await onFullDisk()
    const deletion = { topicNames: ['big'], topics: [], timeoutMs: 5000 }
    const answer = await world.client.call(apis.deleteTopics, 5, deletion)
    expect(answer.responses[0]).toMatchObject({ errorCode: 0, errorMessage: null })
    await takesWrites(world)
    await withRoom(world)
  })

  it('DeleteRecords frees space, the segment that is written included', async () => {
    const world = await onFullDisk()
    const topics = [{ name: 'big', partitions: [{ partitionIndex: 0, offset: -1 }] }]
    const answer = await world.client.call(apis.deleteRecords, 2, { topics, timeoutMs: 5000 })
    expect(answer.topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, lowWatermark: 50 })
    expect(world.harness.broker.topics.partition('big', 0)?.sizeInBytes).toBe(0)
    await takesWrites(world)
    await withRoom(world)
  })

  it('a shorter retention.ms is taken, and frees space', async () => {
    const world = await onFullDisk()
    const resources = [
      {
        resourceType: 2,
        resourceName: 'big',
        configs: [{ name: 'retention.ms', configOperation: 0, value: '1' }],
      },
    ]
    const answer = await world.client.call(apis.incrementalAlterConfigs, 1, { resources, validateOnly: false })
    expect(answer.responses[0]).toMatchObject({ errorCode: 0 })
    const log = world.harness.broker.topics.partition('big', 0)
    await log?.applyRetention(Date.now() + 3_600_000)
    expect(log?.sizeInBytes).toBe(0)
    await takesWrites(world)
  })

  it('a stop takes every step, says what it could not write, and a start finds every record', async () => {
    const world = await onFullDisk()
    const { harness, dataDir, fs } = world
    await harness.stop()
    expect(existsSync(join(dataDir, '.lock'))).toBe(false)
    expect(fs.openFiles).toBe(0)
    const lines = harness.logger.lines.filter(({ message }) => message.startsWith('stopping without checkpoints'))
    expect(lines.map(({ fields }) => fields)).toEqual([
      { partitions: 2, error: expect.stringMatching(/BROKER_DISK_FULL: the disk of .*orders-0|big-0.*\(0 KiB free\)/) },
    ])
    await harness.restart()
    const client = await harness.connect()
    const fetched = await client.call(apis.fetch, 11, fetchValue('orders', 0))
    expect(fetched.responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 1 })
    await expect(harness.broker.topics.delete('big')).resolves.toBeUndefined()
    await takesWrites({ ...world, client })
  })

  it('a condition says so until there is room again', async () => {
    const { client, conditions, clock, fs } = await onFullDisk()
    expect([...conditions]).toEqual([
      ['BROKER_DISK_FULL', expect.stringMatching(/^the disk of .* is full \(0 KiB free\)\. Free space on it/)],
    ])
    clock.advance(5000)
    expect(conditions.size).toBe(1)
    fs.capacity += 4 * 1024 * 1024
    clock.advance(1000)
    expect(conditions.size).toBe(0)
    expect(await produceOne(client, 'orders', Buffer.from(filler))).toMatchObject({ errorCode: 0 })
  })

  it('refusals name the path, the free space and what to do', async () => {
    const { client, harness } = await onFullDisk()
    const answer = await produceOne(client, 'orders', Buffer.from(filler))
    expect(answer.errorMessage).toMatch(
      /^BROKER_DISK_FULL: the disk of \/.*\/orders-0 is full \(0 KiB free\)\. Free space on it, delete topics or records/,
    )
    await expect(harness.broker.topics.create('another', 1, {})).rejects.toThrow(/^BROKER_DISK_FULL: .*another/)
  })
})

describe('a broker whose parts fail when they stop', () => {
  it('stops all of them, gives its directory up, and reports what failed', async () => {
    const fs = new MemoryFileSystem()
    const dataDir = mkdtempSync(join(tmpdir(), 'penstock-stop-'))
    cleanups.push(() => rmSync(dataDir, { recursive: true, force: true }))
    fs.makeDirectory(dataDir)
    const harness = await BrokerHarness.start({ fs, dataDir })
    cleanups.push(() => harness.close().catch(() => undefined))
    const broker: Broker = harness.broker
    await broker.topics.create('orders', 1, {})
    await produceOne(await harness.connect(), 'orders', textBatch(['kept']))
    fs.fault = ({ path }) => {
      if (path.endsWith('.tmp')) throw new TypeError('not the system')
      return null
    }
    await expect(harness.stop()).rejects.toThrow('not the system')
    expect(existsSync(join(dataDir, '.lock'))).toBe(false)
    expect(fs.openFiles).toBe(0)
  })
})
