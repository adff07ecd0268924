import { errorMessage } from '../../foundation/error-message.ts'
import type { GroupMember, Generation, MemberMetadata } from '../../client/group/group-member.ts'
import type { Clock } from '../../foundation/clock.ts'
import { deferred, type Deferred } from '../../foundation/async/deferred.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { noWork, type WorkSet } from './assignment.ts'
import { applyChange, assignWork, type WorkChange } from './assignor.ts'
import {
  decodeAssignment,
  decodeMetadata,
  encodeAssignment,
  encodeMetadata,
  type WorkerAssignment,
} from './group-protocol.ts'

/** The configuration as this worker knows it. */
export interface KnownConfiguration {
  /** The offset after the last record of the config topic that was applied. */
  readonly offset: number
  readonly work: WorkSet
}

/** What a round of the group brought this worker. */
export interface Membership {
  readonly generation: number
  readonly isLeader: boolean
  /** Null while the group has no leader that was heard of. */
  readonly leaderUrl: string | null
  readonly work: WorkSet
}

export interface WorkerGroupOptions {
  /** This worker's REST URL, with a slash at its end. */
  readonly url: string
  readonly clock: Clock
  readonly logger: Logger
  readonly configuration: () => KnownConfiguration
  /** Reads the config topic to its end, bounded. */
  readonly catchUp: () => Promise<void>
  /** Takes up the work of a round; resolves when what is to be given up has stopped. */
  readonly onMembership: (membership: Membership) => Promise<void>
}

/** The names of the group protocols with their versions, preferred first. Version 0 (eager) is not spoken. */
const protocols = [
  { name: 'sessioned', version: 2 },
  { name: 'compatible', version: 1 },
] as const
const rejoinPauseMs = 100

/**
 * This worker in its group: joins, takes part in each round, and as the leader decides it. What is held is reported in
 * the next round; work that is to be given up has stopped before that (I3).
 */
export class WorkerGroup {
  readonly #member: GroupMember
  readonly #options: WorkerGroupOptions
  readonly #closing = new AbortController()
  #held: WorkSet = noWork
  #last: WorkerAssignment | null = null
  #wake: Deferred<void> | null = null
  #lost = false
  #followUp = false
  #running: Promise<void> | null = null

  /** @param makeMember makes the member with what this class says to the group. */
  constructor(
    makeMember: (group: {
      readonly protocols: () => { name: string; metadata: Buffer }[]
      readonly assign: (protocol: string, members: readonly MemberMetadata[]) => Promise<Map<string, Buffer>>
      readonly onRejoinNeeded: (reason: string, lost: boolean) => void
    }) => GroupMember,
    options: WorkerGroupOptions,
  ) {
    this.#options = options
    this.#member = makeMember({
      protocols: () => protocols.map(({ name, version }) => ({ name, metadata: this.#metadata(version) })),
      assign: async (protocol, members) => await this.#assign(protocol, members),
      onRejoinNeeded: (_reason, lost) => {
        this.#lost ||= lost
        this.#wake?.resolve()
      },
    })
  }

  /** Begins to join; rounds go on until {@link close}. */
  start(): void {
    this.#running = this.#run()
  }

  /** Asks for a round, because the configured work is not what was given out. */
  requestRound(reason: string): void {
    this.#member.requestRejoin(reason)
  }

  /** Leaves the group; stop the work before. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.#wake?.resolve()
    await this.#running
    await this.#member.leave('the worker is stopping')
  }

  async #run(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      if (this.#member.rejoinReason === null) {
        this.#wake = deferred<void>()
        await this.#wake.promise
        this.#wake = null
        continue
      }
      try {
        if (this.#lost) await this.#giveUpEverything()
        await this.#round()
      } catch (error) {
        if (this.#closing.signal.aborted) return
        this.#options.logger.error(`the worker group could not be joined and is tried again: ${errorMessage(error)}`, {
          error,
        })
        await this.#options.clock.sleep(rejoinPauseMs * 10, this.#closing.signal).catch(() => undefined)
      }
    }
  }

  /** The membership is gone: others may be given the work, so it stops before this worker joins again. */
  async #giveUpEverything(): Promise<void> {
    this.#lost = false
    this.#options.logger.warn('this worker lost its place in the group; it stops its work and joins again')
    this.#held = noWork
    this.#last = null
    await this.#options.onMembership({ generation: -1, isLeader: false, leaderUrl: null, work: noWork })
  }

  async #round(): Promise<void> {
    const generation = await this.#member.join(this.#closing.signal)
    const assignment = decodeAssignment(generation.assignment)
    if (assignment.error !== 'none' || this.#options.configuration().offset < assignment.configOffset) {
      await this.#options.catchUp()
      if (this.#options.configuration().offset < assignment.configOffset) {
        await this.#options.clock.sleep(rejoinPauseMs, this.#closing.signal)
        this.#member.requestRejoin('the config topic was not read far enough')
        return
      }
    }
    this.#held = applyChange(this.#held, assignment)
    this.#last = { ...assignment, assigned: this.#held, revoked: noWork }
    await this.#options.onMembership(membershipOf(generation, assignment, this.#held))
    const gaveUp = assignment.revoked.connectors.length + assignment.revoked.tasks.length > 0
    if (gaveUp || this.#followUp) this.#member.requestRejoin('work was given up and can be placed')
  }

  #metadata(version: number): Buffer {
    const { url, configuration } = this.#options
    const allocation = this.#last === null ? null : { ...this.#last, version }
    return encodeMetadata({ version, url, configOffset: configuration().offset, allocation })
  }

  /** On the leader: decides the round. Somebody who knows more of the config topic than the leader makes it read on. */
  async #assign(protocol: string, members: readonly MemberMetadata[]): Promise<Map<string, Buffer>> {
    const version = protocols.find(({ name }) => name === protocol)?.version ?? 1
    const workers = members.map(({ memberId, metadata }) => ({ memberId, ...decodeMetadata(metadata) }))
    const maxOffset = Math.max(...workers.map(({ configOffset }) => configOffset))
    const { configuration, catchUp, url } = this.#options
    if (configuration().offset < maxOffset) await catchUp()
    const { offset, work } = configuration()
    const leader = workers.find((worker) => worker.url === url)?.memberId ?? ''
    const known = workers.map(({ memberId, allocation }) => ({ memberId, held: allocation?.assigned ?? noWork }))
    const isBehind = offset < maxOffset
    const changes = isBehind ? null : assignWork(leader, known, work)
    this.#followUp =
      changes !== null &&
      [...changes.values()].some(({ revoked }) => revoked.connectors.length + revoked.tasks.length > 0)
    return new Map(
      workers.map(({ memberId }) => {
        const change: WorkChange = changes?.get(memberId) ?? { assigned: noWork, revoked: noWork }
        const assignment: WorkerAssignment = {
          version,
          error: isBehind ? 'config-mismatch' : 'none',
          leader,
          leaderUrl: url,
          configOffset: isBehind ? maxOffset : offset,
          ...change,
          delayMs: 0,
        }
        return [memberId, encodeAssignment(assignment)]
      }),
    )
  }
}

function membershipOf(generation: Generation, assignment: WorkerAssignment, work: WorkSet): Membership {
  return {
    generation: generation.generationId,
    isLeader: generation.isLeader,
    leaderUrl: assignment.leaderUrl === '' ? null : assignment.leaderUrl,
    work,
  }
}
