import type { RawConfig } from '../../api/config-def.ts'
import type { KafkaClient } from '../../client/kafka-client.ts'
import { sinkGroupId } from '../../config/connector/connector-problems.ts'
import type { ObservedBacklog } from '../../diagnosis/observations.ts'
import { formatTopicPartition } from '../../foundation/topic-partition.ts'

export interface BacklogReaderOptions {
  readonly client: Pick<KafkaClient, 'partitionRanges'> & { readonly admin: Pick<KafkaClient['admin'], 'groupOffsets'> }
}

/** Reads how many records wait in the log for a sink. */
export class BacklogReader {
  readonly #options: BacklogReaderOptions

  constructor(options: BacklogReaderOptions) {
    this.#options = options
  }

  /**
   * @param used topics that the connector has read, for one that reads by a pattern
   * @throws KafkaError, or the reason of the signal
   */
  async of(
    connector: string,
    config: RawConfig,
    used: readonly string[],
    signal: AbortSignal,
  ): Promise<ObservedBacklog> {
    const { client } = this.#options
    const group = sinkGroupId(connector, config)
    const named = namesIn(config['topics'])
    const topics = named.length > 0 ? named : used
    const [ranges, offsets] = await Promise.all([
      topics.length === 0 ? [] : client.partitionRanges(topics, signal),
      client.admin.groupOffsets(group, { signal }),
    ])
    const committed = new Map(offsets.map((offset) => [formatTopicPartition(offset), offset.offset]))
    const readsNewest = config['consumer.override.auto.offset.reset'] === 'latest'
    const records = ranges.reduce((sum, range) => {
      const from = committed.get(formatTopicPartition(range)) ?? (readsNewest ? range.end : range.start)
      return sum + Math.max(0, range.end - Math.max(from, range.start))
    }, 0)
    const found = new Set(ranges.map(({ topic }) => topic))
    return { group, records, missingTopics: named.filter((topic) => !found.has(topic)) }
  }
}

function namesIn(topics: string | undefined): readonly string[] {
  return (topics ?? '')
    .split(',')
    .map((topic) => topic.trim())
    .filter((topic) => topic !== '')
}
