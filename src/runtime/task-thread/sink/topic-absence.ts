import type { TaskContext } from '../../../api/task.ts'
import type { GroupConsumer } from '../../../client/group/group-consumer.ts'
import type { Clock } from '../../../foundation/clock.ts'

export interface TopicAbsenceOptions {
  readonly consumer: Pick<GroupConsumer, 'missing'>
  readonly clock: Clock
  readonly setCondition: TaskContext['setCondition']
}

/** Shorter absences are normal: a sink may start before its source, and a topic may be deleted and re-created. */
const shownAfterMs = 10_000
const lookEveryMs = 30_000
const code = 'TOPIC_MISSING'

/**
 * Shows in the status that no topic to read from exists. Otherwise a mistyped or deleted topic would leave a task RUNNING
 * that never writes a record, without any sign.
 */
export class TopicAbsence {
  readonly #options: TopicAbsenceOptions
  #since: number | null = null
  /** When to check again, in monotonic milliseconds. */
  lookAt: number

  constructor(options: TopicAbsenceOptions) {
    this.#options = options
    this.lookAt = options.clock.monotonic() + shownAfterMs
  }

  /** Checks if a check is due. */
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
      `${missing}. Records are read as soon as one exists; if one should exist, check the names in the configuration`,
    )
  }
}
