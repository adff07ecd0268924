import type { MemberMetadata } from '../../client/group/group-member.ts'
import type { TaskId } from '../../config/connector/task-id.ts'
import type { Clock } from '../../foundation/clock.ts'
import {
  applyDelta,
  connectorKey,
  keysOf,
  nothingAssigned,
  taskKey,
  type AssignmentDelta,
  type ConnectorsAndTasks,
} from './assignment.ts'
import { assignCooperatively, noRebalance } from './cooperative-assignor.ts'
import { assignEagerly } from './eager-assignor.ts'
import { decodeMetadata, encodeAssignment, type WorkerMetadata } from './group-protocol.ts'

/** The configuration as this worker has read it. */
export interface ConfigSnapshot {
  /** The offset after the last record of the config topic that was applied. */
  readonly offset: number
  /** All configured connectors and tasks. */
  readonly work: ConnectorsAndTasks
}

export interface GroupLeaderOptions {
  /** This worker's REST URL, with a slash at its end. */
  readonly url: string
  readonly snapshot: () => ConfigSnapshot
  /** Reads the config topic to its end. */
  readonly catchUp: () => Promise<void>
  /** How long what a lost worker ran waits for its return (`scheduled.rebalance.max.delay.ms`). */
  readonly maxDelayMs: number
  readonly clock: Clock
}

type Worker = WorkerMetadata & { readonly memberId: string }

interface Decision {
  readonly deltas: ReadonlyMap<string, AssignmentDelta>
  readonly delayMs: number
}

/** What a worker does as the leader of its group: it assigns, and it knows what runs where. */
export class GroupLeader {
  readonly #options: GroupLeaderOptions
  /** The last rebalance that completed. */
  #last = noRebalance
  #pending = noRebalance
  #configured: ConnectorsAndTasks | null = null
  /** The REST URL of the worker that runs a connector or a task, by their keys. */
  #owners: ReadonlyMap<string, string> = new Map()
  #held: readonly ConnectorsAndTasks[] = []

  constructor(options: GroupLeaderOptions) {
    this.#options = options
  }

  /** What was configured when this worker last assigned; null when it could not. */
  get configured(): ConnectorsAndTasks | null {
    return this.#configured
  }

  /** What each member reported in the last rebalance. */
  get held(): readonly ConnectorsAndTasks[] {
    return this.#held
  }

  /** The REST URL of the worker that runs a connector; null when none does. */
  ownerOfConnector(name: string): string | null {
    return this.#owners.get(connectorKey(name)) ?? null
  }

  /** The REST URL of the worker that runs a task; null when none does. */
  ownerOfTask(id: TaskId): string | null {
    return this.#owners.get(taskKey(id)) ?? null
  }

  /** The rebalance in which this worker assigned has completed: the members have their assignments. */
  completed(): void {
    this.#last = this.#pending
  }

  /** This worker no longer leads. What it remembers is of no use after another leader. */
  resign(): void {
    this.#last = noRebalance
    this.#pending = noRebalance
    this.#configured = null
    this.#owners = new Map()
    this.#held = []
  }

  /**
   * Assigns. If a member has read further in the config topic, the leader catches up first; when that fails, all members are
   * told to read on.
   */
  async assign(memberId: string, members: readonly MemberMetadata[]): Promise<ReadonlyMap<string, Buffer>> {
    const { snapshot, catchUp, url } = this.#options
    const workers = members.map((member) => ({ memberId: member.memberId, ...decodeMetadata(member.metadata) }))
    const maxOffset = Math.max(...workers.map(({ configOffset }) => configOffset))
    if (snapshot().offset < maxOffset) await catchUp()
    const { offset, work } = snapshot()
    const isBehind = offset < maxOffset
    this.#configured = isBehind ? null : work
    this.#held = workers.map(heldBy)
    const { deltas, delayMs } = isBehind ? { deltas: new Map(), delayMs: 0 } : this.#decide(workers, work)
    return new Map(
      workers.map((worker) => {
        const delta = deltas.get(worker.memberId) ?? { assigned: nothingAssigned, revoked: nothingAssigned }
        const assignment = {
          version: worker.version,
          error: isBehind ? ('config-mismatch' as const) : ('none' as const),
          leader: memberId,
          leaderUrl: url,
          configOffset: isBehind ? maxOffset : offset,
          ...delta,
          delayMs,
        }
        return [worker.memberId, encodeAssignment(assignment)]
      }),
    )
  }

  #decide(workers: readonly Worker[], configured: ConnectorsAndTasks): Decision {
    const decision = workers.some(({ version }) => version === 0)
      ? this.#decideEagerly(workers, configured)
      : this.#decideCooperatively(workers, configured)
    const owners = new Map<string, string>()
    for (const worker of workers) {
      const delta = decision.deltas.get(worker.memberId)
      if (delta === undefined) continue
      for (const key of keysOf(applyDelta(heldBy(worker), delta))) owners.set(key, worker.url)
    }
    this.#owners = owners
    return decision
  }

  #decideEagerly(workers: readonly Worker[], configured: ConnectorsAndTasks): Decision {
    const assigned = assignEagerly(
      workers.map(({ memberId }) => memberId),
      configured,
    )
    this.#pending = noRebalance
    return {
      deltas: new Map([...assigned].map(([id, work]) => [id, { assigned: work, revoked: nothingAssigned }])),
      delayMs: 0,
    }
  }

  #decideCooperatively(workers: readonly Worker[], configured: ConnectorsAndTasks): Decision {
    const { clock, maxDelayMs } = this.#options
    const { next, ...decision } = assignCooperatively({
      members: workers.map((worker) => ({ memberId: worker.memberId, held: heldBy(worker) })),
      configured,
      last: this.#last,
      nowMs: clock.monotonic(),
      maxDelayMs,
    })
    this.#pending = next
    return decision
  }
}

function heldBy({ allocation }: Worker): ConnectorsAndTasks {
  return allocation?.assigned ?? nothingAssigned
}
