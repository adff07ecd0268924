import { DataError, type ConnectValue } from 'penstock/api'
import { UnknownLabelError } from '../values/column-type.ts'
import { fullName } from '../schema/table-filter.ts'
import { sameValue } from '../values/same-value.ts'
import type { ColumnPlan, NullPlace, TableShape } from '../schema/table-shape.ts'

/** The image of a row in a tuple: the new row, the complete old row, or only the identity columns of the old row. */
export type TupleKind = 'new' | 'old' | 'key'

/**
 * The values of a row and its key, by position. The key is null for a table without one. In an image of kind `key` only the
 * identity columns hold values; the others hold substitutes.
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
  /** Columns whose unchanged TOAST value is neither in the message nor replaced by a placeholder. */
  lost: string[] | null
  /** Nulls where the shape requires a value: the record needs a shape that allows them. */
  nulls: NullPlace[] | null
  /** Key columns that the image does not hold: the key has substitute values for them. */
  unknownKey: string[] | null
  /** Columns whose unchanged TOAST value is not in the message. One array for all tuples. */
  readonly unchanged: ColumnPlan[]
}

/** By-products of the last tuple or COPY line. Module-level scratch, because reading a row never waits. */
export const tupleEnd: TupleEnd = { position: 0, lost: null, nulls: null, unknownKey: null, unchanged: [] }

/** Resets {@link tupleEnd}. To be called before a row is read. */
export function beginRow(): void {
  tupleEnd.lost = null
  tupleEnd.nulls = null
  tupleEnd.unknownKey = null
  if (tupleEnd.unchanged.length > 0) tupleEnd.unchanged.length = 0
}

/**
 * Reads the TupleData of a pgoutput message and fills {@link tupleEnd}.
 * @param old the row's old image, if the message carries one: it supplies values that the new image does not hold
 * @see https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
 */
export function readTuple(bytes: Buffer, start: number, shape: TableShape, kind: TupleKind, old: Row | null): Row {
  const { plans } = shape
  const count = bytes.readInt16BE(start)
  if (count !== plans.length) {
    throw new DataError(`a row of ${fullName(shape)} has ${count} columns, but ${plans.length} were announced`)
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
      throw new DataError(`a row of ${fullName(shape)} has a column of unknown kind ${columnKind}`)
    }
    if (plan.valueIndex >= 0) values[plan.valueIndex] = value
    if (plan.keyIndex >= 0 && key !== null) key[plan.keyIndex] = value
  }
  tupleEnd.position = position
  return { kind, values, key }
}

/** The images of a row in a message, filled by {@link readImages}. Reused for every message. */
export interface RowImages {
  old: Row | null
  row: Row | null
  /** As in {@link tupleEnd}, for both images. */
  lost: readonly string[] | null
  nulls: readonly NullPlace[] | null
  unknownKey: readonly string[] | null
  /** As in {@link tupleEnd}, for the new row; valid until the next row is read. */
  readonly unchanged: readonly ColumnPlan[]
}

export function newImages(): RowImages {
  return { old: null, row: null, lost: null, nulls: null, unknownKey: null, unchanged: tupleEnd.unchanged }
}

const tupleTag = { new: 0x4e, old: 0x4f, key: 0x4b } as const

/** Reads the images of an Insert, Update or Delete message, which start at `start`, into `images`. */
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

/** Decodes a value. A value that cannot be represented becomes null or throws, by the failure mode. */
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

/** Returns null for a column, and records it when the schema requires a value. */
export function nullOf(plan: ColumnPlan, cause: 'row' | 'value'): null {
  if (plan.required) tupleEnd.nulls = [...(tupleEnd.nulls ?? []), { column: plan.name, cause }]
  return null
}

/** The value of a column that is not in an old image of identity columns. */
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

/** A replica identity other than the key leaves substitutes in the old key, which then counts as changed, as in Debezium. */
export function keyChanged(old: Row, row: Row): boolean {
  const { key } = old
  if (key === null || row.key === null) return false
  return key.some((value, i) => !sameValue(value, row.key?.[i] ?? null))
}
