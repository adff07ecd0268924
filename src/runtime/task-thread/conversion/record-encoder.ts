import { errorMessage } from '../../../foundation/error-message.ts'
import type { Converter, HeaderConverter } from '../../../api/converter.ts'
import { DataError, NotReadyError, type Stage } from '../../../api/errors.ts'
import type { ConnectRecord, Header, RawHeader } from '../../../api/record.ts'
import type { OutgoingRecord } from '../../../client/producer/outgoing-record.ts'
import { ConversionNotReadyError } from './conversion-not-ready-error.ts'

/** The three converters of a task. */
export interface Converters {
  readonly key: Converter
  readonly value: Converter
  readonly header: HeaderConverter
  /** The names of their classes, for error reports. */
  readonly classNames?: Readonly<Record<'key' | 'value' | 'header', string>>
}

/**
 * Converts Connect data to bytes for the producer. A header that is the same object as in the previous record, at the
 * same index and for the same topic, is not converted again: sources put constant headers on every record.
 */
export class RecordEncoder {
  readonly #converters: Converters
  #lastTopic = ''
  #lastHeaders: readonly Header[] = []
  #lastEncoded: readonly RawHeader[] = []

  constructor(converters: Converters) {
    this.#converters = converters
  }

  /** @throws DataError with the stage and topic when a part cannot be converted; ConversionNotReadyError */
  encode(record: ConnectRecord): OutgoingRecord {
    const { topic } = record
    let stage: Stage = 'HEADER_CONVERTER'
    try {
      const headers = record.headers.length === 0 ? [] : this.#encodeHeaders(topic, record.headers)
      stage = 'KEY_CONVERTER'
      const key = this.#converters.key.fromConnect(topic, record.keySchema, record.key, headers)
      stage = 'VALUE_CONVERTER'
      const value = this.#converters.value.fromConnect(topic, record.valueSchema, record.value, headers)
      return { topic, partition: record.partition, key, value, headers, timestamp: timestampOf(record) }
    } catch (error) {
      const explain = (why: unknown): DataError => unconvertible(this.#converters, topic, stage, why)
      throw error instanceof NotReadyError ? new ConversionNotReadyError(error, explain) : explain(error)
    }
  }

  /** Of the record's own headers: converters may append others. */
  #encodeHeaders(topic: string, headers: readonly Header[]): RawHeader[] {
    const sameTopic = topic === this.#lastTopic
    const encoded: RawHeader[] = []
    for (let i = 0; i < headers.length; i += 1) {
      const header = headers[i]
      if (header === undefined) continue
      const known = sameTopic && this.#lastHeaders[i] === header ? this.#lastEncoded[i] : undefined
      encoded.push(known ?? this.#encodeHeader(topic, header))
    }
    this.#lastTopic = topic
    this.#lastHeaders = headers
    this.#lastEncoded = encoded
    return encoded
  }

  #encodeHeader(topic: string, header: Header): RawHeader {
    const value = this.#converters.header.fromConnectHeader(topic, header.key, header.schema, header.value)
    return { key: header.key, value }
  }
}

export const partNames: Partial<Record<Stage, string>> = {
  HEADER_CONVERTER: 'a header',
  KEY_CONVERTER: 'the key',
  VALUE_CONVERTER: 'the value',
}

/** Returns the name of the class that converts at that stage; undefined if it is not known. */
export function converterClass({ classNames }: Converters, stage: Stage): string | undefined {
  if (stage === 'KEY_CONVERTER') return classNames?.key
  return stage === 'VALUE_CONVERTER' ? classNames?.value : classNames?.header
}

function unconvertible(converters: Converters, topic: string, stage: Stage, error: unknown): DataError {
  const part = partNames[stage] ?? 'a part'
  return new DataError(`${part} of a record for topic ${topic} does not convert: ${errorMessage(error)}`, {
    cause: error,
    stage,
    executingClass: converterClass(converters, stage),
  })
}

function timestampOf(record: ConnectRecord): number | null {
  const { timestamp } = record
  if (timestamp === null || timestamp === -1) return null
  if (timestamp < 0) throw new DataError(`timestamp ${timestamp} is negative`)
  return timestamp
}
