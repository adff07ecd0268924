import { errorMessage } from '../../../foundation/error-message.ts'
import { DataError, NotReadyError, type Stage } from '../../../api/errors.ts'
import { noHeaders, type Header, type SinkRecord } from '../../../api/record.ts'
import type { FetchedRecord } from '../../../client/consumer/fetched-record.ts'
import { ConversionNotReadyError } from './conversion-not-ready-error.ts'
import { converterClass, partNames, type Converters } from './record-encoder.ts'

/** Converts a fetched record to Connect data. @throws DataError with stage, topic, partition and offset (I7); ConversionNotReadyError */
export function decodeRecord(converters: Converters, fetched: FetchedRecord): SinkRecord {
  const { topic, partition, offset } = fetched
  let stage: Stage = 'KEY_CONVERTER'
  try {
    const key = converters.key.toConnect(topic, fetched.key, fetched.headers)
    stage = 'VALUE_CONVERTER'
    const value = converters.value.toConnect(topic, fetched.value, fetched.headers)
    stage = 'HEADER_CONVERTER'
    return {
      topic,
      partition,
      offset,
      keySchema: key.schema,
      key: key.value,
      valueSchema: value.schema,
      value: value.value,
      timestamp: fetched.timestamp < 0 ? null : fetched.timestamp,
      timestampType: timestampTypeOf(fetched),
      headers: fetched.headers.length === 0 ? noHeaders : decodeHeaders(converters, fetched),
      originalTopic: topic,
      originalPartition: partition,
      originalOffset: offset,
    }
  } catch (error) {
    const explain = (why: unknown): DataError => undecodable(converters, fetched, stage, why)
    throw error instanceof NotReadyError ? new ConversionNotReadyError(error, explain) : explain(error)
  }
}

function undecodable(converters: Converters, fetched: FetchedRecord, stage: Stage, error: unknown): DataError {
  const { topic, partition, offset } = fetched
  return new DataError(
    `${partNames[stage] ?? 'a part'} of the record ${topic}-${partition}@${offset} does not decode: ${errorMessage(error)}`,
    {
      cause: error,
      stage,
      executingClass: converterClass(converters, stage),
      topicPartition: `${topic}-${partition}`,
    },
  )
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
