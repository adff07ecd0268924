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
  /** The members before the first of them was lost. */
  readonly memberIds: readonly string[]
  /** When what lost members ran is assigned to others, in monotonic milliseconds; null when nothing waits. */
  readonly lostUntilMs: number | null
}

/** A new leader remembers nothing. */
export const noRebalance: LastRebalance = { placed: nothingAssigned, memberIds: [], lostUntilMs: null }

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

/** The members' work, while it is decided. */
interface Place {
  readonly memberId: string
  held: ConnectorsAndTasks
  connectors: string[]
  tasks: ConnectorsAndTasks['tasks'][number][]
}

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
  const assigned = place(places, without(free, keysOf(waiting)))
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
  const memberIds = lostUntilMs === null ? members.map(({ memberId }) => memberId) : last.memberIds
  return {
    deltas,
    delayMs: lostUntilMs === null ? 0 : lostUntilMs - nowMs,
    next: { placed, memberIds, lostUntilMs },
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
  { memberIds, lostUntilMs }: LastRebalance,
  nowMs: number,
  maxDelayMs: number,
): number | null {
  if (maxDelayMs === 0 || members.length >= memberIds.length) return null
  const until = lostUntilMs ?? nowMs + maxDelayMs
  return nowMs >= until ? null : until
}

/** Gives each connector and task to the member that has the fewest. Returns what each member was given. */
function place(places: readonly Place[], work: ConnectorsAndTasks): ReadonlyMap<string, ConnectorsAndTasks> {
  const given = new Map(
    places.map(({ memberId }) => [memberId, { connectors: [] as string[], tasks: [] as Place['tasks'] }]),
  )
  for (const connector of work.connectors) {
    const at = leastLoaded(places, ({ connectors }) => connectors.length)
    at.connectors.push(connector)
    given.get(at.memberId)?.connectors.push(connector)
  }
  for (const task of work.tasks) {
    const at = leastLoaded(places, ({ tasks }) => tasks.length)
    at.tasks.push(task)
    given.get(at.memberId)?.tasks.push(task)
  }
  return given
}

function leastLoaded(places: readonly Place[], load: (at: Place) => number): Place {
  const total = ({ connectors, tasks }: Place): number => connectors.length + tasks.length
  return places.reduce((least, at) => {
    const more = load(at) - load(least) || total(at) - total(least)
    return more < 0 ? at : least
  })
}

/** Returns what a member keeps: as much as its share allows. */
function balanced(at: Place, places: readonly Place[]): ConnectorsAndTasks {
  const connectorExcess = at.connectors.length - share(at, places, 'connectors')
  const taskExcess = at.tasks.length - share(at, places, 'tasks')
  if (connectorExcess <= 0 && taskExcess <= 0) return at.held
  const gone = [
    ...at.held.connectors
      .slice(Math.max(0, at.held.connectors.length - Math.max(0, connectorExcess)))
      .map(connectorKey),
    ...mostAlike(at.held.tasks).slice(0, Math.max(0, taskExcess)).map(taskKey),
  ]
  return without(at.held, new Set(gone))
}

/** How many a member may have: the average rounded down, and for those that have the most one of the rest. */
function share(at: Place, places: readonly Place[], kind: 'connectors' | 'tasks'): number {
  const total = places.reduce((sum, place) => sum + place[kind].length, 0)
  const rank = places.toSorted((a, b) => b[kind].length - a[kind].length).indexOf(at)
  return Math.floor(total / places.length) + (rank < total % places.length ? 1 : 0)
}

/** Tasks of the connectors that have the most tasks here come first: the tasks of a connector spread over the workers. */
function mostAlike(tasks: ConnectorsAndTasks['tasks']): ConnectorsAndTasks['tasks'] {
  const counts = new Map<string, number>()
  const numbered = tasks.map((id) => {
    const nth = counts.get(id.connector) ?? 0
    counts.set(id.connector, nth + 1)
    return { id, nth }
  })
  return numbered.toSorted((a, b) => b.nth - a.nth).map(({ id }) => id)
}
