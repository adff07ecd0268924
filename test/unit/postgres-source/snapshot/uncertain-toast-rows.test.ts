import { primitive, struct, type ConnectValue } from 'penstock/api'
import { beforeEach, describe, expect, it } from 'vitest'
import { UncertainToastRows } from '../../../../connectors/postgres-source/snapshot/uncertain-toast-rows.ts'
import type { Row } from '../../../../connectors/postgres-source/replication/row-reader.ts'
import type { ColumnPlan, TableShape } from '../../../../connectors/postgres-source/schema/table-shape.ts'

const keySchema = struct([
  ['a', primitive('STRING')],
  ['b', primitive('INT64')],
])
const shape = { oid: 7, schema: 's', name: 'T', keyColumns: ['a', 'b'], keySchema } as unknown as TableShape
const body = { name: 'body', isArray: false } as unknown as ColumnPlan
const tags = { name: 'tags', isArray: true } as unknown as ColumnPlan
const row = (...key: ConnectValue[]): Row => ({ kind: 'new', values: [], key })

let rows: UncertainToastRows

/** The rows as a restarted task loads them. */
function stored(): UncertainToastRows {
  const again = new UncertainToastRows()
  again.load(rows.state())
  return again
}

beforeEach(() => {
  rows = new UncertainToastRows()
})

describe('rows with uncertain TOAST values', () => {
  it('are listed with their keys and the statement that writes the values again, also after a restart', () => {
    rows.moved(shape, { old: row('x', 1n), row: row("it's", 2n), unchanged: [body, tags] }, true)
    rows.moved(shape, { old: row('y', 1n), row: row('y', 2n), unchanged: [body] }, true)
    const text =
      `"s"."T": 2 rows (("a", "b"): ('it''s', 2), ('y', 2)), "body", "tags". Run: UPDATE "s"."T" SET "body" = (ARRAY["body"])[1], ` +
      `"tags" = CASE WHEN "tags" IS NOT NULL THEN "tags" || '{}' END WHERE ("a", "b") IN (('it''s', 2), ('y', 2));`
    expect(rows.text()).toBe(text)
    expect(stored().text()).toBe(text)
  })

  it('keep the columns that a change does not carry, until the last value arrives or the row or table is gone', () => {
    rows.moved(shape, { old: row('x', 1n), row: row('x', 2n), unchanged: [body, tags] }, true)
    rows.written(shape, row('x', 2n), [tags], 1)
    rows.written(shape, row('x', 2n), [body, tags], 2)
    rows.moved(shape, { old: row('x', 2n), row: row('x', 3n), unchanged: [tags] }, false)
    expect(rows.text()).toContain(`IN (('x', 3))`)
    rows.written(shape, row('x', 3n), [], 3)
    expect(rows.isEmpty).toBe(true)
    rows.moved(shape, { old: row('x', 1n), row: row('x', 2n), unchanged: [body] }, true)
    rows.gone(shape, row('x', 2n))
    expect(rows.isEmpty).toBe(true)
    rows.moved(shape, { old: row('x', 1n), row: row('x', 2n), unchanged: [body] }, true)
    rows.forget(shape.oid)
    expect([rows.isEmpty, rows.text(), stored().isEmpty]).toEqual([true, null, true])
  })

  it('are not tracked when the snapshot was not ahead or the change carried the values', () => {
    rows.moved(shape, { old: row('x', 1n), row: row('x', 2n), unchanged: [body] }, false)
    rows.moved(shape, { old: row('y', 1n), row: row('y', 2n), unchanged: [] }, true)
    expect([rows.isEmpty, rows.takeChanged()]).toEqual([true, false])
  })

  it('are counted when their key has no SQL literal, with one statement for the table', () => {
    const date = struct([['a', primitive('INT32', { name: 'io.debezium.time.Date' })]])
    rows.moved({ ...shape, keySchema: date, keyColumns: ['a'] }, { old: row(1), row: row(2), unchanged: [body] }, true)
    expect(rows.text()).toBe(
      '"s"."T": 1 rows ("a": 1 more), "body". Run: UPDATE "s"."T" SET "body" = (ARRAY["body"])[1];',
    )
  })

  it('are forgotten beyond a hundred only when one transaction has written as many', () => {
    for (let i = 0; i < 130; i++)
      rows.moved(shape, { old: row('x', BigInt(i)), row: row('z', BigInt(i)), unchanged: [body] }, true)
    expect(rows.text()).toContain('130 rows')
    rows = stored()
    for (let i = 0; i < 100; i++) rows.written(shape, row('z', BigInt(i)), [], 5)
    expect(rows.text()).toContain('30 rows')
    for (let i = 0; i < 129; i++) rows.written(shape, row('z', BigInt(i)), [], 6)
    expect(rows.isEmpty).toBe(false)
    rows.written(shape, row('z', 129n), [], 7)
    expect(rows.isEmpty).toBe(false)
    for (let i = 0; i < 130; i++) rows.written(shape, row('z', BigInt(i)), [], 8)
    expect(rows.isEmpty).toBe(true)
  })

  it('are rejected when the stored state cannot be parsed', () => {
    expect(() => rows.load({ tables: '[' })).toThrow('PG_OFFSET')
  })
})
