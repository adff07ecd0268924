import type { Clock } from '../../foundation/clock.ts'
import type { StorageError } from '../log-error.ts'
import type { PartitionState } from '../partition-state.ts'
import { rebuildProducers } from '../producers/producer-recovery.ts'

/** How long a partition rejects writes after a failed sync before it tries to recover. */
const recoveryPauseMs = 1000

/**
 * Recovers a partition after a failed sync (I5). The sync is never repeated: the kernel may have dropped the dirty pages and
 * marked them clean, and a second sync would succeed without them (https://wiki.postgresql.org/wiki/Fsync_Errors).
 */
export class SyncFailureRecovery {
  readonly #state: PartitionState
  readonly #clock: Clock
  #failedAtMs = 0
  #recovering: Promise<void> | null = null

  constructor(state: PartitionState, clock: Clock) {
    this.#state = state
    this.#clock = clock
  }

  /** A sync failed; the segments were cut back to their durable end. */
  failed(error: StorageError): void {
    this.#failedAtMs = this.#clock.monotonic()
    const { logger, directory } = this.#state
    const cause = String(error.cause)
    logger.error('a sync failed; the partition rejects writes until it has recovered', { directory, cause })
  }

  /**
   * Makes the partition take writes again. Concurrent callers share one attempt.
   * @param inTurn runs the attempt when no other change of the files is in progress.
   * @throws StorageError when the disk fails again, or the last failure is less than a second ago.
   */
  async recover(failure: StorageError, inTurn: (task: () => Promise<void>) => Promise<void>): Promise<void> {
    if (this.#recovering === null) {
      if (this.#clock.monotonic() - this.#failedAtMs < recoveryPauseMs) throw failure
      this.#failedAtMs = this.#clock.monotonic()
      this.#recovering = inTurn(() => this.#reopen()).finally(() => {
        this.#recovering = null
      })
    }
    await this.#recovering
  }

  async #reopen(): Promise<void> {
    const { fs, directory, logger, segments, checkpoint } = this.#state
    await segments.reopen(() => {
      const { list, endOffset: durableEnd } = segments
      const { recoveryOffset } = checkpoint
      const nowMs = this.#clock.now()
      const recovery = { fs, directory, segments: list, recoveryOffset, durableEnd, nowMs, logger }
      this.#state.producers = rebuildProducers(recovery)
    })
    logger.info('the partition has recovered and takes writes', { directory, logEndOffset: segments.endOffset })
  }
}
