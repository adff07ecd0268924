import type { RawConfig } from '../../api/config-def.ts'
import { ConnectError } from '../../api/errors.ts'
import type { GroupOffset } from '../../client/group/group-offsets.ts'
import { topicIdIn, withTopicId } from '../../client/group/offset-topic-id.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import { maxParkedKeysOf } from '../../config/connector/errors/park-settings.ts'
import { sinkGroupId } from '../../config/connector/connector-problems.ts'
import { withDeadline } from '../../foundation/async/deadline.ts'
import type { Clock } from '../../foundation/clock.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import { formatTopicPartition } from '../../foundation/topic-partition.ts'
import type { PluginThreads } from '../../runtime/plugin-threads.ts'
import { keyDigest, type LetterChoice } from '../../storage/dead-letters/letter-choice.ts'
import { readPlannedLetters, TooManyLettersError } from '../../storage/dead-letters/planned-letters.ts'
import { areOtherTopics } from '../../storage/dead-letters/letter-context.ts'
import { planText, type PlannedQueue } from '../../storage/dead-letters/replay-plan.ts'
import type { ErrorsReplay, ReplayedPartition, ReplayRequest } from '../entities/connector-errors.ts'
import { BadRequestError } from '../herder-errors.ts'
import type { HerderReads } from '../herder-reads.ts'
import type { HerderWrites } from '../herder-writes.ts'
import type { ConnectorOffsetWriter } from '../offsets/connector-offset-writer.ts'
import { letterTopicOf } from './letter-topic.ts'
import {
  checkStanding,
  splitPlans,
  topicsRead,
  type AskedReplay,
  type PlannedOffset,
  type ReplayPlace,
} from './standing-replay.ts'

export interface ErrorsReplayerOptions {
  readonly reads: Pick<HerderReads, 'connectorConfig' | 'typeOf'>
  readonly writes: Pick<HerderWrites, 'whileStopped'>
  readonly writer: Pick<ConnectorOffsetWriter, 'replaySink'>
  readonly plugins: Pick<PluginThreads, 'alterOffsets'>
  readonly client: Pick<KafkaClient, 'partitionRanges' | 'readRanges'> & {
    readonly admin: Pick<KafkaClient['admin'], 'describeTopics' | 'groupOffsets'>
  }
  readonly clock: Clock
}

interface PlannedReplay {
  readonly planned: readonly PlannedOffset[]
  readonly gone: number
  readonly unread: number
  /** Whether it was requested before. */
  readonly isStanding: boolean
}

interface Place extends ReplayPlace {
  readonly queue: PlannedQueue | null
  /** Null if the topic does not exist, or its id is not known. */
  readonly idOf: (topic: string) => string | null
}

/** The limit of reading the letters. Milliseconds. */
const patienceMs = 60_000

/**
 * Has the dead letters of a sink delivered again: sets its offsets back to the first of their records, with a plan that says which
 * records are delivered from there on. The tasks carry it out when the connector is resumed.
 */
export class ErrorsReplayer {
  readonly #options: ErrorsReplayerOptions

  constructor(options: ErrorsReplayerOptions) {
    this.#options = options
  }

  /** @throws BadRequestError when it is not a stopped sink with dead letters of its own, ConnectError when they cannot be read */
  async replay(connector: string, request: ReplayRequest, signal: AbortSignal): Promise<ErrorsReplay> {
    const { reads, writes, client } = this.#options
    const choice = { cause: request.cause, key: request.key === undefined ? null : keyDigest(request.key) }
    return await writes.whileStopped(connector, 'deliver dead letters again', async (mustLead) => {
      const config = reads.connectorConfig(connector)
      const topic = this.#letterTopic(connector, choice, config)
      const asked = { connector, topic, choice, isRead: topicsRead(config) }
      const groupId = sinkGroupId(connector, config)
      const { isStanding, ...found } = await this.#bounded(asked, signal, async (bound) => {
        const committed = await client.admin.groupOffsets(groupId, { signal: bound })
        return await this.#plan(asked, committed, bound)
      })
      const { planned } = found
      if (planned.length > 0 && !isStanding) {
        const changes = planned.map(({ offset: { topic: name, partition, offset } }) => ({
          topic: name,
          partition,
          offset,
        }))
        await this.#options.plugins.alterOffsets(connector, config, { kind: 'replay', changes })
        await mustLead()
        const offsets = planned.map(({ offset }) => offset)
        await this.#options.writer.replaySink({ connector, groupId }, offsets, signal)
      }
      return resultOf(topic, found)
    })
  }

  /** @throws ConnectError when it takes longer than 60 s, or the cluster refuses it */
  async #bounded<T>(
    { connector, topic }: AskedReplay,
    signal: AbortSignal,
    action: (bound: AbortSignal) => Promise<T>,
  ): Promise<T> {
    try {
      return await withDeadline({ clock: this.#options.clock, ms: patienceMs, signal }, action)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof BadRequestError) throw error
      throw new ConnectError(`the dead letter queue ${topic} of ${connector} cannot be read: ${errorMessage(error)}`, {
        cause: error,
      })
    }
  }

  #letterTopic(connector: string, choice: LetterChoice, config: RawConfig): string {
    if (this.#options.reads.typeOf(config) !== 'sink')
      throw new BadRequestError(
        `${connector} is not a sink. The dead letters of a source are not records of a topic: have the source read them again`,
      )
    if (choice.cause !== null && maxParkedKeysOf('sink', config) !== null)
      throw new BadRequestError(
        `${connector} parks keys (errors.deadletterqueue.park.keys): letters of one cause would overtake earlier ones of their keys. ` +
          'Leave out the cause, or name a key',
      )
    return letterTopicOf(connector, config)
  }

  /** What stands already is not planned again. */
  async #plan(asked: AskedReplay, committed: readonly GroupOffset[], signal: AbortSignal): Promise<PlannedReplay> {
    const place = await this.#place(asked, committed, signal)
    const { queue, starts, idOf } = place
    // Offsets of topics that are deleted, or created again, are not used any more.
    const used = committed.filter(
      (at) => starts.has(formatTopicPartition(at)) && !areOtherTopics(topicIdIn(at.metadata ?? ''), idOf(at.topic)),
    )
    const { standing, free } = splitPlans(used)
    const [current, resting] = partitioned(standing, ({ offset }) => asked.isRead(offset.topic))
    checkStanding(asked, current, place)
    const waiting = resting.reduce((sum, { plan }) => sum + plan.count, 0)
    if (current.length > 0) return { planned: current, gone: 0, unread: waiting, isStanding: true }
    if (queue === null) return { planned: [], gone: 0, unread: waiting, isStanding: false }
    const { client } = this.#options
    const { connector, choice } = asked
    const partitions = free.map(({ topic, partition, offset: until }) => ({
      of: { topic, partition },
      plan: { letters: queue, choice, count: 0, until },
    }))
    const found = await readPlannedLetters({ client, connector, topicId: idOf, signal }, partitions).catch(
      refuseTooMany,
    )
    let [gone, unread] = [0, waiting]
    const planned = found.flatMap(({ of, plan, records, foreign }): readonly PlannedOffset[] => {
      const all = [...new Set(records.map(({ offset }) => offset))]
      if (!asked.isRead(of.topic)) {
        unread += all.length
        return []
      }
      gone += foreign
      const there = all.filter((offset) => offset >= (starts.get(formatTopicPartition(of)) ?? 0))
      gone += all.length - there.length
      if (there.length === 0) return []
      const own = { ...plan, count: there.length }
      const offset = there.reduce((first, at) => Math.min(first, at))
      return [{ offset: { ...of, offset, metadata: withTopicId(planText(own), idOf(of.topic)) }, plan: own }]
    })
    return { planned, gone, unread, isStanding: false }
  }

  async #place({ topic }: AskedReplay, committed: readonly GroupOffset[], signal: AbortSignal): Promise<Place> {
    const { client } = this.#options
    const names = [...new Set(committed.map((offset) => offset.topic))]
    const topics = await client.admin.describeTopics([topic, ...names], { signal })
    const ofQueue = topics.has(topic) ? await client.partitionRanges([topic], signal) : []
    const ends = new Map(ofQueue.map(({ partition, end }) => [partition, end]))
    const ranges = await client.partitionRanges(
      names.filter((name) => topics.has(name)),
      signal,
    )
    return {
      queue: ofQueue.length === 0 ? null : { topic, id: ofQueue[0]?.topicId ?? null, ends },
      starts: new Map(ranges.map((range) => [formatTopicPartition(range), range.start])),
      idOf: (name) => topics.get(name)?.id ?? null,
    }
  }
}

function partitioned<T>(all: readonly T[], isFirst: (one: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [all.filter((one) => isFirst(one)), all.filter((one) => !isFirst(one))]
}

function refuseTooMany(error: unknown): never {
  if (!(error instanceof TooManyLettersError)) throw error
  throw new BadRequestError(`${error.message}. Name a "cause", or a "key", to deliver fewer at a time`)
}

function resultOf(topic: string, { planned, gone, unread }: Omit<PlannedReplay, 'isStanding'>): ErrorsReplay {
  const partitions = planned.map(({ offset, plan }): ReplayedPartition => {
    const { topic: name, partition, offset: from } = offset
    return { topic: name, partition, records: plan.count, from, until: plan.until }
  })
  return { topic, partitions, gone, unread, message: messageOf(partitions, gone, unread) }
}

function messageOf(partitions: readonly ReplayedPartition[], gone: number, unread: number): string {
  const count = partitions.reduce((sum, { records }) => sum + records, 0)
  const parts = [
    count === 0
      ? 'No dead letters are to be delivered again'
      : `${count === 1 ? '1 record is' : `${count} records are`} delivered again when the connector is resumed`,
  ]
  if (gone > 0)
    parts.push(
      `${gone === 1 ? '1 record is' : `${gone} records are`} no longer in the topic, and only the dead letter queue has the bytes`,
    )
  if (unread > 0)
    parts.push(
      `${unread === 1 ? '1 record is' : `${unread} records are`} of topics that the connector does not read any more (topics, topics.regex)`,
    )
  return parts.join('. ')
}
