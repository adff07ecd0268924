import type { BrokerState } from '../broker-state.ts'
import type { Handler } from './handler.ts'
import { aclHandlers } from '../handlers/acls.ts'
import { alterConfigsHandler } from '../handlers/alter-configs.ts'
import { apiVersionsHandler } from '../handlers/api-versions.ts'
import { createPartitionsHandler } from '../handlers/create-partitions.ts'
import { createTopicsHandler } from '../handlers/create-topics.ts'
import { deleteRecordsHandler } from '../handlers/delete-records.ts'
import { deleteTopicsHandler } from '../handlers/delete-topics.ts'
import { describeClusterHandler } from '../handlers/describe-cluster.ts'
import { describeConfigsHandler } from '../handlers/describe-configs.ts'
import { fetchHandler } from '../handlers/fetch.ts'
import { incrementalAlterConfigsHandler } from '../handlers/incremental-alter-configs.ts'
import { listOffsetsHandler } from '../handlers/list-offsets.ts'
import { listPartitionReassignmentsHandler } from '../handlers/list-partition-reassignments.ts'
import { metadataHandler } from '../handlers/metadata.ts'
import { offsetForLeaderEpochHandler } from '../handlers/offset-for-leader-epoch.ts'
import { produceHandler } from '../handlers/produce.ts'

/** Everything the broker serves: ApiVersions lists exactly this. `others` are the handlers of the coordinators. */
export function handlerTable(state: BrokerState, others: readonly Handler[] = []): Handler[] {
  const handlers = [
    produceHandler(state),
    fetchHandler(state),
    listOffsetsHandler(state),
    metadataHandler(state),
    createTopicsHandler(state),
    deleteTopicsHandler(state),
    deleteRecordsHandler(state),
    offsetForLeaderEpochHandler(state),
    ...aclHandlers(),
    describeConfigsHandler(state),
    alterConfigsHandler(state),
    createPartitionsHandler(state),
    incrementalAlterConfigsHandler(state),
    listPartitionReassignmentsHandler(),
    describeClusterHandler(state),
    ...others,
  ]
  return [...handlers, apiVersionsHandler(handlers)]
}
