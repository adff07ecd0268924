import { ConnectError } from '../../../../api/errors.ts'
import type { FetchedRecord } from '../../../../client/consumer/fetched-record.ts'
import { errorMessage } from '../../../../foundation/error-message.ts'
import type { Counter, Gauge, TaskMetrics } from '../../../../foundation/metrics/metrics.ts'
import { formatTopicPartition, type TopicPartition } from '../../../../foundation/topic-partition.ts'
import { isOfOtherTopic, letterContextOf, letterHeaders } from '../../../../storage/dead-letters/letter-context.ts'
import { markOf, ReplayMarks } from '../../../../storage/dead-letters/replay-mark.ts'
import type { ConversionWait } from '../../conversion/conversion-not-ready-error.ts'
import type { DeadLetterQueue } from '../dead-letters/dead-letter-queue.ts'
import type { LetterReplay } from '../dead-letters/letter-replay.ts'
import { deadLetterOf, type DeadLetterForm, type ErrorReporter } from '../dead-letters/error-reporter.ts'
import { PacedCondition, type PacedConditionOptions } from '../paced-condition.ts'
import type { RecordFailure } from '../record-failure.ts'
import type { LetterTail } from './letter-tail.ts'
import { limitCode, ParkedKeys, type KeyedRecord } from './parked-keys.ts'

export interface KeyParkingOptions extends PacedConditionOptions {
  readonly connector: string
  readonly maxKeys: number
  readonly queue: Pick<DeadLetterQueue, 'add' | 'room'>
  readonly form: DeadLetterForm
  readonly tail: Pick<LetterTail, 'readToEnd' | 'restart'>
  /** Knows which letters are being delivered again: those park no keys. Null: none are. */
  readonly replay: Pick<LetterReplay, 'known' | 'releases' | 'plans'> | null
  readonly metrics: TaskMetrics
  /** Fires when the task is to stop. */
  readonly signal: AbortSignal
  /** The partitions of the task. */
  readonly assignment: () => readonly TopicPartition[]
  /** Null while it is not known. */
  readonly topicId: (topic: string) => string | null
  /** Resolves when the records that the task has reported are letters; null when there are none. */
  readonly reports: () => Promise<void> | null
}

/** Reading the topic is shown in the status when it takes longer. Milliseconds. */
const shownAfterMs = 3000
const deliveringClass = 'org.apache.kafka.connect.sink.SinkTask'

/**
 * Sends records behind a dead letter of their key to the dead letter queue as well, instead of delivering them, so that none overtakes
 * it (I12). The letters themselves are the durable state: which keys are parked is read from their headers whenever partitions are
 * assigned, because another task or worker may have written them.
 */
export class KeyParking implements ErrorReporter<FetchedRecord> {
  readonly outcome: string
  readonly #options: KeyParkingOptions
  readonly #keys: ParkedKeys
  readonly #parked: Counter
  readonly #gauge: Gauge
  readonly #condition: PacedCondition
  readonly #since: string
  #marks: ReplayMarks
  /** The plans by which the letters were read. */
  #plans = 0
  #followers = 0
  #isStale = true
  #reading: Promise<void> | null = null

  constructor(options: KeyParkingOptions) {
    const { form, maxKeys, metrics, clock } = options
    this.outcome = `sent to the dead letter queue ${form.topic}`
    this.#options = options
    this.#keys = new ParkedKeys(maxKeys)
    this.#marks = new ReplayMarks(options.connector)
    this.#condition = new PacedCondition('PARKED_KEYS', options)
    this.#since = new Date(clock.now()).toISOString()
    this.#parked = metrics.counter(
      'task_error_records_parked_total',
      'Records that followed an earlier record of their key into the dead letter queue (errors.deadletterqueue.park.keys)',
    )
    this.#gauge = metrics.gauge(
      'task_error_parked_keys',
      'Keys of the assigned partitions whose records go to the dead letter queue, behind one that failed',
    )
  }

  /** Returns what records have to wait for before it is known which of them are behind a dead letter; else null. */
  wait(): ConversionWait | null {
    const reports = this.#options.reports()
    if (reports !== null) return { ready: async () => await reports, explain: (why) => why }
    if (!this.#isStale && this.#reading === null) return null
    return { ready: async () => await this.#read(), explain: (why) => this.#unread(why) }
  }

  /** Partitions were assigned or revoked. Other tasks may have parked keys of those that were assigned. */
  assignmentChanged(): void {
    this.#isStale = true
    this.#measure()
    if (this.#options.assignment().length === 0 || this.#options.signal.aborted) return
    // The status shows parked keys also when no record comes. What fails is tried again by those that wait.
    this.#read().catch(() => undefined)
  }

  /** A record has failed: writes its letter, and parks its key. @throws ConnectError when too many keys are parked */
  report(record: FetchedRecord, failure: RecordFailure): void {
    this.#keys.park(record)
    this.#write(record, failure, null)
    this.#show()
  }

  /**
   * Returns whether a record is behind a dead letter of its key; then it is a letter as well.
   * @throws ConnectError for a letter that can never be written
   */
  takes(record: FetchedRecord): boolean {
    const first = this.#keys.firstBefore(record)
    if (first === null) return false
    const behind = `${formatTopicPartition(record)}@${first}`
    const error = new ConnectError(
      `the record follows ${behind}, a record of the same key that is in the dead letter queue (errors.deadletterqueue.park.keys)`,
    )
    this.#write(record, { stage: 'TASK_PUT', executingClass: deliveringClass, error }, behind)
    this.#parked.add(1)
    this.#followers += 1
    this.#show()
    return true
  }

  room(): Promise<void> | null {
    return this.#options.queue.room()
  }

  close(): void {
    this.#condition.close()
  }

  /** @param behind the record that this one is parked behind; null for one that has failed itself */
  #write(record: FetchedRecord, failure: RecordFailure, behind: string | null): void {
    const { queue, form, topicId } = this.#options
    const letter = deadLetterOf(record, failure, form, topicId(record.topic))
    const value = behind === null ? null : Buffer.from(behind)
    queue.add({ ...letter, headers: [...letter.headers, { key: letterHeaders.parkedBehind, value }] })
  }

  async #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => (this.#reading = null))
    await this.#reading
  }

  async #readOnce(): Promise<void> {
    const { clock, setCondition, form } = this.#options
    const code = 'PARKED_KEYS_UNREAD'
    const text = `the task reads topic ${form.topic} to its end, to learn which keys are parked, and delivers nothing meanwhile`
    const cancel = clock.after(shownAfterMs, () => setCondition(code, text))
    this.#isStale = false
    try {
      await this.#readLetters()
    } catch (error) {
      this.#isStale = true
      throw error
    } finally {
      cancel()
      setCondition(code, null)
    }
    this.#show()
  }

  /** What was parked by letters that are, or were, delivered again is released: those are read again without them. */
  async #readLetters(): Promise<void> {
    const { tail, replay, signal } = this.#options
    await replay?.known()
    const plans = replay?.plans ?? 0
    let isOutdated = plans !== this.#plans
    this.#plans = plans
    do {
      if (isOutdated) {
        tail.restart()
        this.#keys.clear()
      }
      isOutdated = false
      const onLetter = (letter: FetchedRecord, queueId: string | null): void => {
        if (this.#fold(letter, queueId)) isOutdated = true
      }
      await tail.readToEnd({ onLetter, onReset: () => this.#forget() }, signal)
    } while (isOutdated)
  }

  #forget(): void {
    this.#keys.clear()
    this.#marks = new ReplayMarks(this.#options.connector)
  }

  /** Returns whether it is a mark that was not known. */
  #fold(letter: FetchedRecord, queueId: string | null): boolean {
    const mark = markOf(letter.headers)
    if (mark !== null) return this.#marks.add(letter.partition, mark)
    this.#foldLetter(letter, queueId)
    return false
  }

  /** The topic may be that of several connectors, and have letters of an earlier topic with the same name. */
  #foldLetter({ key, headers, partition: at, offset: place }: FetchedRecord, queueId: string | null): void {
    const context = letterContextOf(headers)
    if (context?.connector !== this.#options.connector || context.parkedFrom === null) return
    const letter = { queueId, partition: at, offset: place, key, context }
    if (this.#marks.cover(letter) || this.#options.replay?.releases(letter) === true) return
    const { topic, partition, offset } = context.place
    if (topic === null || partition === null || offset === null) return
    if (isOfOtherTopic(context, this.#options.topicId(topic))) return
    const record: KeyedRecord = { topic, partition, offset, key }
    this.#keys.park(record, context.parkedFrom)
  }

  /** Returns what fails the task. */
  #unread(cause: unknown): ConnectError {
    if (cause instanceof ConnectError && cause.code === limitCode) return cause
    const { topic } = this.#options.form
    return new ConnectError(
      `which keys are parked cannot be read from topic ${topic} (errors.deadletterqueue.topic.name): ${errorMessage(cause)}. ` +
        'The user of the sink has to be allowed to read it. Correct this, then restart the task',
      { cause, code: 'DEAD_LETTER_QUEUE' },
    )
  }

  #count(): number {
    return this.#keys.sizeOf(this.#options.assignment())
  }

  #measure(): void {
    this.#gauge.set(this.#count())
  }

  #show(): void {
    this.#measure()
    this.#condition.show(() => {
      const keys = this.#count()
      if (keys === 0) return null
      const { topic } = this.#options.form
      const [are, them] = keys === 1 ? ['1 key is', 'it'] : [`${keys} keys are`, 'them']
      const records = this.#followers === 1 ? '1 record of' : `${this.#followers} records of`
      return (
        `${are} parked behind dead letters in topic ${topic}: later records of ${them} follow instead of being delivered ` +
        `(errors.deadletterqueue.park.keys), ${records} ${them} since ${this.#since}. ` +
        `To release ${them}, see "Keep the order of a key" in docs/guides/errors.md`
      )
    })
  }
}
