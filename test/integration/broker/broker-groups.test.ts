import { Kafka, logLevel, type Consumer } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import { runKcat, type KcatRun } from '../../support/broker/kcat-runner.ts'
import { describeWith, service } from '../../support/services.ts'
import { until } from '../../support/until.ts'
import '../../support/broker/kafkajs-queue.ts'

let harness: BrokerHarness

beforeEach(async () => {
  harness = await BrokerHarness.start()
})

afterEach(async () => {
  await harness.close()
})

function kafka(clientId: string): Kafka {
  return new Kafka({ clientId, brokers: [harness.bootstrap], logLevel: logLevel.NOTHING })
}

async function produce(from: number, count: number): Promise<void> {
  const producer = kafka('producer').producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const messages = Array.from({ length: count }, (_, i) => ({ key: `k${from + i}`, value: `${from + i}` }))
  await producer.send({ topic: 'orders', messages })
  await producer.disconnect()
}

/** A kafkajs consumer that collects values, and the partitions it was given. */
async function consume(
  clientId: string,
  values: string[],
): Promise<{ readonly consumer: Consumer; partitions: () => number }> {
  const consumer = kafka(clientId).consumer({
    groupId: 'group',
    sessionTimeout: 10_000,
    heartbeatInterval: 100,
    maxWaitTimeInMs: 100,
  })
  let partitions = 0
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    partitions = payload.memberAssignment['orders']?.length ?? 0
  })
  await consumer.connect()
  await consumer.subscribe({ topics: ['orders'], fromBeginning: true })
  await consumer.run({
    eachMessage: ({ message }) => {
      values.push(String(message.value))
      return Promise.resolve()
    },
  })
  return { consumer, partitions: () => partitions }
}

describe('kafkajs', () => {
  it('shares a topic between two consumers, and continues from the committed offsets after a restart of the broker', async () => {
    const admin = kafka('admin').admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 4 }] })
    await produce(0, 100)
    const values: string[] = []
    const first = await consume('one', values)
    await until('one consumer has all partitions and records', () => first.partitions() === 4 && values.length === 100)
    const second = await consume('two', values)
    await until('two consumers share the partitions', () => first.partitions() === 2 && second.partitions() === 2)
    await produce(100, 100)
    await until('both together read the rest', () => new Set(values).size === 200)
    const { groups } = await admin.describeGroups(['group'])
    expect(groups[0]).toMatchObject({ state: 'Stable', protocolType: 'consumer', protocol: 'RoundRobinAssigner' })
    expect(groups[0]?.members.map((member) => member.clientId).sort()).toEqual(['one', 'two'])
    await first.consumer.disconnect()
    await second.consumer.disconnect()
    await until('the group is empty', async () => (await admin.describeGroups(['group'])).groups[0]?.state === 'Empty')
    await admin.disconnect()
    await harness.restart()
    await produce(200, 10)
    const rest: string[] = []
    const third = await consume('three', rest)
    await until('only what is left is read', () => rest.length >= 10)
    expect(rest.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: 10 }, (_, i) => 200 + i))
    await third.consumer.disconnect()
  })

  it('reads, sets, resets and deletes offsets and groups through its admin', async () => {
    const admin = kafka('admin').admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 2 }] })
    await produce(0, 20)
    await admin.setOffsets({ groupId: 'tool', topic: 'orders', partitions: [{ partition: 0, offset: '3' }] })
    const [fetched] = await admin.fetchOffsets({ groupId: 'tool', topics: ['orders'] })
    expect(fetched?.partitions.map(({ partition, offset }) => [partition, offset])).toEqual([
      [0, '3'],
      [1, '-1'],
    ])
    expect((await admin.listGroups()).groups).toContainEqual({ groupId: 'tool', protocolType: 'consumer' })
    await admin.deleteGroups(['tool'])
    expect((await admin.listGroups()).groups).toEqual([])
    await expect(admin.deleteGroups(['tool'])).rejects.toThrow()
    await admin.disconnect()
  })
})

describeWith(['kcat'], 'kcat', () => {
  it('shares a topic between two members of a group, and reads on where the group stopped', async () => {
    const kcat = service('kcat')
    const admin = kafka('admin').admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'orders', numPartitions: 4 }] })
    await produce(0, 200)
    const member = (): Promise<KcatRun> =>
      runKcat(kcat, ['-b', harness.bootstrap, '-G', 'tools', '-q', '-e', '-X', 'auto.offset.reset=earliest', 'orders'])
    const runs = await Promise.all([member(), member()])
    const lines = runs.flatMap(({ stdout }) => stdout.trim().split('\n').filter(Boolean))
    expect(runs.map(({ code }) => code)).toEqual([0, 0])
    expect(new Set(lines).size).toBe(200)
    await produce(200, 5)
    const rest = await member()
    expect(
      rest.stdout
        .trim()
        .split('\n')
        .map(Number)
        .sort((a, b) => a - b),
    ).toEqual([200, 201, 202, 203, 204])
    await admin.disconnect()
  })
})
