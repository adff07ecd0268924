import { ConnectError } from '../../../../api/errors.ts'
import type { OffsetToCommit, OpenedPartition } from '../../../../api/task.ts'
import type { FetchedRecord } from '../../../../client/consumer/fetched-record.ts'
import type { PositionReset } from '../../../../client/consumer/position-reset.ts'
import { OffsetOutOfRangeError } from '../../../../client/errors.ts'
import type { GroupOffset } from '../../../../client/group/group-offsets.ts'
import { topicIdIn, withTopicId } from '../../../../client/group/offset-topic-id.ts'
import type { KafkaClient } from '../../../../client/kafka-client.ts'
import { errorMessage } from '../../../../foundation/error-message.ts'
import type { Logger } from '../../../../foundation/logging/logger.ts'
import { formatTopicPartition, type TopicPartition } from '../../../../foundation/topic-partition.ts'
import { areOtherTopics } from '../../../../storage/dead-letters/letter-context.ts'
import { planId, planOf, plans, planText, type ReplayPlan } from '../../../../storage/dead-letters/replay-plan.ts'
import {
  lettersMissing,
  othersFound,
  queueDeleted,
  recordsDeleted,
} from '../../../../storage/dead-letters/replay-problems.ts'
import { markRecord, type PlacedLetter } from '../../../../storage/dead-letters/replay-mark.ts'
import { readPlannedLetters } from '../../../../storage/dead-letters/planned-letters.ts'
import type { PlannedLetters, PlannedPartition } from '../../../../storage/dead-letters/planned-reader.ts'
import type { ConversionWait } from '../../conversion/conversion-not-ready-error.ts'
import { PacedCondition, type PacedConditionOptions } from '../paced-condition.ts'
import type { DeadLetterQueue } from './dead-letter-queue.ts'
import { ReplayedLetters } from './replayed-letters.ts'

export interface LetterReplayOptions extends PacedConditionOptions {
  readonly connector: string
  readonly client: Pick<KafkaClient, 'partitionRanges' | 'readRanges'>
  /** Whether later records of the letters' keys are delivered as well; absent: yes. */
  readonly followers?: boolean
  /** Null: the connector has none any more, and no marks are written. */
  readonly queue: Pick<DeadLetterQueue, 'add'> | null
  readonly logger: Logger
  /** Fires when the task is to stop. */
  readonly signal: AbortSignal
  /** Null while it is not known. */
  readonly topicId: (topic: string) => string | null
}

/** A plan of a partition, and the offset from which on the partition is read. */
interface BegunPlan extends PlannedPartition {
  readonly from: number
}

interface Replay extends BegunPlan {
  readonly letters: ReplayedLetters
  /** The offset after the last record that was looked at. */
  reached: number
  /** Records at offsets of letters that are other ones. */
  others: number
}

const code = 'REPLAY'

/**
 * Delivers the records of dead letters again, as the plans say that are stored with the committed offsets: of the records between
 * those and where the sink was, all others are skipped. The plan stays with the offsets that are committed meanwhile, so that
 * another task continues. When the sink is back where it was, a mark in the dead letter queue says so.
 */
export class LetterReplay {
  readonly #options: LetterReplayOptions
  readonly #condition: PacedCondition
  /** By partition. */
  readonly #replays = new Map<string, Replay>()
  /** By partition, those whose letters are not known yet. */
  readonly #unknown = new Map<string, BegunPlan>()
  #plans = 0
  #reading: Promise<void> | null = null

  constructor(options: LetterReplayOptions) {
    this.#options = options
    this.#condition = new PacedCondition(code, options)
  }

  /** Whether it is known of all partitions which records are delivered. No offset may be committed before. */
  get isKnown(): boolean {
    return this.#unknown.size === 0
  }

  /** How often plans were found. */
  get plans(): number {
    return this.#plans
  }

  /** Resolves when it is known of all partitions which records are delivered. @throws as reading does */
  async known(): Promise<void> {
    if (!this.isKnown) await this.#read()
  }

  /** Whether a letter is being delivered again. */
  releases(letter: PlacedLetter): boolean {
    const { topic, partition } = letter.context.place
    if (topic === null || partition === null) return false
    const replay = this.#of({ topic, partition })
    return replay !== undefined && plans(replay.plan, letter)
  }

  /** Returns what records have to wait for before it is known which of them are delivered; else null. */
  wait(): ConversionWait | null {
    return this.isKnown ? null : { ready: async () => await this.#read(), explain: (why) => this.#unread(why) }
  }

  /** Partitions were assigned, with the metadata of the committed offsets that they start at. Without a plan, nothing is read. */
  assigned(offsets: readonly GroupOffset[]): void {
    for (const at of offsets) {
      const plan = this.#planAt(at)
      if (plan === null) continue
      const { topic, partition, offset } = at
      this.#unknown.set(formatTopicPartition(at), { of: { topic, partition }, plan, from: offset })
    }
    if (this.isKnown || this.#options.signal.aborted) return
    // What fails is tried again by the records that wait.
    this.#read().catch(() => undefined)
  }

  /** What a task is told of a partition that was {@link assigned}. */
  opened({ topic, partition, offset }: GroupOffset): OpenedPartition {
    const name = formatTopicPartition({ topic, partition })
    const plan = (this.#replays.get(name) ?? this.#unknown.get(name))?.plan
    const at = { topic, partition, offset }
    return plan === undefined ? at : { ...at, replay: { id: planId(plan), until: plan.until } }
  }

  revoked(partitions: readonly TopicPartition[]): void {
    for (const name of partitions.map(formatTopicPartition)) {
      this.#replays.delete(name)
      this.#unknown.delete(name)
    }
    this.#show()
  }

  /** Whether a record is left out because the sink had it before. */
  skips(record: FetchedRecord): boolean {
    const replay = this.#of(record)
    if (replay === undefined) return false
    const isDelivered = replay.letters.has(record)
    if (record.offset >= replay.reached && !isDelivered && replay.letters.isAt(record.offset)) replay.others += 1
    replay.reached = Math.max(replay.reached, record.offset + 1)
    this.#condition.show(() => this.#text())
    return !isDelivered
  }

  /** Returns offsets with the plans that have to be committed with them. */
  withPlans(offsets: readonly OffsetToCommit[]): readonly GroupOffset[] {
    if (this.#replays.size === 0) return offsets
    return offsets.map((at) => {
      const replay = this.#of(at)
      if (replay === undefined || at.offset >= replay.plan.until) return at
      return { ...at, metadata: withTopicId(planText(replay.plan), this.#options.topicId(at.topic)) }
    })
  }

  /** The offsets are committed: a partition that is where it was has nothing to deliver again any more. */
  committed(offsets: readonly OffsetToCommit[]): void {
    for (const at of offsets) {
      const replay = this.#of(at)
      if (replay === undefined || at.offset < replay.plan.until) continue
      this.#replays.delete(formatTopicPartition(at))
      this.#mark(replay)
      this.#show()
    }
  }

  /** Returns what fails the task when records cannot be read: why, if they were to be delivered again, else the error itself. */
  explained(error: unknown): unknown {
    if (!(error instanceof OffsetOutOfRangeError)) return error
    return this.#deleted(error, error) ?? error
  }

  /** A position was reset (`auto.offset.reset`). @throws ConnectError when records that are to be delivered again were deleted */
  moved({ reason, from, logStartOffset, ...at }: PositionReset): void {
    const error =
      reason === 'removed' ? this.#deleted(at, { offset: from, logStartOffset: logStartOffset ?? from }) : null
    if (error !== null) throw error
  }

  close(): void {
    this.#condition.close()
  }

  #of(at: TopicPartition): Replay | undefined {
    return this.#replays.size === 0 ? undefined : this.#replays.get(formatTopicPartition(at))
  }

  /** Null when the records that are gone were not to be delivered again. */
  #deleted(
    at: TopicPartition,
    range: { readonly offset: number; readonly logStartOffset: number },
  ): ConnectError | null {
    const name = formatTopicPartition(at)
    const plan = (this.#replays.get(name) ?? this.#unknown.get(name))?.plan
    const isOfPlan = plan !== undefined && range.offset < Math.min(plan.until, range.logStartOffset)
    return isOfPlan ? impossible(recordsDeleted(name, plan, range)) : null
  }

  #mark({ of, plan, letters: { size }, others }: Replay): void {
    const { connector, queue, logger } = this.#options
    const { letters, choice, until } = plan
    const topicId = this.#options.topicId(of.topic)
    for (const [partition, end] of letters.ends) {
      const record = markRecord({ connector, queueId: letters.id, of, topicId, choice, end, until })
      queue?.add({ topic: letters.topic, partition, timestamp: null, ...record })
    }
    const name = formatTopicPartition(of)
    logger.info(`${name}: the dead letters in ${letters.topic} were delivered again`)
    if (others > 0) logger.warn(othersFound(name, letters.topic, { others, size }))
  }

  async #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => (this.#reading = null))
    await this.#reading
  }

  async #readOnce(): Promise<void> {
    const { connector, client, topicId, signal } = this.#options
    while (!this.isKnown) {
      const asked = [...this.#unknown.values()]
      const found = await readPlannedLetters({ client, connector, topicId, signal }, asked)
      const known = new Map(found.map((letters) => [formatTopicPartition(letters.of), letters]))
      for (const one of asked) {
        const name = formatTopicPartition(one.of)
        // It may have been revoked meanwhile, and assigned again.
        if (this.#unknown.get(name) === one) this.#begin(name, one, known.get(name))
      }
    }
    this.#show()
  }

  #begin(name: string, one: BegunPlan, found: PlannedLetters | undefined): void {
    if (areOtherTopics(one.plan.letters.id, found?.queueId ?? null)) throw impossible(queueDeleted(name, one.plan))
    const letters = new ReplayedLetters(found?.records ?? [], {
      until: one.plan.until,
      followers: this.#options.followers ?? true,
    })
    if (letters.size < one.plan.count) throw impossible(lettersMissing(name, one.plan, letters.size))
    this.#replays.set(name, { ...one, letters, reached: one.from, others: 0 })
    this.#unknown.delete(name)
    this.#plans += 1
  }

  /** A plan counts only for the topic that it was committed for. */
  #planAt({ topic, metadata }: GroupOffset): ReplayPlan | null {
    const plan = planOf(metadata)
    if (plan === null) return null
    return areOtherTopics(topicIdIn(metadata ?? ''), this.#options.topicId(topic)) ? null : plan
  }

  /** Returns what fails the task. */
  #unread(cause: unknown): ConnectError {
    if (cause instanceof ConnectError) return cause
    return new ConnectError(
      `it cannot be read which dead letters are to be delivered again (POST …/errors/replay): ${errorMessage(cause)}. The user of ` +
        'the sink has to be allowed to read their topic. Correct this, then restart the task',
      { cause, code: 'DEAD_LETTER_QUEUE' },
    )
  }

  #show(): void {
    this.#condition.show(() => this.#text())
  }

  #text(): string | null {
    const parts = [...this.#replays.values()].map(
      ({ of, letters, reached }) =>
        `${letters.before(reached)} of ${letters.size} in ${formatTopicPartition(of)}, to offset ${letters.until}`,
    )
    return parts.length === 0 ? null : `dead letters are delivered again: ${parts.join('; ')}`
  }
}

function impossible(why: string): ConnectError {
  return new ConnectError(why, { code: 'DEAD_LETTER_QUEUE' })
}
