import { errorCodes } from '../../protocol/error-codes.ts'
import { listPartitionReassignments } from '../../protocol/messages/list-partition-reassignments.ts'
import { register } from '../requests/register.ts'

/* ListPartitionReassignments (46), version 0: a single broker never moves replicas. kafka-topics --describe asks. */

/** Serves ListPartitionReassignments. */
export const listPartitionReassignmentsRegistration = register(listPartitionReassignments, () => () => ({
  errorCode: errorCodes.NONE,
  errorMessage: null,
  topics: [],
}))
