import { ConnectError, DataError, type ConnectValue } from 'penstock/api'
import { UnknownLabelError } from './column-type.ts'
import { fullName } from './table-filter.ts'
import type { ColumnPlan, TableShape } from './table-shape.ts'

/** A row's values and its key, positional. The key is null for a table without one. */
export interface Row {
  readonly values: ConnectValue[]
  readonly key: ConnectValue[] | null
}

/** Which image of a row a tuple holds: the new one, the whole old one, or only the old one's identity columns. */
export type TupleKind = 'new' | 'old' | 'key'

const nullKind = 0x6e
const unchangedKind = 0x75
const textKind = 0x74

/** Where the last tuple ended, and the columns whose unchanged value neither the log nor a placeholder could give. */
export const tupleEnd: { position: number; lost: string[] | null } = { position: 0, lost: null }

/**
 * Reads a tuple of a pgoutput message; leaves {@link tupleEnd} behind it.
 * @param old the row's old image, where the message carries one: values that the log does not hold are taken from it.
 */
export function readTuple(bytes: Buffer, start: number, shape: TableShape, kind: TupleKind, old: Row | null): Row {
  const { plans } = shape
  const count = bytes.readInt16BE(start)
  if (count !== plans.length) {
    throw new DataError(`a row of ${fullName(shape)} has ${count} columns where ${plans.length} were announced`)
  }
  const values: ConnectValue[] = new Array<ConnectValue>(shape.valueCount).fill(null)
  const key: ConnectValue[] | null = shape.keyCount === 0 ? null : new Array<ConnectValue>(shape.keyCount).fill(null)
  let position = start + 2
  tupleEnd.lost = null
  for (let i = 0; i < count; i += 1) {
    const plan = plans[i] as ColumnPlan
    const columnKind = bytes[position]
    position += 1
    let value: ConnectValue
    if (columnKind === textKind) {
      const from = position + 4
      position = from + bytes.readInt32BE(position)
      if (plan.valueIndex < 0 && plan.keyIndex < 0) continue
      value = decodeColumn(bytes, from, position, plan, shape)
    } else if (columnKind === nullKind) {
      value = kind === 'key' ? plan.absent : null
    } else if (columnKind === unchangedKind) {
      value = unchangedValue(plan, old, shape)
    } else {
      throw new DataError(`a row of ${fullName(shape)} has a column of an unknown kind (${columnKind})`)
    }
    if (plan.valueIndex >= 0) values[plan.valueIndex] = value
    if (plan.keyIndex >= 0 && key !== null) key[plan.keyIndex] = value
  }
  tupleEnd.position = position
  return { values, key }
}

/** Decodes a value; a failure says of which column. */
export function decodeColumn(
  bytes: Buffer,
  start: number,
  end: number,
  plan: ColumnPlan,
  shape: TableShape,
): ConnectValue {
  try {
    return plan.decode(bytes, start, end)
  } catch (error) {
    if (error instanceof UnknownLabelError) throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new DataError(`${fullName(shape)}.${plan.name} cannot be read: ${reason}`, { code: 'PG_VALUE', cause: error })
  }
}

function unchangedValue(plan: ColumnPlan, old: Row | null, shape: TableShape): ConnectValue {
  if (plan.keyIndex >= 0 && old !== null && old.key !== null) return old.key[plan.keyIndex] ?? null
  const before = plan.valueIndex >= 0 ? old?.values[plan.valueIndex] : undefined
  if (before !== undefined && before !== null) return before
  if (plan.placeholder !== undefined) return plan.placeholder
  if (plan.optional) {
    tupleEnd.lost = [...(tupleEnd.lost ?? []), plan.name]
    return null
  }
  throw new ConnectError(
    `${fullName(shape)}.${plan.name}: an update left this out-of-line value unchanged, so the log does not hold it, and ` +
      `its type has no room for unavailable.value.placeholder. Run: ALTER TABLE ${fullName(shape)} REPLICA IDENTITY FULL;`,
    { code: 'PG_TOAST' },
  )
}
