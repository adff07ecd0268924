import {
  DataError,
  keySchemaOf,
  Logical,
  valueSchemaOf,
  type ConnectValue,
  type Field,
  type Schema,
} from 'penstock/api'

import type { ProtobufOptions } from '../protobuf-options.ts'
import {
  mapEntryOf,
  wrappedScalar,
  type ProtoField,
  type ProtoMessage,
  type ProtoOneof,
  type Scalar,
} from '../proto-types.ts'
import { hasPresence, structMembers } from '../schema/struct-members.ts'
import { decimalReader, readDate, readTime, readTimestamp } from './logical-values.ts'
import type { ProtoCursor } from './proto-cursor.ts'
import { enumReader, missingValue, scalarReader, type ProtoReader } from './scalar-readers.ts'
import { tagOf, Wire, wireOf } from './wire.ts'

/** Reads what follows a tag into the values of a struct. */
type Slot = (cursor: ProtoCursor, values: ConnectValue[]) => void

/** Reads the fields of a message up to its end. `old` are the values of the same message before, to be merged. */
type MessageBody = (cursor: ProtoCursor, old: ConnectValue, endTag: number) => ConnectValue[]

/** Tags up to this one are found by their number, larger ones in a map. */
const maxDense = 4096
/** Stands for a field of proto2 that is required, until it is there. */
const required = undefined as unknown as ConnectValue

/**
 * Compiles the reader of a message type. It reads up to the end of the bytes.
 * @param schema what `connectOfProto` makes of it
 * @throws DataError if Connect cannot express it
 */
export function protoReader(
  message: ProtoMessage,
  schema: Schema,
  options: ProtobufOptions,
): (cursor: ProtoCursor) => ConnectValue {
  const scalar = schema.type === 'STRUCT' ? null : wrappedScalar(message)
  if (scalar !== null) return wrapped(scalar, schema)
  const body = new ReaderCompiler(options).body(message, schema)
  return (cursor) => body(cursor, null, 0)
}

/** Reads the field of a wrapper message, up to its end. */
function wrapped(scalar: Scalar, schema: Schema): (cursor: ProtoCursor) => ConnectValue {
  const read = scalarReader(scalar, schema)
  const own = tagOf(1, wireOf(scalar))
  const missing = { type: scalar, defaultValue: undefined, name: 'value' } as ProtoField
  const zero = missingValue(missing, schema)
  return (cursor) => {
    let value = zero
    while (!cursor.isAtEnd()) {
      const tag = cursor.tag()
      if (tag === own) value = read(cursor, null)
      else cursor.skip(tag)
    }
    return value
  }
}

function within(read: (cursor: ProtoCursor) => ConnectValue): ProtoReader {
  return (cursor) => {
    const outer = cursor.enter()
    const value = read(cursor)
    cursor.leave(outer)
    return value
  }
}

/** What the struct of a message is made of. */
class Layout {
  readonly slots = new Map<number, Slot>()
  /** The values of a message without fields. */
  readonly template: ConnectValue[] = []
  readonly arrays: number[] = []
  readonly maps: number[] = []
  readonly requiredFields: { readonly at: number; readonly name: string }[] = []
}

class ReaderCompiler {
  readonly #options: ProtobufOptions
  /** Also of those that are being compiled: a message may contain itself. */
  readonly #bodies = new Map<ProtoMessage, { run: MessageBody }>()
  readonly #empty = new Set<ProtoMessage>()

  constructor(options: ProtobufOptions) {
    this.#options = options
  }

  body(message: ProtoMessage, schema: Schema): MessageBody {
    const known = this.#bodies.get(message)
    if (known !== undefined) return (cursor, old, endTag) => known.run(cursor, old, endTag)
    const body: { run: MessageBody } = { run: () => [] }
    this.#bodies.set(message, body)
    const layout = new Layout()
    structMembers(message, this.#options).forEach((member, at) => {
      const { schema: inner } = schema.fields[at] as Field
      if (member.kind === 'oneof') {
        layout.template.push(null)
        this.#union(layout, member.oneof, inner, at)
      } else {
        layout.template.push(this.#absent(layout, member.field, inner, at))
        this.#member(layout, member.field, inner, at)
      }
    })
    if (this.#options.flattenUnions) for (const { fields } of message.oneofs) exclusive(layout, schema, fields)
    body.run = messageBody(layout, message.fullName)
    return body.run
  }

  /** The value of a field that is missing. Arrays and maps are made for each message. */
  #absent(layout: Layout, field: ProtoField, schema: Schema, at: number): ConnectValue {
    if (field.label === 'repeated') {
      if (schema.type === 'MAP') layout.maps.push(at)
      else layout.arrays.push(at)
      return null
    }
    if (field.label === 'required') {
      layout.requiredFields.push({ at, name: field.name })
      return required
    }
    const isMessage = typeof field.type === 'object' && field.type.kind === 'message'
    const isNull = isMessage || hasPresence(field, this.#options)
    if (isNull && (!this.#options.structForNulls || field.oneof !== null)) return null
    return this.#zero(field, schema)
  }

  /** What an empty message, or a zero, is read as. */
  #zero(field: ProtoField, schema: Schema): ConnectValue {
    const { type } = field
    if (typeof type === 'string' || type.kind === 'enum') return missingValue(field, schema)
    if (schema.type !== 'STRUCT') {
      // An empty date or decimal is none.
      if (schema.name === Logical.date || schema.name === Logical.decimal) return null
      return missingValue({ ...field, type: wrappedScalar(type) ?? 'int64', defaultValue: undefined }, schema)
    }
    if (this.#empty.has(type))
      throw new DataError(
        `the message ${type.fullName} contains itself, so that generate.struct.for.nulls=true would never end: set it to false`,
      )
    this.#empty.add(type)
    const values = structMembers(type, this.#options).map((member, i): ConnectValue => {
      const { schema: inner } = schema.fields[i] as Field
      if (member.kind === 'oneof' || member.field.oneof !== null) return null
      if (member.field.label === 'repeated') return inner.type === 'MAP' ? new Map() : []
      const isMessage = typeof member.field.type === 'object' && member.field.type.kind === 'message'
      const isNull = (isMessage || hasPresence(member.field, this.#options)) && !this.#options.structForNulls
      return isNull ? null : this.#zero(member.field, inner)
    })
    this.#empty.delete(type)
    return values
  }

  #member(layout: Layout, field: ProtoField, schema: Schema, at: number): void {
    if (schema.type === 'MAP') this.#map(layout, field, schema, at)
    else if (field.label === 'repeated') this.#array(layout, field, schema, at)
    else {
      const read = this.#single(field, schema)
      layout.slots.set(singleTag(field), (cursor, values) => {
        const value = read(cursor, values[at] as ConnectValue)
        if (value !== null) values[at] = value
      })
    }
  }

  /** The struct of a oneof: the member that comes last has a value. */
  #union(layout: Layout, { fields }: ProtoOneof, schema: Schema, at: number): void {
    const count = fields.length
    fields.forEach((field, own) => {
      const read = this.#single(field, (schema.fields[own] as Field).schema)
      layout.slots.set(singleTag(field), (cursor, values) => {
        const old = values[at] as readonly ConnectValue[] | null
        const value = read(cursor, old === null ? null : (old[own] as ConnectValue))
        if (value === null) return
        const union = new Array<ConnectValue>(count).fill(null)
        union[own] = value
        values[at] = union
      })
    })
  }

  #array(layout: Layout, field: ProtoField, schema: Schema, at: number): void {
    const read = this.#single(field, valueSchemaOf(schema))
    const listOf = (values: ConnectValue[]): ConnectValue[] => (values[at] ??= []) as ConnectValue[]
    const { type, number } = field
    layout.slots.set(singleTag(field), (cursor, values) => {
      const list = listOf(values)
      const value = read(cursor, null)
      if (value !== null) list.push(value)
    })
    const packs = typeof type === 'string' ? wireOf(type) !== Wire.delimited : type.kind === 'enum'
    if (!packs) return
    // Both forms are read, whichever the schema has.
    layout.slots.set(tagOf(number, Wire.delimited), (cursor, values) => {
      const list = listOf(values)
      const outer = cursor.enter()
      while (!cursor.isAtEnd()) {
        const value = read(cursor, null)
        if (value !== null) list.push(value)
      }
      cursor.leave(outer)
    })
  }

  #map(layout: Layout, field: ProtoField, schema: Schema, at: number): void {
    const [key, value] = mapEntryOf(field) as readonly [ProtoField, ProtoField]
    const [keySchema, valueSchema] = [keySchemaOf(schema), valueSchemaOf(schema)]
    const [readKey, readValue] = [this.#single(key, keySchema), this.#single(value, valueSchema)]
    const [keyTag, valueTag] = [singleTag(key), singleTag(value)]
    const [noKey, noValue] = [this.#entryZero(key, keySchema), this.#entryZero(value, valueSchema)]
    const read = within((cursor) => {
      let [own, item] = [noKey(cursor), noValue(cursor)]
      while (!cursor.isAtEnd()) {
        const tag = cursor.tag()
        if (tag === keyTag) own = readKey(cursor, null)
        else if (tag === valueTag) item = readValue(cursor, null)
        else cursor.skip(tag)
      }
      return [own, item]
    })
    layout.slots.set(singleTag(field), (cursor, values) => {
      const map = (values[at] ??= new Map()) as Map<ConnectValue, ConnectValue>
      const [own, item] = read(cursor, null) as [ConnectValue, ConnectValue]
      map.set(own, item)
    })
  }

  /** A key or a value that is missing is zero or empty, unless it has the keyword `optional` or is a wrapper message. */
  #entryZero(field: ProtoField, schema: Schema): (cursor: ProtoCursor) => ConnectValue {
    const { type } = field
    const isWrapper = schema.type !== 'STRUCT' && typeof type === 'object' && type.kind === 'message'
    if (isWrapper || hasPresence(field, this.#options)) return () => null
    if (typeof type === 'string' || type.kind === 'enum') {
      const zero = missingValue(field, schema)
      return () => zero
    }
    return (cursor) => {
      cursor.countFields(schema.fields.length)
      return this.#zero(field, schema)
    }
  }

  /** The reader of one value of a field, after its tag. */
  #single({ type, isGroup, number }: ProtoField, schema: Schema): ProtoReader {
    if (typeof type === 'string') return scalarReader(type, schema)
    if (type.kind === 'enum') return enumReader(type, schema)
    if (schema.type !== 'STRUCT') return this.#logical(type, schema)
    const body = this.body(type, schema)
    const endTag = tagOf(number, Wire.endGroup)
    if (isGroup) return (cursor, old) => body(cursor, old, endTag)
    return (cursor, old) => {
      const outer = cursor.enter()
      const values = body(cursor, old, 0)
      cursor.leave(outer)
      return values
    }
  }

  #logical(message: ProtoMessage, schema: Schema): ProtoReader {
    switch (schema.name) {
      case Logical.decimal:
        return decimalReader(Number(schema.parameters?.['scale']))
      case Logical.date:
        return readDate
      case Logical.time:
        return readTime
      case Logical.timestamp:
        return readTimestamp
      default:
        return within(wrapped(wrappedScalar(message) ?? 'bytes', schema))
    }
  }
}

function singleTag({ type, number, isGroup }: ProtoField): number {
  if (typeof type === 'string') return tagOf(number, wireOf(type))
  if (type.kind === 'enum') return tagOf(number, Wire.varint)
  return tagOf(number, isGroup ? Wire.startGroup : Wire.delimited)
}

/** Of the members of a oneof that are fields of the struct, the one that comes last has a value. */
function exclusive({ slots }: Layout, { fields }: Schema, members: readonly ProtoField[]): void {
  const places = members.map(({ name }) => fields.findIndex((field) => field.name === name))
  members.forEach((member, own) => {
    const others = places.filter((_, i) => i !== own)
    const slot = slots.get(singleTag(member)) as Slot
    slots.set(singleTag(member), (cursor, values) => {
      for (const other of others) values[other] = null
      slot(cursor, values)
    })
  })
}

function messageBody({ slots, template, arrays, maps, requiredFields }: Layout, name: string): MessageBody {
  const dense: (Slot | undefined)[] = new Array<Slot | undefined>(
    Math.max(0, ...[...slots.keys()].filter((tag) => tag < maxDense)) + 1,
  ).fill(undefined)
  for (const [tag, slot] of slots) if (tag < dense.length) dense[tag] = slot
  const count = template.length
  return (cursor, old, endTag) => {
    const values = old === null ? template.slice() : (old as ConnectValue[])
    if (old === null) cursor.countFields(count)
    for (;;) {
      if (endTag === 0 && cursor.isAtEnd()) break
      const tag = cursor.tag()
      const slot = tag < dense.length ? dense[tag] : slots.get(tag)
      if (slot !== undefined) slot(cursor, values)
      else if (tag === endTag) break
      else cursor.skip(tag)
    }
    for (const at of arrays) values[at] ??= []
    for (const at of maps) values[at] ??= new Map()
    for (const each of requiredFields)
      if (values[each.at] === required)
        throw new DataError(`the message ${name} has no "${each.name}", which is required`)
    return values
  }
}
