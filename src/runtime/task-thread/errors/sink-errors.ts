import type { OpenedPartition, TaskContext } from '../../../api/task.ts'
import type { FetchedRecord } from '../../../client/consumer/fetched-record.ts'
import type { GroupOffset } from '../../../client/group/group-offsets.ts'
import { errorSettingsOf } from '../../../config/connector/errors/error-settings.ts'
import { formatTaskId } from '../../../config/connector/task-id.ts'
import type { TopicPartition } from '../../../foundation/topic-partition.ts'
import type { HostContext } from '../host-context.ts'
import type { TaskControl } from '../task-control.ts'
import type { TaskRun } from '../../task-run.ts'
import { DeadLetterQueue, type DeadLetterTarget } from './dead-letters/dead-letter-queue.ts'
import { LetterReplay, type LetterReplayOptions } from './dead-letters/letter-replay.ts'
import { ErrantRecords, type ReadRange } from './errant-records.ts'
import { KeyParking, type KeyParkingOptions } from './parking/key-parking.ts'
import { consumedRecordText } from './error-log.ts'
import { deadLetterReporter, type DeadLetterForm } from './dead-letters/error-reporter.ts'
import { TaskErrors } from './task-errors.ts'

/** The dead letter queue of a sink. */
export interface SinkDeadLetters {
  readonly target: DeadLetterTarget
  readonly form: DeadLetterForm
  /** Absent or null: no keys are parked. */
  readonly parking?: Pick<KeyParkingOptions, 'maxKeys' | 'tail'> | null
}

export interface SinkErrorsOptions extends Pick<KeyParkingOptions, 'assignment' | 'topicId'> {
  readonly run: TaskRun
  readonly context: Pick<HostContext, 'clock' | 'logger' | 'metrics'>
  readonly control: TaskControl
  readonly setCondition: TaskContext['setCondition']
  /** Absent or null: there is no dead letter queue. */
  readonly deadLetters?: SinkDeadLetters | null
  /** Absent or null: letters are never delivered again. */
  readonly replay?: Pick<LetterReplayOptions, 'client' | 'followers'> | null
  /** Reads records again that the task reports. */
  readonly readRange: ReadRange
}

/** What becomes of the records that a sink fails on: those that do not convert, and those that the task reports. */
export class SinkErrors {
  /** Of conversions. */
  readonly records: TaskErrors<FetchedRecord>
  /** Of the task; null when nothing would receive its reports. */
  readonly reporter: ErrantRecords | null
  /** Null when no keys are parked. */
  readonly parking: KeyParking | null
  /** Null when no letters are delivered again. */
  readonly replay: LetterReplay | null
  readonly #letters: DeadLetterQueue | null

  constructor(options: SinkErrorsOptions) {
    const { run, context, control, setCondition, deadLetters = null, readRange, topicId } = options
    const { clock, logger, metrics } = context
    const settings = errorSettingsOf(run.connectorConfig)
    const letters =
      deadLetters === null
        ? null
        : new DeadLetterQueue({ target: deadLetters.target, control, metrics, clock, setCondition })
    this.#letters = letters
    this.replay = replayOf(options, letters)
    this.parking = this.#parkingOf(options, letters)
    this.records = new TaskErrors({
      settings,
      task: formatTaskId(run.id),
      metrics,
      clock,
      logger,
      setCondition,
      describe: consumedRecordText,
      reporter:
        this.parking ??
        (deadLetters === null || letters === null ? null : deadLetterReporter(letters, deadLetters.form, topicId)),
    })
    this.reporter =
      letters !== null || settings.logs
        ? new ErrantRecords({ errors: this.records, letters, readRange, control, clock, setCondition })
        : null
  }

  /** Creates the topic of the dead letter queue unless it exists. @throws a retriable error, or ConnectError */
  async prepare(signal: AbortSignal): Promise<void> {
    await this.#letters?.prepare(signal)
  }

  /** Partitions were assigned, with the metadata of the committed offsets that they start at. */
  assigned(offsets: readonly GroupOffset[]): void {
    this.replay?.assigned(offsets)
    this.parking?.assignmentChanged()
  }

  /** What the task is told of a partition that was {@link assigned}. */
  opened(at: GroupOffset): OpenedPartition {
    const { topic, partition, offset } = at
    return this.replay?.opened(at) ?? { topic, partition, offset }
  }

  revoked(partitions: readonly TopicPartition[]): void {
    this.replay?.revoked(partitions)
    this.parking?.assignmentChanged()
  }

  /**
   * Returns whether the records that have failed so far are durable in the dead letter queue, waiting for that for at most `ms`.
   * No offset may be committed before (I1, I7).
   */
  async settled(ms: number, signal: AbortSignal): Promise<boolean> {
    if (this.replay?.isKnown === false) return false
    if (this.reporter !== null && !(await this.reporter.settled(ms, signal))) return false
    return this.#letters === null || (await this.#letters.settled(ms, signal))
  }

  /** @param ms how long to wait for dead letters */
  async close(ms: number): Promise<void> {
    this.records.close()
    this.parking?.close()
    this.replay?.close()
    this.reporter?.close()
    await this.#letters?.close(ms)
  }

  #parkingOf(options: SinkErrorsOptions, queue: DeadLetterQueue | null): KeyParking | null {
    const { run, context, control, setCondition, assignment, topicId, deadLetters } = options
    const { parking = null, form } = deadLetters ?? {}
    if (parking === null || form === undefined || queue === null) return null
    const { clock, metrics } = context
    const { connector } = run.id
    const signal = control.stopSignal
    const reports = (): Promise<void> | null => this.reporter?.pending() ?? null
    return new KeyParking({
      ...parking,
      connector,
      queue,
      form,
      clock,
      metrics,
      signal,
      setCondition,
      assignment,
      topicId,
      reports,
      replay: this.replay,
    })
  }
}

function replayOf(options: SinkErrorsOptions, queue: DeadLetterQueue | null): LetterReplay | null {
  const { run, context, control, setCondition, topicId, replay = null } = options
  // Also without a dead letter queue: the plan may be older than this config.
  if (replay === null) return null
  const { clock, logger } = context
  const signal = control.stopSignal
  const { connector } = run.id
  return new LetterReplay({
    ...replay,
    connector,
    queue,
    clock,
    logger,
    signal,
    setCondition,
    topicId,
  })
}
