import { DataError, type ConnectValue } from 'penstock/api'
import { UnknownLabelError } from '../values/column-type.ts'
import { fullName } from '../schema/table-filter.ts'
import { sameValue } from '../values/same-value.ts'
import type { ColumnPlan, NullPlace, TableShape } from '../schema/table-shape.ts'

/** Which image of a row a tuple holds: the new one, the whole old one, or only the old one's identity columns. */
export type TupleKind = 'new' | 'old' | 'key'

/**
 * A row's values and its key, positional. The key is null for a table without one. Of kind `key` only the identity columns
 * hold values, the others stand-ins.
 */
export interface Row {
  readonly kind: TupleKind
  readonly values: ConnectValue[]
  readonly key: ConnectValue[] | null
}

const nullKind = 0x6e
const unchangedKind = 0x75
const textKind = 0x74

interface TupleEnd {
  position: number
  /** Columns whose unchanged value neither the log nor a placeholder could give. */
  lost: string[] | null
  /** Nulls where the shape requires a value: the record needs a shape that allows them. */
  nulls: NullPlace[] | null
  /** Key columns that the image leaves out: their values in the key stand in for unknown ones. */
  unknownKey: string[] | null
  /** Columns whose unchanged large value is not in the message. One array for all tuples. */
  readonly unchanged: ColumnPlan[]
}

/** What the last tuple, or line of a COPY, left behind. */
export const tupleEnd: TupleEnd = { position: 0, lost: null, nulls: null, unknownKey: null, unchanged: [] }

/** To be called before a row is read. */
export function beginRow(): void {
  tupleEnd.lost = null
  tupleEnd.nulls = null
  tupleEnd.unknownKey = null
  if (tupleEnd.unchanged.length > 0) tupleEnd.unchanged.length = 0
}

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
  beginRow()
  for (let i = 0; i < count; i += 1) {
    const plan = plans[i] as ColumnPlan
    const columnKind = bytes[position]
    position += 1
    let value: ConnectValue
    if (columnKind === textKind) {
      const from = position + 4
      position = from + bytes.readInt32BE(position)
      if (plan.valueIndex < 0 && plan.keyIndex < 0) continue
      value = decodeColumn(bytes, from, position, plan)
    } else if (columnKind === nullKind) {
      value = kind === 'key' && !plan.inIdentity ? standIn(plan) : nullOf(plan, 'row')
    } else if (columnKind === unchangedKind) {
      value = unchangedValue(plan, old)
    } else {
      throw new DataError(`a row of ${fullName(shape)} has a column of an unknown kind (${columnKind})`)
    }
    if (plan.valueIndex >= 0) values[plan.valueIndex] = value
    if (plan.keyIndex >= 0 && key !== null) key[plan.keyIndex] = value
  }
  tupleEnd.position = position
  return { kind, values, key }
}

/** The images of a row in a message, read by {@link readImages}. */
export interface RowImages {
  old: Row | null
  row: Row | null
  /** As in {@link tupleEnd}, of both images. */
  lost: readonly string[] | null
  nulls: readonly NullPlace[] | null
  unknownKey: readonly string[] | null
  /** As in {@link tupleEnd}, of the new row: valid until the next one is read. */
  readonly unchanged: readonly ColumnPlan[]
}

export function newImages(): RowImages {
  return { old: null, row: null, lost: null, nulls: null, unknownKey: null, unchanged: tupleEnd.unchanged }
}

const tupleTag = { new: 0x4e, old: 0x4f, key: 0x4b } as const

/** Reads the images of an insert, update or delete, which begin at `start`, into `images`. */
export function readImages(bytes: Buffer, start: number, end: number, shape: TableShape, images: RowImages): void {
  let position = start
  let old: Row | null = null
  let nulls: readonly NullPlace[] | null = null
  images.unknownKey = null
  images.lost = null
  images.row = null
  if (bytes[position] === tupleTag.key || bytes[position] === tupleTag.old) {
    old = readTuple(bytes, position + 1, shape, bytes[position] === tupleTag.key ? 'key' : 'old', null)
    position = tupleEnd.position
    images.unknownKey = tupleEnd.unknownKey
    ;({ nulls } = tupleEnd)
  }
  images.old = old
  if (position < end && bytes[position] === tupleTag.new) {
    images.row = readTuple(bytes, position + 1, shape, 'new', old)
    images.lost = tupleEnd.lost
    if (tupleEnd.nulls !== null) nulls = nulls === null ? tupleEnd.nulls : [...nulls, ...tupleEnd.nulls]
  }
  images.nulls = nulls
}

/** Decodes a value. What cannot be carried becomes null, or throws, as the failure mode says. */
export function decodeColumn(bytes: Buffer, start: number, end: number, plan: ColumnPlan): ConnectValue {
  let value: ConnectValue
  try {
    value = plan.decode(bytes, start, end)
  } catch (error) {
    if (error instanceof UnknownLabelError || (error instanceof DataError && error.code === 'PG_VALUE')) throw error
    value = plan.notUnderstood(bytes.toString('utf8', start, end), error)
  }
  if (value === null) return nullOf(plan, 'value')
  if (plan.elementsRequired && Array.isArray(value) && value.includes(null)) {
    tupleEnd.nulls = [...(tupleEnd.nulls ?? []), { column: plan.name, cause: 'element' }]
  }
  return value
}

/** Null for a column; noted where its schema requires a value. */
export function nullOf(plan: ColumnPlan, cause: 'row' | 'value'): null {
  if (plan.required) tupleEnd.nulls = [...(tupleEnd.nulls ?? []), { column: plan.name, cause }]
  return null
}

/** For a column that a before-image of identity columns leaves out. */
function standIn(plan: ColumnPlan): ConnectValue {
  if (plan.keyIndex >= 0) tupleEnd.unknownKey = [...(tupleEnd.unknownKey ?? []), plan.name]
  return plan.absent
}

function unchangedValue(plan: ColumnPlan, old: Row | null): ConnectValue {
  if (plan.valueIndex < 0 && plan.keyIndex < 0) return null
  if (old !== null && (old.kind === 'old' || plan.inIdentity)) {
    const before = plan.valueIndex >= 0 ? old.values[plan.valueIndex] : old.key?.[plan.keyIndex]
    if (before !== undefined && before !== null) return before
  }
  tupleEnd.unchanged.push(plan)
  if (plan.placeholder !== undefined) return plan.placeholder
  tupleEnd.lost = [...(tupleEnd.lost ?? []), plan.name]
  plan.unchanged()
  return nullOf(plan, 'value')
}

/** An identity other than the key gives the old key's missing columns stand-ins, and so a change, as in Debezium. */
export function keyChanged(old: Row, row: Row): boolean {
  const { key } = old
  if (key === null || row.key === null) return false
  return key.some((value, i) => !sameValue(value, row.key?.[i] ?? null))
}
