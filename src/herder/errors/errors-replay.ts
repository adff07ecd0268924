import type { RawConfig } from '../../api/config-def.ts'
import { ConnectError } from '../../api/errors.ts'
import type { PartitionRange } from '../../client/consumer/topic-tail.ts'
import type { GroupOffset } from '../../client/group/group-offsets.ts'
import { topicIdIn, withTopicId } from '../../client/group/offset-topic-id.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import { maxParkedKeysOf } from '../../config/connector/errors/park-settings.ts'
import { sinkGroupId } from '../../config/connector/connector-problems.ts'
import { withDeadline } from '../../foundation/async/deadline.ts'
import type { Clock } from '../../foundation/clock.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import { formatTopicPartition, type TopicPartition } from '../../foundation/topic-partition.ts'
import type { PluginThreads } from '../../runtime/plugin-threads.ts'
import { keyDigest } from '../../storage/dead-letters/letter-choice.ts'
import { mostLetters } from '../../storage/dead-letters/planned-letters.ts'
import type { LeftOut } from '../../storage/dead-letters/planned-reader.ts'
import { areOtherTopics } from '../../storage/dead-letters/letter-context.ts'
import { planText, type PlannedQueue } from '../../storage/dead-letters/replay-plan.ts'
import type { ErrorsReplay, ReplayedPartition, ReplayRequest } from '../entities/connector-errors.ts'
import { BadRequestError } from '../herder-errors.ts'
import type { HerderReads } from '../herder-reads.ts'
import type { HerderWrites } from '../herder-writes.ts'
import type { ConnectorOffsetWriter } from '../offsets/connector-offset-writer.ts'
import { letterTopicOf } from './letter-topic.ts'
import { readReplayableLetters } from './replayable-letters.ts'
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
  readonly more: boolean
  /** Whether it was requested before. */
  readonly isStanding: boolean
}

interface Place extends ReplayPlace {
  readonly queue: PlannedQueue | null
  readonly queueRanges: readonly PartitionRange[]
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
      const topic = this.#letterTopic(connector, request, config)
      const asked = { connector, topic, choice, isRead: topicsRead(config), limit: request.limit }
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

  #letterTopic(connector: string, { cause, limit }: ReplayRequest, config: RawConfig): string {
    if (this.#options.reads.typeOf(config) !== 'sink')
      throw new BadRequestError(
        `${connector} is not a sink. The dead letters of a source are not records of a topic: have the source read them again`,
      )
    if ((cause !== null || limit !== null) && maxParkedKeysOf('sink', config) !== null)
      throw new BadRequestError(
        `${connector} parks keys (errors.deadletterqueue.park.keys): letters of one cause would overtake earlier ones of their keys, and ` +
          'keys of which letters are left stay parked. Leave out the cause and the limit, or name a key',
      )
    return letterTopicOf(connector, config)
  }

  /** What stands already is not planned again. */
  async #plan(asked: AskedReplay, committed: readonly GroupOffset[], signal: AbortSignal): Promise<PlannedReplay> {
    const place = await this.#place(asked, committed, signal)
    const { queue, queueRanges, starts, idOf } = place
    // Offsets of topics that are deleted, or created again, are not used any more.
    const used = committed.filter(
      (at) => starts.has(formatTopicPartition(at)) && !areOtherTopics(topicIdIn(at.metadata ?? ''), idOf(at.topic)),
    )
    const { standing, free } = splitPlans(used)
    const [current, resting] = partitioned(standing, ({ offset }) => asked.isRead(offset.topic))
    checkStanding(asked, current, place)
    const waiting = resting.reduce((sum, { plan }) => sum + plan.count, 0)
    const none = { planned: [], gone: 0, unread: waiting, more: false, isStanding: false }
    if (current.length > 0)
      return { ...none, planned: current, more: current.some(({ plan }) => plan.more), isStanding: true }
    if (queue === null) return none
    const partitions = free.map(({ topic, partition, offset: until }) => ({
      of: { topic, partition },
      plan: { letters: queue, choice: asked.choice, count: 0, more: false, from: 0, until },
    }))
    const found = await readReplayableLetters(
      { client: this.#options.client, connector: asked.connector, topicId: idOf, signal },
      queueRanges,
      partitions,
      { most: asked.limit ?? mostLetters, leftOut: (at) => leftOut(at, asked, starts) },
    )
    const more = found.ends !== null
    if (more && asked.limit === null) throw tooMany()
    const letters = { ...queue, ends: found.ends ?? queue.ends }
    const planned = found.partitions.flatMap(({ of, plan, records }): readonly PlannedOffset[] => {
      if (records.length === 0) return []
      const from = records.reduce((first, { offset }) => Math.min(first, offset), plan.until)
      const count = new Set(records.map(({ offset }) => offset)).size
      const own = { ...plan, letters, count, more, from }
      return [{ offset: { ...of, offset: from, metadata: withTopicId(planText(own), idOf(of.topic)) }, plan: own }]
    })
    const { gone, unread } = found.leftOut
    return { planned, gone, unread: waiting + unread, more, isStanding: false }
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
      queueRanges: ofQueue,
      starts: new Map(ranges.map((range) => [formatTopicPartition(range), range.start])),
      idOf: (name) => topics.get(name)?.id ?? null,
    }
  }
}

function partitioned<T>(all: readonly T[], isFirst: (one: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [all.filter((one) => isFirst(one)), all.filter((one) => !isFirst(one))]
}

/** Why the record of a letter is left out; null if it is delivered. */
function leftOut(
  at: TopicPartition & { readonly offset: number },
  { isRead }: AskedReplay,
  starts: ReadonlyMap<string, number>,
): LeftOut | null {
  if (!isRead(at.topic)) return 'unread'
  return at.offset < (starts.get(formatTopicPartition(at)) ?? 0) ? 'gone' : null
}

function tooMany(): BadRequestError {
  return new BadRequestError(
    `more than ${mostLetters} dead letters would be delivered again. Name a "limit" to deliver the oldest ones first, or a "cause", ` +
      'or a "key"',
  )
}

function resultOf(topic: string, found: Omit<PlannedReplay, 'isStanding'>): ErrorsReplay {
  const { planned, gone, unread, more } = found
  const partitions = planned.map(({ offset, plan }): ReplayedPartition => {
    const { topic: name, partition, offset: from } = offset
    return { topic: name, partition, records: plan.count, from, until: plan.until }
  })
  return { topic, partitions, gone, unread, more, message: messageOf(partitions, found) }
}

function messageOf(
  partitions: readonly ReplayedPartition[],
  { gone, unread, more }: Pick<PlannedReplay, 'gone' | 'unread' | 'more'>,
): string {
  const count = partitions.reduce((sum, { records }) => sum + records, 0)
  const parts = [
    count === 0
      ? 'No dead letters are to be delivered again'
      : `${count === 1 ? '1 record is' : `${count} records are`} delivered again when the connector is resumed`,
  ]
  if (more) parts.push('More dead letters are left: repeat the request when these have been delivered')
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
