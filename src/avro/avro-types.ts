import type { Type, types } from 'avsc'

import { isJsonObject, type JsonObject, type JsonValue } from '../api/json/json-parse.ts'
import type { AvroSchema } from './parse-avro.ts'

/** A field of a record, with its JSON: avsc does not keep documentation, attributes, and the text of defaults. */
export interface AvroField {
  readonly name: string
  readonly type: Type
  readonly json: JsonObject
}

const none: JsonObject = {}

export function fieldsOf(avro: AvroSchema, record: Type): readonly AvroField[] {
  const listed = avro.attributes.get(record)?.['fields']
  const json = Array.isArray(listed) ? (listed as readonly JsonValue[]) : []
  return (record as types.RecordType).fields.map(({ name, type }, at) => {
    const own = json[at]
    return { name, type, json: isJsonObject(own) ? own : none }
  })
}

/** Returns the branches of a union; null for other types. */
export function branchesOf(type: Type): readonly Type[] | null {
  return type.typeName.startsWith('union') ? (type as types.WrappedUnionType).types : null
}

/** Returns the other type of a union of null and one type; null for other unions. */
export function nullableBranch(branches: readonly Type[]): Type | null {
  const others = branches.filter(({ typeName }) => typeName !== 'null')
  return branches.length === 2 && others.length === 1 ? (others[0] ?? null) : null
}

/** Returns the type of the items of an array, or of the values of a map. */
export function itemOf(type: Type): Type {
  return type.typeName === 'array' ? (type as types.ArrayType).itemsType : ((type as types.MapType).valuesType as Type)
}

export function symbolsOf(avro: AvroSchema, type: Type): readonly string[] {
  const listed = avro.attributes.get(type)?.['symbols']
  return Array.isArray(listed) ? (listed as readonly JsonValue[]).map(String) : []
}

export function fixedSizeOf(type: Type): number {
  return (type as types.FixedType).size
}
