import { errorCodes } from '../../protocol/error-codes.ts'
import { listPartitionReassignments } from '../../protocol/messages/list-partition-reassignments.ts'
import { defineHandler, type Handler } from '../requests/handler.ts'

/* ListPartitionReassignments (46), version 0: a single broker never moves replicas. kafka-topics --describe asks. */

/** Serves ListPartitionReassignments. */
export function listPartitionReassignmentsHandler(): Handler {
  return defineHandler(listPartitionReassignments, () => ({
    errorCode: errorCodes.NONE,
    errorMessage: null,
    topics: [],
  }))
}
