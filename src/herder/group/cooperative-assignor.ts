import type { TaskId } from '../../config/connector/task-id.ts'
import {
  connectorKey,
  isEmpty,
  keysOf,
  nothingAssigned,
  taskKey,
  union,
  within,
  without,
  type AssignmentDelta,
  type ConnectorsAndTasks,
} from './assignment.ts'

/** A member of the worker group, and what it reports that it runs or still stops. */
export interface GroupWorker {
  readonly memberId: string
  readonly held: ConnectorsAndTasks
}

/** What a leader remembers of the last rebalance. */
export interface LastRebalance {
  /** What members were to run after it, and what waited for a lost member. */
  readonly placed: ConnectorsAndTasks
  /** How many members there were before the first of them was lost. */
  readonly memberCount: number
  /** When what lost members ran is assigned to others, in monotonic milliseconds; null when nothing waits. */
  readonly lostUntilMs: number | null
}

/** A new leader remembers nothing. */
export const noRebalance: LastRebalance = { placed: nothingAssigned, memberCount: 0, lostUntilMs: null }

export interface RebalanceInput {
  readonly members: readonly GroupWorker[]
  readonly configured: ConnectorsAndTasks
  readonly last: LastRebalance
  /** Monotonic. */
  readonly nowMs: number
  /** How long what a lost member ran waits for its return (`scheduled.rebalance.max.delay.ms`). */
  readonly maxDelayMs: number
}

export interface Rebalance {
  readonly deltas: ReadonlyMap<string, AssignmentDelta>
  /** After this time the group has to rebalance again; 0: it need not. */
  readonly delayMs: number
  readonly next: LastRebalance
}

/** A member, while the rebalance is decided. */
interface Place {
  readonly memberId: string
  /** What it may keep. */
  readonly held: ConnectorsAndTasks
  /** That, and what it is given. */
  readonly connectors: string[]
  readonly tasks: TaskId[]
}

type Kind = 'connectors' | 'tasks'

/**
 * Assigns connectors and tasks, incrementally and cooperatively (KIP-415). Members keep what they run, as far as that is
 * balanced: no member has two connectors, or two tasks, more than another. What one member still runs is assigned to another
 * only in the next rebalance, after the first has stopped it (I3).
 *
 * Connect also delays rebalances that revoke again and again. Here a second rebalance places what the first revoked, and finds
 * the group balanced.
 */
export function assignCooperatively({ members, configured, last, nowMs, maxDelayMs }: RebalanceInput): Rebalance {
  const places = keptPlaces(members, configured)
  const reported = members.reduce((all, { held }) => union(all, held), nothingAssigned)
  const free = without(configured, keysOf(reported))
  const lost = within(free, keysOf(last.placed))
  const lostUntilMs = isEmpty(lost) ? null : waitsUntil(members, last, nowMs, maxDelayMs)
  const waiting = lostUntilMs === null ? nothingAssigned : lost
  place(places, without(free, keysOf(waiting)))
  const assigned = new Map(places.map((at) => [at.memberId, without(at, keysOf(at.held))]))
  const kept = new Map(places.map((at) => [at.memberId, lostUntilMs === null ? balanced(at, places) : at.held]))
  const deltas = new Map(
    members.map(({ memberId, held }) => [
      memberId,
      {
        assigned: assigned.get(memberId) ?? nothingAssigned,
        revoked: without(held, keysOf(kept.get(memberId) ?? nothingAssigned)),
      },
    ]),
  )
  const placed = [...kept.values(), ...assigned.values()].reduce(union, waiting)
  const memberCount = lostUntilMs === null ? members.length : last.memberCount
  return {
    deltas,
    delayMs: lostUntilMs === null ? 0 : lostUntilMs - nowMs,
    next: { placed, memberCount, lostUntilMs },
  }
}

/** What each member may keep of what it reports: nothing that is not configured, and nothing that an earlier member has. */
function keptPlaces(members: readonly GroupWorker[], configured: ConnectorsAndTasks): readonly Place[] {
  const available = new Set(keysOf(configured))
  return members
    .toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1))
    .map(({ memberId, held }) => {
      const kept = within(held, available)
      for (const key of keysOf(kept)) available.delete(key)
      return { memberId, held: kept, connectors: [...kept.connectors], tasks: [...kept.tasks] }
    })
}

/** Returns until when lost work waits; null: it is assigned now, as no member is missing or another has come instead. */
function waitsUntil(
  members: readonly GroupWorker[],
  { memberCount, lostUntilMs }: LastRebalance,
  nowMs: number,
  maxDelayMs: number,
): number | null {
  if (maxDelayMs === 0 || members.length >= memberCount) return null
  const until = lostUntilMs ?? nowMs + maxDelayMs
  return nowMs >= until ? null : until
}

/** Gives each connector and task to the member that has the fewest. */
function place(places: readonly Place[], { connectors, tasks }: ConnectorsAndTasks): void {
  for (const connector of connectors) leastLoaded(places, 'connectors').connectors.push(connector)
  for (const task of tasks) leastLoaded(places, 'tasks').tasks.push(task)
}

function leastLoaded(places: readonly Place[], kind: Kind): Place {
  const total = ({ connectors, tasks }: Place): number => connectors.length + tasks.length
  return places.reduce((least, at) => {
    const more = at[kind].length - least[kind].length || total(at) - total(least)
    return more < 0 ? at : least
  })
}

/** Returns what a member keeps: as much as its share allows. */
function balanced(at: Place, places: readonly Place[]): ConnectorsAndTasks {
  const { connectors, tasks } = at.held
  const gone = [
    ...connectors
      .toReversed()
      .slice(0, excess(at, places, 'connectors'))
      .map(connectorKey),
    ...mostAlike(tasks)
      .slice(0, excess(at, places, 'tasks'))
      .map(taskKey),
  ]
  return without(at.held, new Set(gone))
}

/** How many a member has above its share: the average rounded down, and for those that have the most one of the rest. */
function excess(at: Place, places: readonly Place[], kind: Kind): number {
  const total = places.reduce((sum, place) => sum + place[kind].length, 0)
  const rank = places.toSorted((a, b) => b[kind].length - a[kind].length).indexOf(at)
  const share = Math.floor(total / places.length) + (rank < total % places.length ? 1 : 0)
  return Math.max(0, at[kind].length - share)
}

/** Tasks of the connectors that have the most tasks here come first: the tasks of a connector spread over the workers. */
function mostAlike(tasks: readonly TaskId[]): readonly TaskId[] {
  const counts = new Map<string, number>()
  const numbered = tasks.map((id) => {
    const nth = counts.get(id.connector) ?? 0
    counts.set(id.connector, nth + 1)
    return { id, nth }
  })
  return numbered.toSorted((a, b) => b.nth - a.nth).map(({ id }) => id)
}
