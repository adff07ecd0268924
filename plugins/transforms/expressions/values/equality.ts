import { isArray, isMap, type ConnectValue, type Schema } from 'penstock/api'

import type { Budget } from './budget.ts'

/** Returns whether two values of records have the same content. */
export function sameData(left: ConnectValue, right: ConnectValue, budget: Budget): boolean {
  budget.spend(1)
  if (typeof left !== 'object' || left === null || typeof right !== 'object' || right === null)
    return Object.is(left, right) || (left === right && typeof left !== 'number')
  if (left instanceof Uint8Array || right instanceof Uint8Array) {
    if (!(left instanceof Uint8Array && right instanceof Uint8Array)) return false
    budget.spend(left.length >> 4)
    return Buffer.compare(left, right) === 0
  }
  if (isArray(left) || isArray(right)) {
    if (!isArray(left) || !isArray(right) || left.length !== right.length) return false
    return left.every((item, i) => sameData(item, right[i] ?? null, budget))
  }
  const [a, b] = [mapOf(left), mapOf(right)]
  return a.size === b.size && [...a].every(([key, item]) => b.has(key) && sameData(item, b.get(key) ?? null, budget))
}

function mapOf(value: ConnectValue): ReadonlyMap<ConnectValue, ConnectValue> {
  return isMap(value) ? value : new Map<ConnectValue, ConnectValue>(Object.entries(value ?? {}))
}

/** Returns whether two schemas are equal. */
export function sameSchema(left: Schema | null, right: Schema | null, budget: Budget): boolean {
  budget.spend(1)
  if (left === right) return true
  if (left === null || right === null) return false
  const same =
    left.type === right.type &&
    left.optional === right.optional &&
    left.name === right.name &&
    left.version === right.version &&
    left.doc === right.doc &&
    left.fields.length === right.fields.length
  if (!same || JSON.stringify(left.parameters) !== JSON.stringify(right.parameters)) return false
  if (!sameData(left.defaultValue ?? null, right.defaultValue ?? null, budget)) return false
  const inner =
    sameSchema(left.keySchema, right.keySchema, budget) && sameSchema(left.valueSchema, right.valueSchema, budget)
  return (
    inner &&
    left.fields.every(({ name, schema }, i) => {
      const other = right.fields[i]
      return name === other?.name && sameSchema(schema, other.schema, budget)
    })
  )
}
