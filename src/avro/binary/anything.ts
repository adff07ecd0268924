import { DataError } from '../../api/errors.ts'
import type { ByteSink } from '../../api/json/byte-sink.ts'
import { isArray, isMap } from '../../api/json/json-text.ts'
import type { ConnectValue } from '../../api/schema.ts'
import { writeBigInteger, writeBytes, writeDouble, writeInteger, writeText } from './avro-bytes.ts'
import type { AvroCursor } from './avro-cursor.ts'
import { avroText, type AvroNode, type NamedNode } from '../schema/avro-node.ts'
import { Names, namespace } from '../names.ts'

/** The fields of the record that holds a value without a schema: one has the value, the others are null. */
const fields = ['boolean', 'bytes', 'double', 'float', 'int', 'long', 'string', 'array', 'map'] as const
type AnythingField = (typeof fields)[number]

/** The schema of values without a schema, as Confluent's converter has it. */
export const anythingText = avroText(anythingNode())

function anythingNode(): AvroNode {
  const named = { kind: 'record', namespace, doc: null, own: [], properties: [] } as const
  const anything: NamedNode = { ...named, name: 'Anything', fields: [] }
  const entry: NamedNode = { ...named, name: Names.mapEntry, fields: [] }
  for (const name of ['key', 'value']) entry.fields.push({ name, node: anything, doc: null, defaultJson: null })
  const typeOf = (name: AnythingField): AvroNode =>
    name === 'array' || name === 'map'
      ? { kind: 'array', item: name === 'map' ? entry : anything, properties: [] }
      : { kind: 'primitive', type: name, properties: [] }
  const nullNode: AvroNode = { kind: 'primitive', type: 'null', properties: [] }
  for (const name of fields)
    anything.fields.push({
      name,
      node: { kind: 'union', branches: [nullNode, typeOf(name)] },
      doc: null,
      defaultJson: 'null',
    })
  return anything
}

/** Writes a value without a schema. Integers are long, as Kafka's JsonConverter reads them, and fractions double. */
export function writeAnything(sink: ByteSink, value: ConnectValue): void {
  const field = fieldOf(value)
  for (const name of fields) {
    if (name !== field) {
      sink.byte(0)
      continue
    }
    sink.byte(2)
    writeAs(sink, field, value)
  }
}

function fieldOf(value: ConnectValue): AnythingField | null {
  if (value === null) return null
  switch (typeof value) {
    case 'boolean':
      return 'boolean'
    case 'bigint':
      return 'long'
    case 'number':
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? 'long' : 'double'
    case 'string':
      return 'string'
    default:
      if (value instanceof Uint8Array) return 'bytes'
      return isArray(value) ? 'array' : 'map'
  }
}

function writeAs(sink: ByteSink, field: AnythingField, value: ConnectValue): void {
  if (typeof value === 'boolean') sink.byte(value ? 1 : 0)
  else if (typeof value === 'string') writeText(sink, value)
  else if (typeof value === 'bigint') writeBigInteger(sink, value)
  else if (typeof value === 'number') (field === 'long' ? writeInteger : writeDouble)(sink, value)
  else if (value instanceof Uint8Array) writeBytes(sink, value)
  else if (isArray(value)) {
    if (value.length > 0) writeInteger(sink, value.length)
    for (const item of value) writeAnything(sink, item)
    sink.byte(0)
  } else if (value !== null) {
    const entries = isMap(value) ? [...value] : Object.entries(value)
    if (entries.length > 0) writeInteger(sink, entries.length)
    for (const [key, item] of entries) {
      writeAnything(sink, key)
      writeAnything(sink, item)
    }
    sink.byte(0)
  }
}

/** Reads a value without a schema. */
export function readAnything(cursor: AvroCursor): ConnectValue {
  let value: ConnectValue = null
  let isSet = false
  for (const name of fields) {
    if (cursor.index(2, 'the branch') === 0) continue
    const read = readAs(cursor, name)
    if (!isSet) value = read
    isSet = true
  }
  return value
}

function readAs(cursor: AvroCursor, name: AnythingField): ConnectValue {
  switch (name) {
    case 'boolean':
      return cursor.boolean()
    case 'bytes':
      return cursor.bytes()
    case 'double':
      return cursor.double()
    case 'float':
      return cursor.float()
    case 'int':
      return cursor.int()
    case 'long':
      return cursor.long()
    case 'string':
      return cursor.text(null)
    case 'array': {
      const items: ConnectValue[] = []
      for (let count = cursor.block(fields.length); count > 0; count = cursor.block(fields.length))
        for (let i = 0; i < count; i += 1) items.push(readAnything(cursor))
      return items
    }
    case 'map':
      return readMap(cursor)
  }
}

function readMap(cursor: AvroCursor): ConnectValue {
  const entries: [string, ConnectValue][] = []
  const size = 2 * fields.length
  for (let count = cursor.block(size); count > 0; count = cursor.block(size))
    for (let i = 0; i < count; i += 1) {
      const key = readAnything(cursor)
      if (typeof key !== 'string')
        throw new DataError('a map without a schema has a key that is not a string, which JSON cannot express')
      entries.push([key, readAnything(cursor)])
    }
  return Object.fromEntries(entries)
}
