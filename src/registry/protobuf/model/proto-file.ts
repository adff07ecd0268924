/** A `.proto` file, with everything that its text has but comments and places. */
export interface ProtoFile {
  /** Null: the text has none, which is proto2. */
  readonly syntax: 'proto2' | 'proto3' | null
  readonly packageName: string | null
  readonly imports: readonly string[]
  readonly publicImports: readonly string[]
  readonly weakImports: readonly string[]
  readonly options: readonly ProtoOption[]
  /** In their order: the data of a message names its type by the place among the messages. */
  readonly types: readonly ProtoType[]
  readonly extends: readonly ProtoExtend[]
  readonly services: readonly ProtoService[]
}

export type ProtoType = ProtoMessage | ProtoEnum

export interface ProtoMessage {
  readonly kind: 'message'
  readonly name: string
  readonly reserved: readonly ProtoRanges[]
  readonly options: readonly ProtoOption[]
  readonly fields: readonly ProtoField[]
  readonly oneofs: readonly ProtoOneof[]
  readonly groups: readonly ProtoGroup[]
  readonly extensions: readonly ProtoExtensions[]
  readonly extends: readonly ProtoExtend[]
  readonly types: readonly ProtoType[]
}

export interface ProtoEnum {
  readonly kind: 'enum'
  readonly name: string
  readonly reserved: readonly ProtoRanges[]
  readonly options: readonly ProtoOption[]
  readonly constants: readonly ProtoConstant[]
}

export interface ProtoConstant {
  readonly name: string
  readonly number: number
  readonly options: readonly ProtoOption[]
}

export type ProtoLabel = 'required' | 'optional' | 'repeated'

export interface ProtoField {
  readonly label: ProtoLabel | null
  /** As written: a scalar, a name, or `map<key, value>` with this one blank. */
  readonly type: string
  readonly name: string
  readonly number: number
  readonly defaultValue: string | null
  readonly jsonName: string | null
  readonly options: readonly ProtoOption[]
}

export interface ProtoOneof {
  readonly name: string
  readonly options: readonly ProtoOption[]
  readonly fields: readonly ProtoField[]
  readonly groups: readonly ProtoGroup[]
}

export interface ProtoGroup {
  readonly label: ProtoLabel | null
  readonly name: string
  readonly number: number
  readonly fields: readonly ProtoField[]
}

/** A name, a number, or the first and the last number of a range. */
export type ProtoRange = string | number | readonly [number, number]

/** One statement: `reserved 1, 3 to 5, "name"`. */
export interface ProtoRanges {
  readonly values: readonly ProtoRange[]
}

export interface ProtoExtensions extends ProtoRanges {
  readonly options: readonly ProtoOption[]
}

export interface ProtoExtend {
  /** The message that is extended, as written. */
  readonly name: string
  readonly fields: readonly ProtoField[]
}

export interface ProtoService {
  readonly name: string
  readonly options: readonly ProtoOption[]
  readonly rpcs: readonly ProtoRpc[]
}

export interface ProtoRpc {
  readonly name: string
  readonly requestType: string
  readonly requestStreaming: boolean
  readonly responseType: string
  readonly responseStreaming: boolean
  readonly options: readonly ProtoOption[]
}

/** `name = value`, or `(name) = value` of an extension. */
export interface ProtoOption {
  readonly name: string
  readonly isExtension: boolean
  readonly value: OptionValue
}

export type OptionValue =
  | { readonly kind: 'string'; readonly text: string }
  /** As written. */
  | { readonly kind: 'boolean' | 'number' | 'enum'; readonly text: string }
  | { readonly kind: 'list'; readonly items: readonly OptionValue[] }
  | { readonly kind: 'map'; readonly entries: ReadonlyMap<string, OptionValue> }
  /** Of `(name).part = value`: the option `part`. */
  | { readonly kind: 'part'; readonly option: ProtoOption }

/** The greatest number of a field: `max`. */
export const maxFieldNumber = 536_870_911

const scalars: ReadonlySet<string> = new Set([
  'double',
  'float',
  'int32',
  'int64',
  'uint32',
  'uint64',
  'sint32',
  'sint64',
  'fixed32',
  'fixed64',
  'sfixed32',
  'sfixed64',
  'bool',
  'string',
  'bytes',
])

export function isScalar(type: string): boolean {
  return scalars.has(type)
}

/** Whether the keys of a map can have the type. */
export function isKeyType(type: string): boolean {
  return isScalar(type) && type !== 'bytes' && type !== 'double' && type !== 'float'
}

/** The types of the keys and the values of a map type; null of another type. */
export function mapTypes(type: string): { readonly key: string; readonly value: string } | null {
  const [, key, value] = /^map<([^,]*), (.*)>$/.exec(type) ?? []
  return key === undefined || value === undefined ? null : { key, value }
}
