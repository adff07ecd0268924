import {
  atPath,
  DataError,
  isArray,
  isMap,
  keySchemaOf,
  misfit,
  valueSchemaOf,
  type ByteSink,
  type ConnectValue,
  type Field,
  type Schema,
} from 'penstock/api'

import { isUnionSchema, protoName } from '../names.ts'
import type { ProtobufOptions } from '../protobuf-options.ts'
import { wrappedScalar, type ProtoField, type ProtoMessage, type Scalar } from '../proto-types.ts'
import { beginDelimited, endDelimited, writeUnsigned } from './proto-bytes.ts'
import { logicalWriter } from './logical-writers.ts'
import { enumWriter, scalarWriter, unlike, zeroTest, type ProtoWriter } from './scalar-writers.ts'
import { tagOf, Wire, wireOf } from './wire.ts'

/** Writes the value of a struct's field, with its tag; nothing for null. */
type FieldWriter = (sink: ByteSink, value: ConnectValue) => void

/** A writer for a field of the message, and where its value is in the struct. */
interface Part {
  readonly number: number
  readonly index: number
  readonly write: FieldWriter
}

/**
 * Compiles the writer of values of a Connect schema as a message; fields are matched by their names.
 * @throws DataError if the message cannot hold them
 */
export function protoWriter(message: ProtoMessage, schema: Schema, options: ProtobufOptions): ProtoWriter {
  const compiler = new WriterCompiler(options)
  const scalar = wrappedScalar(message)
  if (schema.type !== 'STRUCT' && scalar !== null) return compiler.wrapped(scalar, schema, '')
  return compiler.message(message, schema, '')
}

class WriterCompiler {
  readonly #options: ProtobufOptions
  /** Writers of structs in messages, also those that are being compiled: a struct may contain itself. */
  readonly #open = new Map<ProtoMessage, readonly { readonly fields: readonly Field[]; write: ProtoWriter }[]>()

  constructor(options: ProtobufOptions) {
    this.#options = options
  }

  /** The value in a wrapper message, without the length of the message. */
  wrapped(scalar: Scalar, schema: Schema, path: string): ProtoWriter {
    const write = scalarWriter(scalar, schema, path)
    const isZero = zeroTest(schema, scalar)
    const tag = tagOf(1, wireOf(scalar))
    return (sink, value) => {
      if (isZero(value)) return
      writeUnsigned(sink, tag)
      write(sink, value)
    }
  }

  /** A struct as a message, without its length. */
  message(message: ProtoMessage, schema: Schema, path: string): ProtoWriter {
    if (schema.type !== 'STRUCT') throw unlike(schema, message.fullName, path)
    const outer = this.#open.get(message) ?? []
    const same = outer.find(({ fields }) => fields === schema.fields)
    if (same !== undefined)
      return (sink, value) => {
        same.write(sink, value)
      }
    const own: (typeof outer)[number] = { fields: schema.fields, write: () => undefined }
    this.#open.set(message, [...outer, own])
    try {
      own.write = this.#struct(message, schema, path)
    } finally {
      // Not kept: errors name the field, so that each place has a writer of its own.
      this.#open.set(message, outer)
    }
    return own.write
  }

  #struct(message: ProtoMessage, schema: Schema, path: string): ProtoWriter {
    const fields = new Map(message.fields.map((field) => [field.name, field]))
    const found = new Set<ProtoField>()
    const parts: Part[] = []
    const add = (index: number, field: Field, within: string): Part[] => {
      const to = fields.get(protoName(field.name, this.#options))
      if (to === undefined) return []
      found.add(to)
      return [{ number: to.number, index, write: this.#field(to, field.schema, nested(within, field.name)) }]
    }
    for (const field of schema.fields) {
      if (!isUnionSchema(field.schema)) parts.push(...add(field.index, field, path))
      else parts.push(...this.#union(field, path, add))
    }
    for (const field of message.fields)
      if (field.label === 'required' && !found.has(field))
        throw new DataError(
          `the Protobuf message ${message.fullName} requires the field "${field.name}", which the schema of the record does not have${atPath(path)}`,
          { code: 'PROTOBUF_FIELD_MISSING' },
        )
    // In the order in which Google's libraries write them.
    parts.sort((one, other) => one.number - other.number)
    return structWriter(parts, schema, path)
  }

  /** The members of a union: each writes its value if it is the first one with a value. */
  #union(field: Field, path: string, add: (index: number, field: Field, within: string) => Part[]): Part[] {
    const { schema, index, name } = field
    const own = nested(path, name)
    const missing = (): never => {
      throw new DataError(`Cannot find non-null field${atPath(own)}`)
    }
    const parts = schema.fields.flatMap((member) => {
      const [part] = add(index, member, own)
      return part === undefined ? [] : [{ part, at: member.index }]
    })
    return parts.map(({ part: { number, write }, at: place }, i) => {
      const writeFirst: FieldWriter = (sink, value) => {
        if (value === null) {
          if (!schema.optional) missing()
          return
        }
        if (!isArray(value)) misfit(schema, own, value)
        const first = value.findIndex((item) => item !== null)
        if (first < 0 && i === 0) missing()
        if (first === place) write(sink, value[first] ?? null)
      }
      return { number, index, write: writeFirst }
    })
  }

  #field(field: ProtoField, schema: Schema, path: string): FieldWriter {
    const write = this.#present(field, schema, path)
    const instead = this.#options.ignoreDefaultForNullables ? null : (schema.defaultValue ?? null)
    const mayBeMissing = schema.optional && field.label !== 'required'
    return (sink, value) => {
      const given = value ?? instead
      if (given !== null) write(sink, given)
      else if (!mayBeMissing) throw new DataError(`Found null value for non-optional schema${atPath(path)}`)
    }
  }

  /** Writes values that are not null, with their tags. */
  #present(field: ProtoField, schema: Schema, path: string): FieldWriter {
    if (schema.type === 'ARRAY' || schema.type === 'MAP') {
      if (field.label !== 'repeated') throw unlike(schema, `of the field "${field.name}"`, path)
      return schema.type === 'ARRAY' ? this.#array(field, schema, path) : this.#map(field, schema, path)
    }
    if (field.label === 'repeated') throw unlike(schema, `of the repeated field "${field.name}"`, path)
    const { tag, write } = this.#single(field, schema, path)
    const { type } = field
    if (field.label !== 'implicit' || (typeof type === 'object' && type.kind === 'message'))
      return (sink, value) => {
        writeUnsigned(sink, tag)
        write(sink, value)
      }
    const isZero = zeroTest(schema, type)
    return (sink, value) => {
      if (isZero(value)) return
      writeUnsigned(sink, tag)
      write(sink, value)
    }
  }

  /** One value after its tag; a message with its length, or up to the tag of the group's end. */
  #single(
    { type, number, isGroup }: ProtoField,
    schema: Schema,
    path: string,
  ): { readonly tag: number; readonly write: ProtoWriter } {
    if (typeof type === 'string') return { tag: tagOf(number, wireOf(type)), write: scalarWriter(type, schema, path) }
    if (type.kind === 'enum') return { tag: tagOf(number, Wire.varint), write: enumWriter(type, schema, path) }
    const tag = tagOf(number, isGroup ? Wire.startGroup : Wire.delimited)
    const logical = logicalWriter(type.fullName, schema, path)
    if (logical !== null) return { tag, write: logical }
    const scalar = schema.type === 'STRUCT' ? null : wrappedScalar(type)
    const body = scalar === null ? this.message(type, schema, path) : this.wrapped(scalar, schema, path)
    if (isGroup) {
      const end = tagOf(number, Wire.endGroup)
      return {
        tag,
        write: (sink, value) => {
          body(sink, value)
          writeUnsigned(sink, end)
        },
      }
    }
    return {
      tag,
      write: (sink, value) => {
        const mark = beginDelimited(sink)
        body(sink, value)
        endDelimited(sink, mark)
      },
    }
  }

  #array(field: ProtoField, schema: Schema, path: string): FieldWriter {
    const place = `${path}[]`
    const { tag, write } = this.#single(field, valueSchemaOf(schema), place)
    const packed = tagOf(field.number, Wire.delimited)
    const { isPacked } = field
    return (sink, value) => {
      if (!isArray(value)) misfit(schema, path, value)
      const { length } = value
      if (length === 0) return
      if (isPacked) writeUnsigned(sink, packed)
      const mark = isPacked ? beginDelimited(sink) : 0
      for (let i = 0; i < length; i += 1) {
        const item = value[i] ?? null
        if (item === null) throw new DataError(`an array has null, which Protobuf cannot hold${atPath(place)}`)
        if (!isPacked) writeUnsigned(sink, tag)
        write(sink, item)
      }
      if (isPacked) endDelimited(sink, mark)
    }
  }

  #map({ type, number }: ProtoField, schema: Schema, path: string): FieldWriter {
    const [key, value] = typeof type === 'object' && type.kind === 'message' ? type.fields : []
    if (key?.name !== 'key' || value?.name !== 'value') throw unlike(schema, 'that has no key and value', path)
    const place = `${path}{}`
    // Defaults are those of fields of structs.
    const writeKey = this.#field(key, { ...keySchemaOf(schema), defaultValue: undefined }, place)
    const writeValue = this.#field(value, { ...valueSchemaOf(schema), defaultValue: undefined }, place)
    const tag = tagOf(number, Wire.delimited)
    return (sink, map) => {
      if (!isMap(map)) misfit(schema, path, map)
      for (const [own, item] of map) {
        writeUnsigned(sink, tag)
        const mark = beginDelimited(sink)
        writeKey(sink, own)
        writeValue(sink, item)
        endDelimited(sink, mark)
      }
    }
  }
}

function structWriter(parts: readonly Part[], schema: Schema, path: string): ProtoWriter {
  const count = parts.length
  const indexes = parts.map(({ index }) => index)
  const writers = parts.map(({ write }) => write)
  return (sink, value) => {
    if (!isArray(value)) misfit(schema, path, value)
    for (let i = 0; i < count; i += 1) (writers[i] as FieldWriter)(sink, value[indexes[i] as number] ?? null)
  }
}

function nested(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}
