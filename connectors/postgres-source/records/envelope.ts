import { primitive, struct, type Schema } from 'penstock/api'

const optionalInt64 = primitive('INT64', { optional: true })
const string = primitive('STRING')

/** The `source` block: where a change comes from, in Debezium's order of fields. */
export const sourceSchema = struct(
  [
    ['version', string],
    ['connector', string],
    ['name', string],
    ['ts_ms', primitive('INT64')],
    [
      'snapshot',
      primitive('STRING', {
        optional: true,
        name: 'io.debezium.data.Enum',
        version: 1,
        parameters: { allowed: 'true,first,first_in_data_collection,last_in_data_collection,last,false,incremental' },
        defaultValue: 'false',
      }),
    ],
    ['db', string],
    ['sequence', primitive('STRING', { optional: true })],
    ['ts_us', optionalInt64],
    ['ts_ns', optionalInt64],
    ['schema', string],
    ['table', string],
    ['txId', optionalInt64],
    ['lsn', optionalInt64],
    ['xmin', optionalInt64],
  ],
  { name: 'io.debezium.connector.postgresql.Source', version: 1 },
)

/** Always null: transaction metadata is not supported. */
export const transactionSchema = struct(
  [
    ['id', string],
    ['total_order', primitive('INT64')],
    ['data_collection_order', primitive('INT64')],
  ],
  { optional: true, name: 'event.block', version: 1 },
)

/** The envelope schema of a table. `row` is the optional struct of a row. */
export function envelopeSchema(row: Schema, name: string): Schema {
  return struct(
    [
      ['before', row],
      ['after', row],
      ['source', sourceSchema],
      ['transaction', transactionSchema],
      ['op', string],
      ['ts_ms', optionalInt64],
      ['ts_us', optionalInt64],
      ['ts_ns', optionalInt64],
    ],
    { name, version: 2 },
  )
}

/** `schema.name.adjustment.mode` and `field.name.adjustment.mode`. */
export type NameAdjustment = 'none' | 'avro' | 'avro_unicode'

/** Makes a schema's full name valid in Avro. Dots separate the parts and stay. */
export function adjustName(name: string, mode: NameAdjustment): string {
  if (mode === 'none') return name
  return name
    .split('.')
    .map((part) => adjustPart(part, mode))
    .join('.')
}

/** Makes one identifier valid in Avro. A leading digit stays, after an underscore. */
export function adjustPart(part: string, mode: NameAdjustment): string {
  if (mode === 'none') return part
  if (mode === 'avro' && /^\d/.test(part)) return adjustPart(`_${part}`, mode)
  const legal = Array.from(part, (character, i) => {
    const valid = i === 0 ? /[A-Za-z_]/.test(character) : /[A-Za-z0-9_]/.test(character)
    if (mode === 'avro') return valid ? character : '_'
    return valid && character !== '_' ? character : unicodeEscape(character)
  })
  return legal.join('')
}

function unicodeEscape(character: string): string {
  return Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
    .map((code) => `_u${code.toString(16).padStart(4, '0')}`)
    .join('')
}

/** Replaces the characters that Kafka does not allow in a topic name by `_`. */
export function topicName(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 249)
}
