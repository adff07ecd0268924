import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listOf, logConfigOf, topicConfigFault } from '../../../src/broker/settings/topic-configs.ts'
import { topicConfigDefinitions } from '../../../src/broker/settings/topic-config-definitions.ts'
import { defaultLogConfig } from '../../../src/log/log-config.ts'
import { apis } from '../../support/protocol/apis.ts'
import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import type { RawKafkaClient } from '../../support/broker/raw-kafka-client.ts'

let harness: BrokerHarness
let client: RawKafkaClient

beforeAll(async () => {
  harness = await BrokerHarness.start()
  client = await harness.connect()
})

afterAll(() => harness.close())

async function describeOne(
  resourceType: number,
  resourceName: string,
  more: Record<string, unknown> = {},
  version = 4,
) {
  const resources = [{ resourceType, resourceName, configurationKeys: null, ...more }]
  const answer = await client.call(apis.describeConfigs, version, { resources, ...more })
  const [only] = answer.results
  if (only === undefined) throw new RangeError('the answer names no resource')
  return only
}

async function valuesOf(topic: string, ...names: string[]) {
  const { configs } = await describeOne(2, topic, { configurationKeys: names })
  return configs.map(({ name, value, configSource }) => [name, value, configSource])
}

async function alter(
  topic: string,
  changes: readonly (readonly [name: string, operation: number, value: string | null])[],
  options: { validateOnly?: boolean; version?: number } = {},
) {
  const configs = changes.map(([name, configOperation, value]) => ({ name, configOperation, value }))
  const answer = await client.call(apis.incrementalAlterConfigs, options.version ?? 1, {
    resources: [{ resourceType: 2, resourceName: topic, configs }],
    validateOnly: options.validateOnly ?? false,
  })
  return answer.responses[0]?.errorCode
}

describe('DescribeConfigs', () => {
  for (const version of [1, 2, 3, 4]) {
    it(`v${version} gives all configs of a topic, saying which are its own`, async () => {
      await harness.broker.topics.create(`described-v${version}`, 1, { 'retention.ms': '5' })
      const { configs } = await describeOne(2, `described-v${version}`, {}, version)
      expect(configs.map((config) => config.name)).toEqual(Object.keys(topicConfigDefinitions))
      expect(configs.find((config) => config.name === 'retention.ms')).toMatchObject({
        value: '5',
        configSource: 1,
        readOnly: false,
        isSensitive: false,
      })
      expect(configs.find((config) => config.name === 'max.message.bytes')).toMatchObject({
        value: '16777216',
        configSource: 5,
      })
      if (version >= 3) expect(configs.find((config) => config.name === 'segment.ms')?.configType).toBe(5)
    })
  }

  it('v0 gives all configs of a topic, saying which are the default', async () => {
    await harness.broker.topics.create('described-v0', 1, { 'retention.ms': '5' })
    const { configs } = await describeOne(2, 'described-v0', {}, 0)
    expect(configs.filter((config) => !config.isDefault).map(({ name, value }) => [name, value])).toEqual([
      ['retention.ms', '5'],
    ])
    expect((await describeOne(4, '1', {}, 0)).configs.map(({ isDefault }) => isDefault)).not.toContain(true)
  })

  it('gives the keys that are asked for, with synonyms and documentation when asked', async () => {
    await harness.broker.topics.create('asked-for', 1, {})
    const { configs } = await describeOne(2, 'asked-for', {
      configurationKeys: ['cleanup.policy', 'none.such'],
      includeSynonyms: true,
      includeDocumentation: true,
    })
    expect(configs).toHaveLength(1)
    expect(configs[0]).toMatchObject({
      name: 'cleanup.policy',
      value: 'delete',
      synonyms: [{ name: 'log.cleanup.policy', value: 'delete', source: 5 }],
    })
    expect(configs[0]?.documentation).toMatch(/compact/)
  })

  it('shows the configs of the broker, read only', async () => {
    const { configs } = await describeOne(4, '1')
    expect(configs.find((config) => config.name === 'message.max.bytes')).toMatchObject({
      value: '16777216',
      readOnly: true,
      configSource: 4,
    })
    expect(await describeOne(4, '')).toMatchObject({ errorCode: 0, configs: [] })
  })

  it('names resources that it does not have', async () => {
    expect(await describeOne(2, 'nowhere')).toMatchObject({ errorCode: 3 })
    expect(await describeOne(4, '17')).toMatchObject({ errorCode: 42 })
    expect(await describeOne(8, '1')).toMatchObject({ errorCode: 42 })
  })
})

describe('IncrementalAlterConfigs', () => {
  it('sets, resets, appends and takes away; the logs follow and a restart keeps it', async () => {
    await harness.broker.topics.create('altered', 2, { 'retention.ms': '1' })
    expect(
      await alter(
        'altered',
        [
          ['retention.ms', 0, '2000'],
          ['segment.bytes', 0, '1024'],
        ],
        { version: 0 },
      ),
    ).toBe(0)
    expect(
      harness.broker.topics
        .get('altered')
        ?.partitions.map((log) => [log?.config.retentionMs, log?.config.segmentBytes]),
    ).toEqual([
      [2000, 1024],
      [2000, 1024],
    ])
    expect(await alter('altered', [['retention.ms', 1, null]])).toBe(0)
    expect(await alter('altered', [['cleanup.policy', 2, 'compact']])).toBe(0)
    expect(await valuesOf('altered', 'cleanup.policy', 'retention.ms')).toEqual([
      ['cleanup.policy', 'delete,compact', 1],
      ['retention.ms', '604800000', 5],
    ])
    expect(await alter('altered', [['cleanup.policy', 3, 'delete']])).toBe(0)
    expect(await valuesOf('altered', 'cleanup.policy')).toEqual([['cleanup.policy', 'compact', 1]])
    expect(harness.broker.topics.partition('altered', 0)?.config).toMatchObject({
      compact: true,
      delete: false,
      retentionMs: defaultLogConfig.retentionMs,
    })
    await harness.restart()
    client = await harness.connect()
    expect(await valuesOf('altered', 'cleanup.policy', 'segment.bytes')).toEqual([
      ['cleanup.policy', 'compact', 1],
      ['segment.bytes', '1024', 1],
    ])
  })

  it("refuses with Kafka's codes and leaves everything as it was", async () => {
    await harness.broker.topics.create('unaltered', 1, {})
    expect(await alter('nowhere', [['retention.ms', 0, '1']])).toBe(3)
    expect(
      await alter('unaltered', [
        ['retention.ms', 0, '1'],
        ['no.such', 0, '1'],
      ]),
    ).toBe(40)
    expect(await alter('unaltered', [['retention.ms', 0, 'x']])).toBe(40)
    expect(await alter('unaltered', [['retention.ms', 2, '1']])).toBe(40)
    expect(await alter('unaltered', [['retention.ms', 0, null]])).toBe(42)
    expect(await alter('unaltered', [['retention.ms', 9, '1']])).toBe(42)
    expect(
      await alter('unaltered', [
        ['retention.ms', 0, '1'],
        ['retention.ms', 0, '2'],
      ]),
    ).toBe(42)
    expect(await alter('unaltered', [['cleanup.policy', 3, 'delete']])).toBe(40)
    expect(await alter('unaltered', [['retention.ms', 0, '1']], { validateOnly: true })).toBe(0)
    expect(harness.broker.topics.get('unaltered')?.configs).toEqual({})
  })

  it('refuses to change the broker, and a resource that is named twice', async () => {
    const change = { configs: [{ name: 'num.partitions', configOperation: 0, value: '2' }] }
    const answer = await client.call(apis.incrementalAlterConfigs, 1, {
      resources: [
        { resourceType: 4, resourceName: '1', ...change },
        { resourceType: 2, resourceName: 'twice', ...change },
        { resourceType: 2, resourceName: 'twice', ...change },
      ],
      validateOnly: false,
    })
    expect(answer.responses.map((response) => response.errorCode)).toEqual([42, 42, 42])
  })
})

describe('AlterConfigs', () => {
  it('replaces all that a topic sets', async () => {
    await harness.broker.topics.create('replaced', 1, { 'retention.ms': '1', 'segment.ms': '5' })
    for (const version of [0, 1, 2]) {
      const resources = [
        { resourceType: 2, resourceName: 'replaced', configs: [{ name: 'retention.ms', value: '77' }] },
      ]
      const answer = await client.call(apis.alterConfigs, version, { resources, validateOnly: false })
      expect(answer.responses[0]).toMatchObject({ errorCode: 0, resourceName: 'replaced' })
      expect(harness.broker.topics.get('replaced')?.configs).toEqual({ 'retention.ms': '77' })
    }
  })
})

describe('the other admin calls', () => {
  it('say that there is no authorizer', async () => {
    const filter = {
      resourceTypeFilter: 1,
      resourceNameFilter: null,
      principalFilter: null,
      hostFilter: null,
      operation: 1,
      permissionType: 1,
    }
    const rule = { resourceType: 2, resourceName: 't', principal: 'User:x', host: '*', operation: 3, permissionType: 3 }
    for (const version of [1, 2, 3]) {
      expect(await client.call(apis.describeAcls, version, filter)).toMatchObject({ errorCode: 54, resources: [] })
      expect(
        (await client.call(apis.createAcls, version, { creations: [rule, rule] })).results.map(
          (result) => result.errorCode,
        ),
      ).toEqual([54, 54])
      expect(
        (await client.call(apis.deleteAcls, version, { filters: [filter] })).filterResults.map(
          (result) => result.errorCode,
        ),
      ).toEqual([54])
    }
  })

  it('describe a cluster of one that never moves replicas', async () => {
    const { port } = harness.broker.address
    for (const version of [0, 1]) {
      const answer = await client.call(apis.describeCluster, version, { includeClusterAuthorizedOperations: false })
      expect(answer).toMatchObject({
        errorCode: 0,
        controllerId: 1,
        brokers: [{ brokerId: 1, host: '127.0.0.1', port }],
      })
    }
    const controllers = { includeClusterAuthorizedOperations: false, endpointType: 2 }
    expect(await client.call(apis.describeCluster, 1, controllers)).toMatchObject({ errorCode: 42 })
    expect(await client.call(apis.listPartitionReassignments, 0, { topics: null })).toMatchObject({
      errorCode: 0,
      topics: [],
    })
  })

  it('give the end of the only leader epoch', async () => {
    await harness.broker.topics.create('epochs', 1, {})
    for (const version of [2, 3, 4]) {
      const partitions = [
        { partition: 0, leaderEpoch: 0 },
        { partition: 0, leaderEpoch: 3 },
        { partition: 0, leaderEpoch: 0, currentLeaderEpoch: 8 },
        { partition: 9, leaderEpoch: 0 },
      ]
      const answer = await client.call(apis.offsetForLeaderEpoch, version, {
        topics: [{ topic: 'epochs', partitions }],
      })
      expect(
        answer.topics[0]?.partitions.map(({ errorCode, leaderEpoch, endOffset }) => [
          errorCode,
          leaderEpoch,
          endOffset,
        ]),
      ).toEqual([
        [0, 0, 0],
        [0, -1, -1],
        [75, -1, -1],
        [3, -1, -1],
      ])
    }
  })
})

describe('topic configs', () => {
  it('have defaults that are valid', () => {
    for (const [name, definition] of Object.entries(topicConfigDefinitions))
      expect(topicConfigFault(name, definition.default)).toBeNull()
  })

  it('keep a log without overrides as the defaults say', () => {
    expect(logConfigOf({})).toEqual(defaultLogConfig)
    const texts = Object.fromEntries(
      Object.entries(topicConfigDefinitions).map(([name, definition]) => [name, definition.default]),
    )
    expect(logConfigOf(texts)).toEqual(defaultLogConfig)
  })

  it('are refused with the reason', () => {
    expect(topicConfigFault('cleanup.policy', 'compact, delete')).toBeNull()
    expect(topicConfigFault('cleanup.policy', '')).toMatch(/must not be empty/)
    expect(topicConfigFault('cleanup.policy', 'burn')).toBe(
      'Invalid value burn for configuration cleanup.policy: String must be one of: compact, delete',
    )
    expect(topicConfigFault('message.timestamp.type', 'Now')).toMatch(/CreateTime, LogAppendTime/)
    expect(topicConfigFault('preallocate', 'yes')).toMatch(/true or false/)
    expect(topicConfigFault('remote.storage.enable', 'true')).toMatch(/must be false/)
    expect(topicConfigFault('min.cleanable.dirty.ratio', '1.5')).toMatch(/no more than 1/)
    expect(topicConfigFault('min.cleanable.dirty.ratio', '0.25')).toBeNull()
    expect(topicConfigFault('segment.bytes', '1.5')).toMatch(/Not a number of type INT/)
    expect(topicConfigFault('segment.bytes', '13')).toMatch(/at least 14/)
    for (const name of ['unknown', 'constructor', 'hasOwnProperty', 'toString', '__proto__'])
      expect(topicConfigFault(name, '1')).toBe(`Unknown topic config name: ${name}`)
    expect(listOf(' a, b ,,c')).toEqual(['a', 'b', 'c'])
  })
})
