import { errorCodes } from '../../protocol/error-codes.ts'

/** The epoch of every partition: there is one leader, and nothing that was acknowledged is ever cut. */
export const leaderEpoch = 0

/** The error for a request that names another epoch as the current one; null when it does not (-1: it names none). */
export function leaderEpochFault(claimed: number): number | null {
  if (claimed < 0 || claimed === leaderEpoch) return null
  return claimed < leaderEpoch ? errorCodes.FENCED_LEADER_EPOCH : errorCodes.UNKNOWN_LEADER_EPOCH
}
