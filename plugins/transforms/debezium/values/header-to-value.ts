import {
  ConfigError,
  DataError,
  fieldOf,
  isArray,
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type Header,
  type Schema,
  type StructValue,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'

import { kindOf, requireStruct } from '../../record/requirements.ts'
import { basicsOf, perSchema, structOf } from '../../record/struct-shape.ts'
import { debeziumTransform } from '../envelope.ts'
import { every, invalid, itemsOf, noEmptyItems, noSpaces, required } from '../settings.ts'

const transform = 'HeaderToValue'

const configDef = {
  headers: {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'The headers whose values become fields of the value.',
    displayName: 'Header names list',
    width: 'NONE',
    order: 1,
    validator: every(required, noSpaces, noEmptyItems),
  },
  fields: {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'The fields, in the order of the headers. after.name is a field of the structure after. A header whose structure the value does not have stays a header.',
    displayName: 'Field names list',
    width: 'NONE',
    order: 1,
    validator: every(required, noSpaces, noEmptyItems),
  },
  operation: {
    type: 'STRING',
    importance: 'HIGH',
    doc: "'move' removes the headers, 'copy' keeps them.",
    displayName: 'Operation: mover or copy',
    width: 'NONE',
    order: 1,
    validator: every(required, (key, value) =>
      value === null || value === 'move' || value === 'copy' ? null : invalid(key, 'Value must be one of move, copy'),
    ),
    recommended: ['move', 'copy'],
  },
} as const satisfies ConfigDef

/** A field of the value, and the header that it is made of. */
interface Wanted {
  readonly header: string
  /** The names of the structures around it and its own. */
  readonly path: readonly string[]
}

/** A header of a record, and the place that it gets. */
interface Placed {
  readonly path: readonly string[]
  readonly header: Header
}

/** A struct with further fields: in it, and in structs in it. */
interface GrownStruct {
  readonly schema: Schema
  /** Returns the values with those of the headers, in the order of the headers. */
  readonly grow: (values: StructValue, headers: readonly Placed[]) => StructValue
}

/**
 * Debezium's [header to value](https://debezium.io/documentation/reference/stable/transformations/header-to-value.html): copies or
 * moves headers into the value.
 */
class HeaderToValue implements Transform {
  readonly #wanted: ReadonlyMap<string, readonly string[]>
  readonly #moves: boolean
  readonly #shapesOf = perSchema(
    () => new Map<string, { readonly from: readonly Schema[]; readonly grown: GrownStruct }>(),
  )

  constructor(wanted: readonly Wanted[], moves: boolean) {
    // The first of several fields of one header counts.
    this.#wanted = new Map(wanted.toReversed().map(({ header, path }) => [header, path]))
    this.#moves = moves
  }

  apply<R extends ConnectRecord>(record: R): R {
    const { value, valueSchema } = record
    if (value === null) return record
    if (valueSchema === null) throw new DataError(`${transform} needs a struct, found ${kindOf(null, value)}`)
    const values = requireStruct(valueSchema, value, transform)
    const placed = record.headers.flatMap((header): Placed[] => {
      const path = this.#wanted.get(header.key)
      return path === undefined || !hasPlace(valueSchema, values, path) ? [] : [{ path, header }]
    })
    if (placed.length === 0) return record
    const { schema, grow } = this.#grown(valueSchema, placed)
    const headers = this.#moves ? this.#rest(record.headers, placed) : record.headers
    return { ...record, valueSchema: schema, value: grow(values, placed), headers }
  }

  /** A header that has no place in the value is not lost. */
  #rest(headers: readonly Header[], placed: readonly Placed[]): readonly Header[] {
    const moved = new Set(placed.map(({ header }) => header))
    return headers.filter((header) => !moved.has(header))
  }

  #grown(source: Schema, placed: readonly Placed[]): GrownStruct {
    const shapes = this.#shapesOf(source)
    // Each header has one path, and no name of a header in the settings has a space.
    const id = placed.map(({ header }) => header.key).join(' ')
    const from = placed.map(({ header }) => schemaOf(header))
    const known = shapes.get(id)
    if (known !== undefined && known.from.every((schema, i) => schema === from[i])) return known.grown
    const grown = grownStruct(source, placed, 0)
    shapes.set(id, { from, grown })
    return grown
  }
}

/** @throws DataError for a header without a schema. */
function schemaOf({ key, schema }: Header): Schema {
  if (schema === null)
    throw new DataError(`${transform}: the header "${key}" has no schema, so it cannot become a field`)
  return schema
}

/** Returns whether the structures around a field exist. */
function hasPlace(schema: Schema, values: StructValue, path: readonly string[]): boolean {
  let [type, value]: [Schema, ConnectValue] = [schema, values]
  for (const name of path.slice(0, -1)) {
    const field = fieldOf(type, name)
    if (field === undefined || field.schema.type !== 'STRUCT' || value === null || !isArray(value)) return false
    ;[type, value] = [field.schema, value[field.index] ?? null]
  }
  return value !== null
}

/** Structs that get fields are required, as in Debezium; their nulls are replaced by defaults. */
function grownStruct(source: Schema, placed: readonly Placed[], depth: number): GrownStruct {
  const own = placed.filter(({ path }) => path.length === depth + 1)
  const nested = new Map(
    source.fields
      .filter(({ name }) => placed.some(({ path }) => path.length > depth + 1 && path[depth] === name))
      .map(({ name, index, schema }) => {
        const within = placed.filter(({ path }) => path.length > depth + 1 && path[depth] === name)
        return [index, { within, grown: grownStruct(schema, within, depth + 1) }] as const
      }),
  )
  const fields = [
    ...source.fields.map(({ name, index, schema }) => ({ name, schema: nested.get(index)?.grown.schema ?? schema })),
    ...own.map(({ path, header }) => ({ name: path[depth] ?? '', schema: schemaOf(header) })),
  ]
  const schema = structOf(fields, basicsOf(source), transform)
  return { schema, grow: (values, headers) => grownValues({ source, nested, depth }, values, headers) }
}

interface Growth {
  readonly source: Schema
  readonly nested: ReadonlyMap<number, { readonly within: readonly Placed[]; readonly grown: GrownStruct }>
  readonly depth: number
}

function grownValues({ source, nested, depth }: Growth, values: StructValue, headers: readonly Placed[]): StructValue {
  const kept = source.fields.map(({ name, index, schema }): ConnectValue => {
    const value = values[index] ?? schema.defaultValue ?? null
    const inner = nested.get(index)
    if (inner === undefined || value === null || !isArray(value)) return value
    return inner.grown.grow(
      value,
      headers.filter(({ path }) => path.length > depth + 1 && path[depth] === name),
    )
  })
  return [...kept, ...headers.filter(({ path }) => path.length === depth + 1).map(({ header }) => header.value)]
}

/** `io.debezium.transforms.HeaderToValue`. */
export const plugin: TransformPlugin = debeziumTransform(transform, configDef, (config) => {
  const [headers, fields] = [itemsOf(config['headers']), itemsOf(config['fields'])]
  if (headers.length !== fields.length) {
    throw new ConfigError(`'fields' config must have the same number of elements as 'headers' config.`, {
      key: 'fields',
    })
  }
  const wanted = headers.map((header, i) => ({ header, path: (fields[i] ?? '').split('.') }))
  return new HeaderToValue(wanted, config['operation'] === 'move')
})
