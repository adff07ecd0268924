import { type ConnectValue } from 'penstock/api'
import { describe, expect, it } from 'vitest'
import type { ValueModes } from '../../../../connectors/postgres-source/values/column-type.ts'
import { defaultValue } from '../../../../connectors/postgres-source/schema/default-value.ts'
import { numericModifier } from '../../../../connectors/postgres-source/values/decimal-type.ts'
import { TestTypes } from '../../../support/postgres/values.ts'

const { oid, map } = new TestTypes()

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

  it.each(['1.234', `'NaN'::numeric`, '(100 / 3.0)'])(
    'is absent when numeric(6,2) cannot represent it: %s',
    (expression) => {
      for (const decimal of ['precise', 'string', 'double'] as const) {
        expect(standard(expression, 'numeric', six, decimal)).toBeUndefined()
      }
    },
  )

  it('keeps the digits of a numeric without a modifier', () => {
    expect(standard('1.50', 'numeric', -1, 'string')).toBe('1.50')
    expect(standard('random()', 'numeric', -1, 'string')).toBe('0.0')
  })
})
