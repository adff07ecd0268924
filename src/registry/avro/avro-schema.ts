import type { JsonNode } from '../json/json-node.ts'

export const primitiveTypes = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
export type PrimitiveType = (typeof primitiveTypes)[number]

/** Attributes that Avro has no meaning of its own for, in their order; `logicalType` is one of them. */
export type AvroProperties = ReadonlyMap<string, JsonNode>

export interface AvroPrimitive {
  readonly type: PrimitiveType
  readonly properties: AvroProperties
}

export interface AvroArray {
  readonly type: 'array'
  readonly items: AvroSchema
  readonly properties: AvroProperties
}

export interface AvroMap {
  readonly type: 'map'
  readonly values: AvroSchema
  readonly properties: AvroProperties
}

export interface AvroUnion {
  readonly type: 'union'
  readonly branches: readonly AvroSchema[]
}

/** What records, enums and fixed types share. Aliases are full names. */
interface Named {
  readonly name: string
  /** Null: the name has none. */
  readonly namespace: string | null
  readonly doc: string | null
  readonly aliases: readonly string[]
  readonly properties: AvroProperties
}

export interface AvroRecord extends Named {
  readonly type: 'record' | 'error'
  /** Filled once the fields are parsed: they may contain the record itself. */
  fields: readonly AvroField[]
}

export interface AvroEnum extends Named {
  readonly type: 'enum'
  readonly symbols: readonly string[]
  readonly defaultSymbol: string | null
}

export interface AvroFixed extends Named {
  readonly type: 'fixed'
  readonly size: number
}

export interface AvroField {
  readonly name: string
  readonly type: AvroSchema
  readonly doc: string | null
  /** Undefined: the field has none. */
  readonly defaultValue: JsonNode | undefined
  readonly order: 'ascending' | 'descending' | 'ignore'
  readonly aliases: readonly string[]
  readonly properties: AvroProperties
}

export type AvroNamed = AvroRecord | AvroEnum | AvroFixed
export type AvroSchema = AvroPrimitive | AvroArray | AvroMap | AvroUnion | AvroNamed

export function isNamed(schema: AvroSchema): schema is AvroNamed {
  return 'name' in schema
}

/** Errors of protocols are records. */
export function isRecord(schema: AvroSchema): schema is AvroRecord {
  return schema.type === 'record' || schema.type === 'error'
}

/** `namespace.name`; of other types the name of the type. */
export function fullName(schema: AvroSchema): string {
  if (!isNamed(schema)) return schema.type
  return schema.namespace === null ? schema.name : `${schema.namespace}.${schema.name}`
}
