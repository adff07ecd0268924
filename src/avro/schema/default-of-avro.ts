import type { Type } from 'avsc'

import { decimalFromBytes } from '../../api/decimal.ts'
import { isJsonObject, type JsonValue } from '../../api/json/json-parse.ts'
import { Logical, type ConnectValue, type Schema } from '../../api/schema.ts'
import { branchesOf, fieldsOf, itemOf } from '../avro-types.ts'
import { isUnionSchema } from '../names.ts'
import type { AvroSchema } from '../parse-avro.ts'

/** Returns a default in JSON as a value of the schema; undefined if it is none of its type, which Confluent's converter ignores. */
export function defaultOfAvro(
  avro: AvroSchema,
  type: Type,
  schema: Schema,
  json: JsonValue | undefined,
): ConnectValue | undefined {
  if (json === null || json === undefined) return null
  const branches = branchesOf(type)
  const [first] = branches ?? []
  if (first !== undefined) return ofUnion(avro, first, schema, json)
  switch (schema.type) {
    case 'BOOLEAN':
      return typeof json === 'boolean' ? json : undefined
    case 'INT8':
    case 'INT16':
    case 'INT32':
      return typeof json === 'number' && Number.isInteger(json) ? json : undefined
    case 'INT64':
      return typeof json === 'bigint' || (typeof json === 'number' && Number.isInteger(json)) ? json : undefined
    case 'FLOAT32':
    case 'FLOAT64':
      return floating(json)
    case 'STRING':
      return typeof json === 'string' ? json : undefined
    case 'BYTES':
      return bytes(schema, json)
    default:
      return compound(avro, type, schema, json)
  }
}

/** A default is a value of the first branch. */
function ofUnion(avro: AvroSchema, first: Type, schema: Schema, json: JsonValue): ConnectValue | undefined {
  if (first.typeName === 'null') return null
  if (!isUnionSchema(schema)) return defaultOfAvro(avro, first, schema, json)
  return complete(schema.fields.map((field, at) => (at === 0 ? defaultOfAvro(avro, first, field.schema, json) : null)))
}

function floating(json: JsonValue): number | undefined {
  if (json === 'NaN' || json === 'Infinity' || json === '-Infinity') return Number(json)
  return typeof json === 'number' || typeof json === 'bigint' ? Number(json) : undefined
}

function bytes(schema: Schema, json: JsonValue): ConnectValue | undefined {
  if (typeof json !== 'string') return undefined
  const raw = Buffer.from(json, 'latin1')
  return schema.name === Logical.decimal ? decimalFromBytes(raw, Number(schema.parameters?.['scale'] ?? 0)) : raw
}

function compound(avro: AvroSchema, type: Type, schema: Schema, json: JsonValue): ConnectValue | undefined {
  const { valueSchema } = schema
  if (schema.type === 'STRUCT') return structOf(avro, type, schema, json)
  if (valueSchema === null) return undefined
  if (schema.type === 'ARRAY') {
    if (!Array.isArray(json)) return undefined
    return complete((json as readonly JsonValue[]).map((item) => defaultOfAvro(avro, itemOf(type), valueSchema, item)))
  }
  if (type.typeName !== 'map' || !isJsonObject(json)) return undefined
  const values = complete(Object.values(json).map((item) => defaultOfAvro(avro, itemOf(type), valueSchema, item)))
  return values === undefined ? undefined : new Map(Object.keys(json).map((key, at) => [key, values[at] ?? null]))
}

function structOf(avro: AvroSchema, type: Type, schema: Schema, json: JsonValue): ConnectValue | undefined {
  if (!isJsonObject(json)) return undefined
  const fields = fieldsOf(avro, type)
  return complete(
    schema.fields.map(({ name, schema: inner }, at) => {
      const field = fields[at]
      if (field === undefined) return undefined
      return defaultOfAvro(avro, field.type, inner, Object.hasOwn(json, name) ? json[name] : field.json['default'])
    }),
  )
}

function complete(values: readonly (ConnectValue | undefined)[]): readonly ConnectValue[] | undefined {
  return values.every((value) => value !== undefined) ? values : undefined
}
