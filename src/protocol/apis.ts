import { produce } from './messages/produce.ts'
import { fetch } from './messages/fetch.ts'
import { listOffsets } from './messages/list-offsets.ts'
import { metadata } from './messages/metadata.ts'
import { offsetCommit } from './messages/offset-commit.ts'
import { offsetFetch } from './messages/offset-fetch.ts'
import { findCoordinator } from './messages/find-coordinator.ts'
import { joinGroup } from './messages/join-group.ts'
import { heartbeat } from './messages/heartbeat.ts'
import { leaveGroup } from './messages/leave-group.ts'
import { syncGroup } from './messages/sync-group.ts'
import { describeGroups } from './messages/describe-groups.ts'
import { listGroups } from './messages/list-groups.ts'
import { saslHandshake } from './messages/sasl-handshake.ts'
import { apiVersions } from './messages/api-versions.ts'
import { createTopics } from './messages/create-topics.ts'
import { deleteTopics } from './messages/delete-topics.ts'
import { deleteRecords } from './messages/delete-records.ts'
import { initProducerId } from './messages/init-producer-id.ts'
import { offsetForLeaderEpoch } from './messages/offset-for-leader-epoch.ts'
import { describeAcls } from './messages/describe-acls.ts'
import { createAcls } from './messages/create-acls.ts'
import { deleteAcls } from './messages/delete-acls.ts'
import { describeConfigs } from './messages/describe-configs.ts'
import { alterConfigs } from './messages/alter-configs.ts'
import { saslAuthenticate } from './messages/sasl-authenticate.ts'
import { createPartitions } from './messages/create-partitions.ts'
import { deleteGroups } from './messages/delete-groups.ts'
import { incrementalAlterConfigs } from './messages/incremental-alter-configs.ts'
import { listPartitionReassignments } from './messages/list-partition-reassignments.ts'
import { offsetDelete } from './messages/offset-delete.ts'
import { describeCluster } from './messages/describe-cluster.ts'
import type { Api } from './schema.ts'

/** Every API that is spoken here, as client or as broker. */
export const apis = {
  produce,
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  offsetFetch,
  findCoordinator,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
  describeGroups,
  listGroups,
  saslHandshake,
  apiVersions,
  createTopics,
  deleteTopics,
  deleteRecords,
  initProducerId,
  offsetForLeaderEpoch,
  describeAcls,
  createAcls,
  deleteAcls,
  describeConfigs,
  alterConfigs,
  saslAuthenticate,
  createPartitions,
  deleteGroups,
  incrementalAlterConfigs,
  listPartitionReassignments,
  offsetDelete,
  describeCluster,
} as const satisfies Readonly<Record<string, Api>>
