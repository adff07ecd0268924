import type { TaskRun } from '../../task-run.ts'
import { DeadlineExceededError, withDeadline } from '../../../foundation/async/deadline.ts'
import { abortable } from '../../../foundation/async/abortable.ts'
import { errorMessage } from '../../../foundation/error-message.ts'
import { scheduler } from 'node:timers/promises'

import type { SourceOffset, SourcePartition, SourceRecord } from '../../../api/record.ts'
import type { CommittedSourceOffset, SourceTask, SourceTaskContext } from '../../../api/task.ts'
import type { OutgoingRecord } from '../../../client/producer/outgoing-record.ts'
import type { Producer, ProducerListener } from '../../../client/producer/producer.ts'
import { troubleConditions } from '../../../client/log-trouble.ts'
import { backoffMs } from '../../../foundation/async/backoff.ts'
import type { Clock } from '../../../foundation/clock.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import type { Counter, Histogram, TaskMetrics } from '../../../foundation/metrics/metrics.ts'
import { isRetriable, stopQuietly, taskBackoff } from '../../failures.ts'
import { OffsetTrouble } from './offset-trouble.ts'
import type { RecordEncoder } from '../record-encoder.ts'
import { refusedByLog, refusedByProducer } from './refused-record.ts'
import { RetryStreak } from '../retry-streak.ts'
import { SourceOffsetCommitter } from './source-offset-committer.ts'
import { SubmittedRecords } from './submitted-records.ts'
import type { TaskProgressListener } from '../../task-listener.ts'
import type { TaskControl } from '../task-control.ts'
import { TaskStatus } from '../task-status.ts'
import type { PrepareTopic } from './topic-creation.ts'
import { applyTransforms, type TransformStep } from '../transform-chain.ts'

/** Records of one task in flight to the log at most; the producer's memory bounds their bytes (I10). */
const maxInFlight = 262_144

/**
 * Of records that follow each other in one poll, every so manieth keeps its offset until it is acknowledged: an object per
 * record in flight is what collections would spend most of their time on. A restart goes on that much earlier at most.
 */
const offsetEvery = 64
/** Larger records keep theirs: the log may refuse them, and then the task says which it was. */
const tellingBytes = 4096
const unreadCode = 'OFFSETS_UNREAD'

/** What the loop needs of a producer. */
export type RecordProducer = Pick<Producer, 'append' | 'room' | 'flush' | 'close'>

export interface SourceTaskLoopOptions {
  /** A fresh instance for every attempt to start. */
  readonly createTask: () => SourceTask
  readonly context: Omit<SourceTaskContext, 'setCondition' | 'recovered'>
  readonly transforms: readonly TransformStep[]
  readonly encoder: RecordEncoder
  readonly createProducer: (listener: ProducerListener) => RecordProducer
  /** Called once per topic, before its first record that left the transforms; null leaves topics to the broker. */
  readonly prepareTopic: PrepareTopic | null
  readonly offsetTopic: string
  /** The record of the offset topic that stores this offset. */
  readonly offsetRecord: (offset: CommittedSourceOffset) => OutgoingRecord
  readonly control: TaskControl
  readonly run: TaskRun
  readonly listener: TaskProgressListener<TaskRun>
  /** How long a pause waits for outstanding records and offsets. */
  readonly flushTimeoutMs: number
  /** How long the end of the task may take, a last poll and all outstanding records and offsets included. */
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
  readonly #meters: Meters
  readonly #status: TaskStatus
  readonly #retries: RetryStreak
  #task: SourceTask | null = null
  #polling: Promise<readonly SourceRecord[] | null> | null = null
  #lastTopic = ''

  constructor(options: SourceTaskLoopOptions) {
    this.#options = options
    this.#control = options.control
    this.#clock = options.context.clock
    this.#logger = options.context.logger
    this.#meters = metersOf(options.context.metrics)
    const { control, run, listener } = options
    this.#status = new TaskStatus({ control, run, listener, logger: this.#logger, metrics: options.context.metrics })
    this.#retries = new RetryStreak({
      control,
      status: this.#status,
      clock: this.#clock,
      logger: this.#logger,
      retries: this.#meters.retries,
    })
    const trouble = new OffsetTrouble({
      topic: options.offsetTopic,
      setCondition: (code, message) => this.#status.setCondition(code, message),
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
      onFailed: (error, tokens) => this.#refused(error, tokens),
      onTrouble: troubleConditions((code, message) => this.#status.setCondition(code, message)),
      onRetried: (topic, error) => {
        if (topic === options.offsetTopic) trouble.failed(error)
      },
    })
  }

  /** Runs until the task is asked to stop. @throws what made the task fail. */
  async run(): Promise<void> {
    try {
      await this.#untilResumed()
      if (!this.#control.ended) await this.#start()
      while (!this.#control.ended) {
        if (this.#control.paused) await this.#rest()
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
    while (!this.#control.ended) {
      const task = this.#options.createTask()
      try {
        const started = task.start({
          ...this.#options.context,
          readOffsets: async (partitions) => await this.#readOffsets(partitions),
          setCondition: (code, message) => this.#status.setCondition(code, message),
          advanceOffset: (partition, offset) => this.#moveOn(partition, offset),
          recovered: () => this.#retries.recovered(),
        })
        await abortable(started, this.#control.ending)
        this.#task = task
        this.#retries.ended()
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

  /** The task goes nowhere without its offsets: it waits for them, and the status says so. */
  async #readOffsets(partitions: readonly SourcePartition[]): Promise<readonly (SourceOffset | null)[]> {
    const since = new Date(this.#clock.now()).toISOString()
    const { ending } = this.#control
    for (let attempt = 1; ; attempt += 1) {
      try {
        const offsets = await abortable(this.#options.context.readOffsets(partitions), ending)
        this.#status.setCondition(unreadCode, null)
        return offsets
      } catch (error) {
        if (ending.aborted || !isRetriable(error)) throw error
        // Nothing is shown of a task that has no state yet.
        if (this.#task === null) this.#status.show({ state: 'RESTARTING' })
        this.#status.setCondition(
          unreadCode,
          `the task has waited for its stored offsets since ${since}, and reads nothing before it has them: ${errorMessage(error)}`,
        )
        await this.#clock.sleep(backoffMs(taskBackoff, attempt), ending)
      }
    }
  }

  /** One poll and its records. The yield lets acknowledgements and requests through when `poll` never waits. */
  async #turn(): Promise<void> {
    const records = await this.#poll()
    if (records !== null && records.length > 0 && !this.#control.ended) await this.#send(records)
    await scheduler.yield()
  }

  async #poll(): Promise<readonly SourceRecord[] | null> {
    const task = this.#task
    if (task === null) return null
    const signal = this.#control.waking
    try {
      this.#polling = task.poll(signal)
      const records = await abortable(this.#polling, this.#control.ending)
      this.#polling = null
      this.#retries.ended()
      return records
    } catch (error) {
      if (this.#control.ended) return null
      this.#polling = null
      if (signal.aborted && error === signal.reason) return null
      if (!isRetriable(error)) throw error
      await this.#retries.wait(this.#retries.failed('poll', error))
      return null
    }
  }

  async #send(records: readonly SourceRecord[]): Promise<void> {
    const { transforms, encoder } = this.#options
    const producer = this.#producer
    const meters = this.#meters
    let bytes = 0
    // An iterator in an async function costs an object per record.
    for (let i = 0; i < records.length; i += 1) {
      const record = records[i] as SourceRecord
      const transformed = transforms.length === 0 ? record : applyTransforms(transforms, record)
      if (transformed === null) {
        this.#drop(record)
        continue
      }
      const outgoing = encoder.encode(transformed)
      if (outgoing.topic !== this.#lastTopic) await this.#noteTopic(outgoing.topic)
      if (this.#control.ended) return
      const size = (outgoing.key?.length ?? 0) + (outgoing.value?.length ?? 0)
      const passing = size < tellingBytes && i + 1 < records.length && (i + 1) % offsetEvery !== 0
      const token = this.#submitted.submit(record.sourcePartition, record.sourceOffset, passing)
      this.#append(outgoing, token, record)
      bytes += size
      const room = producer.room()
      if (room !== null) await abortable(room, this.#control.ending)
      if (this.#submitted.inFlight >= maxInFlight) await producer.flush(this.#control.ending)
      if (this.#control.ended) return
    }
    meters.polled.add(records.length)
    meters.bytes.add(bytes)
    meters.batch.observe(records.length)
  }

  #append(outgoing: OutgoingRecord, token: number, record: SourceRecord): void {
    try {
      this.#producer.append(outgoing, token)
    } catch (error) {
      throw refusedByProducer(outgoing, record.sourceOffset, error)
    }
  }

  /** A transform dropped the record: nothing to wait for, its offset moves with those around it. */
  #drop(record: SourceRecord): void {
    this.#meters.dropped.add(1)
    this.#moveOn(record.sourcePartition, record.sourceOffset)
  }

  /** An offset without a record to write: due once all records before it are acknowledged. */
  #moveOn(partition: SourcePartition, offset: SourceOffset): void {
    const token = this.#submitted.submit(partition, offset)
    if (this.#submitted.acknowledge(token)) this.#committer.advanced()
  }

  #acknowledged(tokens: readonly number[]): void {
    let moved = false
    let written = 0
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

  /** A batch is of one topic: of records, which have to be written, or of offsets, which may come later. */
  #refused(error: Error, tokens: readonly number[]): void {
    const [first = 0] = tokens
    if (first >= 0) this.#control.fail(refusedByLog(error, this.#submitted.offsetOf(first)))
    else for (const token of tokens) this.#committer.refused(token, error)
  }

  async #noteTopic(topic: string): Promise<void> {
    if (!this.#topics.has(topic)) {
      await this.#prepareTopic(topic)
      if (this.#control.ended) return
      this.#topics.add(topic)
      this.#options.listener.onTaskTopic(this.#options.run, topic)
    }
    this.#lastTopic = topic
  }

  /** Topics are created under the names that transforms gave them: before, nobody knows where a record goes. */
  async #prepareTopic(topic: string): Promise<void> {
    const { prepareTopic } = this.#options
    if (prepareTopic === null) return
    while (!this.#control.ended) {
      try {
        await prepareTopic(topic, this.#control.ending)
        this.#retries.ended()
        return
      } catch (error) {
        if (this.#control.ended) return
        if (!isRetriable(error)) throw error
        await this.#retries.wait(this.#retries.failed('topic creation', error))
      }
    }
  }

  /** Paused while running: what was read is written and committed, then the task rests. */
  async #rest(): Promise<void> {
    await this.#settle(this.#options.flushTimeoutMs)
    if (this.#control.ended) return
    this.#retries.dropped()
    await this.#untilResumed()
    if (!this.#control.ended) this.#status.show({ state: 'RUNNING' })
  }

  async #untilResumed(): Promise<void> {
    if (!this.#control.paused || this.#control.ended) return
    this.#status.show({ state: 'PAUSED' })
    await this.#control.untilResumed()
  }

  /** Waits, bounded, until the log has what was sent and the offset topic knows it. */
  async #settle(timeoutMs: number): Promise<void> {
    const producer = this.#producer
    try {
      await withDeadline({ clock: this.#clock, ms: timeoutMs }, async (signal) => {
        await producer.flush(signal)
        await this.#committer.drain()
      })
    } catch (error) {
      this.#logger.warn(`offsets stay behind what was read, which will be read again: ${errorMessage(error)}`)
    }
  }

  /** The poll that the end cut short ends by itself soon; half of the time there is for it. */
  async #lastPoll(): Promise<void> {
    const polling = this.#polling
    if (polling === null) return
    try {
      await withDeadline({ clock: this.#clock, ms: this.#options.endTimeoutMs / 2 }, async () => await polling)
    } catch (error) {
      if (error instanceof DeadlineExceededError) this.#logger.warn('the task is stopped while it still polls')
    }
  }

  async #finish(): Promise<void> {
    const endAt = this.#clock.monotonic() + this.#options.endTimeoutMs
    await this.#lastPoll()
    if (this.#task !== null) await this.#settle(Math.max(0, endAt - this.#clock.monotonic()))
    this.#committer.close()
    if (this.#task !== null) await stopQuietly(this.#task, this.#logger)
    await this.#producer.close(AbortSignal.abort())
  }
}

interface Meters {
  readonly polled: Counter
  readonly written: Counter
  readonly dropped: Counter
  readonly bytes: Counter
  readonly retries: Counter
  readonly offsetFailures: Counter
  readonly batch: Histogram
}

function metersOf(metrics: TaskMetrics): Meters {
  return {
    polled: metrics.counter('source_records_polled_total', 'Records the task read from its source'),
    written: metrics.counter('source_records_written_total', 'Records the log has acknowledged'),
    dropped: metrics.counter('source_records_dropped_total', 'Records a transform dropped'),
    bytes: metrics.counter('source_bytes_total', 'Bytes of keys and values handed to the producer'),
    retries: metrics.counter('task_retries_total', 'Calls of the task that failed retriably'),
    offsetFailures: metrics.counter(
      'source_offset_failures_total',
      'Tries to store offsets in the offset topic that failed',
    ),
    batch: metrics.histogram('source_poll_batch_size', 'Records per poll', [1, 10, 100, 500, 1000, 2000, 5000, 10_000]),
  }
}
