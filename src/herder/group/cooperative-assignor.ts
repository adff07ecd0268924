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
import { levelledLoads } from './levelled-loads.ts'
import { membersWithClass, type ClassHolder } from './members-with-class.ts'

/** A member of the worker group, and what it reports that it runs or still stops. */
export interface GroupWorker extends ClassHolder {
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
interface Place extends ClassHolder {
  readonly memberId: string
  /** What it may keep. */
  readonly held: ConnectorsAndTasks
  /** That, and what it is given. */
  readonly connectors: string[]
  readonly tasks: TaskId[]
}

type Kind = 'connectors' | 'tasks'

/** The places for a connector and its tasks. */
type PlacesOf = (connector: string) => readonly Place[]

/**
 * Assigns connectors and tasks, incrementally and cooperatively (KIP-415). Members keep what they run, as far as that is
 * balanced: no member has two connectors, or two tasks, more than another that has their class. What one member still runs is assigned to another
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
  const placesOf = membersWithClass(places)
  place(placesOf, without(free, keysOf(waiting)))
  const assigned = new Map(places.map((at) => [at.memberId, without(at, keysOf(at.held))]))
  const moved = lostUntilMs === null ? surplus(places, placesOf) : new Set<string>()
  const kept = new Map(places.map((at) => [at.memberId, without(at.held, moved)]))
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

/**
 * What each member may keep of what it reports: nothing that is not configured, nothing that an earlier member has, and nothing
 * whose class it lacks and another member has.
 */
function keptPlaces(members: readonly GroupWorker[], configured: ConnectorsAndTasks): readonly Place[] {
  const available = new Set(keysOf(configured))
  const membersOf = membersWithClass(members)
  return members
    .toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1))
    .map((member) => {
      const { memberId, held, hasClass } = member
      const mayKeep = (connector: string): boolean => membersOf(connector).includes(member)
      const configuredHere = within(held, available)
      const kept = {
        connectors: configuredHere.connectors.filter(mayKeep),
        tasks: configuredHere.tasks.filter(({ connector }) => mayKeep(connector)),
      }
      for (const key of keysOf(kept)) available.delete(key)
      return { memberId, held: kept, connectors: [...kept.connectors], tasks: [...kept.tasks], hasClass }
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
function place(placesOf: PlacesOf, { connectors, tasks }: ConnectorsAndTasks): void {
  for (const connector of connectors) leastLoaded(placesOf(connector), 'connectors').connectors.push(connector)
  for (const task of tasks) leastLoaded(placesOf(task.connector), 'tasks').tasks.push(task)
}

function leastLoaded(places: readonly Place[], kind: Kind): Place {
  const total = ({ connectors, tasks }: Place): number => connectors.length + tasks.length
  return places.reduce((least, at) => {
    const more = at[kind].length - least[kind].length || total(at) - total(least)
    return more < 0 ? at : least
  })
}

/** Returns the keys of what members have to stop, so that others can be given it, and then all have as much as each other. */
function surplus(places: readonly Place[], placesOf: PlacesOf): ReadonlySet<string> {
  const connectors = places.map((member) => ({
    member,
    count: member.connectors.length,
    held: member.held.connectors.toReversed().map((connector) => ({ connector, key: connectorKey(connector) })),
  }))
  const tasks = places.map((member) => ({
    member,
    count: member.tasks.length,
    held: mostAlike(member.held.tasks).map((id) => ({ connector: id.connector, key: taskKey(id) })),
  }))
  return new Set([...levelledLoads(connectors, placesOf), ...levelledLoads(tasks, placesOf)])
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
