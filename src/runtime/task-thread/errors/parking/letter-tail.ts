import type { FetchedRecord } from '../../../../client/consumer/fetched-record.ts'
import type { PartitionRange } from '../../../../client/consumer/topic-tail.ts'
import type { KafkaClient } from '../../../../client/kafka-client.ts'
import { areOtherTopics } from '../../../../storage/dead-letters/letter-context.ts'

/** Receives the records of a topic. */
export interface LetterReader {
  /** @param queueId the id of the topic; null if it is not known */
  readonly onLetter: (record: FetchedRecord, queueId: string | null) => void
  /** The topic was created again: what was read from it does not count any more. */
  readonly onReset: () => void
}

/** Reads a dead letter queue to its end, each time from where it ended before. */
export class LetterTail {
  readonly #client: Pick<KafkaClient, 'partitionRanges' | 'readRanges'>
  readonly #topic: string
  /** By partition, the offset of the next record. */
  readonly #positions = new Map<number, number>()
  #id: string | null = null

  constructor(client: Pick<KafkaClient, 'partitionRanges' | 'readRanges'>, topic: string) {
    this.#client = client
    this.#topic = topic
  }

  /** What was read counts also when it fails, or when the signal ends it. @throws as the client does */
  async readToEnd({ onLetter, onReset }: LetterReader, signal: AbortSignal): Promise<void> {
    const ranges = await this.#client.partitionRanges([this.#topic], signal)
    const id = ranges[0]?.topicId ?? null
    if (areOtherTopics(this.#id, id) || ranges.some(({ partition, end }) => end < this.#next(partition))) {
      this.#positions.clear()
      onReset()
    }
    this.#id = id ?? this.#id
    const unread = ranges.map((range) => this.#unread(range))
    const onRecord = (record: FetchedRecord): void => {
      onLetter(record, id)
      this.#positions.set(record.partition, record.offset + 1)
    }
    await this.#client.readRanges(unread, onRecord, { signal })
    for (const { partition, end } of ranges) this.#positions.set(partition, end)
  }

  /** The next read begins at the start of the topic. */
  restart(): void {
    this.#positions.clear()
  }

  #next(partition: number): number {
    return this.#positions.get(partition) ?? 0
  }

  #unread({ topic, partition, start, end }: PartitionRange): PartitionRange {
    return { topic, partition, start: Math.max(start, this.#next(partition)), end }
  }
}
