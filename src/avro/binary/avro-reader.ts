import type { Type } from 'avsc'

import { TextMemo } from '../../api/binary/text-memo.ts'
import { decimalFromBytes } from '../../api/decimal.ts'
import { DataError } from '../../api/errors.ts'
import { keySchemaOf, valueSchemaOf } from '../../api/json/json-write.ts'
import { Logical, type ConnectValue, type Field, type Schema } from '../../api/schema.ts'
import type { AvroCursor } from './avro-cursor.ts'
import type { AvroOptions } from '../avro-options.ts'
import { branchesOf, symbolsOf, fieldsOf, fixedSizeOf, itemOf, nullableBranch } from '../avro-types.ts'
import { isMapEntry } from '../schema/connect-of-avro.ts'
import type { AvroSchema } from '../parse-avro.ts'

/** Reads a value as Connect data. @throws DataError if the bytes are no value of the schema */
export type AvroReader = (cursor: AvroCursor) => ConnectValue

/** Compiles the reader of an Avro schema. @param schema what `connectOfAvro` makes of it */
export function avroReader(avro: AvroSchema, schema: Schema, options: AvroOptions): AvroReader {
  return new ReaderCompiler(avro, options).reader(avro.type, schema)
}

class ReaderCompiler {
  readonly #avro: AvroSchema
  readonly #options: AvroOptions
  /** Readers of records, also those that are being compiled: a record may contain itself. */
  readonly #records = new Map<readonly Field[], { read: AvroReader }>()
  readonly #sizes = new Map<Type, number>()

  constructor(avro: AvroSchema, options: AvroOptions) {
    this.#avro = avro
    this.#options = options
  }

  reader(type: Type, schema: Schema): AvroReader {
    const branches = branchesOf(type)
    if (branches !== null) return this.#union(branches, schema)
    switch (type.typeName) {
      case 'null':
        return () => null
      case 'boolean':
        return (cursor) => cursor.boolean()
      case 'int':
        return intReader(schema)
      case 'long':
        return (cursor) => cursor.long()
      case 'float':
        return (cursor) => cursor.float()
      case 'double':
        return (cursor) => cursor.double()
      case 'string':
        return textReader()
      case 'bytes':
        return decimalOr(schema, (cursor) => cursor.bytes())
      case 'fixed': {
        const size = fixedSizeOf(type)
        return decimalOr(schema, (cursor) => cursor.fixed(size))
      }
      case 'enum': {
        const symbols = symbolsOf(this.#avro, type)
        return (cursor) => symbols[cursor.index(symbols.length, 'the symbol')] ?? null
      }
      case 'array':
        return this.#array(itemOf(type), schema)
      case 'map':
        return this.#map(itemOf(type), schema)
      default:
        return this.#record(type, schema)
    }
  }

  #union(branches: readonly Type[], schema: Schema): AvroReader {
    const count = branches.length
    const isFlat = nullableBranch(branches) !== null || (count === 1 && this.#options.flattenSingletonUnions)
    if (isFlat) {
      const readers = branches.map((branch) => this.reader(branch, schema))
      return (cursor) => (readers[cursor.index(count, 'the branch')] as AvroReader)(cursor)
    }
    let next = 0
    const readers = branches.map((branch): AvroReader => {
      if (branch.typeName === 'null') return () => null
      const at = next
      next += 1
      const read = this.reader(branch, (schema.fields[at] as Field).schema)
      return (cursor) => {
        const values = new Array<ConnectValue>(schema.fields.length).fill(null)
        values[at] = read(cursor)
        return values
      }
    })
    return (cursor) => (readers[cursor.index(count, 'the branch')] as AvroReader)(cursor)
  }

  #array(item: Type, schema: Schema): AvroReader {
    const size = this.#leastBytes(item)
    if (isMapEntry(this.#avro, item)) return this.#entries(item, schema, size)
    const read = this.reader(item, valueSchemaOf(schema))
    return (cursor) => {
      const items: ConnectValue[] = []
      for (let count = cursor.block(size); count > 0; count = cursor.block(size))
        for (let i = 0; i < count; i += 1) items.push(read(cursor))
      return items
    }
  }

  #entries(entry: Type, schema: Schema, size: number): AvroReader {
    const fields = fieldsOf(this.#avro, entry)
    const keyFirst = fields[0]?.name === 'key'
    const [first, second] = fields.map((field) =>
      this.reader(field.type, field.name === 'key' ? keySchemaOf(schema) : valueSchemaOf(schema)),
    ) as [AvroReader, AvroReader]
    return (cursor) => {
      const map = new Map<ConnectValue, ConnectValue>()
      for (let count = cursor.block(size); count > 0; count = cursor.block(size))
        for (let i = 0; i < count; i += 1) {
          const one = first(cursor)
          const other = second(cursor)
          if (keyFirst) map.set(one, other)
          else map.set(other, one)
        }
      return map
    }
  }

  #map(value: Type, schema: Schema): AvroReader {
    const read = this.reader(value, valueSchemaOf(schema))
    const size = 1 + this.#leastBytes(value)
    return (cursor) => {
      const map = new Map<ConnectValue, ConnectValue>()
      for (let count = cursor.block(size); count > 0; count = cursor.block(size))
        for (let i = 0; i < count; i += 1) {
          const key = cursor.text(null)
          map.set(key, read(cursor))
        }
      return map
    }
  }

  #record(type: Type, schema: Schema): AvroReader {
    const known = this.#records.get(schema.fields)
    if (known !== undefined) return (cursor) => known.read(cursor)
    const record: { read: AvroReader } = { read: () => null }
    this.#records.set(schema.fields, record)
    const readers = fieldsOf(this.#avro, type).map((field, at) =>
      this.reader(field.type, (schema.fields[at] as Field).schema),
    )
    const count = readers.length
    record.read = (cursor) => {
      const values = new Array<ConnectValue>(count)
      for (let i = 0; i < count; i += 1) values[i] = (readers[i] as AvroReader)(cursor)
      return values
    }
    return record.read
  }

  /** Returns the fewest bytes that a value of a type has. */
  #leastBytes(type: Type): number {
    const branches = branchesOf(type)
    if (branches !== null) return 1
    switch (type.typeName) {
      case 'null':
        return 0
      case 'float':
        return 4
      case 'double':
        return 8
      case 'fixed':
        return fixedSizeOf(type)
      case 'record':
      case 'error':
        break
      default:
        return 1
    }
    const known = this.#sizes.get(type)
    if (known !== undefined) return known
    // Of a record in itself; it has at least a union or an array around it.
    this.#sizes.set(type, 0)
    const size = fieldsOf(this.#avro, type).reduce((sum, field) => sum + this.#leastBytes(field.type), 0)
    this.#sizes.set(type, size)
    return size
  }
}

function textReader(): AvroReader {
  const memo = new TextMemo()
  return (cursor) => cursor.text(memo)
}

const intBits: Readonly<Record<string, number>> = { INT8: 8, INT16: 16 }

function intReader({ type }: Schema): AvroReader {
  const bits = intBits[type]
  if (bits === undefined) return (cursor) => cursor.int()
  const shift = 32 - bits
  return (cursor) => {
    const value = cursor.int()
    if ((value << shift) >> shift !== value) throw new DataError(`the int ${value} does not fit Connect's ${type}`)
    return value
  }
}

function decimalOr(schema: Schema, read: (cursor: AvroCursor) => Buffer): AvroReader {
  if (schema.name !== Logical.decimal) return read
  const scale = Number(schema.parameters?.['scale'])
  return (cursor) => decimalFromBytes(read(cursor), scale)
}
