import { isDeepStrictEqual } from 'node:util'

import type { Schema } from 'penstock/api'

/** Pairs of schemas. */
class Pairs {
  readonly #seconds = new Map<Schema, Set<Schema>>()

  /** Returns whether the pair is new. */
  add(first: Schema, second: Schema): boolean {
    const seconds = this.#seconds.get(first) ?? new Set()
    this.#seconds.set(first, seconds)
    if (seconds.has(second)) return false
    seconds.add(second)
    return true
  }
}

/** Returns whether two schemas have the same content: types, names, versions, documentation, parameters and defaults included. */
export function sameSchema(one: Schema | null, other: Schema | null): boolean {
  return same(one, other, new Pairs())
}

/** A schema may contain itself, or one part often: each pair is compared once. */
function same(one: Schema | null, other: Schema | null, compared: Pairs): boolean {
  if (one === other) return true
  if (one === null || other === null) return false
  if (!compared.add(one, other)) return true
  return (
    one.type === other.type &&
    one.optional === other.optional &&
    one.name === other.name &&
    one.version === other.version &&
    one.doc === other.doc &&
    isDeepStrictEqual(one.parameters, other.parameters) &&
    isDeepStrictEqual(one.defaultValue, other.defaultValue) &&
    same(one.keySchema, other.keySchema, compared) &&
    same(one.valueSchema, other.valueSchema, compared) &&
    one.fields.length === other.fields.length &&
    one.fields.every(({ name, schema }, i) => {
      const field = other.fields[i]
      return name === field?.name && same(schema, field.schema, compared)
    })
  )
}
