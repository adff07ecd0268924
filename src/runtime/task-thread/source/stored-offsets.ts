import type { SourceOffset, SourcePartition } from '../../../api/record.ts'
import { abortable } from '../../../foundation/async/abortable.ts'
import { backoffMs } from '../../../foundation/async/backoff.ts'
import type { Clock } from '../../../foundation/clock.ts'
import { errorMessage } from '../../../foundation/error-message.ts'
import { isRetriable, taskBackoff } from '../../failures.ts'
import type { TaskControl } from '../task-control.ts'
import type { TaskStatus } from '../task-status.ts'

const unreadCode = 'OFFSETS_UNREAD'

export interface StoredOffsetsOptions {
  readonly control: TaskControl
  readonly status: TaskStatus
  readonly clock: Clock
  readonly read: (partitions: readonly SourcePartition[]) => Promise<readonly (SourceOffset | null)[]>
}

/** A task must not start without its stored offsets: it waits for them, and its status shows why. */
export class StoredOffsets {
  readonly #options: StoredOffsetsOptions

  constructor(options: StoredOffsetsOptions) {
    this.#options = options
  }

  /** @param isStarted whether the task has a state already: a condition is shown only with one */
  async of(
    partitions: readonly SourcePartition[],
    isStarted: () => boolean,
  ): Promise<readonly (SourceOffset | null)[]> {
    const { control, status, clock, read } = this.#options
    const since = new Date(clock.now()).toISOString()
    const { stopSignal } = control
    for (let attempt = 1; ; attempt += 1) {
      try {
        const offsets = await abortable(read(partitions), stopSignal)
        status.setCondition(unreadCode, null)
        return offsets
      } catch (error) {
        if (stopSignal.aborted || !isRetriable(error)) throw error
        if (!isStarted()) status.show({ state: 'RESTARTING' })
        status.setCondition(
          unreadCode,
          `the task has waited for its stored offsets since ${since}, and reads nothing without them: ${errorMessage(error)}`,
        )
        await clock.sleep(backoffMs(taskBackoff, attempt), stopSignal)
      }
    }
  }
}
