import { DataError, keySchemaOf, Logical, valueSchemaOf, type Field, type Schema } from 'penstock/api'

import { enumParameter, isUnionSchema, mapEntryName, Names, parameterOf, protoName } from '../names.ts'
import type { ProtobufOptions } from '../protobuf-options.ts'
import { LogicalMessage } from '../proto-types.ts'
import { fileText, type MessageNode } from './proto-text.ts'
import { sameShape } from './same-shape.ts'
import { TagNumbers } from './tag-numbers.ts'
import { wrappersText } from './wrappers-text.ts'

const wrapperFile = 'google/protobuf/wrappers.proto'
/** The type of each Connect type, and its wrapper message. */
const scalars: Readonly<Record<string, readonly [type: string, wrapper: string]>> = {
  INT8: ['int32', 'google.protobuf.Int32Value'],
  INT16: ['int32', 'google.protobuf.Int32Value'],
  INT32: ['int32', 'google.protobuf.Int32Value'],
  INT64: ['int64', 'google.protobuf.Int64Value'],
  FLOAT32: ['float', 'google.protobuf.FloatValue'],
  FLOAT64: ['double', 'google.protobuf.DoubleValue'],
  BOOLEAN: ['bool', 'google.protobuf.BoolValue'],
  STRING: ['string', 'google.protobuf.StringValue'],
  BYTES: ['bytes', 'google.protobuf.BytesValue'],
}
/** The wrapper messages of values whose type is in the parameter `Type`. */
const unsigned: Readonly<Record<string, string>> = {
  uint32: 'google.protobuf.UInt32Value',
  fixed32: 'google.protobuf.UInt32Value',
  uint64: 'google.protobuf.UInt64Value',
  fixed64: 'google.protobuf.UInt64Value',
}
const logical = new Map<string | null, readonly [message: string, file: string]>([
  [Logical.decimal, [LogicalMessage.decimal, 'confluent/type/decimal.proto']],
  [Logical.date, [LogicalMessage.date, 'google/type/date.proto']],
  [Logical.time, [LogicalMessage.time, 'google/type/timeofday.proto']],
  [Logical.timestamp, [LogicalMessage.timestamp, 'google/protobuf/timestamp.proto']],
])

/** The full name of the wrapper message that is the schema of values of a primitive type; null for other types. */
export function wrapperOf({ type }: Schema): string | null {
  return scalars[type]?.[1] ?? null
}

/** Returns the full name of the message of a struct. @throws DataError if it is not allowed */
export function messageNameOf({ name }: Schema, options: ProtobufOptions): string {
  const fullName = name === null || name === '' ? `${Names.defaultMessage}1` : name
  const parts = fullName.replace(/\.+$/, '').split('.')
  return parts.map((part) => protoName(part, options)).join('.')
}

/**
 * Returns the Protobuf schema of a Connect schema as text: the one that Confluent's `ProtobufData` makes of it, and where that one
 * could not be used, because tags or names are there twice, one with other tags and names. A struct that contains itself refers to itself.
 * @throws DataError if Protobuf cannot express it
 */
export function protoOfConnect(schema: Schema, options: ProtobufOptions): string {
  const isLogical = logical.has(schema.name)
  if (wrapperOf(schema) !== null && !isLogical) return wrappersText
  if (schema.type === 'STRUCT' && !isUnionSchema(schema)) return new ProtoBuilder(options).file(schema)
  throw new DataError(
    `the schema of a Protobuf message is a struct or a primitive type, not ${isLogical ? schema.name : schema.type}: wrap it with the transform HoistField`,
    { code: 'PROTOBUF_ROOT_TYPE' },
  )
}

/** A message that is being built. */
interface OpenMessage {
  readonly node: MessageNode
  readonly fields: readonly Field[]
  /** The types that are defined in it. */
  readonly types: Map<string, Schema>
}

interface FieldForm {
  readonly isRepeated: boolean
  readonly inOneof: boolean
}

class ProtoBuilder {
  readonly #options: ProtobufOptions
  readonly #imports = new Set<string>()
  readonly #open: OpenMessage[] = []
  #unnamed = 0

  constructor(options: ProtobufOptions) {
    this.#options = options
  }

  file(schema: Schema): string {
    if (schema.name === null || schema.name === '') this.#unnamed += 1
    const fullName = messageNameOf(schema, this.#options)
    const dot = fullName.lastIndexOf('.')
    const message = this.#message(fullName.slice(dot + 1), schema)
    return fileText({ packageName: dot < 0 ? null : fullName.slice(0, dot), imports: [...this.#imports], message })
  }

  #message(name: string, { fields }: Schema): MessageNode {
    const node: MessageNode = { name, fields: [], oneofs: [], messages: [], enums: [] }
    const open: OpenMessage = { node, fields, types: new Map() }
    this.#open.push(open)
    const tags = new TagNumbers(fields, isUnionSchema)
    for (const field of fields) {
      const { schema } = field
      if (isUnionSchema(schema)) {
        // Confluent's converter counts the struct too.
        tags.of(schema)
        const members = schema.fields.map((member) => this.#field(member, tags.of(member.schema), open, true))
        node.oneofs.push({ name: this.#oneofName(schema), fields: members })
      } else node.fields.push(this.#field(field, tags.of(schema), open, false))
    }
    this.#open.pop()
    return node
  }

  #oneofName({ name, parameters }: Schema): string {
    const generalized = parameterOf(parameters, Names.generalizedUnion)
    return this.#unqualified(generalized ?? name?.slice(Names.union.length + 1) ?? null)
  }

  #field(field: Field, tag: number, message: OpenMessage, inOneof: boolean): string {
    return this.#line({ ...field, name: protoName(field.name, this.#options) }, tag, message, inOneof)
  }

  #line({ name, schema }: Pick<Field, 'name' | 'schema'>, tag: number, message: OpenMessage, inOneof: boolean): string {
    const isRepeated = schema.type === 'ARRAY'
    const item = isRepeated ? valueSchemaOf(schema) : schema
    if (isRepeated && (item.type === 'ARRAY' || item.type === 'MAP'))
      throw new DataError(
        `Array cannot be nested: "${name}" is an array of ${item.type}, which Protobuf cannot express`,
        {
          code: 'PROTOBUF_NESTED_ARRAY',
        },
      )
    if (inOneof && (isRepeated || item.type === 'MAP' || isUnionSchema(item)))
      throw new DataError(`"${name}" is ${schema.type} in a union, which a oneof of Protobuf cannot express`)
    const type = this.#type(item, name, message, { isRepeated, inOneof })
    const isOptional = this.#options.optionalForNullables && schema.optional && !inOneof
    const label = isRepeated || item.type === 'MAP' ? 'repeated ' : isOptional ? 'optional ' : ''
    return `${label}${type} ${name} = ${tag}${paramsText(paramsOf(item))};`
  }

  #type(schema: Schema, fieldName: string, message: OpenMessage, form: FieldForm): string {
    const known = logical.get(schema.name)
    if (known !== undefined) {
      this.#imports.add(known[1])
      return known[0]
    }
    const parameter = enumParameter(schema)
    if (parameter !== null) return this.#enum(schema, parameter, message)
    switch (schema.type) {
      case 'STRUCT':
        return this.#struct(schema, fieldName, message)
      case 'MAP':
        return this.#map(schema, message)
      default:
        return this.#scalar(schema, form)
    }
  }

  #scalar(schema: Schema, { inOneof }: FieldForm): string {
    const [plain, wrapper] = scalars[schema.type] ?? ['', '']
    const isInteger = schema.type === 'INT32' || schema.type === 'INT64'
    const type = (isInteger ? parameterOf(schema.parameters, Names.type) : null) ?? plain
    const isWrapped = !inOneof || parameterOf(schema.parameters, Names.wrapper) === 'true'
    if (!this.#options.wrapperForNullables || !schema.optional || !isWrapped) return type
    this.#imports.add(wrapperFile)
    return schema.type === 'INT64' && Object.hasOwn(unsigned, type) ? (unsigned[type] ?? wrapper) : wrapper
  }

  #struct(schema: Schema, fieldName: string, message: OpenMessage): string {
    if (isUnionSchema(schema))
      throw new DataError(`"${fieldName}" is a union in an array or a map, which Protobuf cannot express`)
    const unqualified = this.#unqualified(schema.name)
    // A message and a field in one message cannot have the same name.
    const type = unqualified === fieldName ? `${unqualified}Message` : unqualified
    if (this.#isOpen(type, schema) || this.#isDefined(type, schema, message)) return type
    message.types.set(type, schema)
    message.node.messages.push(this.#message(type, schema))
    return type
  }

  /** Returns whether a struct is one of those around it, and its name means that one there. */
  #isOpen(type: string, { fields }: Schema): boolean {
    const at = this.#open.findLastIndex((open) => open.fields === fields)
    if (at < 0) return false
    const hidden = this.#open.slice(at).some(({ types }) => types.has(type) && types.get(type)?.fields !== fields)
    if (!hidden && this.#open[at]?.node.name === type) return true
    throw new DataError(`the struct "${type}" contains itself, and another struct of this name: rename one of them`)
  }

  #isDefined(type: string, schema: Schema, { types }: OpenMessage): boolean {
    const known = types.get(type)
    if (known === undefined) return false
    if (sameShape(known, schema)) return true
    throw new DataError(
      `two different schemas in one struct have the Protobuf name "${type}": rename one of them, such as with the transform SetSchemaMetadata`,
      { code: 'PROTOBUF_NAME_TWICE' },
    )
  }

  #map(schema: Schema, message: OpenMessage): string {
    const type = mapEntryName(this.#unqualified(schema.name))
    if (this.#isDefined(type, schema, message)) return type
    message.types.set(type, schema)
    const node: MessageNode = { name: type, fields: [], oneofs: [], messages: [], enums: [] }
    const open: OpenMessage = { node, fields: [], types: new Map() }
    this.#open.push(open)
    for (const [name, tag, inner] of [
      ['key', 1, keySchemaOf(schema)],
      ['value', 2, valueSchemaOf(schema)],
    ] as const)
      // Without the keyword `optional`, as protoc has entries.
      node.fields.push(this.#line({ name, schema: inner }, tag, open, false).replace(/^optional /, ''))
    this.#open.pop()
    message.node.messages.push(node)
    return type
  }

  #enum(schema: Schema, parameter: string, message: OpenMessage): string {
    const name = this.#unqualified(parameterOf(schema.parameters, parameter) || schema.name)
    if (this.#isDefined(name, schema, message)) return name
    const prefix = `${parameter}.`
    const symbols = Object.entries(schema.parameters ?? {}).flatMap(([key, value]) => {
      if (!key.startsWith(prefix)) return []
      const number = /^-?\d+$/.test(value) ? Number(value) : NaN
      if (Number.isInteger(number)) return [`${protoName(key.slice(prefix.length), this.#options)} = ${number};`]
      throw new DataError(`the symbol "${key}" of an enum has the number "${value}", which is none`)
    })
    message.types.set(name, schema)
    message.node.enums.push({ name, symbols })
    return name
  }

  #unqualified(name: string | null): string {
    if (name === null || name === '') {
      this.#unnamed += 1
      return `${Names.defaultMessage}${this.#unnamed}`
    }
    return protoName(name.slice(name.lastIndexOf('.') + 1), this.#options)
  }
}

/** The parameters of `confluent.field_meta`. */
function paramsOf({ type, name, parameters }: Schema): readonly (readonly [key: string, value: string])[] {
  if (name === Logical.decimal) {
    const [precision, scale] = [parameterOf(parameters, Names.decimalPrecision), parameterOf(parameters, 'scale')]
    return [
      ...(precision === null ? [] : [['precision', precision] as const]),
      ...(scale === null ? [] : [['scale', scale] as const]),
    ]
  }
  return type === 'INT8' || type === 'INT16' ? [[Names.connectType, type.toLowerCase()]] : []
}

/** The value of a decimal's parameter comes first, as in Confluent's schemas. */
function paramsText(params: readonly (readonly [key: string, value: string])[]): string {
  if (params.length === 0) return ''
  const entries = params.map(([key, value]) => {
    const [keyLine, valueLine] = [`key: ${JSON.stringify(key)}`, `value: ${JSON.stringify(value)}`]
    const lines = key === Names.connectType ? [keyLine, valueLine] : [valueLine, keyLine]
    return `    {\n      ${lines.join(',\n      ')}\n    }`
  })
  return ` [(confluent.field_meta) = {\n  params: [\n${entries.join(',\n')}\n  ]\n}]`
}
