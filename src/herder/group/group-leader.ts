import type { MemberMetadata } from '../../client/group/group-member-options.ts'
import type { TaskId } from '../../config/connector/task-id.ts'
import {
  applyDelta,
  connectorKey,
  keysOf,
  nothingAssigned,
  taskKey,
  type AssignmentDelta,
  type ConnectorsAndTasks,
} from './assignment.ts'
import { assignCooperatively, noRebalance, type GroupWorker } from './cooperative-assignor.ts'
import { assignEagerly } from './eager-assignor.ts'
import { membersWithClass } from './members-with-class.ts'
import { MemberPlugins, type MemberPluginsOptions } from './member-plugins.ts'
import { decodeMetadata, encodeAssignment, type WorkerMetadata } from './group-protocol.ts'

/** The configuration as this worker has read it. */
export interface ConfigSnapshot {
  /** The offset after the last record of the config topic that was applied. */
  readonly offset: number
  /** All configured connectors and tasks. */
  readonly work: ConnectorsAndTasks
}

/** A connector class, as far as its place in the group depends on it. */
export interface ConnectorClass {
  /** Its name, and the name in the connector's config. Empty: the config cannot be used. */
  readonly names: readonly string[]
  /** Whether this worker has it. */
  readonly isHere: boolean
}

export interface GroupLeaderOptions extends MemberPluginsOptions {
  /** This worker's REST URL, with a slash at its end. */
  readonly url: string
  readonly snapshot: () => ConfigSnapshot
  /** Reads the config topic to its end. */
  readonly catchUp: () => Promise<void>
  /** The class of a configured connector. */
  readonly classOf: (connector: string) => ConnectorClass
  /** How long what a lost worker ran waits for its return (`scheduled.rebalance.max.delay.ms`). */
  readonly maxDelayMs: number
}

type Worker = WorkerMetadata & { readonly memberId: string }

interface Decision {
  readonly deltas: ReadonlyMap<string, AssignmentDelta>
  readonly delayMs: number
}

/** What a worker does as the leader of its group: it assigns, and it knows what runs where. */
export class GroupLeader {
  readonly #options: GroupLeaderOptions
  readonly #plugins: MemberPlugins
  /** The last rebalance that completed. */
  #last = noRebalance
  #pending = noRebalance
  #configured: ConnectorsAndTasks | null = null
  /** The REST URL of the worker that runs a connector or a task, by their keys. */
  #owners: ReadonlyMap<string, string> = new Map()
  #held: readonly ConnectorsAndTasks[] = []
  /** What each member has after the last rebalance in which this worker assigned. */
  #places: readonly GroupWorker[] = []

  /** @param onMisplaced a member turned out to lack the class of a connector that it was assigned, and another has it */
  constructor(options: GroupLeaderOptions, onMisplaced: () => void) {
    this.#options = options
    this.#plugins = new MemberPlugins(options, () => {
      if (this.#isMisplaced()) onMisplaced()
    })
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
    this.#places = []
    this.#plugins.clear()
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
    await this.#plugins.update(workers.filter((worker) => worker.memberId !== memberId))
    const { offset, work } = snapshot()
    const isBehind = offset < maxOffset
    this.#configured = isBehind ? null : work
    this.#held = workers.map(heldBy)
    const { deltas, delayMs } = isBehind ? { deltas: new Map(), delayMs: 0 } : this.#decide(memberId, workers, work)
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

  #decide(ownId: string, workers: readonly Worker[], configured: ConnectorsAndTasks): Decision {
    const members = workers.map((worker) => ({
      memberId: worker.memberId,
      held: heldBy(worker),
      hasClass: (connector: string) => this.#hasClass(worker.memberId === ownId ? null : worker.memberId, connector),
    }))
    const decision = workers.some(({ version }) => version === 0)
      ? this.#decideEagerly(members, configured)
      : this.#decideCooperatively(members, configured)
    this.#places = members.map(({ memberId, held, hasClass }) => {
      const delta = decision.deltas.get(memberId)
      return { memberId, held: delta === undefined ? held : applyDelta(held, delta), hasClass }
    })
    const urls = new Map(workers.map(({ memberId, url }) => [memberId, url]))
    this.#owners = new Map(
      this.#places.flatMap(({ memberId, held }) =>
        Array.from(keysOf(held), (key) => [key, urls.get(memberId) ?? ''] as const),
      ),
    )
    return decision
  }

  #decideEagerly(members: readonly GroupWorker[], configured: ConnectorsAndTasks): Decision {
    const assigned = assignEagerly(members, configured)
    this.#pending = noRebalance
    return {
      deltas: new Map([...assigned].map(([id, work]) => [id, { assigned: work, revoked: nothingAssigned }])),
      delayMs: 0,
    }
  }

  #decideCooperatively(members: readonly GroupWorker[], configured: ConnectorsAndTasks): Decision {
    const { clock, maxDelayMs } = this.#options
    const last = this.#last
    const { next, ...decision } = assignCooperatively({
      members,
      configured,
      last,
      nowMs: clock.monotonic(),
      maxDelayMs,
    })
    this.#pending = next
    return decision
  }

  /** @param memberId null: this worker */
  #hasClass(memberId: string | null, connector: string): boolean {
    const { names, isHere } = this.#options.classOf(connector)
    if (memberId === null) return isHere
    return names.length === 0 || this.#plugins.has(memberId, names)
  }

  #isMisplaced(): boolean {
    const membersOf = membersWithClass(this.#places)
    return this.#places.some((place) =>
      [...place.held.connectors, ...place.held.tasks.map(({ connector }) => connector)].some(
        (connector) => !membersOf(connector).includes(place),
      ),
    )
  }
}

function heldBy({ allocation }: Worker): ConnectorsAndTasks {
  return allocation?.assigned ?? nothingAssigned
}
