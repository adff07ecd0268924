import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, type TestContext } from 'vitest'
import { apis } from '../../../src/protocol/apis.ts'
import { fetchValue, produceOne, textBatch } from '../../support/broker-harness.ts'
import { BrokerProcess } from '../../support/broker-process.ts'
import { RawKafkaClient } from '../../support/raw-kafka-client.ts'
import { SmallDisk, type SmallDiskKind } from '../../support/small-disk.ts'

const cleanups: (() => Promise<unknown> | void)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

interface World {
  readonly disk: SmallDisk
  readonly dataDir: string
  broker: BrokerProcess
  client: RawKafkaClient
  acknowledged: number
}

async function start(dataDir: string): Promise<{ broker: BrokerProcess; client: RawKafkaClient }> {
  const broker = await BrokerProcess.start(dataDir)
  cleanups.push(() => broker.end('SIGKILL'))
  const client = await RawKafkaClient.connect(broker.address)
  cleanups.push(() => client.close())
  return { broker, client }
}

/** A broker with a topic `orders` on a disk without a free block. */
async function onFullDisk(kind: SmallDiskKind, context: TestContext): Promise<World> {
  const disk = SmallDisk.mount(kind, kind === 'tmpfs' ? 8 : 24, context)
  cleanups.push(() => disk.unmount())
  const dataDir = join(disk.path, 'data')
  const world: World = { disk, dataDir, acknowledged: 0, ...(await start(dataDir)) }
  const topics = [{ name: 'orders', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
  await world.client.call(apis.createTopics, 5, { topics, timeoutMs: 5000, validateOnly: false })
  for (; world.acknowledged < 20; world.acknowledged += 1) await produce(world.client, 60_000)
  disk.fill()
  // The segment may have allocated blocks of its own left.
  while ((await produce(world.client, 200)).errorCode === 0) world.acknowledged += 1
  expect(disk.freeBlocks).toBe(0)
  return world
}

function produce(client: RawKafkaClient, bytes: number) {
  return produceOne(client, 'orders', textBatch(['x'.repeat(bytes)]))
}

async function expectAllRecords({ client, acknowledged }: World): Promise<void> {
  const fetched = await client.call(apis.fetch, 11, fetchValue('orders', 0))
  expect(fetched.responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: acknowledged })
}

async function expectRoom(world: World): Promise<void> {
  expect(await produce(world.client, 60_000)).toMatchObject({ errorCode: 0 })
}

describe.each<SmallDiskKind>(['tmpfs', 'ext4'])('a broker on a %s without a free block', (kind) => {
  it('deletes a topic', async (context) => {
    const { client, dataDir } = await onFullDisk(kind, context)
    const answer = await client.call(apis.deleteTopics, 5, { topicNames: ['orders'], topics: [], timeoutMs: 5000 })
    expect(answer.responses[0]).toMatchObject({ errorCode: 0, errorMessage: null })
    expect(readdirSync(dataDir)).not.toContain('orders-0')
    const topics = [{ name: 'orders', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
    const created = await client.call(apis.createTopics, 5, { topics, timeoutMs: 5000, validateOnly: false })
    expect(created.topics[0]?.errorCode).toBe(0)
    expect(await produce(client, 60_000)).toMatchObject({ errorCode: 0, baseOffset: 0 })
  })

  it('deletes records', async (context) => {
    const world = await onFullDisk(kind, context)
    const topics = [{ name: 'orders', partitions: [{ partitionIndex: 0, offset: -1 }] }]
    const answer = await world.client.call(apis.deleteRecords, 2, { topics, timeoutMs: 5000 })
    expect(answer.topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, lowWatermark: world.acknowledged })
    await expectRoom(world)
  })

  it('stops in order, starts again on the full disk, and has every record', async (context) => {
    const world = await onFullDisk(kind, context)
    await world.client.close()
    expect(await world.broker.end('SIGTERM')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('BROKER_DISK_FULL'),
    })
    expect(existsSync(join(world.dataDir, '.lock'))).toBe(false)
    world.disk.fill()
    Object.assign(world, await start(world.dataDir))
    await expectAllRecords(world)
    world.disk.free()
    await expectRoom(world)
  })

  it('starts again after kill -9, and has every record', async (context) => {
    const world = await onFullDisk(kind, context)
    await world.broker.end('SIGKILL')
    world.disk.fill()
    Object.assign(world, await start(world.dataDir))
    await expectAllRecords(world)
    const deletion = { topicNames: ['orders'], topics: [], timeoutMs: 5000 }
    const answer = await world.client.call(apis.deleteTopics, 5, deletion)
    expect(answer.responses[0]).toMatchObject({ errorCode: 0 })
  })
})
