import type { SchemaAndValue } from '../../api/converter.ts'
import { DataError, type Stage } from '../../api/errors.ts'
import { noHeaders, type Header, type SinkRecord } from '../../api/record.ts'
import type { ConnectValue, Schema } from '../../api/schema.ts'
import { messageOf } from '../failures.ts'
import type { FetchedRecord } from '../../client/fetched-record.ts'
import { partNames, type Converters } from './record-encoder.ts'

/** A class, and not an object literal, for the reason that the record it is made from is one. */
class DecodedRecord implements SinkRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly keySchema: Schema | null
  readonly key: ConnectValue
  readonly valueSchema: Schema | null
  readonly value: ConnectValue
  readonly timestamp: number | null
  readonly timestampType: SinkRecord['timestampType']
  readonly headers: readonly Header[]
  readonly originalTopic: string
  readonly originalPartition: number
  readonly originalOffset: number

  constructor(fetched: FetchedRecord, key: SchemaAndValue, value: SchemaAndValue, headers: readonly Header[]) {
    this.topic = fetched.topic
    this.partition = fetched.partition
    this.offset = fetched.offset
    this.keySchema = key.schema
    this.key = key.value
    this.valueSchema = value.schema
    this.value = value.value
    this.timestamp = fetched.timestamp < 0 ? null : fetched.timestamp
    this.timestampType = timestampTypeOf(fetched)
    this.headers = headers
    this.originalTopic = fetched.topic
    this.originalPartition = fetched.partition
    this.originalOffset = fetched.offset
  }
}

/** Bytes from the log → Connect data. @throws DataError naming stage, topic, partition and offset. */
export function decodeRecord(converters: Converters, fetched: FetchedRecord): SinkRecord {
  const { topic, partition, offset } = fetched
  let stage: Stage = 'KEY_CONVERTER'
  try {
    const key = converters.key.toConnect(topic, fetched.key)
    stage = 'VALUE_CONVERTER'
    const value = converters.value.toConnect(topic, fetched.value)
    stage = 'HEADER_CONVERTER'
    const headers = fetched.headers.length === 0 ? noHeaders : decodeHeaders(converters, fetched)
    return new DecodedRecord(fetched, key, value, headers)
  } catch (error) {
    throw new DataError(
      `${partNames[stage] ?? 'a part'} of the record ${topic}-${partition}@${offset} does not decode: ${messageOf(error)}`,
      { cause: error, stage, topicPartition: `${topic}-${partition}` },
    )
  }
}

function decodeHeaders(converters: Converters, fetched: FetchedRecord): readonly Header[] {
  return fetched.headers.map(({ key, value }) => ({
    key,
    ...converters.header.toConnectHeader(fetched.topic, key, value),
  }))
}

function timestampTypeOf(fetched: FetchedRecord): SinkRecord['timestampType'] {
  if (fetched.timestamp < 0) return 'NoTimestampType'
  return fetched.timestampType === 1 ? 'LogAppendTime' : 'CreateTime'
}
