import type { RawConfig } from '../../api/config-def.ts'
import { ConnectError } from '../../api/errors.ts'
import type { GroupOffset } from '../../client/group/group-offsets.ts'
import { withTopicId } from '../../client/group/offset-topic-id.ts'
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
import { planText } from '../../storage/dead-letters/replay-plan.ts'
import type { ErrorsReplay, ReplayedPartition, ReplayRequest } from '../entities/connector-errors.ts'
import { BadRequestError } from '../herder-errors.ts'
import type { HerderReads } from '../herder-reads.ts'
import type { HerderWrites } from '../herder-writes.ts'
import type { ConnectorOffsetWriter } from '../offsets/connector-offset-writer.ts'
import { letterTopicOf } from './letter-topic.ts'
import { checkStanding, standingPlans, type AskedReplay, type PlannedOffset } from './standing-replay.ts'

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
  /** Whether it was requested before. */
  readonly isStanding: boolean
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
      const asked = { connector, topic, choice }
      const groupId = sinkGroupId(connector, config)
      const { planned, gone, isStanding } = await this.#bounded(asked, signal, async (bound) => {
        const committed = await client.admin.groupOffsets(groupId, { signal: bound })
        return await this.#plan(asked, committed, bound)
      })
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
      return resultOf(topic, planned, gone)
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
    const { connector, topic, choice } = asked
    const { client } = this.#options
    const names = [...new Set(committed.map((offset) => offset.topic))]
    const topics = await client.admin.describeTopics([topic, ...names], { signal })
    const queue = topics.has(topic) ? await client.partitionRanges([topic], signal) : []
    const ends = new Map(queue.map(({ partition, end }) => [partition, end]))
    const letters = { topic, id: queue[0]?.topicId ?? null, ends }
    const ranges = await client.partitionRanges(
      names.filter((name) => topics.has(name)),
      signal,
    )
    const starts = new Map(ranges.map((range) => [formatTopicPartition(range), range.start]))
    const standing = standingPlans(committed)
    checkStanding(asked, standing, { queue: queue.length === 0 ? null : letters, starts })
    if (standing.length > 0) return { planned: standing, gone: 0, isStanding: true }
    const idOf = (name: string): string | null => topics.get(name)?.id ?? null
    const partitions = committed
      .filter((offset) => starts.has(formatTopicPartition(offset)))
      .map(({ topic: name, partition, offset: until }) => ({
        of: { topic: name, partition },
        plan: { letters, choice, count: 0, until },
      }))
    const found = await readPlannedLetters({ client, connector, topicId: idOf, signal }, partitions).catch(
      refuseTooMany,
    )
    let gone = 0
    const planned = found.flatMap(({ of, plan, records }): readonly PlannedOffset[] => {
      const all = [...new Set(records.map(({ offset }) => offset))]
      const there = all.filter((offset) => offset >= (starts.get(formatTopicPartition(of)) ?? 0))
      gone += all.length - there.length
      if (there.length === 0) return []
      const own = { ...plan, count: there.length }
      const offset = there.reduce((first, at) => Math.min(first, at))
      return [{ offset: { ...of, offset, metadata: withTopicId(planText(own), idOf(of.topic)) }, plan: own }]
    })
    return { planned, gone, isStanding: false }
  }
}

function refuseTooMany(error: unknown): never {
  if (!(error instanceof TooManyLettersError)) throw error
  throw new BadRequestError(`${error.message}. Name a "cause", or a "key", to deliver fewer at a time`)
}

function resultOf(topic: string, planned: readonly PlannedOffset[], gone: number): ErrorsReplay {
  const partitions = planned.map(({ offset, plan }): ReplayedPartition => {
    const { topic: name, partition, offset: from } = offset
    return { topic: name, partition, records: plan.count, from, until: plan.until }
  })
  return { topic, partitions, gone, message: messageOf(partitions, gone) }
}

function messageOf(partitions: readonly ReplayedPartition[], gone: number): string {
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
  return parts.join('. ')
}
