import type { ConnectRecord, Header } from 'penstock/api'

import type { Language } from './syntax/nodes.ts'
import type { Budget } from './values/budget.ts'
import { Entries, HeaderView, SchemaView, type Convert, type Value } from './values/values.ts'

/** The rules in which the languages differ. */
export interface Dialect {
  readonly language: Language
  readonly convert: Convert
  readonly truth: (value: Value, scope: Scope) => boolean
  readonly text: (value: Value, scope: Scope) => string
  /** Returns whether values are equal for methods such as `contains`. */
  readonly holds: (item: Value, wanted: Value, scope: Scope) => boolean
}

/** What an expression can see while it is evaluated for a record. */
export class Scope {
  readonly budget: Budget
  readonly dialect: Dialect
  /** The parameters of the closures around. */
  readonly locals: Value[] = []
  #record: ConnectRecord | null = null
  #headers: Entries | null = null

  constructor(dialect: Dialect, budget: Budget) {
    this.dialect = dialect
    this.budget = budget
  }

  enter(record: ConnectRecord): void {
    this.#record = record
    this.#headers = null
    this.budget.renew()
  }

  get record(): ConnectRecord {
    if (this.#record === null) throw new TypeError('no record is evaluated')
    return this.#record
  }

  /** The headers by name; the last one of a name counts. */
  get headers(): Entries {
    this.#headers ??= this.#headersOf(this.record.headers)
    return this.#headers
  }

  #headersOf(headers: readonly Header[]): Entries {
    this.budget.spend(headers.length)
    const byName = new Map<Value, Header>(headers.map((header) => [header.key, header]))
    return new Entries(
      byName.size,
      (key) => {
        const header = byName.get(key)
        if (header === undefined) return undefined
        return new HeaderView(header.schema, this.dialect.convert(header.schema, header.value))
      },
      () => [...byName.keys()],
    )
  }
}

/** Returns a compiled part of an expression. */
export type Evaluate = (scope: Scope) => Value

/** The variables that Debezium gives to an expression. */
export const variables: ReadonlyMap<string, Evaluate> = new Map<string, Evaluate>([
  ['key', (scope) => scope.dialect.convert(scope.record.keySchema, scope.record.key)],
  ['value', (scope) => scope.dialect.convert(scope.record.valueSchema, scope.record.value)],
  ['keySchema', ({ record: { keySchema } }) => (keySchema === null ? null : new SchemaView(keySchema))],
  ['valueSchema', ({ record: { valueSchema } }) => (valueSchema === null ? null : new SchemaView(valueSchema))],
  ['topic', (scope) => scope.record.topic],
  ['header', (scope) => scope.headers],
])
