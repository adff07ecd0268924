import {
  arrayOf,
  checkParts,
  Logical,
  mapOf,
  primitive,
  withOptions,
  type Field,
  type Schema,
  type SchemaType,
} from 'penstock/api'

import { mapNameOf, Names } from '../names.ts'
import type { ProtobufOptions } from '../protobuf-options.ts'
import {
  LogicalMessage,
  mapEntryOf,
  wrappedScalar,
  type ProtoEnum,
  type ProtoField,
  type ProtoMessage,
  type ProtoOneof,
  type Scalar,
} from '../proto-types.ts'
import { structMembers } from './struct-members.ts'

type Primitive = Exclude<SchemaType, 'ARRAY' | 'MAP' | 'STRUCT'>
type Mutable<T> = { -readonly [K in keyof T]: T[K] }

const types: Readonly<Record<Scalar, Primitive>> = {
  double: 'FLOAT64',
  float: 'FLOAT32',
  int32: 'INT32',
  int64: 'INT64',
  uint32: 'INT64',
  uint64: 'INT64',
  sint32: 'INT32',
  sint64: 'INT64',
  fixed32: 'INT64',
  fixed64: 'INT64',
  sfixed32: 'INT32',
  sfixed64: 'INT64',
  bool: 'BOOLEAN',
  string: 'STRING',
  bytes: 'BYTES',
}
/** The types whose Connect type stands for others too, without a parameter. */
const plain: ReadonlySet<Scalar> = new Set<Scalar>(['double', 'float', 'int32', 'int64', 'bool', 'string', 'bytes'])

/**
 * Returns the Connect schema of a message type: the one that Confluent's `ProtobufData` makes of it. Messages that contain themselves
 * do so here too.
 * @param version the version of the schema in its subject; null if it is unknown
 * @throws DataError if Connect cannot express it
 */
export function connectOfProto(message: ProtoMessage, options: ProtobufOptions, version: number | null): Schema {
  const scalar = options.wrapperForRawPrimitives ? wrappedScalar(message) : null
  const schema = scalar === null ? new ConnectBuilder(options).struct(message) : primitive(types[scalar])
  return { ...schema, version }
}

class ConnectBuilder {
  readonly #options: ProtobufOptions
  /** The struct of each message, also those that are not complete: a message may contain itself. */
  readonly #structs = new Map<ProtoMessage, Schema>()
  readonly #sizes = new Map<ProtoMessage, number>()

  constructor(options: ProtobufOptions) {
    this.#options = options
  }

  struct(message: ProtoMessage): Schema {
    const known = this.#structs.get(message)
    if (known !== undefined) return known
    checkParts(this.#size(message))
    const fields: Field[] = []
    const schema = structOf(this.#options.enhanced ? message.fullName : message.name, fields)
    this.#structs.set(message, schema)
    for (const member of structMembers(message, this.#options)) {
      const inner = member.kind === 'oneof' ? this.#union(member.oneof, message) : this.field(member.field)
      fields.push({ name: member.name, index: fields.length, schema: inner })
    }
    return schema
  }

  /** How many parts a message has where it is written out, with those that it uses several times. */
  #size(message: ProtoMessage): number {
    const known = this.#sizes.get(message)
    if (known !== undefined) return known
    // Of a message in itself.
    this.#sizes.set(message, 1)
    let size = 1
    for (const { type } of message.fields)
      size += typeof type === 'object' && type.kind === 'message' ? this.#size(type) : 1
    this.#sizes.set(message, size)
    return size
  }

  #union(oneof: ProtoOneof, message: ProtoMessage): Schema {
    const { generalized, enhanced } = this.#options
    const fields = oneof.fields.map((field, index) => ({ name: field.name, index, schema: this.field(field) }))
    const name = enhanced && !generalized ? `${message.fullName}.${oneof.name}` : oneof.name
    const schema = structOf(generalized ? name : `${Names.union}.${name}`, fields)
    return { ...schema, optional: true, parameters: generalized ? { [Names.generalizedUnion]: name } : null }
  }

  field(field: ProtoField): Schema {
    const entry = mapEntryOf(field)
    const single = entry === null ? this.#single(field) : this.#map(field, entry)
    const schema =
      field.label === 'repeated' && entry === null ? arrayOf({ ...single, optional: true }, { optional: true }) : single
    const parameters = { ...schema.parameters }
    if (field.oneof !== null && this.#options.wrapperForNullables && wrappedScalar(field.type) !== null)
      parameters[Names.wrapper] = 'true'
    parameters[Names.tag] = String(field.number)
    return { ...schema, optional: schema.optional || this.#isOptional(field), parameters }
  }

  #isOptional(field: ProtoField): boolean {
    const { optionalForNullables, wrapperForNullables } = this.#options
    if (field.oneof !== null) return true
    return optionalForNullables ? field.label === 'optional' : !wrapperForNullables
  }

  #single({ type, params }: ProtoField): Schema {
    if (typeof type === 'string') return scalarSchema(type, params)
    return type.kind === 'enum' ? this.#enum(type) : { ...this.#message(type, params), optional: true }
  }

  #enum({ name, fullName, values }: ProtoEnum): Schema {
    const { generalized, enhanced, intForEnums } = this.#options
    const parameter = generalized ? Names.generalizedEnum : Names.enum
    const symbols = [...values].map(([symbol, number]) => [`${parameter}.${symbol}`, String(number)] as const)
    return primitive(intForEnums ? 'INT32' : 'STRING', {
      name: enhanced ? fullName : name,
      optional: true,
      parameters: Object.fromEntries([[parameter, name], ...symbols]),
    })
  }

  #message(message: ProtoMessage, params: ProtoField['params']): Schema {
    const logical = { version: 1 }
    switch (message.fullName) {
      case LogicalMessage.decimal: {
        const precision = integerIn(params.get('precision'))
        const scale = String(integerIn(params.get('scale')) ?? 0)
        const parameters = precision === null ? { scale } : { scale, [Names.decimalPrecision]: String(precision) }
        return primitive('BYTES', { ...logical, name: Logical.decimal, parameters })
      }
      case LogicalMessage.date:
        return primitive('INT32', { ...logical, name: Logical.date })
      case LogicalMessage.time:
        return primitive('INT32', { ...logical, name: Logical.time })
      case LogicalMessage.timestamp:
        return primitive('INT64', { ...logical, name: Logical.timestamp })
      default: {
        const scalar = this.#options.wrapperForNullables ? wrappedScalar(message) : null
        return scalar === null ? this.struct(message) : primitive(types[scalar])
      }
    }
  }

  #map({ type }: ProtoField, [key, value]: readonly [ProtoField, ProtoField]): Schema {
    const { name, fullName } = type as ProtoMessage
    const options = { name: mapNameOf(this.#options.enhanced ? fullName : name), optional: true }
    return mapOf(this.field(key), this.field(value), options)
  }
}

function structOf(name: string, fields: readonly Field[]): Mutable<Schema> {
  return { ...withOptions(primitive('STRING'), { name }), type: 'STRUCT', fields }
}

function scalarSchema(type: Scalar, params: ProtoField['params']): Schema {
  const connect = types[type]
  if (connect === 'INT32') {
    const connectType = params.get(Names.connectType)
    if (connectType === 'int8') return primitive('INT8')
    if (connectType === 'int16') return primitive('INT16')
  }
  return primitive(connect, plain.has(type) ? {} : { parameters: { [Names.type]: type } })
}

function integerIn(text: string | undefined): number | null {
  const value = Number(text)
  return text !== undefined && /^[+-]?\d{1,9}$/.test(text) && Number.isInteger(value) ? value : null
}
