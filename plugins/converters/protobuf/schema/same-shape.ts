import type { Schema } from 'penstock/api'

/** Returns whether the messages of two Connect schemas are the same: whether null is allowed does not matter. */
export function sameShape(one: Schema, other: Schema, compared = new Set<Schema>()): boolean {
  if (one === other || compared.has(one)) return true
  const isSame =
    one.type === other.type &&
    one.name === other.name &&
    sameParameters(one.parameters, other.parameters) &&
    sameOrNone(one.keySchema, other.keySchema, compared) &&
    sameOrNone(one.valueSchema, other.valueSchema, compared)
  if (!isSame || one.fields === other.fields) return isSame
  compared.add(one)
  return (
    one.fields.length === other.fields.length &&
    one.fields.every((field, i) => {
      const against = other.fields[i]
      return (
        against !== undefined &&
        field.name === against.name &&
        field.schema.optional === against.schema.optional &&
        sameShape(field.schema, against.schema, compared)
      )
    })
  )
}

function sameOrNone(one: Schema | null, other: Schema | null, compared: Set<Schema>): boolean {
  return one === null || other === null ? one === other : sameShape(one, other, compared)
}

/** The tag of a field is no part of its type. */
function sameParameters(one: Schema['parameters'], other: Schema['parameters']): boolean {
  return partsOf(one) === partsOf(other)
}

function partsOf(parameters: Schema['parameters']): string {
  const parts = Object.entries(parameters ?? {})
  return JSON.stringify(parts.sort(([first], [second]) => (first < second ? -1 : 1)))
}
