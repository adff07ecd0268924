import { assert } from '../../../foundation/assert.ts'
import { errorCodes } from '../../../protocol/error-codes.ts'

/*
 * The states of a group of the classic protocol, as in Kafka's ClassicGroupState
 * (https://github.com/apache/kafka/blob/4.0/group-coordinator/src/main/java/org/apache/kafka/coordinator/group/classic/ClassicGroupState.java).
 *
 *   Empty ──▶ PreparingRebalance ──▶ CompletingRebalance ──▶ Stable
 *     ▲         │  ▲  members join until all have,   │  the leader's assignments   │
 *     └─────────┘  │  or the timeout has passed      │  are awaited and stored     │
 *     no members   └─────────────────────────────────┴─────────────────────────────┘
 *                    a member joins, leaves, changes its protocols, or times out
 */

export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable'

/** The states that may come before each state. */
const predecessors: Readonly<Record<GroupState, readonly GroupState[]>> = {
  Empty: ['PreparingRebalance'],
  PreparingRebalance: ['Empty', 'CompletingRebalance', 'Stable'],
  CompletingRebalance: ['PreparingRebalance'],
  Stable: ['CompletingRebalance'],
}

const { NONE, REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID } = errorCodes

/** The error code that a member of the current generation gets, by the state of its group and the kind of request. */
export const memberErrors: Readonly<Record<GroupState, Readonly<Record<'heartbeat' | 'sync' | 'commit', number>>>> = {
  Empty: { heartbeat: UNKNOWN_MEMBER_ID, sync: UNKNOWN_MEMBER_ID, commit: NONE },
  // A member may still commit what it processed, before it joins again and its partitions move.
  PreparingRebalance: { heartbeat: REBALANCE_IN_PROGRESS, sync: REBALANCE_IN_PROGRESS, commit: NONE },
  CompletingRebalance: { heartbeat: NONE, sync: NONE, commit: REBALANCE_IN_PROGRESS },
  Stable: { heartbeat: NONE, sync: NONE, commit: NONE },
}

/** @throws AssertionError when a group in state `from` may not enter state `to`. */
export function checkTransition(from: GroupState, to: GroupState): void {
  assert(predecessors[to].includes(from), `a group cannot go from ${from} to ${to}`)
}
