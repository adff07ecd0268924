import type { SinkRecord } from '../../api/record.ts'
import { noHeaders } from '../../api/record.ts'
import type { OffsetToCommit } from '../../api/task.ts'
import { formatTopicPartition, type TopicPartition } from '../../foundation/topic-partition.ts'
import { frozen } from '../data/frozen.ts'
import type { RecordParts, SinkFixture } from './sink-options.ts'

const firstTimestamp = 1_700_000_000_000
/** From this record on, offsets have a gap before, as compaction leaves one. */
const gapBefore = 3
const gap = 2

/** What outlives a sink task: the records of its topics, and the committed offsets. In memory. */
export class SinkLog {
  readonly #fixture: SinkFixture
  readonly #records = new Map<string, SinkRecord[]>()
  readonly #committed = new Map<string, number>()

  constructor(fixture: SinkFixture) {
    this.#fixture = fixture
  }

  /**
   * Appends the next `count` records of the fixture to each partition.
   * @param renamedTo the topic that transforms give them
   */
  append(partitions: readonly TopicPartition[], count: number, renamedTo: string | null = null): void {
    for (let i = 0; i < count; i += 1)
      for (const at of partitions) this.#append(at, this.#fixture.record(this.#of(at).length, at), renamedTo)
  }

  /** Appends a record without a value, with the key of the partition's last record. */
  appendTombstone(at: TopicPartition): void {
    const { keySchema = null, key = null } = this.#of(at).at(-1) ?? {}
    this.#append(at, { keySchema, key, value: null })
  }

  /** Returns the records of a partition from an offset on, in order. */
  from(at: TopicPartition, offset: number): readonly SinkRecord[] {
    return this.#of(at).filter((record) => record.offset >= offset)
  }

  /** Returns the offset after the partition's last record. */
  end(at: TopicPartition): number {
    return (this.#of(at).at(-1)?.offset ?? -1) + 1
  }

  committed(at: TopicPartition): number {
    return this.#committed.get(formatTopicPartition(at)) ?? 0
  }

  commit(offsets: readonly OffsetToCommit[]): void {
    for (const at of offsets) this.#committed.set(formatTopicPartition(at), at.offset)
  }

  #of(at: TopicPartition): SinkRecord[] {
    const name = formatTopicPartition(at)
    const known = this.#records.get(name) ?? []
    this.#records.set(name, known)
    return known
  }

  #append({ topic, partition }: TopicPartition, parts: RecordParts, renamedTo: string | null = null): void {
    const records = this.#of({ topic, partition })
    const offset = records.length + (records.length >= gapBefore ? gap : 0)
    const record: SinkRecord = {
      topic: renamedTo ?? topic,
      partition,
      offset,
      keySchema: parts.keySchema ?? null,
      key: parts.key ?? null,
      valueSchema: parts.valueSchema ?? null,
      value: parts.value ?? null,
      timestamp: parts.timestamp ?? firstTimestamp + offset,
      timestampType: 'CreateTime',
      headers: parts.headers ?? noHeaders,
      originalTopic: topic,
      originalPartition: partition,
      originalOffset: offset,
    }
    records.push(frozen(record))
  }
}
