import { scheduler } from 'node:timers/promises'

import type { SinkTask, SinkTaskContext } from '../../../api/task.ts'
import type { FetchedRecord } from '../../../client/consumer/fetched-record.ts'
import type { TopicSelection } from '../../../client/consumer/subscription.ts'
import type { ConsumerListener } from '../../../client/group/consumer-listener.ts'
import type { GroupConsumer } from '../../../client/group/group-consumer.ts'
import { troubleConditions } from '../../../client/log-trouble.ts'
import { abortable } from '../../../foundation/async/abortable.ts'
import type { Clock } from '../../../foundation/clock.ts'
import { errorMessage } from '../../../foundation/error-message.ts'
import type { Logger } from '../../../foundation/logging/logger.ts'
import { isRetriable, stopQuietly } from '../../failures.ts'
import { SerialLock } from '../../serial-lock.ts'
import type { TaskProgressListener } from '../../task-listener.ts'
import type { TaskRun } from '../../task-run.ts'
import type { HostContext } from '../host-context.ts'
import type { Converters } from '../conversion/record-encoder.ts'
import { RetryStreak } from '../retry-streak.ts'
import type { TaskControl } from '../task-control.ts'
import { TaskStatus } from '../task-status.ts'
import type { TransformStep } from '../conversion/transform-chain.ts'
import type { ReadRange } from '../errors/errant-records.ts'
import { SinkErrors, type SinkDeadLetters, type SinkErrorsOptions } from '../errors/sink-errors.ts'
import { SinkDelivery } from './sink-delivery.ts'
import { SinkMeters } from './sink-meters.ts'
import { SinkOffsetCommitter } from './sink-offset-committer.ts'
import { SinkPositions } from './sink-positions.ts'
import { SinkRebalanceListener } from './sink-rebalance-listener.ts'
import { SinkRequests } from './sink-requests.ts'
import { SkippedOffsets } from './skipped-offsets.ts'
import { TopicAbsence } from './topic-absence.ts'

/** The consumer of the loop; its listener is called inside `poll`. */
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
  /** Creates an instance for every attempt to start. */
  readonly createTask: () => SinkTask
  readonly context: HostContext
  readonly transforms: readonly TransformStep[]
  readonly converters: Converters
  readonly consumer: RecordConsumer
  readonly subscription: TopicSelection
  readonly clusterId: string | null
  /** Where records go that fail; absent or null: there is no dead letter queue. */
  readonly deadLetters?: SinkDeadLetters | null
  /** Reads which dead letters are delivered again; absent or null: none are. */
  readonly replay?: NonNullable<SinkErrorsOptions['replay']> | null
  /** Reads records again that the task reports. */
  readonly readRange: ReadRange
  readonly control: TaskControl
  readonly run: TaskRun
  readonly listener: TaskProgressListener<TaskRun>
  /** Whether this worker may act upon its assignment; absent: always. */
  readonly mayWrite?: () => boolean
  /** Offsets are committed at least this often (`offset.flush.interval.ms`). */
  readonly commitIntervalMs: number
  /** The deadline of `flush` and of the commit when partitions are revoked. */
  readonly flushTimeoutMs: number
  /** How long the end of the task may take, a last `put`, `flush` and commit included. */
  readonly endTimeoutMs: number
}

/** How long a turn of the task waits for dead letters. After that, polling continues, and the commit is tried again. */
const lettersPatienceMs = 500

/**
 * One sink task: poll → converters → transforms → `put` → `preCommit` → commit.
 *
 * All calls of the task go through one lock, so a revocation waits for the `put` that is running. The task learns the
 * outcome of a commit before any other call, see {@link SinkOffsetCommitter}; no other call implies that a commit
 * succeeded. `put`, `flush`, `preCommit` and `close` may follow commits that failed or were interrupted.
 * While a batch awaits redelivery, polling continues with all partitions paused, so that the group can rebalance.
 */
export class SinkTaskLoop {
  readonly #options: SinkTaskLoopOptions
  readonly #control: TaskControl
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #calls = new SerialLock()
  readonly #positions = new SinkPositions()
  readonly #requests = new SinkRequests()
  readonly #meters: SinkMeters
  readonly #status: TaskStatus
  readonly #retries: RetryStreak
  readonly #errors: SinkErrors
  readonly #delivery: SinkDelivery
  readonly #rebalances: SinkRebalanceListener
  readonly #committer: SinkOffsetCommitter
  readonly #absence: TopicAbsence
  readonly #skipped: SkippedOffsets
  readonly #topics = new Set<string>()
  #lastTopic = ''
  #task: SinkTask | null = null
  /** Whether all partitions were paused when this was last updated. */
  #isAllPaused = false

  constructor(options: SinkTaskLoopOptions) {
    const { control, run, listener, consumer } = options
    const { clock, logger, metrics } = options.context
    this.#options = options
    this.#control = control
    this.#clock = clock
    this.#logger = logger
    this.#meters = new SinkMeters(metrics)
    this.#status = new TaskStatus({ control, run, listener, logger, metrics })
    const parts = {
      ...options,
      clock,
      logger,
      positions: this.#positions,
      meters: this.#meters,
      requests: this.#requests,
    }
    const retries = { control, status: this.#status, clock, logger, retries: this.#meters.retries }
    this.#retries = new RetryStreak(retries)
    const setCondition = this.#setCondition.bind(this)
    this.#errors = new SinkErrors({
      ...options,
      setCondition,
      assignment: () => this.#positions.assignment(),
      topicId: (topic) => consumer.topicId(topic),
    })
    this.#delivery = new SinkDelivery({
      ...parts,
      retries: this.#retries,
      conversionRetries: new RetryStreak(retries),
      errors: this.#errors.records,
      parking: this.#errors.parking,
      reports: this.#errors.reporter,
      setCondition,
      replay: this.#errors.replay,
    })
    this.#rebalances = new SinkRebalanceListener({
      ...parts,
      delivery: this.#delivery,
      commit: async (signal) => await this.#commit(signal, options.flushTimeoutMs),
      isAllPaused: () => this.#isAllPaused,
      onAssigned: (offsets) => {
        this.#errors.assigned(offsets)
        this.#meters.assigned(this.#positions.assignment().length)
        this.#measure()
      },
      onRevoked: (partitions) => {
        this.#errors.revoked(partitions)
        this.#meters.partitions(this.#positions.assignment().length)
        this.#measure()
      },
      opened: (offset) => this.#errors.opened(offset),
    })
    this.#absence = new TopicAbsence({ consumer, clock, setCondition })
    this.#skipped = new SkippedOffsets({ logger, skipped: this.#meters.skipped, setCondition })
    this.#committer = new SinkOffsetCommitter({
      ...parts,
      retries: new RetryStreak(retries),
      intervalMs: options.commitIntervalMs,
      settled: async (ms, signal) => await this.#errors.settled(ms, signal),
      replay: this.#errors.replay,
      setCondition,
    })
  }

  /** Runs until the task is asked to stop. @throws what made the task fail */
  async run(): Promise<void> {
    try {
      await this.#untilResumed()
      if (!this.#control.isEnding) await this.#start()
      let isPaused = false
      while (!this.#control.isEnding) {
        if (isPaused !== this.#control.paused) {
          isPaused = this.#control.paused
          this.#pauseOrResume(isPaused)
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

  /** A task that is created paused starts when it is resumed. */
  async #untilResumed(): Promise<void> {
    if (!this.#control.paused) return
    this.#status.show({ state: 'PAUSED' })
    await this.#control.untilResumed()
  }

  async #start(): Promise<void> {
    while (!this.#control.isEnding) {
      const task = this.#options.createTask()
      try {
        await this.#errors.prepare(this.#control.stopSignal)
        await abortable(task.start(this.#context()), this.#control.stopSignal)
        this.#task = task
        this.#options.consumer.subscribe(this.#options.subscription, this.#consumerListener())
        this.#retries.recordSuccess()
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

  #consumerListener(): ConsumerListener {
    return {
      onAssigned: async (offsets) => await this.#exclusively((task) => this.#rebalances.assigned(task, offsets)),
      onRevoked: async (partitions, { lost }) =>
        await this.#exclusively((task) => this.#rebalances.revoked(task, partitions, lost)),
      onReset: async (reset) => {
        this.#errors.replay?.moved(reset)
        this.#skipped.note(reset)
        await this.#exclusively((task) => this.#rebalances.moved(task, reset))
      },
      onTrouble: troubleConditions(this.#setCondition.bind(this)),
    }
  }

  /** Calls the task inside its lock, unless it has stopped. */
  async #exclusively(action: (task: SinkTask) => Promise<void>): Promise<void> {
    await this.#calls.run(async () => {
      if (this.#task !== null) await action(this.#task)
    })
  }

  async #turn(): Promise<void> {
    this.#applySeeks()
    const polled = await this.#poll(this.#maxPollMs())
    if (this.#control.isEnding) return
    this.#absence.look()
    await this.#exclusively(async (task) => {
      if (this.#control.isEnding) return
      if (await this.#delivery.deliver(task, polled)) this.#measure()
      if (!this.#delivery.isPending) this.#positions.passed((partition) => this.#options.consumer.position(partition))
      if (this.#requests.commit || this.#clock.monotonic() >= this.#committer.dueAt)
        await this.#commit(this.#control.stopSignal, lettersPatienceMs)
      this.#updatePaused()
    })
    await scheduler.yield()
  }

  /** How long a poll may wait: until the next commit, the next check for topics, or the next call of the task. */
  #maxPollMs(): number {
    if (this.#requests.commit) return 0
    const callAt = this.#delivery.isPending ? this.#delivery.retryAt : this.#requests.wakeAt
    return Math.max(0, Math.min(this.#committer.dueAt, callAt, this.#absence.lookAt) - this.#clock.monotonic())
  }

  get #pausesAll(): boolean {
    return this.#delivery.isPending || this.#control.paused
  }

  /** Nothing is fetched while all partitions are paused. Those that the task has paused itself stay paused afterwards. */
  #updatePaused(): void {
    if (this.#isAllPaused === this.#pausesAll) return
    this.#isAllPaused = this.#pausesAll
    const { consumer } = this.#options
    const assigned = this.#positions.assignment()
    if (this.#isAllPaused) consumer.pause(assigned)
    else consumer.resume(this.#requests.notPaused(assigned))
  }

  async #poll(maxMs: number): Promise<readonly FetchedRecord[]> {
    const signal = this.#control.wakeSignal
    let fetched: readonly FetchedRecord[]
    try {
      fetched = await this.#options.consumer.poll(maxMs, signal)
    } catch (error) {
      if (this.#control.isEnding || (signal.aborted && error === signal.reason)) return []
      const { replay } = this.#errors
      throw replay === null ? error : replay.explained(error)
    }
    if (fetched.length > 0) this.#note(fetched)
    return fetched
  }

  #note(fetched: readonly FetchedRecord[]): void {
    let bytes = 0
    for (const { topic, key, value } of fetched) {
      bytes += (key?.length ?? 0) + (value?.length ?? 0)
      if (topic !== this.#lastTopic) this.#reportTopic(topic)
    }
    this.#meters.read(fetched.length, bytes)
    // A call of the task or of a converter that does not return leaves the lag as it was before.
    if (!this.#meters.isBehind) this.#measure()
  }

  #measure(): void {
    const lags = this.#positions.lags((partition) => this.#options.consumer.highWatermark(partition))
    this.#meters.standing(lags, this.#positions.uncommitted())
  }

  /** Runs inside the lock. What the task has asked to read again is not delivered any more, and must not be committed. */
  async #commit(signal: AbortSignal, lettersMs: number): Promise<void> {
    if (this.#task === null) return
    for (const seek of this.#requests.seeks) this.#positions.sought(seek)
    this.#requests.commit = false
    await this.#committer.commit(this.#task, signal, lettersMs)
    this.#measure()
  }

  #pauseOrResume(isPaused: boolean): void {
    this.#updatePaused()
    if (isPaused) this.#requests.commit = true
    this.#status.show({ state: isPaused ? 'PAUSED' : 'RUNNING' })
  }

  #applySeeks(): void {
    const seeks = this.#requests.takeSeeks().filter((seek) => this.#positions.holds(seek))
    if (seeks.length === 0) return
    this.#delivery.drop(seeks)
    for (const seek of seeks) {
      this.#options.consumer.seek(seek, seek.offset)
      this.#positions.sought(seek)
    }
  }

  #context(): SinkTaskContext {
    const { consumer, context, clusterId } = this.#options
    return this.#requests.context(context, {
      positions: this.#positions,
      control: this.#control,
      pause: (partitions) => consumer.pause(partitions),
      resume: (partitions) => {
        if (!this.#isAllPaused) consumer.resume(partitions)
      },
      highWatermark: (partition) => consumer.highWatermark(partition),
      status: this.#status,
      clusterId,
      topicId: (topic) => consumer.topicId(topic),
      reporter: this.#errors.reporter,
    })
  }

  #reportTopic(topic: string): void {
    this.#lastTopic = topic
    if (this.#topics.has(topic)) return
    this.#topics.add(topic)
    this.#options.listener.onTaskTopic(this.#options.run, topic)
  }

  #setCondition(code: string, message: string | null): void {
    this.#status.setCondition(code, message)
  }

  async #finish(): Promise<void> {
    const { endTimeoutMs, flushTimeoutMs } = this.#options
    const endAt = this.#clock.monotonic() + endTimeoutMs
    this.#rebalances.endBy(endAt)
    await this.#exclusively(async (task) => {
      await this.#rebalances.closeAll(task)
      await stopQuietly(task, this.#logger)
      this.#task = null
    })
    await this.#errors.close(Math.max(0, Math.min(flushTimeoutMs, endAt - this.#clock.monotonic())))
    await this.#options.consumer.close().catch((error: unknown) => {
      this.#logger.warn(`the consumer did not leave its group gracefully: ${errorMessage(error)}`)
    })
  }
}
