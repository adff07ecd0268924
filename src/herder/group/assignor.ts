import type { ConnectorsAndTasks } from './assignment.ts'
import { formatTaskId, type TaskId } from '../../config/connector/task-id.ts'

/** A member of the worker group, and what it reports that it runs. */
export interface GroupWorker {
  readonly memberId: string
  readonly held: ConnectorsAndTasks
}

/** What a rebalance changes for a member. */
export interface AssignmentDelta {
  readonly assigned: ConnectorsAndTasks
  readonly revoked: ConnectorsAndTasks
}

/**
 * Assigns connectors and tasks in a rebalance, incrementally and cooperatively (KIP-415). What one member still runs is
 * assigned to another only in the next rebalance, after the first has stopped it (I3).
 *
 * The leader runs everything. The other members are standby workers: the coordinator makes one of them the leader when
 * the leader is gone.
 */
export function assignWork(
  leaderId: string,
  members: readonly GroupWorker[],
  configured: ConnectorsAndTasks,
): ReadonlyMap<string, AssignmentDelta> {
  const heldByOthers = new Set(members.filter((m) => m.memberId !== leaderId).flatMap((m) => keysOf(m.held)))
  return new Map(
    members.map(({ memberId, held }) => {
      if (memberId !== leaderId) return [memberId, { assigned: { connectors: [], tasks: [] }, revoked: held }]
      return [
        memberId,
        {
          assigned: without(configured, new Set([...keysOf(held), ...heldByOthers])),
          revoked: without(held, new Set(keysOf(configured))),
        },
      ]
    }),
  )
}

/** Returns what a member runs after a rebalance. */
export function applyDelta(held: ConnectorsAndTasks, { assigned, revoked }: AssignmentDelta): ConnectorsAndTasks {
  const kept = without(held, new Set([...keysOf(revoked), ...keysOf(assigned)]))
  return { connectors: [...kept.connectors, ...assigned.connectors], tasks: [...kept.tasks, ...assigned.tasks] }
}

/** Returns whether both hold the same connectors and tasks, in any order. */
export function sameWork(a: ConnectorsAndTasks, b: ConnectorsAndTasks): boolean {
  const keys = new Set(keysOf(a))
  const others = keysOf(b)
  return keys.size === others.length && others.every((key) => keys.has(key))
}

function without(work: ConnectorsAndTasks, gone: ReadonlySet<string>): ConnectorsAndTasks {
  return {
    connectors: work.connectors.filter((name) => !gone.has(connectorKey(name))),
    tasks: work.tasks.filter((id) => !gone.has(taskKey(id))),
  }
}

function keysOf(work: ConnectorsAndTasks): readonly string[] {
  return [...work.connectors.map(connectorKey), ...work.tasks.map(taskKey)]
}

function connectorKey(name: string): string {
  return `c ${name}`
}

function taskKey(id: TaskId): string {
  return `t ${formatTaskId(id)}`
}
