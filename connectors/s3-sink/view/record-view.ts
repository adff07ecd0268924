import {
  arrayOf,
  DataError,
  headerText,
  primitive,
  struct,
  type ConnectValue,
  type Schema,
  type SinkRecord,
} from 'penstock/api'

/** The part of a record that an object holds. Each has an object of its own, which Confluent's sink calls a view. */
export interface RecordView {
  /** What names of objects have before the extension of their format: `.keys`. */
  readonly infix: string
  schemaOf(record: SinkRecord): Schema | null
  /** @throws DataError when the record has no such part. */
  valueOf(record: SinkRecord): ConnectValue
}

/** The values of records. */
export const valueView: RecordView = {
  infix: '',
  schemaOf: ({ valueSchema }) => valueSchema,
  valueOf: ({ value }) => value,
}

const keysInfix = '.keys'
const headersInfix = '.headers'

/** The keys of records. @param enveloped whether each is in a struct, since the format has no other values. */
export function keyView(enveloped: boolean): RecordView {
  if (!enveloped) return { infix: keysInfix, schemaOf: ({ keySchema }) => keySchema, valueOf: keyOf }
  const envelopes = new WeakMap<Schema, Schema>()
  return {
    infix: keysInfix,
    schemaOf: ({ keySchema }) => {
      if (keySchema === null) return null
      const known = envelopes.get(keySchema) ?? struct([['key', keySchema]], { name: 'RecordKey' })
      envelopes.set(keySchema, known)
      return known
    },
    valueOf: (record) => [keyOf(record)],
  }
}

function keyOf({ key }: SinkRecord): ConnectValue {
  if (key !== null) return key
  throw new DataError('it has no key, and store.kafka.keys is true', { code: 'S3_NO_KEY' })
}

const text = primitive('STRING')
const headerList = arrayOf(
  struct([
    ['key', text],
    ['value', text],
  ]),
)
const headerRow = struct([['headers', headerList]], { name: 'RecordHeaders' })

/**
 * The headers of records, as texts. A record without headers has an empty list. @param enveloped whether each list is in a struct: in
 * JSON, as in Confluent's sink, and where the format has no other values.
 */
export function headerView(enveloped: boolean): RecordView {
  return {
    infix: headersInfix,
    schemaOf: () => (enveloped ? headerRow : headerList),
    valueOf: (record) => (enveloped ? [headersOf(record)] : headersOf(record)),
  }
}

function headersOf({ headers }: SinkRecord): ConnectValue {
  return headers.map(({ key, schema, value }) => {
    if (value === null)
      throw new DataError(`its header ${JSON.stringify(key)} has no value, and store.kafka.headers is true`, {
        code: 'S3_NULL_HEADER',
      })
    return [key, headerText(schema, value)]
  })
}
