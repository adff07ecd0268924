import { noHeaders, primitive, struct, type Clock, type SourceOffset, type SourceRecord } from 'penstock/api'
import { sourcePartition } from '../offsets/source-offset.ts'

const keySchema = struct([['serverName', primitive('STRING')]], {
  name: 'io.debezium.connector.common.ServerNameKey',
  version: 1,
})
const valueSchema = struct([['ts_ms', primitive('INT64')]], {
  name: 'io.debezium.connector.common.Heartbeat',
  version: 1,
})

/** Debezium's heartbeat: a record in its own topic that carries the position of the stream. */
export function heartbeatRecord(prefix: string, topic: string, offset: SourceOffset, clock: Clock): SourceRecord {
  return {
    topic,
    partition: 0,
    keySchema,
    key: [prefix],
    valueSchema,
    value: [Math.floor(clock.now())],
    timestamp: null,
    headers: noHeaders,
    sourcePartition: sourcePartition(prefix),
    sourceOffset: offset,
  }
}
