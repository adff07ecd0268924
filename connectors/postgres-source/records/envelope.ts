import { primitive, struct, type Schema } from 'penstock/api'

const optionalInt64 = primitive('INT64', { optional: true })
const string = primitive('STRING')

/** Where a change comes from: the `source` block, in Debezium's order of fields. */
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

/** Always null: transaction metadata is not served. */
export const transactionSchema = struct(
  [
    ['id', string],
    ['total_order', primitive('INT64')],
    ['data_collection_order', primitive('INT64')],
  ],
  { optional: true, name: 'event.block', version: 1 },
)

/** The envelope around a table's rows. `row` is the optional struct of a row. */
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

/** A schema's full name made legal for Avro, as the mode says; dots separate parts and stay. */
export function adjustName(name: string, mode: NameAdjustment): string {
  if (mode === 'none') return name
  return name
    .split('.')
    .map((part) => adjustPart(part, mode))
    .join('.')
}

/** One identifier made legal for Avro. A leading digit stays, behind an underscore. */
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

/** A topic's name with what Kafka does not allow replaced by `_`. */
export function topicName(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 249)
}
