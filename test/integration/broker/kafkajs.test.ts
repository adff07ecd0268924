import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deferred } from '../../../src/foundation/async/deferred.ts'
import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import '../../support/broker/kafkajs-queue.ts'

let harness: BrokerHarness
let kafka: kafkajs.Kafka
let admin: kafkajs.Admin
let producer: kafkajs.Producer

beforeAll(async () => {
  harness = await BrokerHarness.start()
  kafka = new kafkajs.Kafka({ brokers: [harness.bootstrap], clientId: 'test', logLevel: kafkajs.logLevel.NOTHING })
  admin = kafka.admin()
  producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await admin.connect()
  await producer.connect()
})

afterAll(async () => {
  await producer.disconnect()
  await admin.disconnect()
  await harness.close()
})

/** Reads `count` messages of a topic in a group, commits, and leaves. */
async function readInGroup(groupId: string, topic: string, count: number): Promise<kafkajs.KafkaMessage[]> {
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 50 })
  const messages: kafkajs.KafkaMessage[] = []
  const done = deferred<void>()
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: ({ message }) => {
      messages.push(message)
      if (messages.length === count) done.resolve()
      return Promise.resolve()
    },
  })
  await done.promise
  await consumer.stop()
  await consumer.disconnect()
  return messages
}

describe("kafkajs's producer and consumer", () => {
  it('write and read keys, values, headers and timestamps', async () => {
    const sent = { key: 'k', value: 'v', headers: { a: '1', b: Buffer.from([0xff, 0x00]) }, timestamp: '1763700000000' }
    await producer.send({ topic: 'messages', messages: [sent, { key: 'k', value: null }] })
    const [first, second] = await readInGroup('reads-messages', 'messages', 2)
    expect(first).toMatchObject({
      key: Buffer.from('k'),
      value: Buffer.from('v'),
      timestamp: '1763700000000',
      offset: '0',
    })
    expect(first?.headers).toEqual({ a: Buffer.from('1'), b: Buffer.from([0xff, 0x00]) })
    expect(second).toMatchObject({ value: null, offset: '1' })
  })

  it('put keys on the partitions that murmur2 says', async () => {
    await admin.createTopics({ topics: [{ topic: 'partitioned', numPartitions: 7 }] })
    const messages = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((key) => ({ key, value: key }))
    await producer.send({ topic: 'partitioned', messages })
    const read = await readInGroup('reads-partitioned', 'partitioned', messages.length)
    expect(read.map((message) => String(message.key)).toSorted()).toEqual(messages.map(({ key }) => key))
  })

  it('send idempotently, with acks 0 and 1, and in one request to several topics', async () => {
    const idempotent = kafka.producer({ idempotent: true })
    await idempotent.connect()
    for (let i = 0; i < 10; i += 1) {
      const [sent] = await idempotent.send({ topic: 'idempotent', messages: [{ value: `${i}` }] })
      expect(sent).toMatchObject({ errorCode: 0, baseOffset: `${i}` })
    }
    await idempotent.disconnect()
    await producer.send({ topic: 'acks', acks: 0, messages: [{ value: 'x' }] })
    await producer.send({ topic: 'acks', acks: 1, messages: [{ value: 'y' }] })
    await producer.sendBatch({
      topicMessages: ['one', 'two'].map((topic) => ({ topic, messages: [{ value: topic }] })),
    })
    expect((await readInGroup('reads-acks', 'acks', 2)).map(({ value }) => String(value))).toEqual(['x', 'y'])
  })

  it('continue after the last committed offset, also over a restart of the broker', async () => {
    const own = await BrokerHarness.start()
    try {
      const topic = 'resumed'
      for (const [round, value] of ['first', 'second'].entries()) {
        const client = new kafkajs.Kafka({ brokers: [own.bootstrap], logLevel: kafkajs.logLevel.NOTHING })
        const writer = client.producer()
        await writer.connect()
        await writer.send({ topic, messages: [{ value }] })
        await writer.disconnect()
        const consumer = client.consumer({ groupId: 'resumes', maxWaitTimeInMs: 50 })
        const got = deferred<string>()
        await consumer.connect()
        await consumer.subscribe({ topic, fromBeginning: true })
        await consumer.run({
          eachMessage: ({ message }) => {
            got.resolve(String(message.value))
            return Promise.resolve()
          },
        })
        expect(await got.promise).toBe(value)
        await consumer.stop()
        await consumer.disconnect()
        if (round === 0) await own.restart()
      }
    } finally {
      await own.close()
    }
  })

  it('rebalance when a second member comes and when it goes', async () => {
    await admin.createTopics({ topics: [{ topic: 'rebalanced', numPartitions: 4 }] })
    const assignments = new Map<string, number>()
    const start = async (name: string): Promise<kafkajs.Consumer> => {
      const consumer = kafka.consumer({ groupId: 'rebalances', heartbeatInterval: 100, maxWaitTimeInMs: 50 })
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        assignments.set(name, payload.memberAssignment['rebalanced']?.length ?? 0)
      })
      await consumer.connect()
      await consumer.subscribe({ topic: 'rebalanced' })
      await consumer.run({ eachMessage: () => Promise.resolve() })
      return consumer
    }
    const first = await start('first')
    await expect.poll(() => assignments.get('first')).toBe(4)
    const second = await start('second')
    await expect.poll(() => [assignments.get('first'), assignments.get('second')], { timeout: 60_000 }).toEqual([2, 2])
    await second.disconnect()
    await expect.poll(() => assignments.get('first'), { timeout: 60_000 }).toBe(4)
    await first.disconnect()
  })

  it('learn that a transactional producer is refused, and do not wait forever', async () => {
    const transactional = kafka.producer({
      transactionalId: 'tx',
      idempotent: true,
      maxInFlightRequests: 1,
      retry: { retries: 1 },
    })
    await expect(transactional.connect().then(() => transactional.transaction())).rejects.toThrow()
    await transactional.disconnect()
  })
})

describe("kafkajs's admin client", () => {
  it('creates, describes, grows, trims and deletes topics', async () => {
    expect(await admin.createTopics({ topics: [{ topic: 'managed', numPartitions: 2, replicationFactor: 3 }] })).toBe(
      true,
    )
    expect(await admin.createTopics({ topics: [{ topic: 'managed' }] })).toBe(false)
    expect(await admin.listTopics()).toContain('managed')
    await admin.createPartitions({ topicPartitions: [{ topic: 'managed', count: 3 }] })
    const { topics } = await admin.fetchTopicMetadata({ topics: ['managed'] })
    expect(topics[0]?.partitions.map(({ leader, replicas, isr }) => [leader, replicas, isr])).toEqual([
      [1, [1], [1]],
      [1, [1], [1]],
      [1, [1], [1]],
    ])
    await producer.send({ topic: 'managed', messages: ['a', 'b', 'c'].map((value) => ({ value, partition: 0 })) })
    await admin.deleteTopicRecords({ topic: 'managed', partitions: [{ partition: 0, offset: '2' }] })
    const offsets = await admin.fetchTopicOffsets('managed')
    expect(offsets.find(({ partition }) => partition === 0)).toMatchObject({ low: '2', high: '3' })
    await admin.deleteTopics({ topics: ['managed'] })
    expect(await admin.listTopics()).not.toContain('managed')
  })

  it('describes the cluster and its configs, and changes them', async () => {
    const cluster = await admin.describeCluster()
    expect(cluster).toMatchObject({ controller: 1, brokers: [{ nodeId: 1 }] })
    await admin.createTopics({
      topics: [{ topic: 'configured', configEntries: [{ name: 'cleanup.policy', value: 'compact' }] }],
    })
    const describe = async (): Promise<Record<string, string>> => {
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: 'configured' }],
      })
      return Object.fromEntries(
        resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]) ?? [],
      )
    }
    expect(await describe()).toMatchObject({ 'cleanup.policy': 'compact', 'max.message.bytes': '16777216' })
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: 'configured',
          configEntries: [{ name: 'retention.ms', value: '9' }],
        },
      ],
    })
    expect(await describe()).toMatchObject({ 'cleanup.policy': 'delete', 'retention.ms': '9' })
  })

  it('lists, describes, resets and deletes groups', async () => {
    await producer.send({ topic: 'grouped', messages: [{ value: 'a' }, { value: 'b' }] })
    await readInGroup('managed-group', 'grouped', 2)
    const { groups } = await admin.listGroups()
    expect(groups).toContainEqual(expect.objectContaining({ groupId: 'managed-group', protocolType: 'consumer' }))
    const described = await admin.describeGroups(['managed-group'])
    expect(described.groups[0]).toMatchObject({ groupId: 'managed-group', state: 'Empty' })
    const fetchOffset = async (): Promise<string | undefined> => {
      const [topic] = await admin.fetchOffsets({ groupId: 'managed-group', topics: ['grouped'] })
      return topic?.partitions[0]?.offset
    }
    expect(await fetchOffset()).toBe('2')
    await admin.setOffsets({ groupId: 'managed-group', topic: 'grouped', partitions: [{ partition: 0, offset: '1' }] })
    expect(await fetchOffset()).toBe('1')
    await admin.deleteGroups(['managed-group'])
    expect(await fetchOffset()).toBe('-1')
  })

  it('is told that there are no ACLs', async () => {
    const acl = {
      resourceType: kafkajs.AclResourceTypes.TOPIC,
      resourceName: 't',
      resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
      principal: 'User:x',
      host: '*',
      operation: kafkajs.AclOperationTypes.READ,
      permissionType: kafkajs.AclPermissionTypes.ALLOW,
    }
    await expect(admin.createAcls({ acl: [acl] })).rejects.toThrow(/[Ss]ecurity features are disabled/)
  })
})
