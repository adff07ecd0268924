import type { SinkPlace } from '../../api/connector.ts'
import type { RecordCommit } from '../topics/record-commit.ts'
import type { ReadableRecord } from '../../runtime/plugin-thread/records/readable-record.ts'

/** A record as a person reads it. */
export type TopicRecord = ReadableRecord

/** A topic in a list. */
export interface TopicSummary {
  readonly name: string
  readonly partitions: number
  /** Whether it is a topic of the brokers, or of this group of workers. */
  readonly internal: boolean
  /** The sum of end minus start: more than there are after compaction or with transactions. Null: a partition has no leader. */
  readonly records: number | null
  /** The names of the connectors that use it. */
  readonly connectors: readonly string[]
}

export interface TopicPartitionInfo {
  readonly partition: number
  /** The id of its leader; null while it has none. */
  readonly leader: number | null
  readonly replicas: readonly number[]
  /** The offset of its first record, and the one after its last committed record; null without a leader. */
  readonly start: number | null
  readonly end: number | null
}

export interface TopicInfo extends Omit<TopicSummary, 'partitions'> {
  readonly partitions: readonly TopicPartitionInfo[]
  readonly configs: readonly { readonly name: string; readonly value: string | null; readonly isOverride: boolean }[]
}

/** The records that are meant. */
export interface RecordsRequest {
  /** `earliest`, `latest`, an offset, a time in ISO 8601, or the `next` of an earlier response. */
  readonly from: string
  /** Null: all. */
  readonly partition: number | null
  readonly filter: string | null
  /** The connector whose converters read the records; null: one that uses the topic, or else the worker's. */
  readonly connector: string | null
}

/** Records of a topic. In each partition they are in order; those of different partitions by their time. */
export interface RecordsPage {
  readonly records: readonly TopicRecord[]
  /** The connector whose converters have read them; null: those of the worker have. */
  readonly connector: string | null
  /** Where to continue: the next offset of each partition, as `partition:offset,…`. */
  readonly next: string
  /** Offsets that were looked at. */
  readonly read: number
  /** Why not everything that was asked for is here; null: it is. */
  readonly note: string | null
}

/** A record that was followed, and the position behind it, from which a client can continue. */
export interface FollowedRecord {
  readonly record: TopicRecord
  readonly next: string
}

/** How far a sink is with a record. */
export interface SinkStage {
  readonly connector: string
  /** The committed offset of the record's partition; null: none. */
  readonly committed: number | null
  /** Whether it is behind the record: everything up to there is durable in the target, or a dead letter. */
  readonly isCommitted: boolean
  /** Where the record is, or a later one of its key; null: nowhere, or it is not known. */
  readonly place: SinkPlace | null
  /** Why it is not known; null: it is. */
  readonly note: string | null
}

/** The path of the newest record of a key. */
export interface RecordJourney {
  /** Null: the topic has no record of the key, as far as it was read. */
  readonly record: TopicRecord | null
  readonly commit: RecordCommit | null
  readonly sinks: readonly SinkStage[]
  readonly note: string | null
}
