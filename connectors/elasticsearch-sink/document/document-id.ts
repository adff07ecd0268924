import { createHash } from 'node:crypto'
import { DataError, type ConnectValue, type Schema, type SinkRecord } from 'penstock/api'
import { isObject, jsonOf } from './json-text.ts'

const maxIdBytes = 512

/**
 * Returns the document id of a key: integers in decimal, strings unchanged. A struct (or a schemaless object) with one field
 * gives the text of that field, one with several the compact JSON of its values in key order. An id of more than 512 bytes,
 * Elasticsearch's limit, becomes its SHA-256 in hex.
 * @throws DataError for a key that is null, empty, or of an unsupported type.
 */
export function documentId(schema: Schema | null, key: ConnectValue): string {
  if (key === null)
    throw new DataError(
      'Key is used as document id and can not be null. Set key.ignore=true to take topic+partition+offset, or give the records a key',
      { code: 'ES_NULL_KEY' },
    )
  const text =
    schema?.type === 'STRUCT'
      ? structId(key, schema)
      : schema === null && isObject(key)
        ? partsId(Object.values(key))
        : scalarId(schema, key)
  if (text === '') throw new DataError('Key is used as document id and can not be empty', { code: 'ES_NULL_KEY' })
  return boundedId(text)
}

/** An id of more than 512 bytes, Elasticsearch's limit, becomes its SHA-256 in hex. */
export function boundedId(text: string): string {
  return text.length * 3 > maxIdBytes && Buffer.byteLength(text) > maxIdBytes
    ? createHash('sha256').update(text).digest('hex')
    : text
}

/**
 * Returns the id of a record whose key is ignored: `topic+partition+offset` of its place in Kafka. Confluent uses the topic after
 * transforms, so that records of topics that are routed into one index can have the same id.
 */
export function positionId({ originalTopic, originalPartition, originalOffset }: RecordPlace): string {
  return `${originalTopic}+${originalPartition}+${originalOffset}`
}

type RecordPlace = Pick<SinkRecord, 'originalTopic' | 'originalPartition' | 'originalOffset'>

function structId(key: ConnectValue, schema: Schema): string {
  if (!Array.isArray(key))
    throw new DataError(`a key of type STRUCT (${schema.name ?? 'unnamed'}) does not hold a struct`)
  return partsId(key as readonly ConnectValue[])
}

function partsId(values: readonly ConnectValue[]): string {
  const [only] = values
  if (values.length !== 1 || only === undefined) return values.length === 0 ? '' : jsonOf(values)
  if (only === null)
    throw new DataError('the only field of the key is null, which is not a document id', { code: 'ES_NULL_KEY' })
  return typeof only === 'string' ? only : typeof only === 'object' ? jsonOf(only) : String(only)
}

function scalarId(schema: Schema | null, key: ConnectValue): string {
  switch (schema?.type) {
    case 'INT8':
    case 'INT16':
    case 'INT32':
    case 'INT64':
      return String(key)
    case 'STRING':
      return String(key)
    case undefined:
      if (typeof key === 'string') return key
      if (typeof key === 'bigint' || Number.isInteger(key)) return String(key)
      throw new DataError(
        `${typeof key} is not supported as the document id. Use an integer, a string or a struct as key, or set key.ignore=true`,
      )
    default:
      throw new DataError(
        `${schema?.type ?? ''} is not supported as the document id. Use an integer, a string or a struct as key, or set key.ignore=true`,
      )
  }
}
