import { readdirSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { brokerSettings } from '../../../../src/broker/settings/broker-setting-definitions.ts'
import { settledBroker } from '../../../../src/broker/settings/broker-settings.ts'
import type { LogConfig } from '../../../../src/log/log-config.ts'
import { apis } from '../../../support/protocol/apis.ts'
import { errorCodes } from '../../../../src/protocol/error-codes.ts'
import { BrokerHarness, fetchValue, produceOne, textBatch } from '../../../support/broker/broker-harness.ts'
import type { RawKafkaClient } from '../../../support/broker/raw-kafka-client.ts'
import { until } from '../../../support/until.ts'

const harnesses: BrokerHarness[] = []

afterEach(async () => {
  for (const harness of harnesses.splice(0)) await harness.close()
})

/** A broker with these settings, as an operator gives them. */
async function serve(settings: Readonly<Record<string, string>>) {
  const harness = await BrokerHarness.start(settledBroker(settings))
  harnesses.push(harness)
  return { harness, client: await harness.connect() }
}

const record = (bytes: number) => textBatch(['r'.repeat(bytes)])

async function createTopic(client: RawKafkaClient, name: string, topic: Record<string, unknown> = {}) {
  const defaults = { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }
  const answer = await client.call(apis.createTopics, 5, {
    topics: [{ ...defaults, ...topic }],
    timeoutMs: 10_000,
    validateOnly: false,
  })
  return answer.topics[0]
}

async function segmentsAfter(client: RawKafkaClient, harness: BrokerHarness, count: number): Promise<number> {
  await createTopic(client, 't')
  for (let i = 0; i < count; i += 1) await produceOne(client, 't', record(2000))
  return readdirSync(`${harness.dataDir}/t-0`).filter((name) => name.endsWith('.log')).length
}

/** Old records go: the log start moves. */
async function isDeleted(settings: Readonly<Record<string, string>>): Promise<void> {
  const { client, harness } = await serve({
    'log.segment.bytes': '4096',
    'log.retention.check.interval.ms': '20',
    ...settings,
  })
  await createTopic(client, 't')
  const hourAgo = { timestampMs: Date.now() - 3_700_000 }
  for (let i = 0; i < 4; i += 1) await produceOne(client, 't', textBatch(['r'.repeat(3000)], hourAgo))
  await until('retention deletes', () => (harness.broker.topics.partition('t', 0)?.logStartOffset ?? 0) > 0)
}

async function isKept(settings: Readonly<Record<string, string>>): Promise<void> {
  const { client, harness } = await serve({ 'log.segment.bytes': '4096', ...settings })
  await createTopic(client, 't')
  const hourAgo = { timestampMs: Date.now() - 3_700_000 }
  for (let i = 0; i < 4; i += 1) await produceOne(client, 't', textBatch(['r'.repeat(3000)], hourAgo))
  expect(await harness.broker.topics.partition('t', 0)?.applyRetention()).toBe(0)
}

/** How a topic that sets nothing is kept. Test/unit/log sees what each of these does. */
async function keeps(name: string, value: string, field: keyof LogConfig, expected: number): Promise<void> {
  const { client, harness } = await serve({ [name]: value })
  await createTopic(client, 't')
  expect(harness.broker.topics.partition('t', 0)?.config[field]).toBe(expected)
}

const joinValue = (groupId: string, sessionTimeoutMs: number) => ({
  groupId,
  sessionTimeoutMs,
  rebalanceTimeoutMs: 10_000,
  memberId: '',
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: Buffer.alloc(1000) }],
})

async function joinCode(client: RawKafkaClient, groupId = 'g', sessionTimeoutMs = 10_000): Promise<number> {
  return (await client.call(apis.joinGroup, 3, joinValue(groupId, sessionTimeoutMs))).errorCode
}

async function commitCode(client: RawKafkaClient, metadata = '', groupId = 'g'): Promise<number | undefined> {
  const { topics } = await client.call(apis.offsetCommit, 7, {
    groupId,
    memberId: '',
    topics: [
      {
        name: 't',
        partitions: [{ partitionIndex: 0, committedOffset: 1, committedMetadata: metadata }],
      },
    ],
  })
  return topics[0]?.partitions[0]?.errorCode
}

/** What each setting does, seen by a client. */
const effects: Readonly<Record<string, () => Promise<void>>> = {
  'auto.create.topics.enable': async () => {
    const { client } = await serve({ 'auto.create.topics.enable': 'false' })
    const { topics } = await client.call(apis.metadata, 4, { topics: [{ name: 't' }], allowAutoTopicCreation: true })
    expect(topics[0]?.errorCode).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
  },
  'connections.max.idle.ms': async () => {
    const { harness } = await serve({ 'connections.max.idle.ms': '1000' })
    await (
      await harness.connect()
    ).closed
  },
  'default.replication.factor': async () => {
    const { client } = await serve({ 'default.replication.factor': '1' })
    expect(await createTopic(client, 't')).toMatchObject({ errorCode: 0, replicationFactor: 1 })
    expect(() => settledBroker({ 'default.replication.factor': '2' })).toThrow(/can only be 1/)
  },
  'fetch.max.bytes': async () => {
    const { client } = await serve({ 'fetch.max.bytes': '5000' })
    await createTopic(client, 't')
    for (let i = 0; i < 5; i += 1) await produceOne(client, 't', record(2000))
    const { responses } = await client.call(apis.fetch, 11, fetchValue('t', 0))
    expect(responses[0]?.partitions[0]?.records?.length).toBeLessThanOrEqual(5000)
  },
  'group.coordinator.max.bytes': async () => {
    const { client } = await serve({ 'group.coordinator.max.bytes': '1048576' })
    const codes = new Set<number>()
    for (let i = 0; i < 400; i += 1) codes.add(await joinCode(client, `g${i}`))
    expect(codes).toEqual(new Set([errorCodes.NONE, errorCodes.COORDINATOR_NOT_AVAILABLE]))
  },
  'group.initial.rebalance.delay.ms': async () => {
    const { client, harness } = await serve({ 'group.initial.rebalance.delay.ms': '3000' })
    const other = await harness.connect()
    const [first, second] = await Promise.all(
      [client, other].map((one) => one.call(apis.joinGroup, 3, joinValue('g', 10_000))),
    )
    expect([first?.generationId, second?.generationId]).toEqual([1, 1])
  },
  'group.max.session.timeout.ms': async () => {
    const { client } = await serve({ 'group.max.session.timeout.ms': '9999' })
    expect(await joinCode(client)).toBe(errorCodes.INVALID_SESSION_TIMEOUT)
  },
  'group.max.size': async () => {
    const { client, harness } = await serve({ 'group.max.size': '1' })
    expect(await joinCode(client)).toBe(errorCodes.NONE)
    expect(await joinCode(await harness.connect())).toBe(errorCodes.GROUP_MAX_SIZE_REACHED)
  },
  'group.min.session.timeout.ms': async () => {
    const { client } = await serve({ 'group.min.session.timeout.ms': '10001' })
    expect(await joinCode(client)).toBe(errorCodes.INVALID_SESSION_TIMEOUT)
  },
  'log.cleaner.backoff.ms': async () => {
    const { client, harness } = await serve({ 'log.cleaner.backoff.ms': '20', 'log.segment.bytes': '4096' })
    const compacted = { configs: [{ name: 'cleanup.policy', value: 'compact' }] }
    await createTopic(client, 't', compacted)
    for (let i = 0; i < 10; i += 1) await produceOne(client, 't', textBatch([['key', 'v'.repeat(2000)]]))
    await until('the topic is compacted', () => (harness.broker.topics.partition('t', 0)?.sizeInBytes ?? 0) < 10_000)
  },
  'log.cleaner.delete.retention.ms': () => keeps('log.cleaner.delete.retention.ms', '5', 'deleteRetentionMs', 5),
  'log.cleaner.max.compaction.lag.ms': () => keeps('log.cleaner.max.compaction.lag.ms', '5', 'maxCompactionLagMs', 5),
  'log.cleaner.min.cleanable.ratio': () =>
    keeps('log.cleaner.min.cleanable.ratio', '0.25', 'minCleanableDirtyRatio', 0.25),
  'log.cleaner.min.compaction.lag.ms': () => keeps('log.cleaner.min.compaction.lag.ms', '5', 'minCompactionLagMs', 5),
  'log.index.interval.bytes': () => keeps('log.index.interval.bytes', '100', 'indexIntervalBytes', 100),
  'log.index.size.max.bytes': () => keeps('log.index.size.max.bytes', '100', 'segmentIndexBytes', 100),
  'log.message.timestamp.after.max.ms': async () => {
    const { client } = await serve({ 'log.message.timestamp.after.max.ms': '1000' })
    await createTopic(client, 't')
    const late = textBatch(['v'], { timestampMs: Date.now() + 60_000 })
    expect(await produceOne(client, 't', late)).toMatchObject({ errorCode: errorCodes.INVALID_TIMESTAMP })
  },
  'log.message.timestamp.before.max.ms': async () => {
    const { client } = await serve({ 'log.message.timestamp.before.max.ms': '60000' })
    await createTopic(client, 't')
    const early = textBatch(['v'], { timestampMs: Date.now() - 120_000 })
    expect(await produceOne(client, 't', early)).toMatchObject({ errorCode: errorCodes.INVALID_TIMESTAMP })
  },
  'log.retention.bytes': () => isDeleted({ 'log.retention.bytes': '4000' }),
  'log.retention.check.interval.ms': () => isDeleted({ 'log.retention.ms': '1000' }),
  'log.retention.hours': async () => {
    await isDeleted({ 'log.retention.hours': '1' })
    await isKept({ 'log.retention.hours': '2' })
    await isKept({ 'log.retention.hours': '-1' })
  },
  'log.retention.minutes': async () => {
    await isDeleted({ 'log.retention.minutes': '60', 'log.retention.hours': '100' })
    await isKept({ 'log.retention.minutes': '100', 'log.retention.hours': '1' })
  },
  'log.retention.ms': async () => {
    await isDeleted({ 'log.retention.ms': '1000', 'log.retention.minutes': '100' })
    await isKept({ 'log.retention.ms': '-1', 'log.retention.hours': '1' })
  },
  'log.roll.hours': () => keeps('log.roll.hours', '2', 'segmentMs', 7_200_000),
  'log.roll.ms': () => keeps('log.roll.ms', '2000', 'segmentMs', 2000),
  'log.segment.bytes': async () => {
    const { client, harness } = await serve({ 'log.segment.bytes': '4096' })
    expect(await segmentsAfter(client, harness, 6)).toBeGreaterThan(2)
  },
  'max.connections': async () => {
    const { harness } = await serve({ 'max.connections': '1' })
    const newest = await harness.connect()
    await until('one connection is left', () =>
      harness.broker
        .samples()
        .some((sample) => sample.name === 'broker_connections' && 'value' in sample && sample.value === 1),
    )
    await newest.close()
  },
  'max.connections.per.ip': async () => {
    const { harness } = await serve({ 'max.connections.per.ip': '1' })
    await (
      await harness.connect()
    ).closed
  },
  'message.max.bytes': async () => {
    const { client } = await serve({ 'message.max.bytes': '1000' })
    await createTopic(client, 't')
    expect(await produceOne(client, 't', record(2000))).toMatchObject({ errorCode: errorCodes.MESSAGE_TOO_LARGE })
    // The limit is for clients: what the broker stores of groups has limits of its own.
    expect(await commitCode(client, 'm'.repeat(2000))).toBe(errorCodes.NONE)
  },
  'num.partitions': async () => {
    const { client } = await serve({ 'num.partitions': '7' })
    expect(await createTopic(client, 't')).toMatchObject({ numPartitions: 7 })
    const { topics } = await client.call(apis.metadata, 4, { topics: [{ name: 'u' }], allowAutoTopicCreation: true })
    expect(topics[0]?.partitions).toHaveLength(7)
  },
  'offset.metadata.max.bytes': async () => {
    const { client } = await serve({ 'offset.metadata.max.bytes': '10' })
    await createTopic(client, 't')
    expect(await commitCode(client, 'm'.repeat(11))).toBe(errorCodes.OFFSET_METADATA_TOO_LARGE)
  },
  'offsets.retention.check.interval.ms': async () => {
    const { client, harness } = await serve({ 'offsets.retention.check.interval.ms': '100' })
    await createTopic(client, 't')
    const member = await client.call(apis.joinGroup, 3, joinValue('g', 6000))
    await client.call(apis.leaveGroup, 2, { groupId: 'g', memberId: member.memberId })
    await until('the group without offsets is forgotten', async () => {
      const { groups } = await (await harness.connect()).call(apis.listGroups, 0, {})
      return groups.length === 0
    })
  },
  'offsets.retention.minutes': async () => {
    const { harness } = await serve({ 'offsets.retention.minutes': '2' })
    const [, shown] = await shownSetting(harness, 'offsets.retention.minutes')
    expect(shown).toBe('2')
    // Test/unit/broker-coordinator sees offsets expire by this time of a clock that tests own.
    expect(settledBroker({ 'offsets.retention.minutes': '2' }).coordinators.offsetsRetentionMs).toBe(120_000)
  },
  'producer.id.expiration.ms': () => keeps('producer.id.expiration.ms', '5', 'producerIdExpirationMs', 5),
  'queued.max.request.bytes': () => settles('queued.max.request.bytes', '2000000', 'queuedRequestBytes'),
  'socket.request.max.bytes': async () => {
    const { client } = await serve({ 'socket.request.max.bytes': '2000' })
    client.send(apis.produce, 9, {
      acks: -1,
      timeoutMs: 1,
      topicData: [{ name: 't', partitionData: [{ index: 0, records: record(3000) }] }],
    })
    await client.closed
  },
}

async function shownSetting(harness: BrokerHarness, name: string): Promise<[string, string | null | undefined]> {
  const resources = [{ resourceType: 4, resourceName: '1', configurationKeys: [name] }]
  const { results } = await (await harness.connect()).call(apis.describeConfigs, 4, { resources })
  return [name, results[0]?.configs[0]?.value]
}

/** Test/unit/broker/connection-limits sees what the limit does. */
async function settles(name: string, value: string, field: 'queuedRequestBytes'): Promise<void> {
  expect(settledBroker({ [name]: value }).config.connections?.[field]).toBe(Number(value))
  const { harness } = await serve({ [name]: value })
  expect(await shownSetting(harness, name)).toEqual([name, value])
}

describe('a setting of the broker', () => {
  for (const name of Object.keys(brokerSettings))
    it(`has its effect: ${name}`, async () => {
      const see = effects[name]
      if (see === undefined) throw new RangeError(`${name} has no test`)
      await see()
    })

  it('is what topics have that set nothing, and clients are told where it comes from', async () => {
    const { client } = await serve({ 'log.retention.hours': '2', 'message.max.bytes': '1000' })
    const own = { configs: [{ name: 'max.message.bytes', value: '77' }] }
    await createTopic(client, 't', own)
    const resources = [
      { resourceType: 2, resourceName: 't', configurationKeys: ['retention.ms', 'max.message.bytes', 'segment.ms'] },
    ]
    const { results } = await client.call(apis.describeConfigs, 4, { resources, includeSynonyms: true })
    expect(
      results[0]?.configs.map(({ name, value, configSource, synonyms }) => [name, value, configSource, synonyms]),
    ).toEqual([
      [
        'max.message.bytes',
        '77',
        1,
        [
          { name: 'max.message.bytes', value: '77', source: 1 },
          { name: 'message.max.bytes', value: '1000', source: 4 },
          { name: 'message.max.bytes', value: '16777216', source: 5 },
        ],
      ],
      ['retention.ms', '7200000', 4, [{ name: 'log.retention.ms', value: '7200000', source: 4 }]],
      ['segment.ms', '604800000', 5, []],
    ])
  })
})
