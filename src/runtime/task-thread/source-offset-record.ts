import type { SourceOffset, SourcePartition } from '../../api/record.ts'
import type { CommittedSourceOffset } from '../../api/task.ts'
import type { OutgoingRecord } from '../../client/partition-queue.ts'

/** The record of the offset topic for one offset: key `["connector",{partition}]`, value `{offset}`, compact JSON. */
export function offsetRecordOf(topic: string, connector: string, offset: CommittedSourceOffset): OutgoingRecord {
  return {
    topic,
    partition: null,
    key: Buffer.from(`[${JSON.stringify(connector)},${flatJson(offset.partition)}]`),
    value: Buffer.from(flatJson(offset.offset)),
    headers: [],
    timestamp: null,
  }
}

/** JSON of a flat map, in its order; bigints as the integers they are. */
function flatJson(map: SourcePartition | SourceOffset): string {
  const entries = Object.entries(map).map(([key, value]) => {
    return `${JSON.stringify(key)}:${typeof value === 'bigint' ? value.toString() : JSON.stringify(value)}`
  })
  return `{${entries.join(',')}}`
}
