import type { TaskRun } from '../../task-run.ts'
import type { TopicPartition } from '../../../foundation/topic-partition.ts'
import { DeadlineExceededError, withDeadline } from '../../../foundation/async/deadline.ts'
import { abortable } from '../../../foundation/async/abortable.ts'
import { errorMessage } from '../../../foundation/error-message.ts'
import { scheduler } from 'node:timers/promises'

import { ConnectError } from '../../../api/errors.ts'
import type { OffsetToCommit, SinkTask, SinkTaskContext } from '../../../api/task.ts'
import type { FetchedRecord } from '../../../client/consumer/fetched-record.ts'
import type { ConsumerListener, GroupConsumer } from '../../../client/group/group-consumer.ts'
import { troubleConditions } from '../../../client/log-trouble.ts'
import type { TopicSelection } from '../../../client/consumer/subscription.ts'
import type { Clock } from '../../../foundation/clock.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import { isRetriable, stopQuietly } from '../../failures.ts'
import type { HostContext } from '../host-context.ts'
import type { Converters } from '../record-encoder.ts'
import { logAssigned, logRevoked } from './partition-lines.ts'
import { RetryStreak } from '../retry-streak.ts'
import { SerialLock } from '../../serial-lock.ts'
import { emptyBatch, joinBatches, makeBatch, withoutPartitions, type SinkBatch } from './sink-batch.ts'
import { SinkMeters } from './sink-meters.ts'
import { SinkOffsetCommitter } from './sink-offset-committer.ts'
import { namesOf, SinkPositions } from './sink-positions.ts'
import { SinkRequests } from './sink-requests.ts'
import type { TaskProgressListener } from '../../task-listener.ts'
import type { TaskControl } from '../task-control.ts'
import { TaskStatus } from '../task-status.ts'
import { TopicAbsence } from './topic-absence.ts'
import type { TransformStep } from '../transform-chain.ts'

/** What the loop needs of a consumer, whose callbacks run inside `poll`. */
export type RecordConsumer = Pick<
  GroupConsumer,
  | 'subscribe'
  | 'poll'
  | 'pause'
  | 'resume'
  | 'seek'
  | 'commit'
  | 'close'
  | 'highWatermark'
  | 'topicId'
  | 'position'
  | 'missing'
>

export interface SinkTaskLoopOptions {
  /** A fresh instance for every attempt to start. */
  readonly createTask: () => SinkTask
  readonly context: HostContext
  readonly transforms: readonly TransformStep[]
  readonly converters: Converters
  readonly consumer: RecordConsumer
  readonly subscription: TopicSelection
  readonly clusterId: string | null
  readonly control: TaskControl
  readonly run: TaskRun
  readonly listener: TaskProgressListener<TaskRun>
  /** Offsets are committed at least this often (`offset.flush.interval.ms`). */
  readonly commitIntervalMs: number
  /** How long a revocation waits for the task's `flush`, and for the commit. */
  readonly flushTimeoutMs: number
  /** How long the end of the task may take, a last `put`, `flush` and commit included. */
  readonly endTimeoutMs: number
}

/**
 * One sink task: poll → converters → transforms → `put` → `preCommit` → commit.
 *
 * All calls of the task go through one lock, so a revocation waits for the `put` that is running. The outcome of a commit
 * is told to the task before any other call, see {@link SinkOffsetCommitter}: no call means by itself that a commit went
 * through. `put`, `flush`, `preCommit` and `close` also come after commits that were refused or cut off.
 * A batch that `put` refused retriably is kept and given again; meanwhile polling goes on with everything paused, so
 * that the group can rebalance.
 */
export class SinkTaskLoop {
  readonly #options: SinkTaskLoopOptions
  readonly #control: TaskControl
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #calls = new SerialLock()
  readonly #positions = new SinkPositions()
  readonly #meters: SinkMeters
  readonly #status: TaskStatus
  readonly #retries: RetryStreak
  readonly #consumerListener: ConsumerListener
  readonly #committer: SinkOffsetCommitter
  readonly #absence: TopicAbsence
  readonly #topics = new Set<string>()
  readonly #requests = new SinkRequests()
  #task: SinkTask | null = null
  #refused: SinkBatch | null = null
  #running: Promise<void> | null = null
  #retryAt = 0
  #endAt = Number.POSITIVE_INFINITY

  constructor(options: SinkTaskLoopOptions) {
    this.#options = options
    this.#control = options.control
    this.#clock = options.context.clock
    this.#logger = options.context.logger
    this.#meters = new SinkMeters(options.context.metrics)
    const { control, run, listener } = options
    this.#status = new TaskStatus({ control, run, listener, logger: this.#logger, metrics: options.context.metrics })
    const retries = {
      control,
      status: this.#status,
      clock: this.#clock,
      logger: this.#logger,
      retries: this.#meters.retries,
    }
    this.#retries = new RetryStreak(retries)
    const setCondition = (code: string, message: string | null): void => this.#status.setCondition(code, message)
    this.#absence = new TopicAbsence({ consumer: options.consumer, clock: this.#clock, setCondition })
    this.#committer = new SinkOffsetCommitter({
      consumer: options.consumer,
      positions: this.#positions,
      meters: this.#meters,
      retries: new RetryStreak(retries),
      clock: this.#clock,
      logger: this.#logger,
      intervalMs: options.commitIntervalMs,
      setCondition,
    })
    this.#consumerListener = {
      onAssigned: async (offsets) => await this.#calls.run(async () => await this.#assigned(offsets)),
      onRevoked: async (partitions, { lost }) =>
        await this.#calls.run(async () => await this.#revoked(partitions, lost)),
      onTrouble: troubleConditions(setCondition),
    }
  }

  /** Runs until the task is asked to stop. @throws what made the task fail. */
  async run(): Promise<void> {
    try {
      await this.#untilFirstResumed()
      if (!this.#control.ended) await this.#start()
      let paused = false
      while (!this.#control.ended) {
        if (paused !== this.#control.paused) {
          paused = this.#control.paused
          this.#pauseOrResume(paused)
        }
        await this.#turn()
      }
    } catch (error) {
      this.#control.fail(error)
    }
    await this.#finish()
    const { failure } = this.#control
    if (failure !== null) throw failure.error
  }

  async #untilFirstResumed(): Promise<void> {
    if (!this.#control.paused) return
    this.#status.show({ state: 'PAUSED' })
    await this.#control.untilResumed()
  }

  async #start(): Promise<void> {
    while (!this.#control.ended) {
      const task = this.#options.createTask()
      try {
        await abortable(task.start(this.#context()), this.#control.ending)
        this.#task = task
        this.#options.consumer.subscribe(this.#options.subscription, this.#consumerListener)
        this.#retries.ended()
        this.#status.show({ state: this.#status.active })
        return
      } catch (error) {
        await stopQuietly(task, this.#logger)
        this.#status.withdrawAll(this.#requests)
        if (!isRetriable(error)) throw error
        await this.#retries.wait(this.#retries.failed('start', error))
      }
    }
  }

  async #turn(): Promise<void> {
    this.#applySeeks()
    const polled = await this.#poll(this.#waitMs())
    if (this.#control.ended) return
    this.#absence.look()
    await this.#calls.run(async () => {
      if (this.#control.ended) return
      const wasRefused = this.#refused !== null
      const batch = this.#refused === null ? polled : joinBatches(this.#refused, polled)
      if (wasRefused && this.#clock.monotonic() < this.#retryAt) this.#refused = batch
      else await this.#put(batch)
      if (this.#refused === null) this.#positions.passed((partition) => this.#options.consumer.position(partition))
      if (this.#requests.commit || this.#clock.monotonic() >= this.#committer.dueAt)
        await this.#commit(this.#control.ending)
      if (wasRefused !== (this.#refused !== null)) this.#holdOrRelease()
    })
    await scheduler.yield()
  }

  /** How long a poll may wait: until the next commit or look for topics, or until the task is to be called. */
  #waitMs(): number {
    if (this.#requests.commit) return 0
    const callAt = this.#refused === null ? this.#requests.wakeAt : this.#retryAt
    return Math.max(0, Math.min(this.#committer.dueAt, callAt, this.#absence.lookAt) - this.#clock.monotonic())
  }

  /** Nothing is fetched while a refused batch waits; after it, all but what is paused on purpose. */
  #holdOrRelease(): void {
    const { consumer } = this.#options
    const held = this.#positions.assignment()
    if (this.#refused !== null || this.#control.paused) consumer.pause(held)
    else consumer.resume(this.#requests.notPaused(held))
  }

  async #poll(waitMs: number): Promise<SinkBatch> {
    const signal = this.#control.waking
    let fetched: readonly FetchedRecord[]
    try {
      fetched = await this.#options.consumer.poll(waitMs, signal)
    } catch (error) {
      if (this.#control.ended || (signal.aborted && error === signal.reason)) return emptyBatch
      throw error
    }
    if (fetched.length === 0) return emptyBatch
    const batch = makeBatch(fetched, this.#options.converters, this.#options.transforms)
    this.#meters.read(fetched.length, batch.bytes)
    for (const { topic } of batch.ends.values()) this.#noteTopic(topic)
    return batch
  }

  /** Gives the batch to the task; one that it refuses retriably is kept. */
  async #put(batch: SinkBatch): Promise<void> {
    const task = this.#task
    if (task === null) return
    this.#requests.wakeAt = Number.POSITIVE_INFINITY
    const began = this.#clock.monotonic()
    try {
      this.#running = task.put(batch.records)
      await abortable(this.#running, this.#control.ending)
    } catch (error) {
      if (this.#control.ended || !isRetriable(error)) throw error
      this.#refused = batch
      this.#running = null
      this.#retryAt = this.#clock.monotonic() + this.#retries.failed('put', error)
      return
    }
    this.#running = null
    this.#refused = null
    this.#retries.ended()
    for (const { topic, partition, offset } of batch.ends.values()) this.#positions.delivered(topic, partition, offset)
    this.#meters.put(batch.records.length, (this.#clock.monotonic() - began) / 1000)
    if (batch.ends.size > 0) this.#measure()
  }

  #measure(): void {
    const lags = this.#positions.lags((partition) => this.#options.consumer.highWatermark(partition))
    this.#meters.standing(lags, this.#positions.uncommitted())
  }

  /** Runs inside the lock. What the task has asked to read again is not delivered any more: it may not be committed. */
  async #commit(signal: AbortSignal): Promise<void> {
    if (this.#task === null) return
    for (const seek of this.#requests.seeks) this.#positions.sought(seek)
    this.#requests.commit = false
    await this.#committer.commit(this.#task, signal)
    this.#measure()
  }

  /** Partitions come: the task opens them before their first record. Errors end the task, not the group's rejoin. */
  async #assigned(offsets: readonly OffsetToCommit[]): Promise<void> {
    if (this.#control.ended || this.#task === null) return
    this.#positions.assign(offsets)
    logAssigned(this.#logger, offsets)
    try {
      await this.#task.open(offsets)
    } catch (error) {
      this.#control.fail(
        new ConnectError(`the task cannot open its partitions: ${errorMessage(error)}`, { cause: error }),
      )
      return
    }
    if (this.#control.paused || this.#refused !== null) this.#options.consumer.pause(offsets)
    this.#meters.partitions(this.#positions.assignment().length)
  }

  /** Partitions go: what can be made durable is, and committed, before they move; lost ones are another's already (I3). */
  async #revoked(partitions: readonly TopicPartition[], lost: boolean): Promise<void> {
    const held = partitions.filter(({ topic, partition }) => this.#positions.holds(topic, partition))
    if (held.length === 0) return
    if (this.#refused !== null) this.#refused = withoutPartitions(this.#refused, held)
    logRevoked(this.#logger, held, lost)
    if (!lost) await this.#saveProgress(held)
    await this.#close(held)
    this.#requests.forget(held)
  }

  /** Flush, preCommit, commit: bounded, and what fails is only said, for the records will be delivered again. */
  async #saveProgress(partitions: readonly TopicPartition[]): Promise<void> {
    const task = this.#task
    if (task === null) return
    const names = namesOf(partitions)
    try {
      if (this.#control.failure === null) await this.#bounded((signal) => task.flush(signal), 0.75)
    } catch (error) {
      this.#logger.warn(`${names}: what is not flushed will be delivered again: ${errorMessage(error)}`)
    }
    try {
      await this.#bounded((signal) => this.#commit(signal))
    } catch (error) {
      this.#logger.warn(`${names}: offsets stay behind, records will be delivered again: ${errorMessage(error)}`)
    }
  }

  /** Within the time of a flush, and a share of what is left when the task ends: the next step needs some too. */
  async #bounded(action: (signal: AbortSignal) => Promise<void>, share = 1): Promise<void> {
    const leftMs = Math.max(0, this.#endAt - this.#clock.monotonic()) * share
    await withDeadline({ clock: this.#clock, ms: Math.min(this.#options.flushTimeoutMs, leftMs) }, action)
  }

  async #close(partitions: readonly TopicPartition[]): Promise<void> {
    this.#positions.revoke(partitions)
    this.#meters.partitions(this.#positions.assignment().length)
    this.#measure()
    try {
      await this.#task?.close(partitions)
    } catch (error) {
      this.#logger.warn(`${namesOf(partitions)}: the task's close failed: ${errorMessage(error)}`, { error })
    }
  }

  #pauseOrResume(paused: boolean): void {
    this.#holdOrRelease()
    if (paused) this.#requests.commit = true
    this.#status.show({ state: paused ? 'PAUSED' : 'RUNNING' })
  }

  #applySeeks(): void {
    const seeks = this.#requests.takeSeeks().filter(({ topic, partition }) => this.#positions.holds(topic, partition))
    if (seeks.length > 0 && this.#refused !== null) this.#refused = withoutPartitions(this.#refused, seeks)
    for (const seek of seeks) {
      this.#options.consumer.seek(seek, seek.offset)
      this.#positions.sought(seek)
    }
  }

  #context(): SinkTaskContext {
    const { consumer, context } = this.#options
    return this.#requests.context(context, {
      positions: this.#positions,
      control: this.#control,
      hold: (partitions) => consumer.pause(partitions),
      release: (partitions) => {
        if (!this.#control.paused && this.#refused === null) consumer.resume(partitions)
      },
      endOf: (partition) => consumer.highWatermark(partition),
      status: this.#status,
      clusterId: this.#options.clusterId,
      topicId: (topic) => consumer.topicId(topic),
    })
  }

  #noteTopic(topic: string): void {
    if (this.#topics.has(topic)) return
    this.#topics.add(topic)
    this.#options.listener.onTaskTopic(this.#options.run, topic)
  }

  async #finish(): Promise<void> {
    this.#endAt = this.#clock.monotonic() + this.#options.endTimeoutMs
    await this.#calls.run(async () => {
      const held = this.#positions.assignment()
      if (held.length > 0 && (await this.#putIsOver())) {
        await this.#saveProgress(held)
        await this.#close(held)
      }
      if (this.#task !== null) await stopQuietly(this.#task, this.#logger)
      this.#task = null
    })
    await this.#options.consumer.close().catch((error: unknown) => {
      this.#logger.warn(`the consumer did not leave its group in order: ${errorMessage(error)}`)
    })
  }

  /** A `put` that was running when the end came gets the time of a flush; a task whose `put` hangs is only stopped. */
  async #putIsOver(): Promise<boolean> {
    const running = this.#running
    if (running === null) return true
    try {
      await this.#bounded(() => running, 0.5)
    } catch (error) {
      if (!(error instanceof DeadlineExceededError)) return true
      this.#logger.warn('the task is stopped while it still puts; its records will be delivered again')
      return false
    }
    return true
  }
}
