import { JsonNumber, sorted, type JsonNode } from '../json/json-node.ts'
import { isNamed, isRecord, type AvroField, type AvroProperties, type AvroSchema } from './avro-schema.ts'

/**
 * Returns the schema in which what has no meaning has one order: properties and aliases are sorted, empty docs are left out,
 * defaults of float and double have a fraction. Schemas that differ in nothing else have the same text (`normalize=true`).
 */
export function normalAvro(schema: AvroSchema): AvroSchema {
  return normal(schema, new Map())
}

function normal(schema: AvroSchema, done: Map<AvroSchema, AvroSchema>): AvroSchema {
  const known = done.get(schema)
  if (known !== undefined) return known
  if (schema.type === 'union') return { type: 'union', branches: schema.branches.map((branch) => normal(branch, done)) }
  const properties = normalProperties(schema)
  if (schema.type === 'array') return { ...schema, items: normal(schema.items, done), properties }
  if (schema.type === 'map') return { ...schema, values: normal(schema.values, done), properties }
  if (!isNamed(schema)) return { ...schema, properties }
  const doc = schema.doc === '' ? null : schema.doc
  const result = { ...schema, doc, aliases: schema.aliases.toSorted(), properties }
  done.set(schema, result)
  if (isRecord(result)) result.fields = result.fields.map((field) => normalField(field, done))
  return result
}

function normalField(field: AvroField, done: Map<AvroSchema, AvroSchema>): AvroField {
  return {
    ...field,
    type: normal(field.type, done),
    aliases: field.aliases.toSorted(),
    defaultValue: field.defaultValue === undefined ? undefined : normalDefault(field.defaultValue, field.type),
    properties: sortedProperties(field.properties),
  }
}

/** A default is a value of its type; that of a union is one of its first branch. */
function normalDefault(value: JsonNode, schema: AvroSchema): JsonNode {
  if (schema.type === 'union')
    return schema.branches[0] === undefined ? value : normalDefault(value, schema.branches[0])
  const isDecimal = schema.type === 'float' || schema.type === 'double'
  if (isDecimal && value instanceof JsonNumber && value.isInteger) return new JsonNumber(`${value.text}.0`)
  return sorted(value)
}

function sortedProperties(properties: AvroProperties): AvroProperties {
  return sorted(properties) as AvroProperties
}

/** A valid logical type comes first, with its precision and scale. */
function normalProperties(schema: Exclude<AvroSchema, { readonly type: 'union' }>): AvroProperties {
  const { properties } = schema
  const all = sortedProperties(properties)
  const logicalType = properties.get('logicalType')
  if (typeof logicalType !== 'string' || !isValid(logicalType, schema)) return all
  const isScaled = properties.get('scale') instanceof JsonNumber && numberOf(properties, 'scale') !== 0
  const first =
    logicalType === 'decimal' ? ['logicalType', 'precision', ...(isScaled ? ['scale'] : [])] : ['logicalType']
  const keys = [...first, ...[...all.keys()].filter((key) => !first.includes(key))]
  return new Map(keys.map((key) => [key, all.get(key) ?? null]))
}

const logicalTypes: Readonly<Record<string, readonly AvroSchema['type'][]>> = {
  'big-decimal': ['bytes'],
  uuid: ['string', 'fixed'],
  date: ['int'],
  'time-millis': ['int'],
  'time-micros': ['long'],
  'timestamp-millis': ['long'],
  'timestamp-micros': ['long'],
  'timestamp-nanos': ['long'],
  'local-timestamp-millis': ['long'],
  'local-timestamp-micros': ['long'],
  'local-timestamp-nanos': ['long'],
}

function isValid(logicalType: string, schema: Exclude<AvroSchema, { readonly type: 'union' }>): boolean {
  if (logicalType === 'decimal') return isValidDecimal(schema)
  const isListed = Object.hasOwn(logicalTypes, logicalType) && logicalTypes[logicalType]?.includes(schema.type) === true
  return isListed && (schema.type !== 'fixed' || schema.size === 16)
}

function isValidDecimal(schema: Exclude<AvroSchema, { readonly type: 'union' }>): boolean {
  if (schema.type !== 'bytes' && schema.type !== 'fixed') return false
  const precision = numberOf(schema.properties, 'precision')
  const scale = schema.properties.has('scale') ? numberOf(schema.properties, 'scale') : 0
  const most = schema.type === 'fixed' ? Math.floor(Math.log10(2) * (8 * schema.size - 1)) : 0x7fff_ffff
  return precision > 0 && precision <= most && scale >= 0 && scale <= precision
}

/** NaN when it is no integer: comparisons with it fail. */
function numberOf(properties: AvroProperties, key: string): number {
  const value = properties.get(key)
  return value instanceof JsonNumber && value.isInteger ? Number(value.text) : Number.NaN
}
