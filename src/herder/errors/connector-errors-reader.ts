import type { RawConfig } from '../../api/config-def.ts'
import { ConnectError, RetriableError } from '../../api/errors.ts'
import type { FetchedRecord } from '../../client/consumer/fetched-record.ts'
import type { PartitionRange } from '../../client/consumer/topic-tail.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import { withDeadline } from '../../foundation/async/deadline.ts'
import type { Clock } from '../../foundation/clock.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import { isRetriable } from '../../runtime/failures.ts'
import type { ConnectorErrors, ErrorsRequest } from '../entities/connector-errors.ts'
import { ErrorCauses } from './error-causes.ts'
import { cursorText, parseCursor, type LetterCursor } from './letter-cursor.ts'
import { letterTopicOf } from './letter-topic.ts'

export interface ConnectorErrorsReaderOptions {
  readonly client: Pick<KafkaClient, 'partitionRanges' | 'readRanges'> & {
    readonly admin: Pick<KafkaClient['admin'], 'describeTopics'>
  }
  readonly clock: Clock
}

/** After this time a request returns what it has read. Milliseconds. */
const enoughMs = 20_000
/** The limit of a request that finds out about the topic, or reads a step. Milliseconds. */
const patienceMs = 60_000
/** Offsets that are read together: between them, the time is looked at. */
const offsetsPerStep = 1000

/** Reads the dead letters of connectors from their topics, within limits. */
export class ConnectorErrorsReader {
  readonly #options: ConnectorErrorsReaderOptions

  constructor(options: ConnectorErrorsReaderOptions) {
    this.#options = options
  }

  /**
   * Returns the dead letters of a connector by cause. Reads from the end of the topic backwards, in steps.
   * @throws BadRequestError when the connector has none, or letters that do not name it; ConnectError when they cannot be read
   */
  async of(
    connector: string,
    config: RawConfig,
    { limit, before }: ErrorsRequest,
    signal: AbortSignal,
  ): Promise<ConnectorErrors> {
    const topic = letterTopicOf(connector, config)
    const cursor = before === null ? null : parseCursor(before)
    const { clock } = this.#options
    const causes = new ErrorCauses(connector)
    try {
      return await withDeadline({ clock, ms: patienceMs, signal }, async (bound) => {
        const ranges = await this.#ranges(topic, bound)
        if (ranges === null) return { ...resultOf(topic, causes, []), note: missing(topic) }
        const asked = cursor === null ? ranges : ranges.map((range) => rangeBefore(range, cursor))
        return resultOf(topic, causes, await this.#read(asked, causes, limit, bound))
      })
    } catch (error) {
      signal.throwIfAborted()
      const text = `the dead letter queue ${topic} of connector ${connector} cannot be read: ${errorMessage(error)}`
      throw isRetriable(error) ? new RetriableError(text, { cause: error }) : new ConnectError(text, { cause: error })
    }
  }

  async #ranges(topic: string, signal: AbortSignal): Promise<readonly PartitionRange[] | null> {
    const { client } = this.#options
    const topics = await client.admin.describeTopics([topic], { signal })
    return topics.has(topic) ? await client.partitionRanges([topic], signal) : null
  }

  /** Reads the ends of the ranges. Returns what is left of them. */
  async #read(
    ranges: readonly PartitionRange[],
    causes: ErrorCauses,
    limit: number,
    signal: AbortSignal,
  ): Promise<readonly PartitionRange[]> {
    const { client, clock } = this.#options
    const enoughAt = clock.monotonic() + enoughMs
    let left = ranges
    let budget = limit
    while (budget > 0 && left.some(isOpen) && clock.monotonic() < enoughAt) {
      const step = lastOffsets(left, Math.min(budget, offsetsPerStep))
      const records: FetchedRecord[] = []
      await client.readRanges(step, (record) => void records.push(record), { signal })
      causes.add(records, step[0]?.topicId ?? null)
      budget -= step.reduce((sum, { start, end }) => sum + end - start, 0)
      left = left.map((range, index) => ({ ...range, end: step[index]?.start ?? range.end }))
    }
    return left
  }
}

function isOpen({ start, end }: PartitionRange): boolean {
  return start < end
}

/** Returns the part of a range before the cursor; nothing of a partition that it does not name. */
function rangeBefore(range: PartitionRange, cursor: LetterCursor): PartitionRange {
  const { partition, start, end } = range
  return { ...range, end: Math.max(start, Math.min(end, cursor.get(partition) ?? start)) }
}

/** Returns the ends of the ranges: together `count` offsets, and at least one of each. */
function lastOffsets(ranges: readonly PartitionRange[], count: number): readonly PartitionRange[] {
  const share = Math.max(1, Math.floor(count / ranges.filter(isOpen).length))
  return ranges.map((range) => ({ ...range, start: Math.max(range.start, range.end - share) }))
}

function resultOf(topic: string, causes: ErrorCauses, left: readonly PartitionRange[]): ConnectorErrors {
  const open = left.filter(isOpen)
  const found = causes.found
  const next = open.length === 0 ? null : cursorText(new Map(open.map(({ partition, end }) => [partition, end])))
  return { topic, ...found, next, note: next === null ? null : unread(topic, left) }
}

function unread(topic: string, left: readonly PartitionRange[]): string {
  const count = left.reduce((sum, { start, end }) => sum + end - start, 0)
  return (
    `Not everything was read: ${count} earlier offsets of topic ${topic} are left. ` +
    'Repeat the request with before=<next> for those, or with a higher limit'
  )
}

function missing(topic: string): string {
  return `Topic ${topic} does not exist. A task of the connector creates it when it starts`
}
