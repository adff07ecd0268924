import { formatTopicPartition } from '../../../foundation/topic-partition.ts'
import type { DurableOffset, OffsetToCommit, SinkTask, TaskContext } from '../../../api/task.ts'
import { FencedMemberError, TopicRecreatedError, UnknownTopicError } from '../../../client/errors.ts'
import type { GroupConsumer } from '../../../client/group/group-consumer.ts'
import type { LetterReplay } from '../errors/dead-letters/letter-replay.ts'
import type { Clock } from '../../../foundation/clock.ts'
import { failPoint } from '../../../foundation/process/fail-point.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import { isRetriable } from '../../failures.ts'
import type { RetryStreak } from '../retry-streak.ts'
import type { SinkMeters } from './sink-meters.ts'
import { namesOf, type SinkPositions } from './sink-positions.ts'

export interface SinkOffsetCommitterOptions {
  readonly consumer: Pick<GroupConsumer, 'commit'>
  readonly positions: SinkPositions
  readonly meters: SinkMeters
  readonly retries: RetryStreak
  readonly clock: Clock
  readonly logger: Logger
  readonly intervalMs: number
  readonly setCondition: TaskContext['setCondition']
  /** Keeps what is delivered again with the offsets; absent or null: nothing is. */
  readonly replay?: Pick<LetterReplay, 'withPlans' | 'committed'> | null
  /** Returns whether the records that have failed so far are durable elsewhere, waiting for that for at most `ms`. */
  readonly settled: (ms: number, signal: AbortSignal) => Promise<boolean>
}

/** A commit that takes longer is shown in the task's status. Milliseconds. */
const shownAfterMs = 3000
/** When a commit that is postponed is tried again. Milliseconds. */
const postponedMs = 1000
const waitingCode = 'COMMIT_WAITS'
const waitingText =
  'the task waits because the broker does not store its offsets: the disk of the broker may be full, or the broker is not ' +
  'reachable (see /health and the logs). Nothing is lost; after a restart, records are delivered again from the last commit'

/**
 * Asks a task what is durable, commits it, and reports the outcome to the task, while it holds the task's lock. Each
 * offset that `preCommit` returns is reported exactly once: as committed when the coordinator has acknowledged it, as
 * failed when the coordinator rejected it or did not respond. In the last case it may be committed nevertheless.
 */
export class SinkOffsetCommitter {
  readonly #options: SinkOffsetCommitterOptions
  /** Monotonic milliseconds at which the next commit is due. */
  dueAt: number

  constructor(options: SinkOffsetCommitterOptions) {
    this.#options = options
    this.dueAt = options.clock.monotonic() + options.intervalMs
  }

  /**
   * Commits nothing before the records that have failed are durable in the dead letter queue (I1, I7).
   * @param patienceMs how long to wait for them; after that, the commit is tried again soon
   * @throws what `preCommit` throws unless it is retriable, BrokerError, or the reason of the signal
   */
  async commit(task: SinkTask, signal: AbortSignal, patienceMs: number): Promise<void> {
    const { positions, logger, settled } = this.#options
    if (!(await settled(patienceMs, signal))) return this.#postpone()
    const durable = await this.#durableIn(task)
    if (durable === null || durable.length === 0) return
    // The task may have reported records meanwhile.
    if (!(await settled(patienceMs, signal))) {
      task.commitFailed?.(durable)
      return this.#postpone()
    }
    const { commit, known, rejected } = positions.committable(durable)
    for (const offset of rejected) {
      logger.warn(`offset ${offset.offset} of ${formatTopicPartition(offset)} is not committed: ${offset.reason}`)
    }
    if (rejected.length > 0) task.commitFailed?.(rejected)
    if (known.length > 0) task.committed?.(known)
    if (commit.length > 0) await this.#send(task, commit, signal)
  }

  /** Null when the task cannot tell now. */
  async #durableIn(task: SinkTask): Promise<readonly DurableOffset[] | null> {
    const { positions, retries, clock, intervalMs } = this.#options
    this.dueAt = clock.monotonic() + intervalMs
    try {
      const durable = await task.preCommit(positions.current())
      retries.recordSuccess()
      return durable
    } catch (error) {
      if (!isRetriable(error)) throw error
      this.dueAt = clock.monotonic() + retries.failed('preCommit', error)
      return null
    }
  }

  #postpone(): void {
    this.dueAt = this.#options.clock.monotonic() + Math.min(this.#options.intervalMs, postponedMs)
  }

  async #send(task: SinkTask, commit: readonly OffsetToCommit[], signal: AbortSignal): Promise<void> {
    const { consumer, positions, meters, clock, logger, setCondition, replay } = this.#options
    failPoint('after-upload-before-commit')
    const began = clock.monotonic()
    const cancel = clock.after(shownAfterMs, () => setCondition(waitingCode, waitingText))
    try {
      await consumer.commit(replay?.withPlans(commit) ?? commit, signal)
    } catch (error) {
      task.commitFailed?.(commit)
      if (!isOfRebalance(error)) throw error
      logger.warn(`${namesOf(commit)}: ${error.message}; records will be delivered again`)
      return
    } finally {
      cancel()
      setCondition(waitingCode, null)
    }
    positions.committed(commit)
    replay?.committed(commit)
    meters.committed((clock.monotonic() - began) / 1000)
    task.committed?.(commit)
  }
}

/** Whether the consumer joins its group again after this error: the partitions are revoked, and assigned as they are now. */
function isOfRebalance(error: unknown): error is Error {
  if (error instanceof TopicRecreatedError) return error.isFollowed
  return error instanceof FencedMemberError || error instanceof UnknownTopicError
}
