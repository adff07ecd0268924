import { Logical, type ConnectValue } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import type { ValueModes } from '../../../../connectors/postgres-source/values/column-type.ts'
import { numericModifier } from '../../../../connectors/postgres-source/values/decimal-type.ts'
import { TestTypes } from '../../../support/postgres/values.ts'

const { oid, map } = new TestTypes()

describe('the mapping of types', () => {
  it.each([
    ['adaptive', 'INT32 io.debezium.time.Date', 'INT32 io.debezium.time.Time', 'INT64 io.debezium.time.MicroTimestamp'],
    ['adaptive_time_microseconds', 'INT32 io.debezium.time.Date', 'INT64 io.debezium.time.MicroTime', 'INT64 io.debezium.time.MicroTimestamp'],
    ['connect', `INT32 ${Logical.date}`, `INT32 ${Logical.time}`, `INT64 ${Logical.timestamp}`],
    ['isostring', 'STRING io.debezium.time.IsoDate', 'STRING io.debezium.time.IsoTime', 'STRING io.debezium.time.IsoTimestamp'],
    ['microseconds', 'INT32 io.debezium.time.Date', 'INT64 io.debezium.time.MicroTime', 'INT64 io.debezium.time.MicroTimestamp'],
    ['nanoseconds', 'INT32 io.debezium.time.Date', 'INT64 io.debezium.time.NanoTime', 'INT64 io.debezium.time.NanoTimestamp'],
  ] as const)('of dates and times in mode %s', (time, date, time3, timestamp) => {
    const name = (type: number, typmod: number): string => {
      const schema = map(type, typmod, { time })?.schema
      return `${schema?.type} ${schema?.name}`
    }
    expect([name(oid('date'), -1), name(oid('time'), 3), name(oid('timestamp'), -1)]).toEqual([date, time3, timestamp])
    expect(name(oid('timestamptz'), -1)).toBe('STRING io.debezium.time.ZonedTimestamp')
  }) // prettier-ignore

  it('uses the modifier of numeric, also with a negative scale', () => {
    expect(numericModifier(-1)).toBeNull()
    expect(numericModifier(((10 << 16) | 2) + 4)).toEqual({ precision: 10, scale: 2 })
    expect(numericModifier(((5 << 16) | (-2 & 0x7ff)) + 4)).toEqual({ precision: 5, scale: -2 })
    expect(map(oid('numeric'), ((10 << 16) | 2) + 4)?.schema.parameters).toEqual({
      scale: '2',
      'connect.decimal.precision': '10',
    })
    expect(map(oid('numeric'))?.schema.name).toBe('io.debezium.data.VariableScaleDecimal')
    expect(map(oid('numeric'), -1, { decimal: 'double' })?.schema.type).toBe('FLOAT64')
  })

  it('resolves domains, with their modifier', () => {
    const numeric = oid('numeric')
    const price = oid('price', { kind: 'd', schema: 'public', domainOf: { oid: numeric, typmod: ((8 << 16) | 3) + 4 } })
    const nested = oid('nested', { kind: 'd', schema: 'public', domainOf: { oid: price, typmod: -1 } })
    expect(map(nested)?.schema.parameters).toEqual({ scale: '3', 'connect.decimal.precision': '8' })
  })

  it('excludes types without a mapping, or includes the bytes of their text', () => {
    for (const name of ['tsvector', 'pg_lsn', 'line']) expect(map(oid(name))).toBeNull()
    expect(map(oid('pg_lsn'), -1, { includeUnknown: true })?.schema.type).toBe('BYTES')
    const hex = map(oid('pg_lsn'), -1, { includeUnknown: true, binary: 'hex' })
    expect(hex?.decode(Buffer.from('0/1'), 0, 3)).toBe('302f31')
  })

  it('decodes values of a dropped type as text', () => {
    const dropped = map(999_999)
    expect(dropped?.schema.type).toBe('STRING')
    expect(dropped?.decode(Buffer.from('{a,b}'), 0, 5)).toBe('{a,b}')
  })

  it.each<[string, string, string[]]>([
    ['pg_lsn', '{0/1,16/B374D848}', ['0/1', '16/B374D848']],
    ['box', '{(1,1),(0,0);(2,2),(1,1)}', ['(1,1),(0,0)', '(2,2),(1,1)']],
    ['tsvector', `{"'a':1 'b':2",'c'}`, ["'a':1 'b':2", "'c'"]],
    ['money', '{$1.00,"$1,000.00"}', ['$1.00', '$1,000.00']],
    ['xid', '{}', []],
  ])('keeps arrays of %s as arrays of texts where unknown types are kept', (name, text, items) => {
    const type = oid(`_${name}`, { elementOid: oid(name) })
    expect(map(type)).toBeNull()
    const read = (binary: ValueModes['binary']) => {
      const mapped = map(type, -1, { includeUnknown: true, binary })
      expect(mapped?.schema.valueSchema?.optional).toBe(false)
      return [mapped?.schema.valueSchema?.type, mapped?.decode(Buffer.from(text), 0, text.length)]
    }
    expect(read('bytes')).toEqual(['BYTES', items.map((item) => Buffer.from(item))])
    expect(read('base64')).toEqual(['STRING', items.map((item) => Buffer.from(item).toString('base64'))])
  })

  it('excludes arrays of some types', () => {
    for (const name of ['money', 'interval', 'xml', 'point', 'bit']) {
      expect(map(oid(`_${name}`, { elementOid: oid(name) }))).toBeNull()
    }
    expect(map(oid('_int4', { elementOid: oid('int4') }))?.schema.valueSchema).toMatchObject({
      type: 'INT32',
      optional: true,
    })
    const mood = oid('mood', { kind: 'e', schema: 'public', labels: ['sad', 'ok'] })
    expect(map(oid('_mood', { schema: 'public', elementOid: mood }))?.schema.valueSchema).toMatchObject({
      optional: false,
      parameters: { allowed: 'sad,ok' },
    })
  })

  it('has placeholders for unchanged values where the type can represent them', () => {
    const word = '__debezium_unavailable_value'
    const numbers = [...Buffer.from(word)]
    const cases: [number, ConnectValue | undefined][] = [
      [oid('text'), word],
      [oid('bytea'), Buffer.from(word)],
      [oid('_text', { elementOid: oid('text') }), [word]],
      [oid('_int4', { elementOid: oid('int4') }), numbers],
      [oid('_int8', { elementOid: oid('int8') }), numbers],
      [oid('_date', { elementOid: oid('date') }), numbers],
      [oid('_uuid', { elementOid: oid('uuid') }), ['b68a35a7-17ad-35b3-af2a-ae46edb4545a']],
      [oid('hstore', { schema: 'public' }), `{"${word}":"${word}"}`],
      [oid('numeric'), undefined],
      [oid('_numeric', { elementOid: oid('numeric') }), undefined],
      [oid('vector', { schema: 'public' }), undefined],
    ]
    for (const [type, placeholder] of cases) expect(map(type)?.placeholder).toEqual(placeholder)
  })

  it('has zero values in the form of other values of the type', () => {
    const six = ((6 << 16) | 2) + 4
    const zero = (name: string, typmod = -1): ConnectValue | undefined =>
      map(oid(name), typmod, { decimal: 'string' })?.fallback
    expect([zero('numeric', six), zero('numeric'), zero('money')]).toEqual(['0.00', '0', '0.00'])
    expect([3, -1].map((digits) => zero('timestamptz', digits))).toEqual(Array(2).fill('1970-01-01T00:00:00Z'))
    const point = map(oid('point'))
    expect(point?.fallback).toEqual(point?.decode(Buffer.from('(0,0)'), 0, 5))
  })

  it('decodes single bits as booleans', () => {
    for (const name of ['bit', 'varbit']) expect(map(oid(name), 1)?.schema.type).toBe('BOOLEAN')
    expect(map(oid('bit'), 3)?.schema.parameters).toEqual({ length: '3' })
    expect(map(oid('varbit'))?.schema.parameters).toEqual({ length: '2147483647' })
  })
})
