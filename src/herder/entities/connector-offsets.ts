import type { PlainMap } from '../../api/schema.ts'

/**
 * An offset of a connector. Source: the partition and offset the connector itself defined. Sink: the committed
 * offset of its consumer group, partition `{kafka_partition, kafka_topic}`, offset `{kafka_offset}`.
 */
export interface ConnectorOffset {
  readonly partition: PlainMap
  readonly offset: PlainMap
}

/** All offsets of a connector; partitions whose offset was removed are left out. */
export type ConnectorOffsets = readonly ConnectorOffset[]
