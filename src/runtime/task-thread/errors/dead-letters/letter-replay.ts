import { ConnectError } from '../../../../api/errors.ts'
import type { OffsetToCommit } from '../../../../api/task.ts'
import type { FetchedRecord } from '../../../../client/consumer/fetched-record.ts'
import type { GroupOffset } from '../../../../client/group/group-offsets.ts'
import { topicIdIn, withTopicId } from '../../../../client/group/offset-topic-id.ts'
import type { KafkaClient } from '../../../../client/kafka-client.ts'
import { errorMessage } from '../../../../foundation/error-message.ts'
import type { Logger } from '../../../../foundation/logging/logger.ts'
import { formatTopicPartition, type TopicPartition } from '../../../../foundation/topic-partition.ts'
import { planOf, plans, planText, type ReplayPlan } from '../../../../storage/dead-letters/replay-plan.ts'
import { markRecord, type PlacedLetter } from '../../../../storage/dead-letters/replay-mark.ts'
import { readPlannedLetters, type PlannedPartition } from '../../../../storage/dead-letters/planned-letters.ts'
import type { ConversionWait } from '../../conversion/conversion-not-ready-error.ts'
import { PacedCondition, type PacedConditionOptions } from '../paced-condition.ts'
import type { DeadLetterQueue } from './dead-letter-queue.ts'
import { ReplayedLetters } from './replayed-letters.ts'

export interface LetterReplayOptions extends PacedConditionOptions {
  readonly connector: string
  readonly client: Pick<KafkaClient, 'partitionRanges' | 'readRanges'>
  /** Null: the connector has none any more, and no marks are written. */
  readonly queue: Pick<DeadLetterQueue, 'add'> | null
  readonly logger: Logger
  /** Fires when the task is to stop. */
  readonly signal: AbortSignal
  /** The partitions of the task, each with the offset after the last record that it was given. */
  readonly positions: () => readonly OffsetToCommit[]
  readonly committed: (partitions: readonly TopicPartition[], signal: AbortSignal) => Promise<readonly GroupOffset[]>
  /** Null while it is not known. */
  readonly topicId: (topic: string) => string | null
}

interface Replay {
  readonly of: TopicPartition
  readonly plan: ReplayPlan
  readonly letters: ReplayedLetters
  /** The offset after the last record that was looked at. */
  reached: number
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
  /** By partition; null: nothing is delivered again. A partition that is not there is not known yet. */
  readonly #replays = new Map<string, Replay | null>()
  /** The partitions that are not known yet, with the offsets at which they begin. */
  #unknown: readonly OffsetToCommit[] = []
  #active = 0
  #plans = 0
  #reading: Promise<void> | null = null

  constructor(options: LetterReplayOptions) {
    this.#options = options
    this.#condition = new PacedCondition(code, options)
  }

  /** Whether it is known of all partitions which records are delivered. No offset may be committed before. */
  get isKnown(): boolean {
    return this.#unknown.length === 0
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
    return replay !== null && plans(replay.plan, letter)
  }

  /** Returns what records have to wait for before it is known which of them are delivered; else null. */
  wait(): ConversionWait | null {
    return this.isKnown ? null : { ready: async () => await this.#read(), explain: (why) => this.#unread(why) }
  }

  /** Partitions were assigned or revoked. */
  assignmentChanged(): void {
    const positions = this.#options.positions()
    const held = new Set(positions.map(formatTopicPartition))
    for (const name of this.#replays.keys()) if (!held.has(name)) this.#replays.delete(name)
    const waiting = new Map(this.#unknown.map((start) => [formatTopicPartition(start), start]))
    this.#unknown = positions
      .filter((at) => !this.#replays.has(formatTopicPartition(at)))
      .map((at) => waiting.get(formatTopicPartition(at)) ?? at)
    this.#show()
    if (this.isKnown || this.#options.signal.aborted) return
    // What fails is tried again by the records that wait.
    this.#read().catch(() => undefined)
  }

  /** Whether a record is left out because the sink had it before. */
  skips(record: FetchedRecord): boolean {
    const replay = this.#of(record)
    if (replay === null) return false
    replay.reached = Math.max(replay.reached, record.offset + 1)
    this.#condition.show(() => this.#text())
    return !replay.letters.has(record)
  }

  /** Returns offsets with the plans that have to be committed with them. */
  withPlans(offsets: readonly OffsetToCommit[]): readonly GroupOffset[] {
    if (this.#active === 0) return offsets
    return offsets.map((at) => {
      const replay = this.#of(at)
      if (replay === null || at.offset >= replay.plan.until) return at
      return { ...at, metadata: withTopicId(planText(replay.plan), this.#options.topicId(at.topic)) }
    })
  }

  /** The offsets are committed: a partition that is where it was has nothing to deliver again any more. */
  committed(offsets: readonly OffsetToCommit[]): void {
    for (const at of offsets) {
      const replay = this.#of(at)
      if (replay === null || at.offset < replay.plan.until) continue
      this.#replays.set(formatTopicPartition(at), null)
      this.#mark(replay)
      this.#show()
    }
  }

  close(): void {
    this.#condition.close()
  }

  #of(at: TopicPartition): Replay | null {
    return this.#active === 0 ? null : (this.#replays.get(formatTopicPartition(at)) ?? null)
  }

  #mark({ of, plan }: Replay): void {
    const { connector, queue, logger } = this.#options
    const { letters, choice, until } = plan
    for (const [partition, end] of letters.ends) {
      const record = markRecord({ connector, of, choice, end, until })
      queue?.add({ topic: letters.topic, partition, timestamp: null, ...record })
    }
    logger.info(`${formatTopicPartition(of)}: the dead letters in ${letters.topic} were delivered again`)
  }

  async #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => (this.#reading = null))
    await this.#reading
  }

  async #readOnce(): Promise<void> {
    const { committed, connector, client, topicId, signal } = this.#options
    while (!this.isKnown) {
      const asked = this.#unknown
      const plans = this.#plansOf(asked, await committed(asked, signal))
      const found = await readPlannedLetters({ client, connector, topicId, signal }, plans)
      const known = new Map(found.map((one) => [formatTopicPartition(one.of), one]))
      // Partitions may have been revoked meanwhile, or assigned again at another offset.
      const held = asked.filter((start) => this.#unknown.includes(start))
      for (const start of held) {
        const name = formatTopicPartition(start)
        const { of, plan, records } = known.get(name) ?? {}
        if (of === undefined || plan === undefined || records === undefined) {
          this.#replays.set(name, null)
          continue
        }
        const letters = new ReplayedLetters(records, plan.until)
        if (letters.size < plan.count) throw missing(name, plan, letters.size)
        this.#replays.set(name, { of, plan, letters, reached: start.offset })
        this.#plans += 1
      }
      this.#unknown = this.#unknown.filter((start) => !held.includes(start))
    }
    this.#show()
  }

  /** A plan is of the offset that it was committed with, and of the topic. */
  #plansOf(starts: readonly OffsetToCommit[], committed: readonly GroupOffset[]): readonly PlannedPartition[] {
    const { topicId } = this.#options
    return committed.flatMap(({ topic, partition, offset, metadata }) => {
      const plan = planOf(metadata)
      const start = starts.find((one) => one.topic === topic && one.partition === partition)
      if (plan === null || start?.offset !== offset) return []
      const [was, is] = [topicIdIn(metadata ?? ''), topicId(topic)]
      return was !== null && is !== null && was !== is ? [] : [{ of: { topic, partition }, plan }]
    })
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
    this.#active = [...this.#replays.values()].filter((replay) => replay !== null).length
    this.#condition.show(() => this.#text())
  }

  #text(): string | null {
    const parts = [...this.#replays.values()].flatMap((replay) => {
      if (replay === null) return []
      const { of, letters, reached } = replay
      return `${letters.before(reached)} of ${letters.size} in ${formatTopicPartition(of)}, to offset ${letters.until}`
    })
    return parts.length === 0 ? null : `dead letters are delivered again: ${parts.join('; ')}`
  }
}

function missing(partition: string, { letters, count, until }: ReplayPlan, size: number): ConnectError {
  return new ConnectError(
    `${count === 1 ? '1 record' : `${count} records`} of ${partition} should be delivered again (POST …/errors/replay), and topic ${letters.topic} has ` +
      `only ${size} of the dead letters. Nothing is delivered or committed. To continue without them, stop the connector, set its offset of ` +
      `${partition} to ${until} (PATCH …/offsets), and resume it; an earlier offset delivers every record from there`,
    { code: 'DEAD_LETTER_QUEUE' },
  )
}
