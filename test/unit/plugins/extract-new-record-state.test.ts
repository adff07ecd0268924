import {
  ConfigError,
  DataError,
  primitive,
  struct,
  type ConnectRecord,
  type ConnectValue,
  type Header,
  type RawConfig,
} from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { plugin } from '../../../plugins/transforms/debezium/extract-new-record-state.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'

const transform = (raw: RawConfig = {}) => plugin.create(parseConfig(plugin.configDef, raw), raw)
const optional = { optional: true }

const row = struct(
  [
    ['id', primitive('INT32')],
    ['name', primitive('STRING', optional)],
    ['qty', primitive('INT32', { optional: true, defaultValue: 5 })],
  ],
  { optional: true, name: 's.public.orders.Value' },
)
const envelope = struct(
  [
    ['before', row],
    ['after', row],
    [
      'source',
      struct([
        ['lsn', primitive('INT64')],
        ['table', primitive('STRING')],
      ]),
    ],
    ['transaction', struct([['id', primitive('STRING')]], optional)],
    ['op', primitive('STRING')],
    ['ts_ms', primitive('INT64', optional)],
  ],
  { name: 's.public.orders.Envelope', version: 2 },
)

type Row = readonly [number, string | null, number | null] | null

function event(op: string, before: Row, after: Row, headers: readonly Header[] = []): ConnectRecord {
  return {
    topic: 's.public.orders',
    partition: null,
    keySchema: struct([['id', primitive('INT32')]]),
    key: [1],
    valueSchema: envelope,
    value: [before, after, [77n, 'orders'], null, op, 9],
    timestamp: 3,
    headers,
  }
}

const tombstone: ConnectRecord = { ...event('d', null, null), valueSchema: null, value: null }
const names = (record: ConnectRecord | null) => record?.valueSchema?.fields.map((field) => field.name)

describe('ExtractNewRecordState', () => {
  it('gives the row after the change, which is not optional', () => {
    const out = transform().apply(event('u', [1, 'a', 1], [1, 'b', 2]))
    expect(out?.value).toEqual([1, 'b', 2])
    expect(out?.valueSchema).toMatchObject({ name: 's.public.orders.Value', optional: false })
    expect([out?.topic, out?.key, out?.timestamp]).toEqual(['s.public.orders', [1], 3])
  })

  it('hands out one schema object for all rows of a table', () => {
    const unwrap = transform({ 'add.fields': 'op' })
    const one = unwrap.apply(event('c', null, [1, 'a', 1]))
    const two = unwrap.apply(event('u', null, [2, 'b', 1]))
    expect(two?.valueSchema).toBe(one?.valueSchema)
  })

  it.each<[string, ConnectValue, boolean, boolean]>([
    ['drop', 'nothing', false, false],
    ['tombstone', null, true, false],
    ['rewrite', [1, 'a', 1, 'true'], true, false],
    ['rewrite-with-tombstone', [1, 'a', 1, 'true'], true, true],
    ['delete-to-tombstone', null, false, false],
  ])('%s: deletes and tombstones', (mode, value, hasSchema, keepsTombstone) => {
    const unwrap = transform({ 'delete.tombstone.handling.mode': mode })
    const deleted = unwrap.apply(event('d', [1, 'a', 1], null))
    if (value === 'nothing') expect(deleted).toBeNull()
    else expect([deleted?.value, deleted?.valueSchema !== null]).toEqual([value, hasSchema])
    expect(unwrap.apply(tombstone)).toBe(keepsTombstone ? tombstone : null)
  })

  it.each([
    [{ 'drop.tombstones': 'true', 'delete.handling.mode': 'drop' }, 'nothing', false],
    [{ 'delete.handling.mode': 'rewrite' }, [1, 'a', 1, 'true'], false],
    [{ 'drop.tombstones': 'false', 'delete.handling.mode': 'rewrite' }, [1, 'a', 1, 'true'], true],
    [{ 'drop.tombstones': 'true', 'delete.handling.mode': 'none' }, null, false],
    [{ 'drop.tombstones': 'false' }, null, false],
    [{ 'drop.tombstones': 'false', 'delete.tombstone.handling.mode': 'drop' }, 'nothing', false],
  ] as const)('understands the older settings %j', (raw, value, keepsTombstone) => {
    const unwrap = transform(raw)
    expect(unwrap.apply(event('d', [1, 'a', 1], null))?.value ?? null).toEqual(value === 'nothing' ? null : value)
    expect(unwrap.apply(event('d', [1, 'a', 1], null)) === null).toBe(value === 'nothing')
    expect(unwrap.apply(tombstone) !== null).toBe(keepsTombstone)
  })

  it('marks every row in the rewrite modes', () => {
    const out = transform({ 'delete.tombstone.handling.mode': 'rewrite' }).apply(event('c', null, [1, 'a', 1]))
    expect(names(out)).toEqual(['id', 'name', 'qty', '__deleted'])
    expect(out?.value).toEqual([1, 'a', 1, 'false'])
  })

  it('adds fields and headers, looking unqualified names up', () => {
    const out = transform({
      'add.fields': 'op:kind,table,source.lsn,transaction.id,ts_ms',
      'add.headers': 'lsn',
      'add.headers.prefix': 'x-',
    }).apply(event('c', null, [1, 'a', 1], [{ key: 'h', schema: null, value: 1 }]))
    expect(names(out)).toEqual([
      'id',
      'name',
      'qty',
      '__kind',
      '__table',
      '__source_lsn',
      '__transaction_id',
      '__ts_ms',
    ])
    expect(out?.value).toEqual([1, 'a', 1, 'c', 'orders', 77n, null, 9])
    expect(out?.valueSchema?.fields.slice(3).map(({ schema }) => schema.optional)).toEqual(Array(5).fill(true))
    expect(out?.headers.map(({ key, value }) => [key, value])).toEqual([
      ['h', 1],
      ['x-lsn', 77n],
    ])
  })

  it('gives a kept tombstone the op header alone', () => {
    const unwrap = transform({ 'add.headers': 'op,lsn', 'delete.tombstone.handling.mode': 'rewrite-with-tombstone' })
    expect(unwrap.apply(tombstone)?.headers.map(({ key, value }) => [key, value])).toEqual([['__op', 'd']])
  })

  it('routes by a field, of a deleted row by its last value', () => {
    const unwrap = transform({ 'route.by.field': 'name' })
    expect(unwrap.apply(event('u', null, [1, 'a', 1]))?.topic).toBe('a')
    expect(unwrap.apply(event('d', [1, 'b', 1], null))?.topic).toBe('b')
    expect(unwrap.apply(event('u', null, [1, null, 1]))?.topic).toBe('s.public.orders')
    expect(() => transform({ 'route.by.field': 'id' }).apply(event('u', null, [1, 'a', 1]))).toThrow(DataError)
  })

  it('drops the fields that a header names', () => {
    const headers = [{ key: 'drop', schema: null, value: ['id', 'name'] }]
    const raw = { 'drop.fields.header.name': 'drop' }
    expect(transform(raw).apply(event('c', null, [1, 'a', 1], headers))?.value).toEqual([1, 1])
    const all = transform({
      ...raw,
      'drop.fields.keep.schema.compatible': 'false',
      'drop.fields.from.key': 'true',
    }).apply(event('c', null, [1, 'a', 1], headers))
    expect([all?.value, all?.key, names(all)]).toEqual([[1], [], ['qty']])
  })

  it('replaces null by the default in the rewrite modes, or not', () => {
    expect(transform().apply(event('c', null, [1, 'a', null]))?.value).toEqual([1, 'a', null])
    const raw = { 'delete.tombstone.handling.mode': 'rewrite' }
    expect(transform(raw).apply(event('c', null, [1, 'a', null]))?.value).toEqual([1, 'a', 5, 'false'])
    const kept = transform({ ...raw, 'replace.null.with.default': 'false' })
    expect(kept.apply(event('c', null, [1, 'a', null]))?.value).toEqual([1, 'a', null, 'false'])
  })

  it('drops truncates and passes other records through', () => {
    expect(transform().apply(event('t', null, null))).toBeNull()
    const other = { ...event('c', null, null), valueSchema: primitive('STRING'), value: 'x' }
    expect(transform().apply(other)).toBe(other)
    const plain = { ...event('c', null, null), valueSchema: null, value: { op: 1 } }
    expect(transform().apply(plain)).toBe(plain)
  })

  it('takes events without schemas', () => {
    const plain = (op: string, before: ConnectValue, after: ConnectValue): ConnectRecord => ({
      ...event(op, null, null),
      valueSchema: null,
      value: { before, after, source: { lsn: 7 }, op },
    })
    const unwrap = transform({ 'add.fields': 'lsn,ts_ms', 'delete.tombstone.handling.mode': 'rewrite' })
    expect(unwrap.apply(plain('c', null, { id: 1 }))?.value).toEqual({
      id: 1,
      __deleted: 'false',
      __lsn: 7,
      __ts_ms: null,
    })
    expect(unwrap.apply(plain('d', { id: 1 }, null))?.value).toMatchObject({ id: 1, __deleted: 'true' })
    expect(transform().apply(plain('d', { id: 1 }, null))).toMatchObject({ value: null, valueSchema: null })
  })

  it('leaves a column out that the table does not have', () => {
    const unwrap = transform({ 'add.fields': 'before.name,after.nope,op', 'add.headers': 'before.nope,before.qty' })
    const out = unwrap.apply(event('u', [1, 'a', 1], [1, 'b', 2]))
    expect(names(out)).toEqual(['id', 'name', 'qty', '__before_name', '__op'])
    expect(out?.value).toEqual([1, 'b', 2, 'a', 'u'])
    expect(out?.headers.map(({ key, value }) => [key, value])).toEqual([['__before_qty', 1]])
    const created = unwrap.apply(event('c', null, [1, 'b', 2]))
    expect([created?.valueSchema, created?.value]).toEqual([out?.valueSchema, [1, 'b', 2, null, 'c']])
  })

  it('leaves a field out that no event has, and names a structure that no event has', () => {
    expect(names(transform({ 'add.fields': 'source.nope' }).apply(event('c', null, [1, 'a', 1])))).toHaveLength(3)
    expect(() => transform({ 'add.fields': 'nope.at' }).apply(event('c', null, [1, 'a', 1]))).toThrow(
      'ExtractNewRecordState: the change event s.public.orders.Envelope has no structure "nope" to add "at" from',
    )
    expect(() => transform({ 'add.fields': 'a.b.c' })).toThrow(ConfigError)
  })
})
