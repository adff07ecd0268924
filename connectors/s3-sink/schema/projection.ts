import { isDeepStrictEqual } from 'node:util'

import { isArray, isMap, type ConnectValue, type Schema, type SchemaType } from 'penstock/api'

/** Turns a value of one schema into one of another schema. */
export type Projector = (value: ConnectValue) => ConnectValue

/** A projector that may still be compiled; null: there is none. */
interface Compiled {
  project: Projector | null
}

/**
 * Compiles the projection of values to another schema, as Kafka's `SchemaProjector` does it: fields that `to` lacks are left out, and
 * those that `from` lacks get their default, or null. Returns null if not every value has a projection: another type, name or
 * parameter, or a required field without a default that `from` lacks, or where it has nulls.
 */
export function projection(from: Schema, to: Schema): Projector | null {
  return compile(from, to, new Map())
}

// Without a loss of digits. Kafka also makes floats of longs.
const promotions: Readonly<Partial<Record<SchemaType, readonly SchemaType[]>>> = {
  INT8: ['INT16', 'INT32', 'INT64', 'FLOAT32', 'FLOAT64'],
  INT16: ['INT32', 'INT64', 'FLOAT32', 'FLOAT64'],
  INT32: ['INT64', 'FLOAT64'],
  FLOAT32: ['FLOAT64'],
}

type Memo = Map<Schema, Map<Schema, Compiled>>

/** A schema may contain itself, or one part often: each pair is compiled once. */
function compile(from: Schema, to: Schema, memo: Memo): Projector | null {
  const ofFrom = memo.get(from) ?? new Map<Schema, Compiled>()
  memo.set(from, ofFrom)
  const known = ofFrom.get(to)
  if (known !== undefined) return known.project
  // Called only with values, when the whole is compiled.
  const compiled: Compiled = { project: (value) => compiled.project?.(value) ?? null }
  ofFrom.set(to, compiled)
  const fits = from.type === to.type || promotions[from.type]?.includes(to.type) === true
  const means = from.name === to.name && isDeepStrictEqual(from.parameters, to.parameters)
  compiled.project = fits && means ? nullable(from, to, presentProjector(from, to, memo)) : null
  return compiled.project
}

function nullable(from: Schema, to: Schema, project: Projector | null): Projector | null {
  if (project === null) return null
  const instead = to.optional ? null : (to.defaultValue ?? null)
  if (from.optional && !to.optional && instead === null) return null
  return (value) => (value === null ? instead : project(value))
}

function presentProjector(from: Schema, to: Schema, memo: Memo): Projector | null {
  switch (from.type) {
    case 'STRUCT':
      return structProjector(from, to, memo)
    case 'ARRAY': {
      const item = compileParts(from.valueSchema, to.valueSchema, memo)
      return item === null ? null : (value) => (isArray(value) ? value.map(item) : value)
    }
    case 'MAP': {
      const key = compileParts(from.keySchema, to.keySchema, memo)
      const item = compileParts(from.valueSchema, to.valueSchema, memo)
      if (key === null || item === null) return null
      return (value) => (isMap(value) ? new Map([...value].map(([name, one]) => [key(name), item(one)])) : value)
    }
    default:
      return (value) => value
  }
}

function compileParts(from: Schema | null, to: Schema | null, memo: Memo): Projector | null {
  return from === null || to === null ? null : compile(from, to, memo)
}

function structProjector(from: Schema, to: Schema, memo: Memo): Projector | null {
  const sources = new Map(from.fields.map((field) => [field.name, field]))
  const parts: ((values: readonly ConnectValue[]) => ConnectValue)[] = []
  for (const { name, schema } of to.fields) {
    const source = sources.get(name)
    if (source === undefined) {
      const instead = schema.defaultValue ?? null
      if (instead === null && !schema.optional) return null
      parts.push(() => instead)
      continue
    }
    const { index } = source
    const project = compile(source.schema, schema, memo)
    if (project === null) return null
    parts.push((values) => project(values[index] ?? null))
  }
  return (value) => (isArray(value) ? parts.map((part) => part(value)) : value)
}
