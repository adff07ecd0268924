import type { BrokerState } from '../broker-state.ts'
import { describeAclsRegistration, createAclsRegistration, deleteAclsRegistration } from '../handlers/acls.ts'
import { alterConfigsRegistration } from '../handlers/alter-configs.ts'
import { apiVersionsRegistration } from '../handlers/api-versions.ts'
import { createPartitionsRegistration } from '../handlers/create-partitions.ts'
import { createTopicsRegistration } from '../handlers/create-topics.ts'
import { deleteGroupsRegistration } from '../handlers/delete-groups.ts'
import { deleteRecordsRegistration } from '../handlers/delete-records.ts'
import { deleteTopicsRegistration } from '../handlers/delete-topics.ts'
import { describeClusterRegistration } from '../handlers/describe-cluster.ts'
import { describeConfigsRegistration } from '../handlers/describe-configs.ts'
import { describeGroupsRegistration } from '../handlers/describe-groups.ts'
import { fetchRegistration } from '../handlers/fetch.ts'
import { findCoordinatorRegistration } from '../handlers/find-coordinator.ts'
import { heartbeatRegistration } from '../handlers/heartbeat.ts'
import { incrementalAlterConfigsRegistration } from '../handlers/incremental-alter-configs.ts'
import { initProducerIdRegistration } from '../handlers/init-producer-id.ts'
import { joinGroupRegistration } from '../handlers/join-group.ts'
import { leaveGroupRegistration } from '../handlers/leave-group.ts'
import { listGroupsRegistration } from '../handlers/list-groups.ts'
import { listOffsetsRegistration } from '../handlers/list-offsets.ts'
import { listPartitionReassignmentsRegistration } from '../handlers/list-partition-reassignments.ts'
import { metadataRegistration } from '../handlers/metadata.ts'
import { offsetCommitRegistration } from '../handlers/offset-commit.ts'
import { offsetDeleteRegistration } from '../handlers/offset-delete.ts'
import { offsetFetchRegistration } from '../handlers/offset-fetch.ts'
import { offsetForLeaderEpochRegistration } from '../handlers/offset-for-leader-epoch.ts'
import { produceRegistration } from '../handlers/produce.ts'
import { saslHandshakeRegistration, saslAuthenticateRegistration } from '../handlers/sasl.ts'
import { syncGroupRegistration } from '../handlers/sync-group.ts'
import type { Handler } from './handler.ts'
import type { Registration } from './register.ts'

/** Every Kafka API that the embedded broker can serve. To add one: its table in `protocol/messages`, its handler, its line here. */
export const servedApis: readonly Registration[] = [
  describeAclsRegistration,
  createAclsRegistration,
  deleteAclsRegistration,
  alterConfigsRegistration,
  apiVersionsRegistration,
  createPartitionsRegistration,
  createTopicsRegistration,
  deleteGroupsRegistration,
  deleteRecordsRegistration,
  deleteTopicsRegistration,
  describeClusterRegistration,
  describeConfigsRegistration,
  describeGroupsRegistration,
  fetchRegistration,
  findCoordinatorRegistration,
  heartbeatRegistration,
  incrementalAlterConfigsRegistration,
  initProducerIdRegistration,
  joinGroupRegistration,
  leaveGroupRegistration,
  listGroupsRegistration,
  listOffsetsRegistration,
  listPartitionReassignmentsRegistration,
  metadataRegistration,
  offsetCommitRegistration,
  offsetDeleteRegistration,
  offsetFetchRegistration,
  offsetForLeaderEpochRegistration,
  produceRegistration,
  saslHandshakeRegistration,
  saslAuthenticateRegistration,
  syncGroupRegistration,
]

/** The handlers of a broker; ApiVersions lists exactly these. */
export function handlersFor(broker: BrokerState): readonly Handler[] {
  return servedApis.filter(({ isServed }) => isServed(broker)).map(({ createHandler }) => createHandler(broker))
}
