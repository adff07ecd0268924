import { Cluster } from '../../../src/client/cluster/cluster.ts'
import { BrokerError } from '../../../src/client/errors.ts'
import type { KafkaClient } from '../../../src/client/kafka-client.ts'
import { coordinatorMoved } from '../../../src/client/group/group-member.ts'
import { atCoordinator } from '../../../src/client/group/group-offsets.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { errorCodes } from '../../../src/protocol/error-codes.ts'
import { createPartitions } from '../../../src/protocol/messages/create-partitions.ts'
import { deleteRecords as deleteRecordsApi } from '../../../src/protocol/messages/delete-records.ts'
import { deleteTopics } from '../../../src/protocol/messages/delete-topics.ts'
import { describeGroups } from '../../../src/protocol/messages/describe-groups.ts'
import { leaveGroup } from '../../../src/protocol/messages/leave-group.ts'
import { zeroUuid } from '../../../src/protocol/schema.ts'
import { quietLogger } from '../quiet-logger.ts'
import { patienceMs, until } from '../until.ts'

// What an administrator does to a cluster and the product never does. Each call has connections of its own.

const brokerTimeoutMs = 30_000

async function onCluster<T>(
  bootstrapServers: string,
  what: string,
  action: (cluster: Cluster) => Promise<T>,
): Promise<T> {
  const options = { bootstrapServers, clientId: 'penstock-test', clock: systemClock, logger: quietLogger() }
  const cluster = new Cluster(options)
  try {
    return await cluster.retrying(what, { withinMs: patienceMs }, async () => {
      await cluster.refreshMetadata([])
      return await action(cluster)
    })
  } finally {
    cluster.close()
  }
}

function check(code: number | undefined, what: string): void {
  if (code !== errorCodes.NONE) throw new BrokerError(code ?? errorCodes.UNKNOWN_SERVER_ERROR, what)
}

/** Deletes a topic. Brokers other than the controller learn of it a moment later. */
export async function deleteTopic(bootstrapServers: string, name: string): Promise<void> {
  const request = { topics: [{ name, topicId: zeroUuid }], topicNames: [name], timeoutMs: brokerTimeoutMs }
  await onCluster(bootstrapServers, `delete topic ${name}`, async (cluster) => {
    const response = await cluster.sendTo(cluster.metadata.controllerId, deleteTopics, request)
    check(response.responses[0]?.errorCode, `deleting topic ${name}`)
  })
}

/** Adds partitions to a topic, up to `count`. Brokers other than the controller learn of it a moment later. */
export async function addPartitions(bootstrapServers: string, name: string, count: number): Promise<void> {
  const topics = [{ name, count, assignments: null }]
  const request = { topics, timeoutMs: brokerTimeoutMs, validateOnly: false }
  await onCluster(bootstrapServers, `add partitions to topic ${name}`, async (cluster) => {
    const response = await cluster.sendTo(cluster.metadata.controllerId, createPartitions, request)
    check(response.results[0]?.errorCode, `adding partitions to topic ${name}`)
  })
}

/** Deletes a topic and creates it again, empty. A Kafka responds before all its brokers know: waits until the id has changed. */
export async function recreateTopic(client: KafkaClient, bootstrapServers: string, name: string): Promise<void> {
  const idOf = async (): Promise<string | null> => (await client.admin.describeTopics([name])).get(name)?.id ?? null
  const before = await idOf()
  await deleteTopic(bootstrapServers, name)
  await until('the topic is deleted', async () => (await idOf()) === null)
  const spec = { name, partitions: 1, replicationFactor: 1 }
  await until('the topic can be created', async () => await client.admin.createTopic(spec).catch(() => false))
  await until('the topic is another one', async () => ![null, before].includes(await idOf()))
}

/** Deletes the records before an offset, as retention does. */
export async function deleteRecords(
  bootstrapServers: string,
  { topic, partition }: { readonly topic: string; readonly partition: number },
  beforeOffset: number,
): Promise<void> {
  await onCluster(bootstrapServers, `delete records of topic ${topic}`, async (cluster) => {
    await cluster.refreshMetadata([topic])
    const leader = cluster.metadata.leaderOf(topic, partition)
    if (leader === null) throw new BrokerError(errorCodes.LEADER_NOT_AVAILABLE, `deleting records of topic ${topic}`)
    const partitions = [{ partitionIndex: partition, offset: beforeOffset }]
    const request = { topics: [{ name: topic, partitions }], timeoutMs: brokerTimeoutMs }
    const response = await cluster.sendTo(leader, deleteRecordsApi, request)
    check(response.topics[0]?.partitions[0]?.errorCode, `deleting records of topic ${topic}`)
  })
}

/** The state of a group; `Dead` if it does not exist. */
export async function describeGroup(
  bootstrapServers: string,
  groupId: string,
): Promise<{ readonly state: string; readonly protocolType: string; readonly memberIds: readonly string[] }> {
  const request = { groups: [groupId], includeAuthorizedOperations: false }
  return await onGroup(bootstrapServers, groupId, async (cluster, nodeId) => {
    const response = await cluster.sendTo(nodeId, describeGroups, request, { maxVersion: 4 })
    const group = response.groups[0]
    check(group?.errorCode, `describing group ${groupId}`)
    const memberIds = (group?.members ?? []).map(({ memberId }) => memberId)
    return { state: group?.groupState ?? 'Dead', protocolType: group?.protocolType ?? '', memberIds }
  })
}

/** Removes all members of a group, as the coordinator does when their sessions time out. */
export async function removeMembers(bootstrapServers: string, groupId: string): Promise<void> {
  const { memberIds } = await describeGroup(bootstrapServers, groupId)
  const members = memberIds.map((memberId) => ({ memberId, reason: 'removed by an administrator' }))
  await onGroup(bootstrapServers, groupId, async (cluster, nodeId) => {
    const response = await cluster.sendTo(nodeId, leaveGroup, { groupId, memberId: '', members })
    check(response.errorCode, `removing members of group ${groupId}`)
  })
}

async function onGroup<T>(
  bootstrapServers: string,
  groupId: string,
  action: (cluster: Cluster, nodeId: number) => Promise<T>,
): Promise<T> {
  return await onCluster(bootstrapServers, `ask the coordinator of group ${groupId}`, async (cluster) => {
    try {
      return await atCoordinator(cluster, groupId, undefined, (nodeId) => action(cluster, nodeId))
    } catch (error) {
      if (error instanceof BrokerError && coordinatorMoved.has(error.code)) cluster.forgetCoordinator(groupId)
      throw error
    }
  })
}
