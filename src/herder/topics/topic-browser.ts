import type { RawConfig } from '../../api/config-def.ts'
import { ConnectError, NotFoundError, RetriableError } from '../../api/errors.ts'
import type { Fetcher } from '../../client/consumer/fetcher.ts'
import { offsetTimes } from '../../client/consumer/list-offsets.ts'
import type { PartitionRange } from '../../client/consumer/topic-tail.ts'
import type { TopicMetadata } from '../../client/cluster/metadata-cache.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import { withDeadline } from '../../foundation/async/deadline.ts'
import type { Clock } from '../../foundation/clock.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import { formatTopicPartition } from '../../foundation/topic-partition.ts'
import { isRetriable } from '../../runtime/failures.ts'
import type { RecordChoice, RecordInBytes, RecordsRead } from '../../runtime/plugin-thread/records/readable-record.ts'
import type { PluginThreads } from '../../runtime/plugin-threads.ts'
import type { WorkerConverters } from '../../runtime/task-settings.ts'
import type {
  FollowedRecord,
  RecordJourney,
  RecordsPage,
  RecordsRequest,
  TopicInfo,
  TopicRecord,
  TopicSummary,
} from '../entities/topic-info.ts'
import { BadRequestError, ForbiddenError } from '../herder-errors.ts'
import { followedRecords } from './followed-records.ts'
import { commitOf } from './record-commit.ts'
import { sinkStage } from './sink-stage.ts'
import { RecordPages } from './record-pages.ts'
import { parseStart, startOffset, type RecordStart } from './record-start.ts'
import { fetchLimits } from './record-step.ts'
import { topicUsers, type TopicUser, type TopicUsers } from './topic-users.ts'

export interface TopicBrowserOptions {
  readonly client: Pick<KafkaClient, 'partitionRanges' | 'fetcher'> & {
    readonly admin: Pick<
      KafkaClient['admin'],
      'listTopics' | 'describeTopics' | 'topicConfigs' | 'listOffsets' | 'groupOffsets'
    >
  }
  readonly plugins: Pick<PluginThreads, 'readRecords' | 'locateRecord'>
  readonly connectors: () => Promise<readonly TopicUser[]>
  readonly worker: WorkerConverters
  /** The config, offset and status topic of the group. */
  readonly groupTopics: readonly string[]
  readonly clock: Clock
}

/** Records as they arrive. */
export interface FollowedTopic {
  readonly connector: string | null
  /** An empty batch shows that it continues. */
  readonly batches: AsyncIterable<readonly FollowedRecord[]>
}

export interface JourneyRequest {
  readonly key: string
  /** As in {@link RecordsRequest}. */
  readonly connector: string | null
  /** Whether a sink is shown. */
  readonly reaches: (connector: string) => boolean
}

/** How records are read: see {@link RecordsPage.connector}. */
interface Reading {
  readonly connector: string | null
  readonly convert: (records: readonly RecordInBytes[]) => Promise<RecordsRead>
}

/** The limit of what finds out about topics, and of a page of records. Milliseconds. */
const patienceMs = 60_000
/** What Kafka allows as the name of a topic. */
const topicName = /^[\w.-]{1,249}$/

/** Shows topics and their records, read with the converters of the connectors that use them. */
export class TopicBrowser {
  readonly #options: TopicBrowserOptions

  constructor(options: TopicBrowserOptions) {
    this.#options = options
  }

  /** Which connectors use a topic. */
  async users(): Promise<TopicUsers> {
    return topicUsers(await this.#options.connectors())
  }

  /** All topics, by name. @throws ConnectError when the brokers do not respond */
  async list(signal: AbortSignal): Promise<readonly TopicSummary[]> {
    return await this.#asked('the topics cannot be listed', signal, async (bound) => {
      const topics = await this.#options.client.admin.listTopics({ signal: bound })
      const [offsets, users] = await Promise.all([this.#offsets(topics, bound), this.users()])
      return topics
        .toSorted((a, b) => (a.name < b.name ? -1 : 1))
        .map((topic) => ({
          name: topic.name,
          partitions: topic.partitions.length,
          internal: this.#isInternal(topic),
          records: sumOf(topic, offsets),
          connectors: users(topic.name),
        }))
    })
  }

  /** @throws NotFoundError `Topic x not found`; ConnectError */
  async describe(name: string, signal: AbortSignal): Promise<TopicInfo> {
    return await this.#asked(`topic ${name} cannot be described`, signal, async (bound) => {
      const topic = await this.#topic(name, bound)
      const [offsets, users, configs] = await Promise.all([
        this.#offsets([topic], bound),
        this.users(),
        this.#options.client.admin.topicConfigs(name, { signal: bound }),
      ])
      const partitions = topic.partitions.map(({ partition, leaderId, replicas }) => {
        const range = offsets.get(formatTopicPartition({ topic: name, partition }))
        const leader = leaderId < 0 ? null : leaderId
        return { partition, leader, replicas, start: range?.start ?? null, end: range?.end ?? null }
      })
      return {
        name,
        internal: this.#isInternal(topic),
        records: sumOf(topic, offsets),
        connectors: users(name),
        partitions,
        configs: [...configs].map(([key, { value, isOverride }]) => ({ name: key, value, isOverride })),
      }
    })
  }

  /**
   * Returns records of a topic: with `latest` the last ones, else the first ones from there on.
   * @throws NotFoundError for a topic or connector that does not exist; ForbiddenError for an internal topic; BadRequestError;
   *   ConnectError when the records cannot be read or the converters cannot be loaded
   */
  async records(name: string, request: RecordsRequest, limit: number, signal: AbortSignal): Promise<RecordsPage> {
    const { client, clock } = this.#options
    const start = parseStart(request.from)
    return await this.#asked(`the records of topic ${name} cannot be read`, signal, async (bound) => {
      const ranges = await this.#ranges(name, request.partition, bound)
      const { connector, convert } = await this.#reading(name, request.connector, choiceOf(request))
      const isFiltered = request.filter !== null
      const pages = new RecordPages({ client, clock, signal: bound, convert, limit, isFiltered })
      const page =
        start.at === 'latest' ? await pages.last(ranges) : await pages.first(await this.#from(ranges, start, bound))
      return { ...page, connector }
    })
  }

  /**
   * Follows a topic: with `latest` from its end on.
   * @param signal of the request that starts it
   * @param ended ends it
   * @throws as {@link records} does
   */
  async follow(name: string, request: RecordsRequest, signal: AbortSignal, ended: AbortSignal): Promise<FollowedTopic> {
    const { client, clock } = this.#options
    const start = parseStart(request.from)
    return await this.#asked(`the records of topic ${name} cannot be read`, signal, async (bound) => {
      const ranges = await this.#ranges(name, request.partition, bound)
      const { connector, convert } = await this.#reading(name, request.connector, choiceOf(request))
      const starts =
        start.at === 'latest'
          ? ranges.map((range) => ({ ...range, start: range.end }))
          : await this.#from(ranges, start, bound)
      const open = (): Fetcher => client.fetcher(fetchLimits)
      return { connector, batches: followedRecords({ open, starts, convert, clock, signal: ended }) }
    })
  }

  /**
   * Follows the newest record of a key to the sinks that `reaches` names.
   * @param key JSON, or else a text: see `keyTest`
   * @throws as {@link records} does
   */
  async journey(
    name: string,
    { key, connector, reaches }: JourneyRequest,
    signal: AbortSignal,
  ): Promise<RecordJourney> {
    const { client, clock, plugins, worker } = this.#options
    return await this.#asked(`the records of topic ${name} cannot be read`, signal, async (bound) => {
      const ranges = await this.#ranges(name, null, bound)
      const { convert } = await this.#reading(name, connector, { by: 'key', key })
      const bytes = new Map<string, RecordInBytes>()
      const keeping = async (records: readonly RecordInBytes[]): Promise<RecordsRead> => {
        const read = await convert(records)
        for (const [i, record] of records.entries()) if (read[i] !== null) bytes.set(placeIn(record), record)
        return read
      }
      const pages = new RecordPages({ client, clock, signal: bound, convert: keeping, limit: 1, isFiltered: true })
      const { records, note } = await pages.last(ranges)
      const [found] = records
      const record = found === undefined ? undefined : bytes.get(placeIn(found))
      if (found === undefined || record === undefined) return { record: null, commit: null, sinks: [], note }
      const connectors = await this.#options.connectors()
      const users = topicUsers(connectors)(name)
      const sinks = connectors.filter((each) => each.type === 'sink' && users.includes(each.name) && reaches(each.name))
      const parts = { client, plugins, worker, topic: name, record, signal: bound }
      const stages = await Promise.all(sinks.map(async (sink) => await sinkStage(sink, parts)))
      return { record: found, commit: commitOf(found), sinks: stages, note }
    })
  }

  async #reading(topic: string, connector: string | null, filter: RecordChoice | null): Promise<Reading> {
    const { plugins, worker } = this.#options
    const connectors = await this.#options.connectors()
    const name = connector ?? topicUsers(connectors)(topic)[0] ?? null
    const found = connectors.find((each) => each.name === name)
    if (connector !== null && found === undefined) throw new NotFoundError(`Connector ${connector} not found`)
    const config: RawConfig = found?.config ?? {}
    return {
      connector: found?.name ?? null,
      convert: async (records) =>
        records.length === 0 ? [] : await plugins.readRecords({ topic, config, worker, filter, records }),
    }
  }

  async #ranges(name: string, partition: number | null, signal: AbortSignal): Promise<readonly PartitionRange[]> {
    const topic = await this.#topic(name, signal)
    if (this.#isInternal(topic))
      throw new ForbiddenError(
        `The records of ${name} are not shown: it is an internal topic. Use the operations for configs, offsets and states of connectors`,
      )
    const ranges = await this.#options.client.partitionRanges([name], signal)
    if (partition === null) return ranges
    const asked = ranges.filter((range) => range.partition === partition)
    if (asked.length === 0)
      throw new BadRequestError(`Topic ${name} has no partition ${partition}: it has ${ranges.length}, from 0 on`)
    return asked
  }

  async #from(
    ranges: readonly PartitionRange[],
    start: Exclude<RecordStart, { readonly at: 'latest' }>,
    signal: AbortSignal,
  ): Promise<readonly PartitionRange[]> {
    const timestamp = start.at === 'time' ? start.ms : null
    const queries = timestamp === null ? [] : ranges.map(({ topic, partition }) => ({ topic, partition, timestamp }))
    const found = queries.length === 0 ? [] : await this.#options.client.admin.listOffsets(queries, { signal })
    const byTime = new Map(found.map(({ partition, offset }) => [partition, offset]))
    return ranges.map((range) => ({ ...range, start: startOffset(start, range, byTime) }))
  }

  async #topic(name: string, signal: AbortSignal): Promise<TopicMetadata> {
    const topics = topicName.test(name) ? await this.#options.client.admin.describeTopics([name], { signal }) : null
    const topic = topics?.get(name)
    if (topic === undefined) throw new NotFoundError(`Topic ${name} not found`)
    return topic
  }

  #isInternal({ name, isInternal }: TopicMetadata): boolean {
    return isInternal || this.#options.groupTopics.includes(name)
  }

  /** The ranges of the partitions that have a leader, by `formatTopicPartition`. */
  async #offsets(
    topics: readonly TopicMetadata[],
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, { readonly start: number; readonly end: number }>> {
    const { admin } = this.#options.client
    const led = topics.flatMap(({ name: topic, partitions }) =>
      partitions.flatMap(({ partition, leaderId }) => (leaderId < 0 ? [] : [{ topic, partition }])),
    )
    const ask = async (timestamp: number): Promise<ReadonlyMap<string, number>> => {
      const queries = led.map((partition) => ({ ...partition, timestamp }))
      const found = await admin.listOffsets(queries, { isolation: 'read_committed', signal })
      return new Map(found.map((result) => [formatTopicPartition(result), result.offset]))
    }
    if (led.length === 0) return new Map()
    const [starts, ends] = await Promise.all([ask(offsetTimes.earliest), ask(offsetTimes.latest)])
    return new Map([...starts].map(([key, start]) => [key, { start, end: ends.get(key) ?? start }]))
  }

  /** Passes on errors of the request, and says of others what they prevent. */
  async #asked<T>(what: string, signal: AbortSignal, action: (bound: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await withDeadline({ clock: this.#options.clock, ms: patienceMs, signal }, action)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof NotFoundError || error instanceof ForbiddenError || error instanceof BadRequestError)
        throw error
      const text = `${what}: ${errorMessage(error)}`
      throw isRetriable(error) ? new RetriableError(text, { cause: error }) : new ConnectError(text, { cause: error })
    }
  }
}

function choiceOf({ filter }: RecordsRequest): RecordChoice | null {
  return filter === null ? null : { by: 'text', text: filter }
}

function placeIn({ partition, offset }: RecordInBytes | TopicRecord): string {
  return `${partition}@${offset}`
}

function sumOf(
  { name, partitions }: TopicMetadata,
  offsets: ReadonlyMap<string, { readonly start: number; readonly end: number }>,
): number | null {
  let sum = 0
  for (const { partition } of partitions) {
    const range = offsets.get(formatTopicPartition({ topic: name, partition }))
    if (range === undefined) return null
    sum += range.end - range.start
  }
  return sum
}
