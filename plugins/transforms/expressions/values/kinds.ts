import { isNumber } from './numbers.ts'
import {
  Entries,
  EntryView,
  FieldView,
  HeaderView,
  ListView,
  MatcherView,
  OpaqueView,
  SchemaView,
  StructView,
  TypeView,
  type Value,
} from './values.ts'

/** The kind of a value, which has the methods of its kind. */
export type Kind =
  | 'null'
  | 'boolean'
  | 'number'
  | 'text'
  | 'list'
  | 'map'
  | 'struct'
  | 'header'
  | 'schema'
  | 'field'
  | 'type'
  | 'matcher'
  | 'entry'
  | 'opaque'

/** The names of kinds in messages. */
export const kindNames: Readonly<Record<Kind, string>> = {
  null: 'null',
  boolean: 'a boolean',
  number: 'a number',
  text: 'a string',
  list: 'a list',
  map: 'a map',
  struct: 'a struct',
  header: 'a header',
  schema: 'a schema',
  field: 'a field',
  type: 'a type',
  matcher: 'a regular expression',
  entry: 'an entry of a map',
  opaque: 'an opaque value',
}

const views: readonly (readonly [new (...args: never[]) => unknown, Kind])[] = [
  [StructView, 'struct'],
  [ListView, 'list'],
  [Entries, 'map'],
  [HeaderView, 'header'],
  [SchemaView, 'schema'],
  [FieldView, 'field'],
  [TypeView, 'type'],
  [MatcherView, 'matcher'],
  [EntryView, 'entry'],
]

export function kindOf(value: Value): Kind {
  if (typeof value === 'string') return 'text'
  if (value === null || value === undefined) return 'null'
  if (typeof value === 'boolean') return 'boolean'
  if (isNumber(value)) return 'number'
  for (const [view, kind] of views) if (value instanceof view) return kind
  return 'opaque'
}

/** Returns the name of the kind of a value, for messages. */
export function kindName(value: Value): string {
  if (value instanceof OpaqueView) return value.kind
  return value === undefined ? 'undefined' : kindNames[kindOf(value)]
}
