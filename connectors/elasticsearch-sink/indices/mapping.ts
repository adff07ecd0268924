import type { estypes } from '@elastic/elasticsearch'
import type { Schema } from 'penstock/api'
import { semanticOf } from '../document/semantic.ts'

/** The mapping of one field. */
export type Mapping = estypes.MappingProperty
/** Mappings by field name. */
export type Properties = Record<estypes.PropertyName, Mapping>

// A value outside the range of the type (a numeric of 400 digits, the year 20000) does not fail the document: the field is
// stored, and listed in `_ignored` instead of being searchable.
const lenient = { ignore_malformed: true } as const

const text: Mapping = { type: 'text', fields: { keyword: { type: 'keyword', ignore_above: 256 } } }
const date: Mapping = { type: 'date', ...lenient }

/**
 * Returns the mapping of a value of this schema. Connect's types map as in Confluent's sink; with `exact`, Debezium's temporal
 * types are dates too, and its UUIDs and enums are keywords.
 */
export function mappingOf(schema: Schema, exact: boolean): Mapping {
  const semantic = exact ? semanticOf(schema.name) : undefined
  switch (semantic?.kind) {
    case 'decimal':
    case 'variable-decimal':
      return { type: 'double', ...lenient }
    case 'date':
    case 'timestamp':
    case 'iso-date':
    case 'iso-timestamp':
      return date
    case 'time':
    case 'word':
      return { type: 'keyword' }
    default:
      return plainMapping(schema, exact)
  }
}

/** `properties` of a STRUCT: a mapping by field name. */
export function propertiesOf(schema: Schema, exact: boolean): Properties {
  return Object.fromEntries(schema.fields.map((field) => [field.name, mappingOf(field.schema, exact)]))
}

function plainMapping(schema: Schema, exact: boolean): Mapping {
  const raw = exact ? null : rawLogical(schema)
  if (raw !== null) return raw
  switch (schema.type) {
    case 'STRUCT':
      return { properties: propertiesOf(schema, exact) }
    case 'ARRAY':
      return schema.valueSchema === null ? {} : mappingOf(schema.valueSchema, exact)
    case 'MAP':
      return mapMapping(schema, exact)
    case 'BYTES':
      return { type: 'binary' }
    case 'STRING':
      return text
    case 'BOOLEAN':
      return { type: 'boolean' }
    case 'INT8':
      return { type: 'byte' }
    case 'INT16':
      return { type: 'short' }
    case 'INT32':
      return { type: 'integer' }
    case 'INT64':
      return { type: 'long' }
    // NaN and infinity are legal in Postgres; the type cannot index them.
    case 'FLOAT32':
      return { type: 'float', ...lenient }
    case 'FLOAT64':
      return { type: 'double', ...lenient }
  }
}

/** A map with string keys is an object whose fields are not known beforehand; others are arrays of key and value. */
function mapMapping(schema: Schema, exact: boolean): Mapping {
  if (exact && schema.keySchema?.type === 'STRING') return { type: 'object' }
  return {
    properties: {
      key: schema.keySchema === null ? {} : mappingOf(schema.keySchema, exact),
      value: schema.valueSchema === null ? {} : mappingOf(schema.valueSchema, exact),
    },
  }
}

function rawLogical(schema: Schema): Mapping | null {
  switch (schema.name) {
    case 'org.apache.kafka.connect.data.Date':
    case 'org.apache.kafka.connect.data.Time':
    case 'org.apache.kafka.connect.data.Timestamp':
      return { type: 'date' }
    case 'org.apache.kafka.connect.data.Decimal':
      return { type: 'double' }
    default:
      return null
  }
}
