import { Logical, type ConnectValue } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import type { ValueModes } from '../../../connectors/postgres-source/values/column-type.ts'
import { defaultValue } from '../../../connectors/postgres-source/schema/default-value.ts'
import { adjustName, adjustPart, topicName } from '../../../connectors/postgres-source/records/envelope.ts'
import { keyColumnRules, customKey } from '../../../connectors/postgres-source/schema/key-column-rule.ts'
import { isLiteral, patterns, splitList } from '../../../connectors/postgres-source/schema/name-pattern.ts'
import { TableFilter } from '../../../connectors/postgres-source/schema/table-filter.ts'
import { TypeCatalog } from '../../../connectors/postgres-source/schema/type-catalog.ts'
import { numericModifier } from '../../../connectors/postgres-source/values/decimal-type.ts'
import { mapType } from '../../../connectors/postgres-source/values/type-map.ts'

const modes: ValueModes = {
  decimal: 'precise',
  time: 'adaptive',
  binary: 'bytes',
  interval: 'numeric',
  hstore: 'json',
  moneyDigits: 2,
  includeUnknown: false,
  placeholder: Buffer.from('__debezium_unavailable_value'),
}

const catalog = new TypeCatalog()
let nextOid = 1
function oid(name: string, extra: Partial<Parameters<TypeCatalog['add']>[0]> = {}): number {
  nextOid += 1
  const builtIn = { schema: 'pg_catalog', name, kind: 'b', elementOid: null, domainOf: null, labels: [] }
  catalog.add({ oid: nextOid, ...builtIn, ...extra })
  return nextOid
}
const map = (type: number, typmod = -1, changed: Partial<ValueModes> = {}) =>
  mapType(type, typmod, { types: catalog, modes: { ...modes, ...changed }, onUnrepresentable: () => null })

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

  it('of numeric by its modifier, also with a negative scale', () => {
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

  it('sees through domains, and takes the modifier that they carry', () => {
    const numeric = oid('numeric')
    const price = oid('price', { kind: 'd', schema: 'public', domainOf: { oid: numeric, typmod: ((8 << 16) | 3) + 4 } })
    const nested = oid('nested', { kind: 'd', schema: 'public', domainOf: { oid: price, typmod: -1 } })
    expect(map(nested)?.schema.parameters).toEqual({ scale: '3', 'connect.decimal.precision': '8' })
  })

  it('leaves types without a mapping out, or keeps the bytes of their text', () => {
    for (const name of ['tsvector', 'pg_lsn', 'line']) expect(map(oid(name))).toBeNull()
    expect(map(oid('pg_lsn'), -1, { includeUnknown: true })?.schema.type).toBe('BYTES')
    const hex = map(oid('pg_lsn'), -1, { includeUnknown: true, binary: 'hex' })
    expect(hex?.decode(Buffer.from('0/1'), 0, 3)).toBe('302f31')
  })

  it('reads values of a type that was dropped as their text', () => {
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

  it('leaves arrays of some types out', () => {
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

  it('has stand-ins for unchanged values where the type has room', () => {
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

  it('has zero values of the form that values of the type have', () => {
    const six = ((6 << 16) | 2) + 4
    const zero = (name: string, typmod = -1): ConnectValue | undefined =>
      map(oid(name), typmod, { decimal: 'string' })?.fallback
    expect([zero('numeric', six), zero('numeric'), zero('money')]).toEqual(['0.00', '0', '0.00'])
    expect([3, -1].map((digits) => zero('timestamptz', digits))).toEqual(Array(2).fill('1970-01-01T00:00:00Z'))
    const point = map(oid('point'))
    expect(point?.fallback).toEqual(point?.decode(Buffer.from('(0,0)'), 0, 5))
  })

  it('reads booleans from single bits', () => {
    for (const name of ['bit', 'varbit']) expect(map(oid(name), 1)?.schema.type).toBe('BOOLEAN')
    expect(map(oid('bit'), 3)?.schema.parameters).toEqual({ length: '3' })
    expect(map(oid('varbit'))?.schema.parameters).toEqual({ length: '2147483647' })
  })
})

describe('the default of a column', () => {
  const standard = (
    expression: string | null,
    name: string,
    typmod = -1,
    decimal: ValueModes['decimal'] = 'precise',
  ) => {
    const column = map(oid(name), typmod, { decimal })
    const scale = numericModifier(typmod)?.scale ?? null
    return column === null ? undefined : defaultValue(expression, { name, isEnum: false, scale, column })
  }

  it.each<[string | null, string, ConnectValue | undefined]>([
    [null, 'int4', undefined],
    ['NULL::integer', 'int4', undefined],
    ['0', 'int4', 0],
    [`'-5'::integer`, 'int4', -5],
    [`nextval('t_id_seq'::regclass)`, 'int4', 0],
    ['COALESCE(1, 2)', 'int4', 0],
    ['now()', 'timestamp', 0],
    [`(now() + '1 day'::interval)`, 'timestamptz', '1970-01-01T00:00:00.000000Z'],
    ['CURRENT_DATE', 'date', 0],
    [`'2024-02-29'::date`, 'date', 19_782],
    [`'it''s'::text`, 'text', `it's`],
    [`'f(x)'::text`, 'text', 'f(x)'],
    ['true', 'bool', true],
    ['(1 = 1)', 'bool', false],
    ['gen_random_uuid()', 'uuid', '00000000-0000-0000-0000-000000000000'],
    [`'{}'::jsonb`, 'jsonb', '{}'],
    ['1.5', 'float8', 1.5],
    ['1.5', 'numeric', undefined],
    [`'\\x00'::bytea`, 'bytea', undefined],
  ])('%s of %s', (expression, name, value) => {
    expect(standard(expression, name)).toEqual(value)
  })

  it.each<[string, string]>([
    ['(1 + 1)', 'int4'],
    ['(1)::bigint', 'int4'],
    ['1.6', 'int4'],
    ['70000', 'int2'],
    ['((random() * 10))::integer', 'int4'],
    ['CASE WHEN true THEN 1 ELSE 2 END', 'int4'],
    ['(0.1)::real', 'float8'],
    ['CURRENT_USER', 'text'],
    ['(CURRENT_DATE)::text', 'text'],
    [`('a'::text || 'b'::text)`, 'text'],
    [`('now'::text)::date`, 'date'],
    [`'today'::date`, 'date'],
    [`('2024-01-01'::date + 1)`, 'date'],
  ])('is none where it is neither a literal of the type nor a call: %s of %s', (expression, name) => {
    expect(standard(expression, name)).toBeUndefined()
  })

  /** The modifier of numeric(6,2). */
  const six = ((6 << 16) | 2) + 4

  it.each<[string, ConnectValue, ConnectValue, ConnectValue]>([
    ['0', '0.00', '0.00', 0],
    [`'-7'::numeric`, '-7.00', '-7.00', -7],
    ['1.5', '1.50', '1.50', 1.5],
    ['1e2', '100.00', '100.00', 100],
    ['random()', '0.00', '0.00', 0],
  ])('has the digits of a numeric(6,2): %s', (expression, precise, text, double) => {
    expect(standard(expression, 'numeric', six)).toBe(precise)
    expect(standard(expression, 'numeric', six, 'string')).toBe(text)
    expect(standard(expression, 'numeric', six, 'double')).toBe(double)
  })

  it.each(['1.234', `'NaN'::numeric`, '(100 / 3.0)'])('is none where numeric(6,2) cannot hold it: %s', (expression) => {
    for (const decimal of ['precise', 'string', 'double'] as const) {
      expect(standard(expression, 'numeric', six, decimal)).toBeUndefined()
    }
  })

  it('keeps the digits of a numeric without a modifier', () => {
    expect(standard('1.50', 'numeric', -1, 'string')).toBe('1.50')
    expect(standard('random()', 'numeric', -1, 'string')).toBe('0.0')
  })
})

describe('filters of tables and columns', () => {
  const lists = {
    schemaInclude: [],
    schemaExclude: [],
    tableInclude: [],
    tableExclude: [],
    columnInclude: [],
    columnExclude: [],
    ignoreBuiltin: true,
  }
  const table = (name: string) => {
    const [schema = '', rest = ''] = name.split('.')
    return { schema, name: rest }
  }

  it('match whole names in any case', () => {
    const filter = new TableFilter({ ...lists, tableInclude: patterns('k', 'public.ord.*, S\\.x') })
    expect(['public.orders', 'PUBLIC.ORD', 's.x', 'public.xorders', 's.xy'].map((name) => filter.includesTable(table(name)))).toEqual([
      true, true, true, false, false,
    ]) // prettier-ignore
  })

  it('leave out what is excluded, and what belongs to the system', () => {
    const filter = new TableFilter({ ...lists, tableExclude: patterns('k', 'a.b'), schemaExclude: patterns('k', 'c') })
    expect(['a.b', 'c.d', 'a.c', 'pg_catalog.x', 'public.spatial_ref_sys'].map((name) => filter.includesTable(table(name)))).toEqual([
      false, false, true, false, false,
    ]) // prettier-ignore
    const columns = new TableFilter({ ...lists, columnExclude: patterns('k', 'a\\.b\\.(x|y)') })
    expect(['x', 'y', 'z'].map((column) => columns.includesColumn(table('a.b'), column))).toEqual([false, false, true])
  })

  it('order tables by the pattern that names them, then by name', () => {
    const filter = new TableFilter({ ...lists, tableInclude: patterns('k', 'p.z,p.*') })
    expect(filter.order(['p.b', 'p.z', 'p.a'].map(table)).map(({ name }) => name)).toEqual(['z', 'a', 'b'])
  })

  it('know commas inside of patterns, and patterns that mean one name', () => {
    expect(splitList('a\\,b, c')).toEqual(['a,b', 'c'])
    expect(patterns('k', 'public.orders,public\\.x,public.o.*').map(isLiteral)).toEqual([true, true, false])
    expect(() => patterns('table.include.list', '(')).toThrow('table.include.list')
  })

  it('name keys of their own', () => {
    const rules = keyColumnRules('public.c_nopk:a;public.(x|y):b,c')
    expect(customKey(rules, table('public.y'))).toEqual(['b', 'c'])
    expect(customKey(rules, table('public.z'))).toBeNull()
    expect(() => keyColumnRules('public.t')).toThrow('message.key.columns')
  })
})

describe('names', () => {
  it('are made legal for Kafka and Avro', () => {
    expect(topicName('p.public.Mixed Case')).toBe('p.public.Mixed_Case')
    expect(adjustName('my-app.public.1t.Value', 'avro')).toBe('my_app.public._1t.Value')
    expect(['1a', '2a'].map((name) => adjustPart(name, 'avro'))).toEqual(['_1a', '_2a'])
    expect(adjustPart('a-b_c', 'avro_unicode')).toBe('a_u002db_u005fc')
    expect(adjustName('my-app', 'none')).toBe('my-app')
  })
})
