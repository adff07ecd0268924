import { produce } from '../../../src/protocol/messages/produce.ts'
import { fetch } from '../../../src/protocol/messages/fetch.ts'
import { listOffsets } from '../../../src/protocol/messages/list-offsets.ts'
import { metadata } from '../../../src/protocol/messages/metadata.ts'
import { offsetCommit } from '../../../src/protocol/messages/offset-commit.ts'
import { offsetFetch } from '../../../src/protocol/messages/offset-fetch.ts'
import { findCoordinator } from '../../../src/protocol/messages/find-coordinator.ts'
import { joinGroup } from '../../../src/protocol/messages/join-group.ts'
import { heartbeat } from '../../../src/protocol/messages/heartbeat.ts'
import { leaveGroup } from '../../../src/protocol/messages/leave-group.ts'
import { syncGroup } from '../../../src/protocol/messages/sync-group.ts'
import { describeGroups } from '../../../src/protocol/messages/describe-groups.ts'
import { listGroups } from '../../../src/protocol/messages/list-groups.ts'
import { saslHandshake } from '../../../src/protocol/messages/sasl-handshake.ts'
import { apiVersions } from '../../../src/protocol/messages/api-versions.ts'
import { createTopics } from '../../../src/protocol/messages/create-topics.ts'
import { deleteTopics } from '../../../src/protocol/messages/delete-topics.ts'
import { deleteRecords } from '../../../src/protocol/messages/delete-records.ts'
import { initProducerId } from '../../../src/protocol/messages/init-producer-id.ts'
import { offsetForLeaderEpoch } from '../../../src/protocol/messages/offset-for-leader-epoch.ts'
import { describeAcls } from '../../../src/protocol/messages/describe-acls.ts'
import { createAcls } from '../../../src/protocol/messages/create-acls.ts'
import { deleteAcls } from '../../../src/protocol/messages/delete-acls.ts'
import { describeConfigs } from '../../../src/protocol/messages/describe-configs.ts'
import { alterConfigs } from '../../../src/protocol/messages/alter-configs.ts'
import { saslAuthenticate } from '../../../src/protocol/messages/sasl-authenticate.ts'
import { createPartitions } from '../../../src/protocol/messages/create-partitions.ts'
import { deleteGroups } from '../../../src/protocol/messages/delete-groups.ts'
import { incrementalAlterConfigs } from '../../../src/protocol/messages/incremental-alter-configs.ts'
import { listPartitionReassignments } from '../../../src/protocol/messages/list-partition-reassignments.ts'
import { offsetDelete } from '../../../src/protocol/messages/offset-delete.ts'
import { describeCluster } from '../../../src/protocol/messages/describe-cluster.ts'
import type { Api } from '../../../src/protocol/schema.ts'

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
