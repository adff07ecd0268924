import type { TaskRun } from '../../task-run.ts'
import { DeadlineExceededError, withDeadline } from '../../../foundation/async/deadline.ts'
import { abortable } from '../../../foundation/async/abortable.ts'
import { errorMessage } from '../../../foundation/error-message.ts'
import { scheduler } from 'node:timers/promises'

import type { SourceOffset, SourcePartition, SourceRecord } from '../../../api/record.ts'
import type { CommittedSourceOffset, SourceTask, SourceTaskContext, TaskContext } from '../../../api/task.ts'
import type { OutgoingRecord } from '../../../client/producer/outgoing-record.ts'
import { RecordTooLargeError } from '../../../client/errors.ts'
import type { Producer, ProducerListener } from '../../../client/producer/producer.ts'
import { troubleConditions } from '../../../client/log-trouble.ts'
import type { Clock } from '../../../foundation/clock.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import { isRetriable, stopQuietly } from '../../failures.ts'
import { OffsetTrouble } from './offset-trouble.ts'
import type { RecordEncoder } from '../conversion/record-encoder.ts'
import { SourceErrors, type SourceDeadLetters } from '../errors/source-errors.ts'
import { rejectedByBroker, rejectedByProducer } from './rejected-record.ts'
import { RetryStreak } from '../retry-streak.ts'
import { SourceOffsetCommitter } from './source-offset-committer.ts'
import { SourceConversion, type Unsent } from './source-conversion.ts'
import { sourceMeters, type SourceMeters } from './source-meters.ts'
import { StoredOffsets } from './stored-offsets.ts'
import { SubmittedRecords } from './submitted-records.ts'
import type { TaskProgressListener } from '../../task-listener.ts'
import type { TaskControl } from '../task-control.ts'
import { TaskStatus } from '../task-status.ts'
import type { PrepareTopic } from './topic-creation.ts'
import type { TransformStep } from '../conversion/transform-chain.ts'

/** The most records of a task in flight to the broker. The producer's memory bounds their bytes (I10). */
const maxInFlight = 262_144

/**
 * Within one poll, only every 64th record keeps its source offset until it is acknowledged: one object per record in
 * flight would dominate the garbage collector's time. After a restart, up to 63 more records are read again.
 */
const offsetRetentionStride = 64
/** Records of at least this size keep their offset: if the broker rejects one, the error names its offset. Bytes. */
const attributableRecordBytes = 4096

/** The producer of the loop. */
export type RecordProducer = Pick<Producer, 'append' | 'room' | 'flush' | 'close'>

export interface SourceTaskLoopOptions {
  /** Creates an instance for every attempt to start. */
  readonly createTask: () => SourceTask
  readonly context: Omit<SourceTaskContext, 'setCondition' | 'recovered'>
  readonly transforms: readonly TransformStep[]
  readonly encoder: RecordEncoder
  readonly createProducer: (listener: ProducerListener) => RecordProducer
  /** Called once per topic, before its first record; null leaves the creation of topics to the broker. */
  readonly prepareTopic: PrepareTopic | null
  readonly offsetTopic: string
  /** Where records go that fail; absent or null: there is no dead letter queue. */
  readonly deadLetters?: SourceDeadLetters | null
  /** Returns the record of the offset topic that stores the offset. */
  readonly offsetRecord: (offset: CommittedSourceOffset) => OutgoingRecord
  readonly control: TaskControl
  readonly run: TaskRun
  readonly listener: TaskProgressListener<TaskRun>
  /** How long a pause waits until outstanding records and offsets are stored. */
  readonly flushTimeoutMs: number
  /** How long the end of the task may take, including a last poll and all outstanding records and offsets. */
  readonly endTimeoutMs: number
}

/**
 * One source task: poll → transforms → converters → producer → acknowledgements → offsets.
 * Tokens below zero belong to offset records, the others to {@link SubmittedRecords}.
 */
export class SourceTaskLoop {
  readonly #options: SourceTaskLoopOptions
  readonly #control: TaskControl
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #submitted = new SubmittedRecords()
  readonly #producer: RecordProducer
  readonly #committer: SourceOffsetCommitter
  readonly #topics = new Set<string>()
  readonly #meters: SourceMeters
  readonly #status: TaskStatus
  readonly #retries: RetryStreak
  readonly #errors: SourceErrors
  readonly #storedOffsets: StoredOffsets
  readonly #conversion: SourceConversion
  #task: SourceTask | null = null
  #polling: Promise<readonly SourceRecord[] | null> | null = null
  #lastTopic = ''

  constructor(options: SourceTaskLoopOptions) {
    this.#options = options
    this.#control = options.control
    this.#clock = options.context.clock
    this.#logger = options.context.logger
    this.#meters = sourceMeters(options.context.metrics)
    const { control, run, listener } = options
    this.#status = new TaskStatus({ control, run, listener, logger: this.#logger, metrics: options.context.metrics })
    this.#retries = new RetryStreak({
      control,
      status: this.#status,
      clock: this.#clock,
      logger: this.#logger,
      retries: this.#meters.retries,
    })
    const setCondition: TaskContext['setCondition'] = (code, message) => this.#status.setCondition(code, message)
    this.#errors = new SourceErrors({ ...options, setCondition })
    this.#storedOffsets = new StoredOffsets({
      control,
      status: this.#status,
      clock: this.#clock,
      read: options.context.readOffsets,
    })
    this.#conversion = new SourceConversion({ ...options, errors: this.#errors.records, retries: this.#retries })
    const trouble = new OffsetTrouble({
      topic: options.offsetTopic,
      setCondition,
      failures: this.#meters.offsetFailures,
      clock: this.#clock,
    })
    this.#committer = new SourceOffsetCommitter({
      submitted: this.#submitted,
      write: (offset, token) => this.#producer.append(options.offsetRecord(offset), token),
      commit: async (offsets) => await this.#task?.commit(offsets),
      trouble,
      clock: this.#clock,
      logger: this.#logger,
    })
    this.#producer = options.createProducer({
      onAcknowledged: (tokens) => this.#acknowledged(tokens),
      onFailed: (error, tokens) => this.#rejected(error, tokens),
      onTrouble: troubleConditions(setCondition),
      onRetried: (topic, error) => {
        if (topic === options.offsetTopic) trouble.failed(error)
      },
    })
  }

  /** Runs until the task is asked to stop. @throws what made the task fail */
  async run(): Promise<void> {
    try {
      await this.#untilResumed()
      if (!this.#control.isEnding) await this.#start()
      while (!this.#control.isEnding) {
        if (this.#control.paused) await this.#waitWhilePaused()
        else await this.#turn()
      }
    } catch (error) {
      this.#control.fail(error)
    }
    await this.#finish()
    const { failure } = this.#control
    if (failure !== null) throw failure.error
  }

  async #start(): Promise<void> {
    while (!this.#control.isEnding) {
      const task = this.#options.createTask()
      try {
        await this.#errors.prepare(this.#control.stopSignal)
        const started = task.start({
          ...this.#options.context,
          readOffsets: async (partitions) => await this.#storedOffsets.of(partitions, () => this.#task !== null),
          setCondition: (code, message) => this.#status.setCondition(code, message),
          advanceOffset: (partition, offset) => this.#advanceOffset(partition, offset),
          recovered: () => this.#retries.recovered(),
        })
        await abortable(started, this.#control.stopSignal)
        this.#task = task
        this.#retries.recordSuccess()
        this.#status.show({ state: this.#status.active })
        return
      } catch (error) {
        await stopQuietly(task, this.#logger)
        this.#status.withdrawAll()
        if (!isRetriable(error)) throw error
        await this.#retries.wait(this.#retries.failed('start', error))
      }
    }
  }

  /** Polls once and sends the records. The yield lets acknowledgements and requests be handled if `poll` never waits. */
  async #turn(): Promise<void> {
    const records = await this.#poll()
    if (records !== null && records.length > 0 && !this.#control.isEnding) await this.#send(records)
    await scheduler.yield()
  }

  async #poll(): Promise<readonly SourceRecord[] | null> {
    const task = this.#task
    if (task === null) return null
    const signal = this.#control.wakeSignal
    try {
      this.#polling = task.poll(signal)
      const records = await abortable(this.#polling, this.#control.stopSignal)
      this.#polling = null
      this.#retries.recordSuccess()
      return records
    } catch (error) {
      if (this.#control.isEnding) return null
      this.#polling = null
      if (signal.aborted && error === signal.reason) return null
      if (!isRetriable(error)) throw error
      await this.#retries.wait(this.#retries.failed('poll', error))
      return null
    }
  }

  async #send(records: readonly SourceRecord[]): Promise<void> {
    const conversion = this.#conversion
    const producer = this.#producer
    const meters = this.#meters
    let bytes = 0
    // An iterator in an async function costs an object per record.
    for (let i = 0; i < records.length; i += 1) {
      const record = records[i] as SourceRecord
      let outcome = conversion.convert(record)
      if (outcome === 'pending') {
        const settled = await conversion.convertWhenReady(record)
        if (settled === null) return
        outcome = settled
      }
      if (typeof outcome === 'string') this.#pass(record, outcome)
      else {
        if (outcome.topic !== this.#lastTopic) await this.#reportTopic(outcome.topic)
        if (this.#control.isEnding) return
        const size = (outcome.key?.length ?? 0) + (outcome.value?.length ?? 0)
        const coalesceOffset =
          size < attributableRecordBytes && i + 1 < records.length && (i + 1) % offsetRetentionStride !== 0
        const token = this.#submitted.submit(record.sourcePartition, record.sourceOffset, coalesceOffset)
        this.#append(outcome, token, record)
        bytes += size
      }
      const room = producer.room()
      if (room !== null) await abortable(room, this.#control.stopSignal)
      if (this.#submitted.inFlight >= maxInFlight) await producer.flush(this.#control.stopSignal)
      if (this.#control.isEnding) return
    }
    meters.polled.add(records.length)
    meters.bytes.add(bytes)
    meters.batch.observe(records.length)
  }

  #append(outgoing: OutgoingRecord, token: number, record: SourceRecord): void {
    try {
      this.#producer.append(outgoing, token)
    } catch (error) {
      const rejection = rejectedByProducer(outgoing, record.sourceOffset, error)
      if (!(error instanceof RecordTooLargeError)) throw rejection
      this.#errors.records.failed(record, rejection)
      this.#settleBy(this.#errors.letters?.take() ?? null, token)
    }
  }

  /** The record is not sent: its offset becomes committable with those before it, once its dead letter is durable, if it has one. */
  #pass(record: SourceRecord, outcome: Unsent): void {
    if (outcome === 'dropped') this.#meters.dropped.add(1)
    const letter = outcome === 'skipped' ? (this.#errors.letters?.take() ?? null) : null
    this.#settleBy(letter, this.#submitted.submit(record.sourcePartition, record.sourceOffset))
  }

  /** @throws ConnectError for a letter that can never be written */
  #settleBy(letter: OutgoingRecord | null, token: number): void {
    const { letters } = this.#errors
    if (letter === null || letters === null) return this.#settled(token)
    letters.sent(token)
    try {
      this.#producer.append(letter, token)
    } catch (error) {
      throw letters.lostBy(error, [token]) ?? error
    }
  }

  /** An offset without a record: committable once all records before it are acknowledged (I2). */
  #advanceOffset(partition: SourcePartition, offset: SourceOffset): void {
    this.#settled(this.#submitted.submit(partition, offset))
  }

  /** Nothing is left to do for the record. */
  #settled(token: number): void {
    if (this.#submitted.acknowledge(token)) this.#committer.advanced()
  }

  #acknowledged(tokens: readonly number[]): void {
    let moved = false
    let written = -(this.#errors.letters?.acknowledged(tokens) ?? 0)
    for (const token of tokens) {
      if (token < 0) {
        this.#committer.acknowledged()
        continue
      }
      written += 1
      if (this.#submitted.acknowledge(token)) moved = true
    }
    this.#meters.written.add(written)
    if (moved) this.#committer.advanced()
  }

  /**
   * The broker rejected a batch, which has one topic. Rejected records fail the task (I7), unless it is one, which is too large
   * and is tolerated; rejected offsets are retried.
   */
  #rejected(error: Error, tokens: readonly number[]): void {
    const [first = 0] = tokens
    if (first < 0) {
      for (const token of tokens) this.#committer.rejected(token, error)
      return
    }
    if (this.#control.isEnding) return
    const { letters, records } = this.#errors
    const offset = this.#submitted.offsetOf(first)
    try {
      const lost = letters?.lostBy(error, tokens) ?? null
      if (lost !== null) throw lost
      const rejection = rejectedByBroker(error, offset)
      // Which record of several is too large, and whether the others are written, is not known.
      if (tokens.length > 1) throw rejection
      records.failed(null, rejection)
      this.#settleBy(letters?.ofOversized(rejection, offset) ?? null, first)
    } catch (failure) {
      this.#control.fail(failure)
    }
  }

  async #reportTopic(topic: string): Promise<void> {
    if (!this.#topics.has(topic)) {
      await this.#createTopic(topic)
      if (this.#control.isEnding) return
      this.#topics.add(topic)
      this.#options.listener.onTaskTopic(this.#options.run, topic)
    }
    this.#lastTopic = topic
  }

  /** Topics are created under the names that the transforms gave the records. */
  async #createTopic(topic: string): Promise<void> {
    const { prepareTopic } = this.#options
    if (prepareTopic === null) return
    await this.#retries.retried('topic creation', async () => await prepareTopic(topic, this.#control.stopSignal))
  }

  /** Paused while running: writes and commits what was read, then waits. */
  async #waitWhilePaused(): Promise<void> {
    await this.#flush(this.#options.flushTimeoutMs)
    if (this.#control.isEnding) return
    this.#retries.dropped()
    await this.#untilResumed()
    if (!this.#control.isEnding) this.#status.show({ state: 'RUNNING' })
  }

  async #untilResumed(): Promise<void> {
    if (!this.#control.paused || this.#control.isEnding) return
    this.#status.show({ state: 'PAUSED' })
    await this.#control.untilResumed()
  }

  /** Waits, at most `timeoutMs`, until what was sent is acknowledged and its offsets are stored (I9). */
  async #flush(timeoutMs: number): Promise<void> {
    const producer = this.#producer
    try {
      await withDeadline({ clock: this.#clock, ms: timeoutMs }, async (signal) => {
        await producer.flush(signal)
        await this.#committer.drain()
      })
    } catch (error) {
      this.#logger.warn(`offsets could not be stored in time, records will be read again: ${errorMessage(error)}`)
    }
  }

  /** Waits for the aborted `poll` to return, at most half of the time of the end. */
  async #untilPollReturned(): Promise<void> {
    const polling = this.#polling
    if (polling === null) return
    try {
      await withDeadline({ clock: this.#clock, ms: this.#options.endTimeoutMs / 2 }, async () => await polling)
    } catch (error) {
      if (error instanceof DeadlineExceededError)
        this.#logger.warn('the task is stopped although poll has not returned')
    }
  }

  async #finish(): Promise<void> {
    const endAt = this.#clock.monotonic() + this.#options.endTimeoutMs
    await this.#untilPollReturned()
    if (this.#task !== null) await this.#flush(Math.max(0, endAt - this.#clock.monotonic()))
    this.#committer.close()
    this.#errors.close()
    if (this.#task !== null) await stopQuietly(this.#task, this.#logger)
    await this.#producer.close(AbortSignal.abort())
  }
}
