import { ConnectError } from '../../../api/errors.ts'
import type { ErrantRecordReporter, ReportedRecord, TaskContext } from '../../../api/task.ts'
import type { FetchedRecord } from '../../../client/consumer/fetched-record.ts'
import type { PartitionRange } from '../../../client/consumer/topic-tail.ts'
import { abortable } from '../../../foundation/async/abortable.ts'
import { settledWithin } from '../../../foundation/async/deadline.ts'
import { deferred, type Deferred } from '../../../foundation/async/deferred.ts'
import type { Clock } from '../../../foundation/clock.ts'
import { errorMessage } from '../../../foundation/error-message.ts'
import { formatTopicPartition } from '../../../foundation/topic-partition.ts'
import type { TaskControl } from '../task-control.ts'
import type { DeadLetterQueue } from './dead-letters/dead-letter-queue.ts'
import type { TaskErrors } from './task-errors.ts'

/** Reads the records of a range, in order. */
export type ReadRange = (
  range: PartitionRange,
  onRecord: (record: FetchedRecord) => void,
  signal: AbortSignal,
) => Promise<void>

export interface ErrantRecordsOptions {
  readonly errors: TaskErrors<FetchedRecord>
  /** Null: records are only logged. */
  readonly letters: DeadLetterQueue | null
  readonly readRange: ReadRange
  readonly control: TaskControl
  readonly clock: Clock
  readonly setCondition: TaskContext['setCondition']
}

interface Report {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly error: Error
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** The class that Kafka Connect names for records that a task reports. */
const reportingClass = 'org.apache.kafka.connect.sink.SinkTask'
/** Records that are further apart than this are read one by one. */
const maxGap = 500
/** While so many reports are in progress, the task gets no further records (I10). */
const maxPending = 1000
/** Reading records again is shown in the status when it takes longer. Milliseconds. */
const shownAfterMs = 3000
const unreadCode = 'DEAD_LETTERS_UNREAD'

/**
 * The records that a sink task reports. Their bytes are read again from their topic: keeping those of all records until the task
 * is done with them would cost every record, and hold the responses that they came in. What is reported in one turn is read
 * together. A task need not wait for its reports: {@link room} bounds how many are in progress.
 */
export class ErrantRecords implements ErrantRecordReporter {
  readonly #options: ErrantRecordsOptions
  #waiting: Report[] = []
  #isRunning = false
  readonly #pending = new Set<Promise<void>>()
  readonly #closing = new AbortController()
  #room: Deferred<void> | null = null
  /** Whether a record was reported that is not kept. */
  #isLost = false

  constructor(options: ErrantRecordsOptions) {
    this.#options = options
  }

  get keepsRecords(): boolean {
    return this.#options.letters !== null
  }

  report(record: ReportedRecord, error: Error): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const { originalTopic: topic, originalPartition: partition, originalOffset: offset } = record
    this.#waiting.push({ topic, partition, offset, error, resolve, reject })
    this.#pending.add(promise)
    // A task that does not wait learns of a failure by its end.
    promise.catch(() => undefined).finally(() => this.#ended(promise))
    if (!this.#isRunning) void this.#run()
    return promise
  }

  /** Null while there is room for more reports; otherwise resolves when there is. */
  room(): Promise<void> | null {
    if (this.#pending.size < maxPending) return null
    this.#room ??= deferred<void>()
    return this.#room.promise
  }

  /** Resolves when the records that were reported so far are settled; null when all are. */
  pending(): Promise<void> | null {
    return this.#pending.size === 0 ? null : Promise.allSettled(this.#pending).then(() => undefined)
  }

  /**
   * Returns whether all records that were reported so far are durable, waiting for that for at most `ms`.
   * @throws the reason of the signal
   */
  async settled(ms: number, signal: AbortSignal): Promise<boolean> {
    if (this.#pending.size === 0 || this.#isLost) return !this.#isLost
    const all = Promise.all(this.#pending).then(() => true)
    const isSettled = await settledWithin(this.#options.clock, ms, abortable(all, signal))
    signal.throwIfAborted()
    return isSettled ?? false
  }

  /** What is in progress is given up: no offset behind it is committed. */
  close(): void {
    this.#closing.abort(new ConnectError('the task has ended'))
  }

  #ended(report: Promise<void>): void {
    this.#pending.delete(report)
    if (this.#room === null || this.#pending.size >= maxPending) return
    this.#room.resolve()
    this.#room = null
  }

  async #run(): Promise<void> {
    this.#isRunning = true
    // Those that are reported in this turn belong together.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const reports = this.#waiting
      this.#waiting = []
      await this.#settle(reports)
    }
    this.#isRunning = false
  }

  async #settle(reports: readonly Report[]): Promise<void> {
    const { letters, control } = this.#options
    try {
      for (const run of runsOf(reports)) await this.#write(run)
      if (letters !== null && !(await letters.durable(this.#closing.signal)))
        throw new ConnectError('a record is not in the dead letter queue', { cause: control.failure?.error })
      for (const { resolve } of reports) resolve()
    } catch (error) {
      this.#isLost = true
      control.fail(error)
      for (const { reject } of reports) reject(error)
    }
  }

  /** Reads the records of a run, and reports each. @throws what fails the task */
  async #write(run: readonly Report[]): Promise<void> {
    const { errors } = this.#options
    const { signal } = this.#closing
    const found = await this.#read(run)
    for (const report of run) {
      const record = found.get(report.offset)
      if (record === undefined) throw unreadable(report, 'it is no longer there')
      errors.failed(record, failureOf(report))
      const room = errors.room()
      if (room !== null) await abortable(room, signal)
    }
  }

  /** Returns the records of a run by their offsets. Waits indefinitely while they cannot be read: the status says so. */
  async #read(run: readonly Report[]): Promise<ReadonlyMap<number, FetchedRecord>> {
    const { readRange, clock, setCondition } = this.#options
    const { signal } = this.#closing
    const found = new Map<number, FetchedRecord>()
    const [first] = run
    const last = run.at(-1)
    if (first === undefined || last === undefined) return found
    const wanted = new Set(run.map(({ offset }) => offset))
    const { topic, partition } = first
    const cancel = clock.after(shownAfterMs, () => setCondition(unreadCode, unreadText(first)))
    try {
      await readRange(
        { topic, partition, start: first.offset, end: last.offset + 1 },
        (record) => {
          if (wanted.has(record.offset)) found.set(record.offset, record)
        },
        signal,
      )
    } catch (error) {
      throw signal.aborted ? error : unreadable(first, errorMessage(error))
    } finally {
      cancel()
      setCondition(unreadCode, null)
    }
    return found
  }
}

/** Returns the reports in runs of one partition, each with rising offsets that are close to one another. */
function runsOf(reports: readonly Report[]): readonly (readonly Report[])[] {
  const byPartition = Map.groupBy(reports, formatTopicPartition)
  const runs: Report[][] = []
  for (const own of byPartition.values()) {
    let run: Report[] = []
    for (const report of own.toSorted((a, b) => a.offset - b.offset)) {
      const last = run.at(-1)
      if (last === undefined || report.offset - last.offset > maxGap) {
        run = []
        runs.push(run)
      }
      run.push(report)
    }
  }
  return runs
}

function placeOf(report: Report): string {
  return `${formatTopicPartition(report)}@${report.offset}`
}

function unreadText(first: Report): string {
  return (
    `records that the task could not deliver are read again from ${formatTopicPartition(first)} for the dead letter queue, from ` +
    `offset ${first.offset} on, and the broker does not return them yet. No offset is committed meanwhile`
  )
}

function failureOf(report: Report): ConnectError {
  return new ConnectError(`the task could not deliver the record ${placeOf(report)}: ${report.error.message}`, {
    cause: report.error,
    stage: 'TASK_PUT',
    executingClass: reportingClass,
    topicPartition: formatTopicPartition(report),
  })
}

function unreadable(report: Report, reason: string): ConnectError {
  return new ConnectError(
    `the record ${placeOf(report)} cannot be read again for the dead letter queue: ${reason}. The task could not deliver it: ` +
      `${report.error.message}. Restart the task: it continues at the offset that is committed`,
    { cause: report.error, code: 'DEAD_LETTER_QUEUE', stage: 'TASK_PUT' },
  )
}
