/** A type of Protobuf that is no message and no enum. */
export type Scalar =
  | 'double'
  | 'float'
  | 'int32'
  | 'int64'
  | 'uint32'
  | 'uint64'
  | 'sint32'
  | 'sint64'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed32'
  | 'sfixed64'
  | 'bool'
  | 'string'
  | 'bytes'

export interface ProtoEnum {
  readonly kind: 'enum'
  readonly name: string
  readonly fullName: string
  /** Numbers of the symbols, in the order of the schema. */
  readonly values: ReadonlyMap<string, number>
  /** Whether it may have numbers without symbol, as in proto3. */
  readonly isOpen: boolean
}

/** `implicit`: a value that is zero or empty is not written, and cannot be told from a missing one. */
export type Label = 'optional' | 'required' | 'repeated' | 'implicit'

export interface ProtoField {
  readonly name: string
  readonly number: number
  readonly label: Label
  readonly type: Scalar | ProtoEnum | ProtoMessage
  /** Whether the keyword `optional` is that of proto2. */
  readonly isProto2: boolean
  /** Whether the message is between two tags, instead of after its length. */
  readonly isGroup: boolean
  /** Whether repeated numbers are written as one run of bytes. */
  readonly isPacked: boolean
  readonly oneof: ProtoOneof | null
  /** The parameters of the option `confluent.field_meta`. */
  readonly params: ReadonlyMap<string, string>
  /** The default of a field of proto2 as the parser has it; undefined if it has none. */
  readonly defaultValue: unknown
}

export interface ProtoOneof {
  readonly name: string
  /** Where it is among the oneofs of its message. */
  readonly index: number
  readonly fields: readonly ProtoField[]
}

export interface ProtoMessage {
  readonly kind: 'message'
  readonly name: string
  readonly fullName: string
  /** In the order of the schema. */
  readonly fields: readonly ProtoField[]
  readonly oneofs: readonly ProtoOneof[]
  /** The messages that are defined in it, in their order: a message index counts them. */
  readonly nested: readonly ProtoMessage[]
}

/** A Protobuf schema, and the message type in it that is meant. */
export interface ProtobufSchema {
  /** The outermost message types of the file. */
  readonly messages: readonly ProtoMessage[]
  readonly message: ProtoMessage
  /** Where the message type is: its index in the file, then in the message around it. */
  readonly indexes: readonly number[]
}

/** The types with one field `value`, which hold a value that may be missing. */
const wrappers: ReadonlyMap<string, Scalar> = new Map([
  ['google.protobuf.DoubleValue', 'double'],
  ['google.protobuf.FloatValue', 'float'],
  ['google.protobuf.Int64Value', 'int64'],
  ['google.protobuf.UInt64Value', 'uint64'],
  ['google.protobuf.Int32Value', 'int32'],
  ['google.protobuf.UInt32Value', 'uint32'],
  ['google.protobuf.BoolValue', 'bool'],
  ['google.protobuf.StringValue', 'string'],
  ['google.protobuf.BytesValue', 'bytes'],
])

/** Returns the type of the value in a wrapper message; null for other types. */
export function wrappedScalar(type: ProtoField['type']): Scalar | null {
  return typeof type === 'object' && type.kind === 'message' ? (wrappers.get(type.fullName) ?? null) : null
}

/** Names of the messages that hold Connect's logical types. */
export const LogicalMessage = {
  decimal: 'confluent.type.Decimal',
  date: 'google.type.Date',
  time: 'google.type.TimeOfDay',
  timestamp: 'google.protobuf.Timestamp',
} as const

/** Returns the key and the value of the entries of a map; null if a field is none. Maps are known by their form, as to Confluent. */
export function mapEntryOf({ label, type }: ProtoField): readonly [key: ProtoField, value: ProtoField] | null {
  if (label !== 'repeated' || typeof type === 'string' || type.kind !== 'message') return null
  const [key, value] = type.fields
  if (!type.name.endsWith('Entry') || type.fields.length !== 2 || key?.name !== 'key' || value?.name !== 'value')
    return null
  return key.label === 'repeated' || value.label === 'repeated' ? null : [key, value]
}
