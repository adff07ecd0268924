import type { Type } from 'avsc'

import { atPath, misfit } from '../../api/binary/misfit.ts'
import { DataError } from '../../api/errors.ts'
import { ByteSink } from '../../api/json/byte-sink.ts'
import { isArray, isMap } from '../../api/json/json-text.ts'
import { keySchemaOf, valueSchemaOf } from '../../api/json/json-write.ts'
import { Logical, type ConnectValue, type Field, type Schema } from '../../api/schema.ts'
import { writeBytes, writeInteger, writeText } from './avro-bytes.ts'
import type { AvroOptions } from '../avro-options.ts'
import { branchesOf, symbolsOf, fieldsOf, fixedSizeOf, itemOf, type AvroField } from '../avro-types.ts'
import { connectOfAvro, isMapEntry } from '../schema/connect-of-avro.ts'
import { defaultOfAvro } from '../schema/default-of-avro.ts'
import { isUnionSchema, scrubbed } from '../names.ts'
import type { AvroSchema } from '../parse-avro.ts'
import { decimalWriter, primitiveWriter, unlike, type AvroWriter } from './primitive-writers.ts'

/**
 * Compiles the writer of Connect data in an Avro schema: the one that `avroOfConnect` makes of the Connect schema, or another one
 * that has the same fields by name.
 * @throws DataError if the Avro schema cannot hold values of the Connect schema
 */
export function avroWriter(avro: AvroSchema, schema: Schema, options: AvroOptions): AvroWriter {
  return new WriterCompiler(avro, options).writer(avro.type, schema, { path: '', isField: false })
}

interface Place {
  /** Names of fields from the outermost struct on. */
  readonly path: string
  /** Whether it is a field of a struct: null there is its default, if it has one. */
  readonly isField: boolean
}

class WriterCompiler {
  readonly #avro: AvroSchema
  readonly #options: AvroOptions
  /** Writers of records that are being compiled: a record may contain itself. */
  readonly #open = new Map<Type, readonly { readonly fields: readonly Field[]; write: AvroWriter }[]>()

  constructor(avro: AvroSchema, options: AvroOptions) {
    this.#avro = avro
    this.#options = options
  }

  writer(type: Type, schema: Schema, place: Place): AvroWriter {
    const branches = branchesOf(type)
    if (branches !== null && isUnionSchema(schema)) return this.#sum(branches, schema, place)
    const instead = this.#insteadOfNull(schema, place)
    if (branches !== null) return this.#optional(branches, schema, { ...place, instead })
    const write = this.#present(type, schema, place.path)
    return (sink, value) => {
      if (value !== null) write(sink, value)
      else if (instead === null) missing(place.path)
      else write(sink, instead)
    }
  }

  #insteadOfNull({ defaultValue }: Schema, { isField }: Place): ConnectValue {
    return isField && !this.#options.ignoreDefaultForNullables ? (defaultValue ?? null) : null
  }

  /** A union of null and a type, or of several types of which one fits. */
  #optional(branches: readonly Type[], schema: Schema, place: Place & { readonly instead: ConnectValue }): AvroWriter {
    const { path, instead } = place
    const nullBranch = branches.findIndex(({ typeName }) => typeName === 'null')
    const { branch, write } = this.#fitting(branches, schema, path)
    return (sink, value) => {
      const given = value ?? instead
      if (given !== null) {
        writeInteger(sink, branch)
        write(sink, given)
      } else if (nullBranch < 0 || !schema.optional) missing(path)
      else writeInteger(sink, nullBranch)
    }
  }

  #fitting(
    branches: readonly Type[],
    schema: Schema,
    path: string,
  ): { readonly branch: number; readonly write: AvroWriter } {
    let refusal: DataError | null = null
    for (const [branch, type] of branches.entries()) {
      if (type.typeName === 'null') continue
      try {
        return { branch, write: this.#present(type, schema, path) }
      } catch (error) {
        if (!(error instanceof DataError)) throw error
        refusal ??= error
      }
    }
    throw refusal ?? unlike(schema, 'null', path)
  }

  /** The struct of a union, whose fields are its branches in their order. */
  #sum(branches: readonly Type[], schema: Schema, { path }: Place): AvroWriter {
    const nullBranch = branches.findIndex(({ typeName }) => typeName === 'null')
    const indexes = branches.flatMap(({ typeName }, at) => (typeName === 'null' ? [] : [at]))
    if (indexes.length !== schema.fields.length) throw unlike(schema, `union of ${branches.length}`, path)
    const writers = schema.fields.map((field, at) =>
      this.#present(branches[indexes[at] as number] as Type, field.schema, nested(path, field.name)),
    )
    return (sink, value) => {
      const at =
        value === null ? -1 : isArray(value) ? value.findIndex((item) => item !== null) : misfit(schema, path, value)
      if (at < 0) {
        if (nullBranch < 0) missing(path)
        writeInteger(sink, nullBranch)
        return
      }
      writeInteger(sink, indexes[at] as number)
      ;(writers[at] as AvroWriter)(sink, (value as readonly ConnectValue[])[at] ?? null)
    }
  }

  /** Writes values that are not null. */
  #present(type: Type, schema: Schema, path: string): AvroWriter {
    const { typeName } = type
    switch (schema.type) {
      case 'STRUCT':
        if (typeName === 'record' || typeName === 'error') return this.#record(type, schema, path)
        break
      case 'ARRAY':
        if (typeName === 'array') return this.#array(itemOf(type), schema, path)
        break
      case 'MAP':
        if (typeName === 'map') return this.#map(itemOf(type), schema, path)
        if (typeName === 'array' && isMapEntry(this.#avro, itemOf(type)))
          return this.#entries(itemOf(type), schema, path)
        break
      case 'STRING':
        if (typeName === 'enum') return enumWriter(symbolsOf(this.#avro, type), schema, path)
        return primitiveWriter(typeName, schema, path)
      case 'BYTES':
        if (typeName !== 'bytes' && typeName !== 'fixed') break
        return this.#bytes(type, schema, path)
      default:
        return primitiveWriter(typeName, schema, path)
    }
    throw unlike(schema, typeName, path)
  }

  #bytes(type: Type, schema: Schema, path: string): AvroWriter {
    const size = type.typeName === 'fixed' ? fixedSizeOf(type) : null
    if (schema.name === Logical.decimal) {
      const { scale = schema.parameters?.['scale'] } = this.#avro.attributes.get(type) ?? {}
      return decimalWriter(Number(scale), { size, schema, path })
    }
    return (sink, value) => {
      if (!(value instanceof Uint8Array)) misfit(schema, path, value)
      if (size === null) writeBytes(sink, value)
      else if (value.length === size) sink.bytes(value)
      else throw new DataError(`${value.length} bytes do not fit an Avro fixed of ${size}${atPath(path)}`)
    }
  }

  #array(item: Type, schema: Schema, path: string): AvroWriter {
    const write = this.writer(item, valueSchemaOf(schema), { path: `${path}[]`, isField: false })
    return (sink, value) => {
      if (!isArray(value)) misfit(schema, path, value)
      const { length } = value
      if (length > 0) writeInteger(sink, length)
      for (let i = 0; i < length; i += 1) write(sink, value[i] ?? null)
      sink.byte(0)
    }
  }

  #map(type: Type, schema: Schema, path: string): AvroWriter {
    const write = this.writer(type, valueSchemaOf(schema), { path: `${path}{}`, isField: false })
    return (sink, value) => {
      if (!isMap(value)) misfit(schema, path, value)
      if (value.size > 0) writeInteger(sink, value.size)
      for (const [key, item] of value) {
        if (typeof key !== 'string') misfit(schema, `${path}{}`, key)
        writeText(sink, key)
        write(sink, item)
      }
      sink.byte(0)
    }
  }

  #entries(entry: Type, schema: Schema, path: string): AvroWriter {
    const writers = fieldsOf(this.#avro, entry).map(({ name, type }) => {
      const inner = name === 'key' ? keySchemaOf(schema) : valueSchemaOf(schema)
      return { isKey: name === 'key', write: this.writer(type, inner, { path: `${path}{}`, isField: false }) }
    })
    return (sink, value) => {
      if (!isMap(value)) misfit(schema, path, value)
      if (value.size > 0) writeInteger(sink, value.size)
      for (const [key, item] of value) for (const { isKey, write } of writers) write(sink, isKey ? key : item)
      sink.byte(0)
    }
  }

  #record(type: Type, schema: Schema, path: string): AvroWriter {
    const outer = this.#open.get(type) ?? []
    const same = outer.find(({ fields }) => fields === schema.fields)
    if (same !== undefined) return (sink, value) => same.write(sink, value)
    const record: (typeof outer)[number] = { fields: schema.fields, write: () => undefined }
    this.#open.set(type, [...outer, record])
    try {
      record.write = this.#struct(type, schema, path)
    } finally {
      // Not kept: errors name the field, so that each place has a writer of its own.
      this.#open.set(type, outer)
    }
    return record.write
  }

  #struct(type: Type, schema: Schema, path: string): AvroWriter {
    const { scrubInvalidNames } = this.#options
    const byName = new Map(schema.fields.map((field) => [scrubInvalidNames ? scrubbed(field.name) : field.name, field]))
    const parts = fieldsOf(this.#avro, type).map((field) => {
      const from = byName.get(field.name)
      if (from === undefined) return { at: -1, write: this.#constant(field, type, path) }
      return {
        at: from.index,
        write: this.writer(field.type, from.schema, { path: nested(path, from.name), isField: true }),
      }
    })
    const count = parts.length
    const indexes = parts.map(({ at }) => at)
    const writers = parts.map(({ write }) => write)
    return (sink, value) => {
      if (!isArray(value)) misfit(schema, path, value)
      for (let i = 0; i < count; i += 1) (writers[i] as AvroWriter)(sink, value[indexes[i] as number] ?? null)
    }
  }

  /** The default of a field that the struct does not have. */
  #constant(field: AvroField, type: Type, path: string): AvroWriter {
    const json = field.json['default']
    if (json === undefined)
      throw new DataError(
        `the Avro record ${type.name ?? ''} has the field "${field.name}" without default, which the schema of the record does not have${atPath(path)}`,
        { code: 'AVRO_FIELD_MISSING' },
      )
    const schema = connectOfAvro({ ...this.#avro, type: field.type }, this.#options, null)
    const value = defaultOfAvro(this.#avro, field.type, schema, json)
    if (value === undefined)
      throw new DataError(`the default of the Avro field "${field.name}" does not match its type${atPath(path)}`)
    const own = new ByteSink()
    own.begin()
    this.writer(field.type, schema, { path: nested(path, field.name), isField: false })(own, value)
    const bytes = Buffer.from(own.take())
    return (sink) => sink.bytes(bytes)
  }
}

function enumWriter(symbols: readonly string[], schema: Schema, path: string): AvroWriter {
  const indexes = new Map(symbols.map((symbol, index) => [symbol, index]))
  return (sink, value) => {
    const index = typeof value === 'string' ? indexes.get(value) : misfit(schema, path, value)
    if (index === undefined)
      throw new DataError(`"${String(value)}" is not a symbol of the Avro enum: ${symbols.join(', ')}${atPath(path)}`)
    writeInteger(sink, index)
  }
}

function nested(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function missing(path: string): never {
  throw new DataError(`Found null value for non-optional schema${atPath(path)}`)
}
