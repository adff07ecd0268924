import { fieldOf, type ConnectValue, type Schema, type StructValue } from 'penstock/api'

import type { LinearRegex } from '../regex/linear-regex.ts'
import type { Decimal, Floating, Small } from './numbers.ts'

/** A structure of the record. */
export class StructView {
  readonly schema: Schema
  readonly values: StructValue

  constructor(schema: Schema, values: StructValue) {
    this.schema = schema
    this.values = values
  }
}

/** A list, of the record or of the expression. */
export class ListView {
  readonly size: number
  readonly #at: (index: number) => Value
  /** The list of the record, and its schema; null for a list of the expression. */
  readonly origin: { readonly schema: Schema | null; readonly items: readonly ConnectValue[] } | null

  constructor(size: number, at: (index: number) => Value, origin: ListView['origin'] = null) {
    this.size = size
    this.#at = at
    this.origin = origin
  }

  /** @param index from 0 to below the size */
  at(index: number): Value {
    return this.#at(index)
  }
}

/** A map of the record, a value without a schema, or the headers by their names. */
export interface MapView {
  readonly size: number
  /** Returns undefined for a missing key. */
  readonly get: (key: Value) => Value
  readonly keys: () => readonly Value[]
}

/** A map by its methods, so that no name of a key can be one of a method. */
export class Entries implements MapView {
  readonly size: number
  readonly get: (key: Value) => Value
  readonly keys: () => readonly Value[]

  constructor(size: number, get: (key: Value) => Value, keys: () => readonly Value[]) {
    this.size = size
    this.get = get
    this.keys = keys
  }
}

/** An entry of a map, in a closure. */
export class EntryView {
  readonly key: Value
  readonly value: Value

  constructor(key: Value, value: Value) {
    this.key = key
    this.value = value
  }
}

/** A header of the record. */
export class HeaderView {
  readonly schema: Schema | null
  readonly value: Value

  constructor(schema: Schema | null, value: Value) {
    this.schema = schema
    this.value = value
  }
}

/** A schema. */
export class SchemaView {
  readonly schema: Schema

  constructor(schema: Schema) {
    this.schema = schema
  }
}

/** A field of a schema. */
export class FieldView {
  readonly name: string
  readonly index: number
  readonly schema: Schema

  constructor(name: string, index: number, schema: Schema) {
    this.name = name
    this.index = index
    this.schema = schema
  }
}

/** The type of a schema, an enum in Java. */
export class TypeView {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** A regular expression of JavaScript, or one of Groovy with the text that it is looked for in. */
export class MatcherView {
  readonly regex: LinearRegex
  readonly text: string | null

  constructor(regex: LinearRegex, text: string | null) {
    this.regex = regex
    this.text = text
  }
}

/** Bytes, or a date of Connect: values that an expression can only pass on and compare with null. */
export class OpaqueView {
  readonly kind: 'bytes' | 'a date'
  readonly value: ConnectValue

  constructor(kind: 'bytes' | 'a date', value: ConnectValue) {
    this.kind = kind
    this.value = value
  }
}

/** A value of an expression. In Groovy a number is an Integer, a bigint a Long; undefined is JavaScript's only. */
export type Value =
  | undefined
  | null
  | boolean
  | number
  | bigint
  | string
  | Small
  | Floating
  | Decimal
  | StructView
  | ListView
  | Entries
  | EntryView
  | HeaderView
  | SchemaView
  | FieldView
  | TypeView
  | MatcherView
  | OpaqueView

/** Returns a list of values. */
export function listOf(items: readonly Value[]): ListView {
  return new ListView(items.length, (index) => items[index])
}

/** Returns the items of a list. */
export function itemsOf(list: ListView): Value[] {
  return Array.from({ length: list.size }, (_, index) => list.at(index))
}

/** Makes a value of an expression of one of the record. */
export type Convert = (schema: Schema | null, value: ConnectValue) => Value

/** Returns the value of a field, or its default; undefined if there is no such field. */
export function fieldValue(struct: StructView, name: string, convert: Convert): Value {
  const field = fieldOf(struct.schema, name)
  if (field === undefined) return undefined
  return convert(field.schema, struct.values[field.index] ?? field.schema.defaultValue ?? null)
}
