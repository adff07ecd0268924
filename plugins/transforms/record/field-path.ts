import {
  ConfigError,
  oneOfIgnoringCase,
  type ConfigKey,
  type ParsedConfig,
  DataError,
  fieldOf,
  isArray,
  type ConnectValue,
  type PlainMap,
  type Schema,
  type StructValue,
} from 'penstock/api'

import { isPlainMap, memberOf } from './plain-map.ts'
import { kindOf, requireStructSchema } from './requirements.ts'
import { fallbackOf } from './struct-shape.ts'

/** `V1`: a path is the name of one field. `V2` (KIP-821): a path is dotted, and backticks enclose names with dots. */
export type FieldSyntax = 'V1' | 'V2'

/** The setting of KIP-821. */
export const fieldSyntaxVersion = {
  type: 'STRING',
  defaultValue: 'V1',
  importance: 'HIGH',
  doc: 'Defines the version of the syntax to access fields. If set to `V1`, then the field paths are limited to access the elements at the root level of the struct or map. If set to `V2`, the syntax will support accessing nested elements. To access nested elements, dotted notation is used. If dots are already included in the field name, then backtick pairs can be used to wrap field names containing dots. E.g. to access the subfield `baz` from a field named "foo.bar" in a struct/map the following format can be used to access its elements: "`foo.bar`.baz".',
  validator: oneOfIgnoringCase('V1', 'V2'),
} as const satisfies ConfigKey

/** Returns the value of {@link fieldSyntaxVersion}. */
export function syntaxOf(config: ParsedConfig): FieldSyntax {
  return String(config['field.syntax.version']).toUpperCase() === 'V2' ? 'V2' : 'V1'
}

/** A path as it is configured, and the names in it. */
export interface FieldPath {
  readonly text: string
  readonly steps: readonly string[]
}

/** @throws ConfigError if a backtick is not closed. */
export function fieldPath(text: string, syntax: FieldSyntax): FieldPath {
  return { text, steps: syntax === 'V1' ? [text] : stepsOf(text) }
}

function stepsOf(path: string): readonly string[] {
  const steps: string[] = []
  let at = 0
  while (at < path.length) {
    const step = path[at] === '`' ? quotedStep(path, at) : plainStep(path, at)
    steps.push(step.name)
    at = step.end
  }
  if (path.endsWith('.')) steps.push('')
  return steps
}

function plainStep(path: string, from: number): { name: string; end: number } {
  const dot = path.indexOf('.', from)
  return dot === -1 ? { name: path.slice(from), end: path.length } : { name: path.slice(from, dot), end: dot + 1 }
}

/** A backtick ends the step only before a dot or at the end, so that others need no escape. */
function quotedStep(path: string, from: number): { name: string; end: number } {
  let name = ''
  let start = from + 1
  let at = path.indexOf('`', start)
  for (; at !== -1; at = path.indexOf('`', at + 1)) {
    const escaped = path[at - 1] === '\\'
    const atEnd = at === path.length - 1
    if (atEnd && escaped) break
    if (atEnd) return { name: name + path.slice(start, at), end: at + 1 }
    if (path[at + 1] !== '.') continue
    if (!escaped) return { name: name + path.slice(start, at), end: at + 2 }
    name += `${path.slice(start, at - 1)}\``
    start = at + 1
  }
  throw new ConfigError(
    `Incomplete backtick pair in path: [${path}], consider adding a backslash before backtick at position ${from} to escape it`,
  )
}

/** A path in the structs of one schema. */
export interface CompiledPath {
  /** The schema of the field at the end of the path. */
  readonly schema: Schema
  readonly read: (values: StructValue) => ConnectValue
}

/**
 * Compiles a path for the structs of a schema. Null in the structs on the way is replaced by defaults in any case, null at
 * the end only with `replaceNull`.
 * @throws DataError if the schema has no such field.
 */
export function compilePath(
  schema: Schema,
  { text, steps }: FieldPath,
  replaceNull: boolean,
  transform: string,
): CompiledPath {
  const path: { readonly index: number; readonly fallback: ConnectValue }[] = []
  let current = schema
  for (const [i, step] of steps.entries()) {
    requireStructSchema(current, transform)
    const field = fieldOf(current, step)
    if (field === undefined) throw unknownField(text, transform)
    current = field.schema
    path.push({ index: field.index, fallback: fallbackOf(current, replaceNull || i < steps.length - 1) })
  }
  if (path.length === 0) throw unknownField(text, transform)
  return {
    schema: current,
    read(values) {
      let value: ConnectValue = values
      for (const { index, fallback } of path) {
        if (!isArray(value)) return null
        value = value[index] ?? fallback
      }
      return value
    },
  }
}

function unknownField(path: string, transform: string): DataError {
  return new DataError(`${transform}: unknown field "${path}"`)
}

/** Returns the value at a path in maps without schemas; null if there is none. @throws DataError if a step is not a map. */
export function readPath(map: PlainMap, { text, steps }: FieldPath, transform: string): ConnectValue {
  if (steps.length === 0) throw unknownField(text, transform)
  let value: ConnectValue = map
  for (const step of steps) {
    if (value === null) return null
    if (!isPlainMap(value)) {
      throw new DataError(`${transform}: "${text}" needs a map above "${step}", found ${kindOf(null, value)}`)
    }
    value = memberOf(value, step)
  }
  return value
}
