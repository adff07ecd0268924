import { atPath, checkWellFormed, DataError, keySchemaOf, valueSchemaOf, type Field, type Schema } from 'penstock/api'

import { leafType, type LeafType } from './leaf-type.ts'
import type { Annotation, Leaf, PhysicalType, Repetition, SchemaElement } from './parquet-types.ts'
import { DecimalWriter } from '../values/decimal-writer.ts'
import { ListWriter, MapWriter, StructWriter } from '../values/group-writers.ts'
import * as leaves from '../values/leaf-writers.ts'
import type { Place, ValueWriter } from '../values/value-writer.ts'

/** How the records of a schema are written. */
export interface ParquetPlan {
  /** The schema of the footer: each group before its elements, the record first. */
  readonly elements: readonly SchemaElement[]
  readonly leaves: readonly Leaf[]
  readonly record: ValueWriter
}

/** Compiles the plan of a schema. @throws DataError if Parquet has no such schema, or it is too large */
export function parquetPlan(schema: Schema | null): ParquetPlan {
  if (schema === null || schema.type !== 'STRUCT') {
    const got = schema === null ? 'a value without a schema' : `a value of type ${schema.type}`
    refuse(
      `ParquetFormat writes structs with a schema, but got ${got}. Use a converter that gives schemas, such as AvroConverter or JsonConverter with schemas.enable=true, or use JsonFormat`,
    )
  }
  return new PlanBuilder().plan(schema)
}

/** Each open object has the memory of its columns, whether they have values or not. */
const maxColumns = 10_000
/** Levels are bytes, and readers descend by recursion. */
const maxDepth = 100

const recordName = 'ConnectDefault'
const unionName = 'io.confluent.connect.avro.Union'
const unionParameter = 'org.apache.kafka.connect.data.Union'

const widths: Readonly<Record<PhysicalType, number>> = {
  boolean: 1,
  int32: 4,
  int64: 8,
  float: 4,
  double: 8,
  byteArray: 0,
  fixed: 0,
}

/** A group in which a value is. */
interface Around {
  readonly names: readonly string[]
  readonly path: string
  readonly definition: number
  readonly repetition: number
}

/** A value in a group. */
interface Part {
  /** That of its element. */
  readonly name: string
  /** For messages. */
  readonly path: string
  readonly optional?: boolean
}

class PlanBuilder {
  readonly #elements: SchemaElement[] = []
  readonly #leaves: Leaf[] = []
  /** The structs in which the builder is. */
  readonly #open = new Set<readonly Field[]>()

  plan(schema: Schema): ParquetPlan {
    const record = { names: [], path: '', definition: 0, repetition: 0 }
    const place = { schema, path: '', optional: false, instead: null, definition: 0 }
    this.#group(schema.name ?? recordName, { repetition: null, children: schema.fields.length, annotation: null })
    return { record: this.#fields(schema, place, record), elements: this.#elements, leaves: this.#leaves }
  }

  /** Adds a value. */
  #value(schema: Schema, { name, path, optional = schema.optional }: Part, around: Around): ValueWriter {
    checkWellFormed(name, 'Parquet')
    const names = [...around.names, name]
    if (names.length > maxDepth) refuse(`Parquet objects have at most ${maxDepth} levels of nesting: "${path}"`)
    const inside = { ...around, names, path, definition: around.definition + (optional ? 1 : 0) }
    const place = { schema, path, optional, instead: schema.defaultValue ?? null, definition: inside.definition }
    const repetition = optional ? 'optional' : 'required'
    switch (schema.type) {
      case 'STRUCT':
        this.#group(name, { repetition, children: schema.fields.length, annotation: null })
        return this.#fields(schema, place, inside)
      case 'ARRAY':
        return this.#list(schema, place, inside, repetition)
      case 'MAP':
        return this.#map(schema, place, inside, repetition)
      default:
        return this.#leaf(schema, place, inside, repetition)
    }
  }

  #fields(schema: Schema, place: Place, inside: Around): ValueWriter {
    const { fields } = schema
    if (fields.length === 0) refuse(`Parquet has no structs without fields${atPath(place.path)}`)
    if (this.#open.has(fields)) refuse(`Parquet has no schemas that contain themselves${atPath(place.path)}`)
    this.#open.add(fields)
    const isUnion = isUnionSchema(schema)
    const writers = fields.map((field, index) => {
      const path = inside.path === '' ? field.name : `${inside.path}.${field.name}`
      // The members of a union have no names in Avro.
      return isUnion
        ? this.#value(field.schema, { name: `member${index}`, path, optional: true }, inside)
        : this.#value(field.schema, { name: field.name, path }, inside)
    })
    this.#open.delete(fields)
    return new StructWriter(place, writers)
  }

  #list(schema: Schema, place: Place, inside: Around, repetition: Repetition): ValueWriter {
    const items = this.#repeated(inside, { name: 'list', children: 1 }, { annotation: { kind: 'list' }, repetition })
    const item = this.#value(valueSchemaOf(schema), { name: 'element', path: `${place.path}[]` }, items)
    return new ListWriter(place, item, items.repetition)
  }

  #map(schema: Schema, place: Place, inside: Around, repetition: Repetition): ValueWriter {
    const keys = keySchemaOf(schema)
    const path = `${place.path}{}`
    let entries: Around
    if (keys.type === 'STRING' && !keys.optional) {
      const entry = { name: 'key_value', children: 2 }
      entries = this.#repeated(inside, entry, { annotation: { kind: 'map' }, repetition })
    } else {
      // As in Avro, whose maps have texts as keys: a list of structs.
      const list = this.#repeated(inside, { name: 'list', children: 1 }, { annotation: { kind: 'list' }, repetition })
      this.#group('element', { repetition: 'required', children: 2, annotation: null })
      entries = { ...list, names: [...list.names, 'element'] }
    }
    const key = this.#value(keys, { name: 'key', path }, entries)
    const item = this.#value(valueSchemaOf(schema), { name: 'value', path }, entries)
    return new MapWriter(place, key, item, entries.repetition)
  }

  /** Adds a group for a value, and the repeated group in it. */
  #repeated(
    inside: Around,
    { name, children }: { readonly name: string; readonly children: number },
    { annotation, repetition }: { readonly annotation: Annotation; readonly repetition: Repetition },
  ): Around {
    this.#group(inside.names.at(-1) ?? '', { repetition, children: 1, annotation })
    this.#group(name, { repetition: 'repeated', children, annotation: null })
    return {
      ...inside,
      names: [...inside.names, name],
      definition: inside.definition + 1,
      repetition: inside.repetition + 1,
    }
  }

  #leaf(schema: Schema, place: Place, inside: Around, repetition: Repetition): ValueWriter {
    const column = this.#leaves.length
    if (column === maxColumns) refuse(`Parquet objects have at most ${maxColumns} columns: "${place.path}"`)
    const leaf = leafType(schema, place.path)
    const { type, length, annotation } = leaf
    this.#elements.push({ name: inside.names.at(-1) ?? '', repetition, type, length, children: null, annotation })
    this.#leaves.push({
      path: inside.names,
      type,
      width: length ?? widths[type],
      order: annotation?.kind === 'decimal' ? 'decimals' : 'bytes',
      maxDefinition: inside.definition,
      maxRepetition: inside.repetition,
    })
    return leafWriter(schema, place, column, leaf)
  }

  #group(name: string, group: Pick<SchemaElement, 'repetition' | 'children' | 'annotation'>): void {
    this.#elements.push({ name, type: null, length: null, ...group })
  }
}

function leafWriter({ type }: Schema, place: Place, column: number, leaf: LeafType): ValueWriter {
  switch (type) {
    case 'INT8':
    case 'INT16':
    case 'INT32':
      return new leaves.Int32Writer(place, column, type)
    case 'INT64':
      return new leaves.Int64Writer(place, column)
    case 'FLOAT32':
      return new leaves.FloatWriter(place, column)
    case 'FLOAT64':
      return new leaves.DoubleWriter(place, column)
    case 'BOOLEAN':
      return new leaves.BooleanWriter(place, column)
    case 'STRING':
      return new leaves.TextWriter(place, column)
    default: {
      const { annotation, length } = leaf
      if (annotation?.kind === 'decimal') return new DecimalWriter(place, column, { ...annotation, length })
      return length === null ? new leaves.BytesWriter(place, column) : new leaves.FixedWriter(place, column, length)
    }
  }
}

/** Returns whether a struct stands for a union of Avro: one field for each branch, of which at most one has a value. */
function isUnionSchema({ name, parameters }: Schema): boolean {
  return name === unionName || (parameters !== null && Object.hasOwn(parameters, unionParameter))
}

function refuse(message: string): never {
  throw new DataError(message, { code: 'PARQUET_SCHEMA' })
}
