import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { apis } from '../../../../support/protocol/apis.ts'
import { errorCodes } from '../../../../../src/protocol/error-codes.ts'
import { BrokerHarness } from '../../../../support/broker/broker-harness.ts'
import { until } from '../../../../support/until.ts'

let harness: BrokerHarness

beforeEach(async () => {
  harness = await BrokerHarness.start()
})

afterEach(async () => {
  await harness.close()
})

describe('single responses', () => {
  const join = {
    groupId: 'workers',
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 60_000,
    memberId: '',
    protocolType: 'connect',
    protocols: [{ name: 'sessioned', metadata: Buffer.from('m') }],
  }

  it('lead a Connect worker through its group', async () => {
    const client = await harness.connect('worker')
    const { coordinators } = await client.call(apis.findCoordinator, 4, { coordinatorKeys: ['workers', ''] })
    expect(coordinators.map(({ port, errorCode }) => [port, errorCode])).toEqual([
      [harness.broker.address.port, errorCodes.NONE],
      [-1, errorCodes.INVALID_GROUP_ID],
    ])
    const first = await client.call(apis.joinGroup, 9, join)
    expect(first).toMatchObject({ errorCode: errorCodes.MEMBER_ID_REQUIRED })
    expect(first.memberId).toMatch(/^worker-[0-9a-f-]{36}$/)
    const { memberId } = first
    const joined = await client.call(apis.joinGroup, 9, { ...join, memberId })
    expect(joined).toMatchObject({
      generationId: 1,
      leader: memberId,
      protocolType: 'connect',
      protocolName: 'sessioned',
    })
    const sync = {
      groupId: 'workers',
      generationId: 1,
      memberId,
      assignments: [{ memberId, assignment: Buffer.from('a') }],
    }
    const names = { protocolType: 'connect', protocolName: 'sessioned' }
    const synced = await client.call(apis.syncGroup, 5, { ...sync, ...names })
    expect(synced.assignment.toString()).toBe('a')
    const beat = { groupId: 'workers', generationId: 1, memberId }
    expect(await client.call(apis.heartbeat, 4, beat)).toMatchObject({ errorCode: errorCodes.NONE })
    const { groups } = await client.call(apis.listGroups, 5, { statesFilter: ['stable'], typesFilter: ['CLASSIC'] })
    expect(groups).toEqual([
      { groupId: 'workers', protocolType: 'connect', groupState: 'Stable', groupType: 'classic' },
    ])
    const left = await client.call(apis.leaveGroup, 5, {
      groupId: 'workers',
      members: [{ memberId }, { memberId: 'x' }],
    })
    expect(left.members.map(({ errorCode }) => errorCode)).toEqual([errorCodes.NONE, errorCodes.UNKNOWN_MEMBER_ID])
  })

  it('come for a parked JoinGroup when the broker stops', async () => {
    const client = await harness.connect()
    await client.call(apis.joinGroup, 2, join)
    const other = await harness.connect()
    const parked = other.call(apis.joinGroup, 2, join)
    await until('the second member waits', async () => {
      const { groups } = await client.call(apis.describeGroups, 4, { groups: ['workers'] })
      return groups[0]?.members.length === 2
    })
    const { broker } = harness
    const stopped = broker.close()
    await expect(parked).resolves.toMatchObject({ errorCode: errorCodes.COORDINATOR_NOT_AVAILABLE, protocolName: '' })
    await stopped
  })

  it('refuse offsets of what does not exist and metadata that is too long, partition by partition', async () => {
    const client = await harness.connect()
    await harness.broker.topics.create('orders', 1, {})
    const partition = (partitionIndex: number, committedMetadata: string | null) => ({
      partitionIndex,
      committedOffset: 7,
      committedMetadata,
    })
    const commit = (topic: string, partitions: ReturnType<typeof partition>[]) =>
      client.call(apis.offsetCommit, 7, { groupId: 'g', memberId: '', topics: [{ name: topic, partitions }] })
    const answer = await commit('orders', [partition(0, null), partition(1, null), partition(0, 'x'.repeat(4097))])
    expect(answer.topics[0]?.partitions.map(({ errorCode }) => errorCode)).toEqual([
      errorCodes.NONE,
      errorCodes.UNKNOWN_TOPIC_OR_PARTITION,
      errorCodes.OFFSET_METADATA_TOO_LARGE,
    ])
    const { groups } = await client.call(apis.offsetFetch, 8, {
      groups: [
        { groupId: 'g', topics: null },
        { groupId: 'no', topics: null },
      ],
    })
    expect(groups).toEqual([
      {
        groupId: 'g',
        errorCode: errorCodes.NONE,
        topics: [
          {
            name: 'orders',
            partitions: [
              { partitionIndex: 0, committedOffset: 7, committedLeaderEpoch: -1, metadata: '', errorCode: 0 },
            ],
          },
        ],
      },
      { groupId: 'no', errorCode: errorCodes.NONE, topics: [] },
    ])
    const forget = (topic: string, partitionIndex: number) =>
      client.call(apis.offsetDelete, 0, { groupId: 'g', topics: [{ name: topic, partitions: [{ partitionIndex }] }] })
    expect((await forget('orders', 3)).topics[0]?.partitions[0]?.errorCode).toBe(errorCodes.UNKNOWN_TOPIC_OR_PARTITION)
    expect((await forget('orders', 0)).topics[0]?.partitions[0]?.errorCode).toBe(errorCodes.NONE)
    expect(await client.call(apis.offsetDelete, 0, { groupId: 'no', topics: [] })).toMatchObject({
      errorCode: errorCodes.GROUP_ID_NOT_FOUND,
    })
  })

  it('forget the offsets of a topic that is deleted', async () => {
    const client = await harness.connect()
    await harness.broker.topics.create('orders', 1, {})
    const partitions = [{ partitionIndex: 0, committedOffset: 7, committedMetadata: '' }]
    await client.call(apis.offsetCommit, 7, { groupId: 'g', memberId: '', topics: [{ name: 'orders', partitions }] })
    await client.call(apis.deleteTopics, 4, { topicNames: ['orders'], timeoutMs: 1000 })
    await until('the offset is gone', async () => {
      const { groups } = await client.call(apis.offsetFetch, 8, { groups: [{ groupId: 'g', topics: null }] })
      return groups[0]?.topics.length === 0
    })
  })

  it('tell a transactional producer, and the log, that there are no transactions', async () => {
    const client = await harness.connect('payments')
    const reason = 'The embedded broker does not support transactions. Use an idempotent producer, or a Kafka cluster.'
    // librdkafka, up to version 2, retries every other code; Java, in later versions, drops the message of this one.
    expect(await client.call(apis.findCoordinator, 2, { key: 'tx', keyType: 1 })).toMatchObject({
      errorCode: errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
      errorMessage: reason,
      nodeId: -1,
    })
    expect(await client.call(apis.findCoordinator, 3, { key: 'tx', keyType: 1 })).toMatchObject({
      errorCode: errorCodes.UNSUPPORTED_VERSION,
      errorMessage: reason,
      nodeId: -1,
    })
    const { coordinators } = await client.call(apis.findCoordinator, 4, { coordinatorKeys: ['a', 'b'], keyType: 1 })
    expect(coordinators.map(({ key, errorMessage }) => [key, errorMessage])).toEqual([
      ['a', reason],
      ['b', reason],
    ])
    expect(await client.call(apis.findCoordinator, 3, { key: 'x', keyType: 7 })).toMatchObject({
      errorCode: errorCodes.INVALID_REQUEST,
    })
    const warnings = harness.logger.lines.filter(({ message }) => message.includes('transactional producer'))
    expect(warnings.map(({ fields }) => fields)).toEqual([
      { clientId: 'payments', transactionalIds: ['tx'] },
      { clientId: 'payments', transactionalIds: ['tx'] },
      { clientId: 'payments', transactionalIds: ['a', 'b'] },
    ])
  })

  it('name the operations that a client may do, when it asks: all that there are', async () => {
    const client = await harness.connect()
    await harness.broker.topics.create('orders', 1, {})
    const bits = (value: number | undefined): number[] =>
      Array.from({ length: 31 }, (_, bit) => bit).filter((bit) => ((value ?? 0) >> bit) & 1)
    const topics = [{ name: 'orders' }]
    const asked = { includeTopicAuthorizedOperations: true, includeClusterAuthorizedOperations: true }
    const metadata = await client.call(apis.metadata, 10, { topics, allowAutoTopicCreation: false, ...asked })
    // Kafka 3.9.1 without an authorizer: these codes of AclOperation.
    expect(bits(metadata.clusterAuthorizedOperations)).toEqual([5, 7, 8, 9, 10, 11, 12])
    expect(bits(metadata.topics[0]?.topicAuthorizedOperations)).toEqual([3, 4, 5, 6, 7, 8, 10, 11])
    const cluster = await client.call(apis.describeCluster, 1, { includeClusterAuthorizedOperations: true })
    expect(bits(cluster.clusterAuthorizedOperations)).toEqual([5, 7, 8, 9, 10, 11, 12])
    const described = await client.call(apis.describeGroups, 5, { groups: ['g'], includeAuthorizedOperations: true })
    expect(bits(described.groups[0]?.authorizedOperations)).toEqual([3, 6, 8])
    const notAsked = await client.call(apis.metadata, 10, {
      topics,
      allowAutoTopicCreation: false,
      includeTopicAuthorizedOperations: false,
      includeClusterAuthorizedOperations: false,
    })
    expect([notAsked.clusterAuthorizedOperations, notAsked.topics[0]?.topicAuthorizedOperations]).toEqual([
      -2_147_483_648, -2_147_483_648,
    ])
  })

  it('end an empty group with its last offset, however the offset is removed', async () => {
    const client = await harness.connect()
    const groupIds = async (): Promise<string[]> =>
      (await client.call(apis.listGroups, 4, { statesFilter: [] })).groups.map(({ groupId }) => groupId).toSorted()
    const commit = (groupId: string, name: string) =>
      client.call(apis.offsetCommit, 7, {
        groupId,
        memberId: '',
        topics: [{ name, partitions: [{ partitionIndex: 0, committedOffset: 7, committedMetadata: '' }] }],
      })
    for (const topic of ['orders', 'items']) await harness.broker.topics.create(topic, 1, {})
    await commit('a', 'orders')
    await commit('b', 'orders')
    await commit('b', 'items')
    await commit('c', 'items')
    await client.call(apis.deleteTopics, 4, { topicNames: ['orders'], timeoutMs: 1000 })
    await until('the group that had only that topic is gone', async () => !(await groupIds()).includes('a'))
    expect(await groupIds()).toEqual(['b', 'c'])
    const topics = [{ name: 'items', partitions: [{ partitionIndex: 0 }] }]
    await client.call(apis.offsetDelete, 0, { groupId: 'c', topics })
    expect(await groupIds()).toEqual(['b'])
    await harness.restart()
    const again = await harness.connect()
    expect((await again.call(apis.listGroups, 4, { statesFilter: [] })).groups.map(({ groupId }) => groupId)).toEqual([
      'b',
    ])
  })

  it('give every idempotent producer an id of its own, and refuse transactional ones', async () => {
    const client = await harness.connect()
    const init = (transactionalId: string | null, producerId = -1, producerEpoch = -1) =>
      client.call(apis.initProducerId, 4, { transactionalId, transactionTimeoutMs: 60_000, producerId, producerEpoch })
    const first = await init(null)
    expect(first).toMatchObject({ errorCode: errorCodes.NONE, producerEpoch: 0 })
    expect((await init(null, first.producerId, 0)).producerId).not.toBe(first.producerId)
    expect(await init('')).toMatchObject({ errorCode: errorCodes.INVALID_REQUEST, producerId: -1 })
    expect(await init(null, 5, -1)).toMatchObject({ errorCode: errorCodes.INVALID_REQUEST })
    expect(await init('tx')).toMatchObject({ errorCode: errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED })
    expect(harness.logger.lines).toContainEqual(expect.objectContaining({ level: 'warn' }))
    await harness.restart()
    const again = await harness.connect()
    const answer = await again.call(apis.initProducerId, 0, { transactionalId: null, transactionTimeoutMs: 60_000 })
    expect(answer.producerId).toBeGreaterThanOrEqual(1000)
  })
})
