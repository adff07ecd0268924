import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { apis } from '../../../support/protocol/apis.ts'
import { zeroUuid } from '../../../../src/protocol/schema.ts'
import { BrokerHarness, fetchValue, produceOne, textBatch } from '../../../support/broker/broker-harness.ts'
import type { RawKafkaClient } from '../../../support/broker/raw-kafka-client.ts'

let harness: BrokerHarness
let client: RawKafkaClient

beforeAll(async () => {
  harness = await BrokerHarness.start({ config: { maxPartitionsPerTopic: 20 } })
  client = await harness.connect()
})

afterAll(() => harness.close())

const newTopic = (name: string, more: Record<string, unknown> = {}) => ({
  name,
  numPartitions: 1,
  replicationFactor: 1,
  assignments: [],
  configs: [],
  ...more,
})

async function create(topic: ReturnType<typeof newTopic>, version = 7, validateOnly = false) {
  const answer = await client.call(apis.createTopics, version, { topics: [topic], timeoutMs: 1000, validateOnly })
  const [only] = answer.topics
  if (only === undefined) throw new RangeError('the answer names no topic')
  return only
}

describe('Metadata', () => {
  for (let version = 0; version <= 12; version += 1) {
    it(`v${version} describes broker and topic`, async () => {
      const name = `metadata-v${version}`
      await harness.broker.topics.create(name, 2, {})
      const answer = await client.call(apis.metadata, version, { topics: [{ name }] })
      const { port } = harness.broker.address
      expect(answer.brokers).toMatchObject([{ nodeId: 1, host: '127.0.0.1', port, rack: null }])
      expect(answer.controllerId).toBe(version < 1 ? -1 : 1)
      expect(answer.topics).toHaveLength(1)
      expect(answer.topics[0]).toMatchObject({ errorCode: 0, name, isInternal: false })
      expect(answer.topics[0]?.partitions.map((partition) => partition.partitionIndex)).toEqual([0, 1])
      expect(answer.topics[0]?.partitions[1]).toMatchObject({
        errorCode: 0,
        leaderId: 1,
        leaderEpoch: version < 7 ? -1 : 0,
        replicaNodes: [1],
        isrNodes: [1],
        offlineReplicas: [],
      })
    })
  }

  it('gives all topics for null, none for an empty list, all for an empty list in version 0', async () => {
    const all = (await client.call(apis.metadata, 1, { topics: null })).topics.length
    expect(all).toBeGreaterThan(5)
    expect((await client.call(apis.metadata, 1, { topics: [] })).topics).toEqual([])
    expect((await client.call(apis.metadata, 0, { topics: [] })).topics).toHaveLength(all)
  })

  it('creates a topic that does not exist, in the same answer, where the request allows it', async () => {
    const asked = { topics: [{ name: 'made-by-asking' }], allowAutoTopicCreation: false }
    expect((await client.call(apis.metadata, 4, asked)).topics[0]).toMatchObject({
      errorCode: 3,
      name: 'made-by-asking',
      partitions: [],
    })
    const answer = await client.call(apis.metadata, 4, { ...asked, allowAutoTopicCreation: true })
    expect(answer.topics[0]).toMatchObject({ errorCode: 0, name: 'made-by-asking' })
    expect(answer.topics[0]?.partitions).toHaveLength(1)
  })

  it('creates it once when several ask at the same time', async () => {
    const clients = await Promise.all([1, 2, 3, 4].map(() => harness.connect()))
    const answers = await Promise.all(
      clients.map((one) => one.call(apis.metadata, 12, { topics: [{ name: 'asked-at-once' }] })),
    )
    expect(new Set(answers.map((answer) => answer.topics[0]?.topicId)).size).toBe(1)
    expect(answers.every((answer) => answer.topics[0]?.errorCode === 0)).toBe(true)
  })

  it('finds topics by id from version 12 on', async () => {
    const { id } = await harness.broker.topics.create('by-id', 1, {})
    const byId = { topics: [{ topicId: id, name: null }] }
    expect((await client.call(apis.metadata, 12, byId)).topics[0]).toMatchObject({
      errorCode: 0,
      name: 'by-id',
      topicId: id,
    })
    expect((await client.call(apis.metadata, 11, byId)).topics[0]).toMatchObject({ errorCode: 42 })
    const unknown = { topics: [{ topicId: 'abcdefghijklmnopqrstug', name: null }] }
    expect((await client.call(apis.metadata, 12, unknown)).topics[0]).toMatchObject({ errorCode: 100, name: null })
    expect((await client.call(apis.metadata, 12, { topics: [{ name: null }] })).topics[0]).toMatchObject({
      errorCode: 42,
    })
  })

  it('never creates what may not be a topic', async () => {
    for (const name of ['', '.', '..', 'a b', 'ä', 'x'.repeat(250)]) {
      expect((await client.call(apis.metadata, 9, { topics: [{ name }] })).topics[0]?.errorCode).toBe(17)
    }
    expect(
      (await client.call(apis.metadata, 9, { topics: [{ name: '__transaction_state' }] })).topics[0]?.errorCode,
    ).toBe(3)
    await harness.broker.topics.create('with.dot', 1, {})
    expect((await client.call(apis.metadata, 9, { topics: [{ name: 'with_dot' }] })).topics[0]?.errorCode).toBe(17)
  })
})

describe('CreateTopics', () => {
  for (let version = 2; version <= 7; version += 1) {
    it(`v${version} creates a topic with its configs`, async () => {
      const topic = newTopic(`created-v${version}`, {
        numPartitions: 3,
        configs: [{ name: 'retention.ms', value: '1000' }],
      })
      const answer = await create(topic, version)
      expect(answer).toMatchObject({ errorCode: 0, name: topic.name })
      const created = harness.broker.topics.get(topic.name)
      expect(created?.partitions.map((log) => log?.config.retentionMs)).toEqual([1000, 1000, 1000])
      if (version >= 5)
        expect(answer.configs?.find((config) => config.name === 'retention.ms')).toMatchObject({
          value: '1000',
          configSource: 1,
        })
      if (version >= 7) expect(answer.topicId).toBe(created?.id)
    })
  }

  it('takes -1 for the defaults and replication factors made for clusters', async () => {
    expect(await create(newTopic('defaults', { numPartitions: -1, replicationFactor: -1 }))).toMatchObject({
      errorCode: 0,
      numPartitions: 1,
      replicationFactor: 1,
    })
    expect(await create(newTopic('three-replicas', { replicationFactor: 3 }))).toMatchObject({
      errorCode: 0,
      replicationFactor: 1,
    })
  })

  it('refuses replication factors above 1 where it is told to', async () => {
    const strict = await BrokerHarness.start({ config: { clampReplicationFactor: false } })
    try {
      const other = await strict.connect()
      const answer = await other.call(apis.createTopics, 7, { topics: [newTopic('t', { replicationFactor: 3 })] })
      expect(answer.topics[0]?.errorCode).toBe(38)
    } finally {
      await strict.close()
    }
  })

  it('takes no more partitions by assignment than by number, and no more in one request than Kafka', async () => {
    const assigned = (count: number) =>
      Array.from({ length: count }, (_, partitionIndex) => ({ partitionIndex, brokerIds: [1] }))
    const manual = { numPartitions: -1, replicationFactor: -1 }
    expect(await create(newTopic('assigned-21', { ...manual, assignments: assigned(21) }))).toMatchObject({
      errorCode: 37,
    })
    const topics = Array.from({ length: 501 }, (_, place) => newTopic(`many-${place}`, { numPartitions: 20 }))
    const request = { topics, timeoutMs: 1000, validateOnly: true }
    const codes = (await client.call(apis.createTopics, 5, request)).topics.map(({ errorCode }) => errorCode)
    expect(new Set(codes)).toEqual(new Set([44]))
    const raised = {
      topics: [{ name: 'nowhere', count: 2_000_000_000, assignments: null }],
      timeoutMs: 1,
      validateOnly: true,
    }
    expect((await client.call(apis.createPartitions, 1, raised)).results[0]?.errorCode).toBe(3)
  })

  it('names a topic in its error, however long the name is', async () => {
    for (const version of [2, 5, 7])
      expect(await create(newTopic('x'.repeat(32_767)), version)).toMatchObject({ errorCode: 17 })
  })

  it('takes manual assignments to this broker', async () => {
    const assignments = [
      { partitionIndex: 1, brokerIds: [1] },
      { partitionIndex: 0, brokerIds: [1] },
    ]
    const manual = { numPartitions: -1, replicationFactor: -1, assignments }
    expect(await create(newTopic('assigned', manual))).toMatchObject({ errorCode: 0, numPartitions: 2 })
    expect(await create(newTopic('assigned-2', { ...manual, numPartitions: 2 }))).toMatchObject({ errorCode: 42 })
    expect(await create(newTopic('assigned-3', { ...manual, assignments: assignments.slice(0, 1) }))).toMatchObject({
      errorCode: 39,
    })
    const elsewhere = [{ partitionIndex: 0, brokerIds: [2] }]
    expect(await create(newTopic('assigned-4', { ...manual, assignments: elsewhere }))).toMatchObject({ errorCode: 39 })
  })

  it("refuses with Kafka's codes, and creates nothing then", async () => {
    await create(newTopic('exists'))
    await create(newTopic('col.lide'))
    const code = async (topic: ReturnType<typeof newTopic>) => (await create(topic)).errorCode
    expect(await code(newTopic('exists'))).toBe(36)
    expect(await code(newTopic('bad name'))).toBe(17)
    expect(await code(newTopic('col_lide'))).toBe(17)
    expect(await code(newTopic('p0', { numPartitions: 0 }))).toBe(37)
    expect(await code(newTopic('p-2', { numPartitions: -2 }))).toBe(37)
    expect(await code(newTopic('p21', { numPartitions: 21 }))).toBe(37)
    expect(await code(newTopic('r0', { replicationFactor: 0 }))).toBe(38)
    expect(await code(newTopic('c1', { configs: [{ name: 'no.such.config', value: '1' }] }))).toBe(40)
    expect(await code(newTopic('c2', { configs: [{ name: 'retention.ms', value: 'soon' }] }))).toBe(40)
    expect(await code(newTopic('c3', { configs: [{ name: 'retention.ms', value: null }] }))).toBe(40)
    const twice = await client.call(apis.createTopics, 5, { topics: [newTopic('twice'), newTopic('twice')] })
    expect(twice.topics.map((topic) => topic.errorCode)).toEqual([42, 42])
    for (const name of ['p0', 'p-2', 'p21', 'r0', 'c1', 'c2', 'c3', 'twice'])
      expect(harness.broker.topics.get(name)).toBeUndefined()
  })

  it('only checks when it is told to', async () => {
    expect(await create(newTopic('only-checked'), 7, true)).toMatchObject({ errorCode: 0, topicId: zeroUuid })
    expect(harness.broker.topics.get('only-checked')).toBeUndefined()
    expect(await create(newTopic('exists'), 7, true)).toMatchObject({ errorCode: 36 })
  })
})

describe('DeleteTopics', () => {
  it('deletes by name, in every version, and a topic of the same name begins at offset 0', async () => {
    for (let version = 1; version <= 6; version += 1) {
      await create(newTopic('come-and-go'))
      await produceOne(client, 'come-and-go', textBatch(['old']))
      const value =
        version < 6 ? { topicNames: ['come-and-go'] } : { topics: [{ name: 'come-and-go', topicId: zeroUuid }] }
      const answer = await client.call(apis.deleteTopics, version, { ...value, timeoutMs: 1000 })
      expect(answer.responses).toMatchObject([{ errorCode: 0 }])
      expect(harness.broker.topics.get('come-and-go')).toBeUndefined()
      await create(newTopic('come-and-go'))
      const fetched = await client.call(apis.fetch, 11, fetchValue('come-and-go', 0))
      expect(fetched.responses[0]?.partitions[0]).toMatchObject({ errorCode: 0, highWatermark: 0 })
      await client.call(apis.deleteTopics, version, { ...value, timeoutMs: 1000 })
    }
  })

  it('deletes by id, and names what is not there', async () => {
    const { topicId } = await create(newTopic('gone-by-id'))
    const remove = async (topics: { name: string | null; topicId: string }[]) => {
      const answer = await client.call(apis.deleteTopics, 6, { topics, timeoutMs: 1000 })
      return answer.responses[0]
    }
    expect(await remove([{ name: 'gone-by-id', topicId }])).toMatchObject({ errorCode: 42 })
    expect(await remove([{ name: null, topicId }])).toMatchObject({ errorCode: 0, name: 'gone-by-id' })
    expect(await remove([{ name: null, topicId }])).toMatchObject({ errorCode: 100 })
    expect(await remove([{ name: 'gone-by-id', topicId: zeroUuid }])).toMatchObject({ errorCode: 3 })
  })

  it('keeps the topics of the broker', async () => {
    await harness.broker.topics.ensure('__consumer_offsets', 1)
    const answer = await client.call(apis.deleteTopics, 5, { topicNames: ['__consumer_offsets'], timeoutMs: 1000 })
    expect(answer.responses[0]).toMatchObject({ errorCode: 42 })
  })
})

describe('CreatePartitions', () => {
  it('raises the count, keeps the records, and refuses what is not more', async () => {
    await create(newTopic('grows', { numPartitions: 2 }))
    await produceOne(client, 'grows', textBatch(['x']), { partition: 1 })
    const raise = async (count: number, more: Record<string, unknown> = {}, version = 3, validateOnly = false) => {
      const topics = [{ name: 'grows', count, assignments: null, ...more }]
      const answer = await client.call(apis.createPartitions, version, { topics, timeoutMs: 1000, validateOnly })
      return answer.results[0]?.errorCode
    }
    expect(await raise(5, {}, 0)).toBe(0)
    expect(await raise(5)).toBe(37)
    expect(await raise(4)).toBe(37)
    expect(await raise(21)).toBe(37)
    expect(await raise(6, { name: 'nowhere' })).toBe(3)
    expect(await raise(6, { assignments: [{ brokerIds: [9] }] })).toBe(39)
    expect(await raise(6, {}, 3, true)).toBe(0)
    expect(harness.broker.topics.get('grows')?.partitions).toHaveLength(5)
    expect(await raise(6, { assignments: [{ brokerIds: [1] }] })).toBe(0)
    expect(await produceOne(client, 'grows', textBatch(['y']), { partition: 5 })).toMatchObject({
      errorCode: 0,
      baseOffset: 0,
    })
    expect(harness.broker.topics.partition('grows', 1)?.highWatermark).toBe(1)
  })
})

describe('DeleteRecords', () => {
  it('moves the log start, never back, and not beyond what is there', async () => {
    await create(newTopic('trimmed'))
    for (const value of ['a', 'b', 'c']) await produceOne(client, 'trimmed', textBatch([value]))
    const trim = async (offset: number, name = 'trimmed', version = 2) => {
      const topics = [{ name, partitions: [{ partitionIndex: 0, offset }] }]
      const answer = await client.call(apis.deleteRecords, version, { topics, timeoutMs: 1000 })
      return answer.topics[0]?.partitions[0]
    }
    expect(await trim(2, 'trimmed', 0)).toMatchObject({ errorCode: 0, lowWatermark: 2 })
    expect(await trim(1)).toMatchObject({ errorCode: 0, lowWatermark: 2 })
    expect(await trim(4)).toMatchObject({ errorCode: 1, lowWatermark: -1 })
    expect(await trim(-2)).toMatchObject({ errorCode: 1 })
    expect(await trim(-1)).toMatchObject({ errorCode: 0, lowWatermark: 3 })
    expect(await trim(0, 'nowhere')).toMatchObject({ errorCode: 3 })
    await create(newTopic('trimmed-compacted', { configs: [{ name: 'cleanup.policy', value: 'compact' }] }))
    expect(await trim(0, 'trimmed-compacted')).toMatchObject({ errorCode: 44 })
  })
})

describe('a restarted broker', () => {
  it('has its cluster id, topics, configs and records', async () => {
    const own = await BrokerHarness.start()
    try {
      let other = await own.connect()
      const configs = [{ name: 'cleanup.policy', value: 'compact' }]
      await other.call(apis.createTopics, 7, { topics: [newTopic('kept', { numPartitions: 3, configs })] })
      await produceOne(other, 'kept', textBatch([['k', 'v']]), { partition: 2 })
      const before = own.broker.topics
      const { clusterId } = before
      const id = before.get('kept')?.id
      await own.restart()
      other = await own.connect()
      const answer = await other.call(apis.metadata, 12, { topics: null })
      expect(answer.clusterId).toBe(clusterId)
      expect(answer.topics).toMatchObject([{ name: 'kept', topicId: id }])
      expect(own.broker.topics.get('kept')?.partitions.map((log) => [log?.config.compact, log?.highWatermark])).toEqual(
        [
          [true, 0],
          [true, 0],
          [true, 1],
        ],
      )
    } finally {
      await own.close()
    }
  })
})
