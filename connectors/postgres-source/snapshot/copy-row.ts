import type { ConnectValue } from 'penstock/api'
import { decodeColumn, nullOf, resetTupleState, type Row } from '../replication/row-reader.ts'
import type { ColumnPlan, TableShape } from '../schema/table-shape.ts'

const tab = 0x09
const backslash = 0x5c
const nullMark = 0x4e

/**
 * Reads a line of COPY's text format; `end` is before the line feed.
 * @see https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
 */
export function readCopyRow(bytes: Buffer, start: number, end: number, shape: TableShape): Row {
  const { plans } = shape
  const values: ConnectValue[] = new Array<ConnectValue>(shape.valueCount).fill(null)
  const key: ConnectValue[] | null = shape.keyCount === 0 ? null : new Array<ConnectValue>(shape.keyCount).fill(null)
  let position = start
  resetTupleState()
  for (let i = 0; i < plans.length; i += 1) {
    const plan = plans[i] as ColumnPlan
    const from = position
    let escaped = false
    while (position < end && bytes[position] !== tab) {
      if (bytes[position] === backslash) {
        escaped = true
        position += 1
      }
      position += 1
    }
    const wanted = plan.valueIndex >= 0 || plan.keyIndex >= 0
    if (wanted && escaped && isNull(bytes, from, position)) {
      nullOf(plan, 'row')
    } else if (wanted) {
      const value = escaped ? unescaped(bytes, from, position, plan) : decodeColumn(bytes, from, position, plan)
      if (plan.valueIndex >= 0) values[plan.valueIndex] = value
      if (plan.keyIndex >= 0 && key !== null) key[plan.keyIndex] = value
    }
    position += 1
  }
  return { kind: 'new', values, key }
}

function isNull(bytes: Buffer, start: number, end: number): boolean {
  return end - start === 2 && bytes[start + 1] === nullMark
}

const controls: Readonly<Record<number, number>> = { 0x62: 8, 0x66: 12, 0x6e: 10, 0x72: 13, 0x74: 9, 0x76: 11 }

function unescaped(bytes: Buffer, start: number, end: number, plan: ColumnPlan): ConnectValue {
  const plain = Buffer.allocUnsafe(end - start)
  let length = 0
  for (let i = start; i < end; i += 1) {
    let byte = bytes[i] ?? 0
    if (byte === backslash) {
      i += 1
      byte = bytes[i] ?? 0
      byte = controls[byte] ?? byte
    }
    plain[length] = byte
    length += 1
  }
  return decodeColumn(plain, 0, length, plan)
}
