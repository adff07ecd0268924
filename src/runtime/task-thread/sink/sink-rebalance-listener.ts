import { ConnectError } from '../../../api/errors.ts'
import type { OpenedPartition, SinkTask } from '../../../api/task.ts'
import type { PositionReset } from '../../../client/consumer/position-reset.ts'
import type { GroupConsumer } from '../../../client/group/group-consumer.ts'
import type { GroupOffset } from '../../../client/group/group-offsets.ts'
import { withDeadline } from '../../../foundation/async/deadline.ts'
import type { Clock } from '../../../foundation/clock.ts'
import { errorMessage } from '../../../foundation/error-message.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import type { TopicPartition } from '../../../foundation/topic-partition.ts'
import type { TaskControl } from '../task-control.ts'
import { logAssigned, logRevoked } from './partition-lines.ts'
import type { SinkDelivery } from './sink-delivery.ts'
import { namesOf, type SinkPositions } from './sink-positions.ts'
import type { SinkRequests } from './sink-requests.ts'

export interface SinkRebalanceOptions {
  readonly consumer: Pick<GroupConsumer, 'pause' | 'commit'>
  readonly control: TaskControl
  readonly positions: SinkPositions
  readonly delivery: SinkDelivery
  readonly requests: SinkRequests
  readonly clock: Clock
  readonly logger: Logger
  /** The deadline of the task's `flush`, and of the commit. */
  readonly flushTimeoutMs: number
  /** Asks the task what is durable, and commits it. */
  readonly commit: (signal: AbortSignal) => Promise<void>
  /** Whether all partitions are paused: those that are assigned are paused too. */
  readonly isAllPaused: () => boolean
  /** Partitions are the task's from now on, each from an offset on. None: the group has another generation, and the task has the same. */
  readonly onAssigned: (offsets: readonly GroupOffset[]) => void
  readonly onRevoked: (partitions: readonly TopicPartition[]) => void
  /** What the task is told of a partition that was assigned. */
  readonly opened: (offset: GroupOffset) => OpenedPartition
}

/** Opens and closes the partitions of a task as its group assigns and revokes them. Calls run inside the task's lock. */
export class SinkRebalanceListener {
  readonly #options: SinkRebalanceOptions
  /** By when the task has to have ended, in monotonic milliseconds. */
  #endAt = Number.POSITIVE_INFINITY

  constructor(options: SinkRebalanceOptions) {
    this.#options = options
  }

  /** From now on, steps take no longer than their share of the time until then. */
  endBy(monotonicMs: number): void {
    this.#endAt = monotonicMs
  }

  /** The task opens partitions before it gets their first record. An error fails the task, not the rebalance. */
  async assigned(task: SinkTask, offsets: readonly GroupOffset[]): Promise<void> {
    const { control, positions, logger, consumer, isAllPaused, onAssigned, opened } = this.#options
    if (control.isEnding) return
    // Of a generation that adds nothing, the task hears nothing.
    if (offsets.length === 0) return onAssigned([])
    positions.assign(offsets)
    // Before the task can commit: plans stay with their offsets.
    onAssigned(offsets)
    logAssigned(logger, offsets)
    try {
      await task.open(offsets.map(opened))
    } catch (error) {
      control.fail(new ConnectError(`the task cannot open its partitions: ${errorMessage(error)}`, { cause: error }))
      return
    }
    if (isAllPaused()) consumer.pause(offsets)
  }

  /**
   * The task flushes and commits before the partitions move to another member. Lost partitions belong to another member
   * already, so nothing of them is flushed or committed (I3).
   */
  async revoked(task: SinkTask, partitions: readonly TopicPartition[], lost: boolean): Promise<void> {
    const { positions, logger } = this.#options
    const held = partitions.filter((partition) => positions.holds(partition))
    if (held.length === 0) return
    logRevoked(logger, held, lost)
    await this.#giveUp(task, held, !lost)
  }

  async #giveUp(task: SinkTask, held: readonly TopicPartition[], commits: boolean): Promise<void> {
    const { delivery, requests } = this.#options
    delivery.drop(held)
    if (commits) await this.#flushAndCommit(task, held)
    await this.#close(task, held)
    requests.forget(held)
  }

  /**
   * The position of a partition was reset. A task that has records before the gap sees it as any other gap: it could not read
   * them again. Otherwise it opens the partition again at the new offset; so does one whose offsets begin again.
   */
  async moved(task: SinkTask, { topic, partition, reason, to }: PositionReset): Promise<void> {
    const { positions, requests } = this.#options
    const held = { topic, partition }
    if (to === null || reason === 'recreated' || !positions.holds(held)) return
    if (reason === 'removed' && !positions.isUnused(held)) {
      requests.commit = true
      return
    }
    await this.#giveUp(task, [held], reason === 'truncated')
    const start = { ...held, offset: to }
    await this.assigned(task, [start])
    await this.#commitStart(start)
  }

  /** The task commits what it was given. Without this commit, a restart would reset the position again: `latest` skips more then. */
  async #commitStart(start: GroupOffset): Promise<void> {
    const { consumer, logger } = this.#options
    try {
      await this.#withinTime((signal) => consumer.commit([start], signal))
    } catch (error) {
      logger.warn(`${namesOf([start])}: the new position is not committed yet: ${errorMessage(error)}`)
    }
  }

  /** Flushes, commits and closes all partitions, unless a `put` does not return. */
  async closeAll(task: SinkTask): Promise<void> {
    const held = this.#options.positions.assignment()
    if (held.length === 0 || !(await this.#putReturned())) return
    await this.#flushAndCommit(task, held)
    await this.#close(task, held)
  }

  /** Waits for a `put` that still runs when the task ends: at most the time of a flush, and half of the time that is left. */
  async #putReturned(): Promise<boolean> {
    const { delivery, logger } = this.#options
    const { running } = delivery
    if (running === null) return true
    // Its error is that of the task.
    const returned = running.catch(() => undefined)
    try {
      await this.#withinTime(() => returned, 0.5)
      return true
    } catch {
      logger.warn('the task is stopped although put has not returned; its records will be delivered again')
      return false
    }
  }

  /** A failure is only logged: the records will be delivered again. */
  async #flushAndCommit(task: SinkTask, partitions: readonly TopicPartition[]): Promise<void> {
    const { control, commit, logger } = this.#options
    const names = namesOf(partitions)
    try {
      if (control.failure === null) await this.#withinTime((signal) => task.flush(signal, partitions), 0.75)
    } catch (error) {
      logger.warn(`${names}: flush failed, records will be delivered again: ${errorMessage(error)}`)
    }
    try {
      await this.#withinTime(commit)
    } catch (error) {
      logger.warn(`${names}: commit failed, records will be delivered again: ${errorMessage(error)}`)
    }
  }

  async #close(task: SinkTask, partitions: readonly TopicPartition[]): Promise<void> {
    const { positions, logger, onRevoked } = this.#options
    positions.revoke(partitions)
    onRevoked(partitions)
    try {
      await task.close(partitions)
    } catch (error) {
      logger.warn(`${namesOf(partitions)}: the task's close failed: ${errorMessage(error)}`, { error })
    }
  }

  /** Limits a step to the time of a flush, and to `share` of the time left until the end: the next step needs time too. */
  async #withinTime(action: (signal: AbortSignal) => Promise<void>, share = 1): Promise<void> {
    const { clock, flushTimeoutMs } = this.#options
    const leftMs = Math.max(0, this.#endAt - clock.monotonic()) * share
    await withDeadline({ clock, ms: Math.min(flushTimeoutMs, leftMs) }, action)
  }
}
