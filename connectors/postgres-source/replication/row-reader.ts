import { DataError, type ConnectValue } from 'penstock/api'
import { fullName } from '../schema/sql-text.ts'
import type { ColumnPlan, NullPlace, TableShape } from '../schema/table-shape.ts'
import { UnknownLabelError } from '../values/column-type.ts'
import { UnrepresentableError } from '../values/conversion-failures.ts'
import { sameValue } from './same-value.ts'

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

interface TupleState {
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
export const tupleState: TupleState = { position: 0, lost: null, nulls: null, unknownKey: null, unchanged: [] }

/** Resets {@link tupleState}. To be called before a row is read. */
export function resetTupleState(): void {
  tupleState.lost = null
  tupleState.nulls = null
  tupleState.unknownKey = null
  if (tupleState.unchanged.length > 0) tupleState.unchanged.length = 0
}

const tupleTag = { new: 0x4e, old: 0x4f, key: 0x4b } as const

/** The images of a row in a message. One object for all messages. */
export class RowImages {
  old: Row | null = null
  row: Row | null = null
  /** As in {@link tupleState}, for both images. */
  lost: readonly string[] | null = null
  nulls: readonly NullPlace[] | null = null
  unknownKey: readonly string[] | null = null
  /** As in {@link tupleState}, for the new row; valid until the next row is read. */
  readonly unchanged: readonly ColumnPlan[] = tupleState.unchanged

  /** Reads the images of an Insert, Update or Delete message, which start at `start`. */
  read(bytes: Buffer, start: number, end: number, shape: TableShape): void {
    let position = start
    this.old = null
    this.row = null
    this.lost = null
    this.nulls = null
    this.unknownKey = null
    if (bytes[position] === tupleTag.key || bytes[position] === tupleTag.old) {
      this.old = this.#readTuple(bytes, position + 1, shape, bytes[position] === tupleTag.key ? 'key' : 'old')
      ;({ position, nulls: this.nulls, unknownKey: this.unknownKey } = tupleState)
    }
    if (position >= end || bytes[position] !== tupleTag.new) return
    this.row = this.#readTuple(bytes, position + 1, shape, 'new')
    this.lost = tupleState.lost
    const { nulls } = tupleState
    if (nulls !== null) this.nulls = this.nulls === null ? nulls : [...this.nulls, ...nulls]
  }

  /**
   * Reads a TupleData and fills {@link tupleState}. The old image, if it was read before, supplies values that the new
   * image does not hold.
   * @see https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html
   */
  #readTuple(bytes: Buffer, start: number, shape: TableShape, kind: TupleKind): Row {
    const { plans } = shape
    const count = bytes.readInt16BE(start)
    if (count !== plans.length) {
      throw new DataError(`a row of ${fullName(shape)} has ${count} columns, but ${plans.length} were announced`)
    }
    const values: ConnectValue[] = new Array<ConnectValue>(shape.valueCount).fill(null)
    const key: ConnectValue[] | null = shape.keyCount === 0 ? null : new Array<ConnectValue>(shape.keyCount).fill(null)
    let position = start + 2
    resetTupleState()
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
        value = kind === 'key' && !plan.inIdentity ? substitute(plan) : nullOf(plan, 'row')
      } else if (columnKind === unchangedKind) {
        value = unchangedValue(plan, this.old)
      } else {
        throw new DataError(`a row of ${fullName(shape)} has a column of unknown kind ${columnKind}`)
      }
      if (plan.valueIndex >= 0) values[plan.valueIndex] = value
      if (plan.keyIndex >= 0 && key !== null) key[plan.keyIndex] = value
    }
    tupleState.position = position
    return { kind, values, key }
  }
}

/** Decodes a value. A value that cannot be represented becomes null or throws UnrepresentableError, by the failure mode. */
export function decodeColumn(bytes: Buffer, start: number, end: number, plan: ColumnPlan): ConnectValue {
  let value: ConnectValue
  try {
    value = plan.decode(bytes, start, end)
  } catch (error) {
    if (error instanceof UnknownLabelError || error instanceof UnrepresentableError) throw error
    value = plan.unparsable(bytes.toString('utf8', start, end), error)
  }
  if (value === null) return nullOf(plan, 'value')
  if (plan.elementsRequired && Array.isArray(value) && value.includes(null)) {
    tupleState.nulls = [...(tupleState.nulls ?? []), { column: plan.name, cause: 'element' }]
  }
  return value
}

/** Returns null for a column, and records it when the schema requires a value. */
export function nullOf(plan: ColumnPlan, cause: 'row' | 'value'): null {
  if (plan.required) tupleState.nulls = [...(tupleState.nulls ?? []), { column: plan.name, cause }]
  return null
}

/** The value of a column that is not in an old image of identity columns. */
function substitute(plan: ColumnPlan): ConnectValue {
  if (plan.keyIndex >= 0) tupleState.unknownKey = [...(tupleState.unknownKey ?? []), plan.name]
  return plan.absent
}

function unchangedValue(plan: ColumnPlan, old: Row | null): ConnectValue {
  if (plan.valueIndex < 0 && plan.keyIndex < 0) return null
  if (old !== null && (old.kind === 'old' || plan.inIdentity)) {
    const before = plan.valueIndex >= 0 ? old.values[plan.valueIndex] : old.key?.[plan.keyIndex]
    if (before !== undefined && before !== null) return before
  }
  tupleState.unchanged.push(plan)
  if (plan.placeholder !== undefined) return plan.placeholder
  tupleState.lost = [...(tupleState.lost ?? []), plan.name]
  plan.unchanged()
  return nullOf(plan, 'value')
}

/** A replica identity other than the key leaves substitutes in the old key, which then counts as changed, as in Debezium. */
export function keyChanged(old: Row, row: Row): boolean {
  const { key } = old
  if (key === null || row.key === null) return false
  return key.some((value, i) => !sameValue(value, row.key?.[i] ?? null))
}
