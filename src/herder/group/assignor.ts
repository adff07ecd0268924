import { type TaskId, formatTaskId } from '../../config/connector/task-id.ts'
import type { WorkSet } from './assignment.ts'

/** A member of the worker group and what it says it runs. */
export interface GroupWorker {
  readonly memberId: string
  readonly held: WorkSet
}

/** What a member is told: what comes, and what it has to give up. */
export interface WorkChange {
  readonly assigned: WorkSet
  readonly revoked: WorkSet
}

/**
 * Who runs what, decided by the leader in each round (KIP-415): increments only, and nothing is given to a worker
 * while another still holds it: that takes a round of its own, after the revocation.
 *
 * The leader takes all work; other members stand by and take over when the coordinator makes one of them leader.
 */
export function assignWork(
  leaderId: string,
  members: readonly GroupWorker[],
  configured: WorkSet,
): ReadonlyMap<string, WorkChange> {
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

/** What a member has after a change. */
export function applyChange(held: WorkSet, { assigned, revoked }: WorkChange): WorkSet {
  const kept = without(held, new Set([...keysOf(revoked), ...keysOf(assigned)]))
  return { connectors: [...kept.connectors, ...assigned.connectors], tasks: [...kept.tasks, ...assigned.tasks] }
}

/** Whether two sets hold the same, in whatever order. */
export function sameWork(a: WorkSet, b: WorkSet): boolean {
  const keys = new Set(keysOf(a))
  const others = keysOf(b)
  return keys.size === others.length && others.every((key) => keys.has(key))
}

function without(work: WorkSet, gone: ReadonlySet<string>): WorkSet {
  return {
    connectors: work.connectors.filter((name) => !gone.has(connectorKey(name))),
    tasks: work.tasks.filter((id) => !gone.has(taskKey(id))),
  }
}

function keysOf(work: WorkSet): readonly string[] {
  return [...work.connectors.map(connectorKey), ...work.tasks.map(taskKey)]
}

function connectorKey(name: string): string {
  return `c ${name}`
}

function taskKey(id: TaskId): string {
  return `t ${formatTaskId(id)}`
}
