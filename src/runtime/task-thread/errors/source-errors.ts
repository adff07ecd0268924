import type { SourceRecord } from '../../../api/record.ts'
import type { TaskContext } from '../../../api/task.ts'
import { errorSettingsOf } from '../../../config/connector/errors/error-settings.ts'
import { formatTaskId } from '../../../config/connector/task-id.ts'
import type { HostContext } from '../host-context.ts'
import type { TaskRun } from '../../task-run.ts'
import { prepareLetterTopic, type DeadLetterTarget } from './dead-letters/dead-letter-queue.ts'
import { sourceRecordText } from './error-log.ts'
import type { DeadLetterForm } from './dead-letters/error-reporter.ts'
import { SourceLetters } from './dead-letters/source-letters.ts'
import { TaskErrors } from './task-errors.ts'

/** The dead letter queue of a source. Its letters are sent by the producer of the task. */
export interface SourceDeadLetters {
  readonly target: Pick<DeadLetterTarget, 'topic' | 'prepare'>
  readonly form: DeadLetterForm
}

export interface SourceErrorsOptions {
  readonly run: TaskRun
  readonly context: Pick<HostContext, 'clock' | 'logger' | 'metrics'>
  readonly setCondition: TaskContext['setCondition']
  /** Absent or null: there is no dead letter queue. */
  readonly deadLetters?: SourceDeadLetters | null
}

/** What becomes of the records that a source fails on: those that do not convert, and those that the broker refuses. */
export class SourceErrors {
  readonly records: TaskErrors<SourceRecord>
  /** Null without a dead letter queue. */
  readonly letters: SourceLetters | null
  readonly #deadLetters: SourceDeadLetters | null

  constructor({ run, context, setCondition, deadLetters = null }: SourceErrorsOptions) {
    const { clock, logger, metrics } = context
    this.#deadLetters = deadLetters
    this.letters = deadLetters === null ? null : new SourceLetters(deadLetters.form, metrics)
    this.records = new TaskErrors({
      settings: errorSettingsOf(run.connectorConfig),
      task: formatTaskId(run.id),
      metrics,
      clock,
      logger,
      setCondition,
      describe: sourceRecordText,
      reporter: this.letters,
    })
  }

  /** Creates the topic of the dead letter queue unless it exists. @throws a retriable error, or ConnectError */
  async prepare(signal: AbortSignal): Promise<void> {
    if (this.#deadLetters !== null) await prepareLetterTopic(this.#deadLetters.target, signal)
  }

  close(): void {
    this.records.close()
  }
}
