import type { TaskContext } from '../../../api/task.ts'
import type { GroupConsumer } from '../../../client/group/group-consumer.ts'
import type { Clock } from '../../../foundation/clock.ts'

export interface TopicAbsenceOptions {
  readonly consumer: Pick<GroupConsumer, 'missing'>
  readonly clock: Clock
  readonly setCondition: TaskContext['setCondition']
}

/** A sink may start a moment before its source, and a topic may be deleted and created again in one go. */
const shownAfterMs = 10_000
const lookEveryMs = 30_000
const code = 'TOPIC_MISSING'

/**
 * Shows in the status that there is nothing to read from. A topic whose name is mistyped, or one that was deleted, would
 * otherwise leave a task RUNNING that never writes a record, without a word.
 */
export class TopicAbsence {
  readonly #options: TopicAbsenceOptions
  #since: number | null = null
  /** Monotonic milliseconds at which to look again. */
  lookAt: number

  constructor(options: TopicAbsenceOptions) {
    this.#options = options
    this.lookAt = options.clock.monotonic() + shownAfterMs
  }

  /** Looks when it is time to. */
  look(): void {
    const { consumer, clock, setCondition } = this.#options
    const now = clock.monotonic()
    if (now < this.lookAt) return
    const missing = consumer.missing()
    if (missing === null) {
      this.#since = null
      this.lookAt = now + lookEveryMs
      setCondition(code, null)
      return
    }
    this.#since ??= now
    this.lookAt = now + shownAfterMs
    if (now - this.#since < shownAfterMs) return
    setCondition(
      code,
      `${missing}. Records are read as soon as there is one; if there should be one, check the names in the configuration`,
    )
  }
}
