import type { ConnectValue } from 'penstock/api'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ColumnType, ValueModes } from '../../connectors/postgres-source/values/column-type.ts'
import { TypeCatalog } from '../../connectors/postgres-source/schema/type-catalog.ts'
import { mapType } from '../../connectors/postgres-source/values/type-map.ts'
import { TestDatabase } from '../support/postgres/postgres.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { describeWith, service } from '../support/services.ts'

const base: ValueModes = {
  decimal: 'precise',
  time: 'adaptive',
  binary: 'bytes',
  interval: 'numeric',
  hstore: 'json',
  moneyDigits: 2,
  includeUnknown: false,
  placeholder: Buffer.from('x'),
}

/** A type, its inputs, and the modes in which its decoders differ. */
interface Case {
  readonly type: string
  readonly inputs: readonly string[]
  readonly modes?: readonly Partial<ValueModes>[]
  /** Inputs whose values some mode cannot represent. */
  readonly unheld?: readonly string[]
}

const times = (...modes: ValueModes['time'][]) => modes.map((time) => ({ time }))
const everyTime = times('adaptive', 'connect', 'isostring', 'microseconds', 'nanoseconds')
const decimals = (['precise', 'double', 'string'] as const).map((decimal) => ({ decimal }))
const words = ['NaN', 'Infinity', '-Infinity']

const cases: readonly Case[] = [
  { type: 'int2', inputs: ['0', '-32768', '32767', '7'] },
  { type: 'int4', inputs: ['0', '-2147483648', '2147483647', '-12'] },
  { type: 'int8', inputs: ['0', '-9223372036854775808', '9223372036854775807', '9007199254740993', '15'] },
  { type: 'oid', inputs: ['0', '4294967295'] },
  { type: 'bool', inputs: ['t', 'f', 'yes', 'off'] },
  { type: 'float4', inputs: ['0', '-0', '1.5', '1e38', '-1e-45', ...words] },
  { type: 'float8', inputs: ['0', '-0', '1e-07', '1.7976931348623157e308', '-5e-324', '0.1', ...words] },
  {
    type: 'numeric',
    inputs: ['0', '0.00', '-0.10', '100', `1${'0'.repeat(400)}`, `0.${'0'.repeat(30)}1`, ...words],
    modes: decimals,
    unheld: [...words, `1${'0'.repeat(400)}`],
  },
  { type: 'numeric(10,2)', inputs: ['0', '-1.5', '99999999.99', 'NaN'], modes: decimals, unheld: ['NaN'] },
  { type: 'money', inputs: ['0', '-1234567.89', '123456789012.07'], modes: decimals },
  {
    type: 'date',
    inputs: ['2024-02-29', '0001-01-01', '4713-01-01 BC', '5874897-12-31', '12026-01-01', '0044-03-15 BC', 'infinity', '-infinity', 'epoch'],
    modes: everyTime,
  },
  { type: 'time', inputs: ['00:00', '24:00:00', '23:59:59.999999', '12:34:56.5', 'allballs'], modes: everyTime },
  { type: 'time(3)', inputs: ['00:00', '24:00:00', '12:34:56.789'], modes: everyTime },
  { type: 'timetz', inputs: ['24:00:00+00', '12:34:56.789012+05:30', '10:00:00-07:52:58', '00:00:00+15:59:59', 'allballs'] },
  {
    type: 'timestamp',
    inputs: [
      '2024-02-29 12:34:56.789012', '1677-09-21', '2262-04-12', '4713-01-01 00:00:00 BC', '294276-12-31 23:59:59.999999',
      '0044-03-15 10:00:00.5 BC', '12026-01-01', 'infinity', '-infinity', 'epoch',
    ],
    modes: everyTime,
    unheld: [
      '1677-09-21', '2262-04-12', '4713-01-01 00:00:00 BC', '294276-12-31 23:59:59.999999', '0044-03-15 10:00:00.5 BC', '12026-01-01',
    ],
  },
  { type: 'timestamp(3)', inputs: ['2024-02-29 12:34:56.789', '294276-12-31 23:59:59.999', 'infinity'], modes: times('adaptive', 'connect') },
  {
    type: 'timestamptz',
    inputs: ['2024-02-29 12:34:56.789012+02', '2024-01-01', '4713-01-01 00:00:00 BC', '294276-12-31 23:59:59', 'infinity', '-infinity'],
  },
  { type: 'timestamptz(0)', inputs: ['2024-02-29 12:34:56+02', '0044-03-15 10:00:00 BC'] },
  {
    type: 'interval',
    inputs: [
      '1 year 2 mons 3 days 04:05:06.789', '-1 year -2 mons +3 days -04:05:06', '0', '1 day', '-1 mon', '178000000 years', '-178000000 years',
      '2147483647 days', '2562047788:00:54.775807', '-00:00:00.000001', 'infinity', '-infinity',
    ],
    modes: [{ interval: 'numeric' }, { interval: 'string' }],
    unheld: ['178000000 years', '-178000000 years', '2147483647 days', '2562047788:00:54.775807'],
  },
  { type: 'bit(1)', inputs: ['0', '1'] },
  { type: 'varbit(1)', inputs: ['', '0', '1'], unheld: [''] },
  { type: 'bit(12)', inputs: ['000000000000', '101010101010'] },
  { type: 'varbit', inputs: ['', '1', `1${'0'.repeat(70)}1`] },
  { type: 'bytea', inputs: ['', '\\x00ff', '\\xdeadbeef'], modes: (['bytes', 'base64', 'base64-url-safe', 'hex'] as const).map((binary) => ({ binary })) },
  { type: 'point', inputs: ['(1.5,-2.5)', '(0,0)', '(1e+300,NaN)', '(Infinity,-Infinity)'] },
  { type: 'int4[]', inputs: ['{}', '{1,NULL,3}', '[2:3]={7,8}', '[-1:0]={1,2}', '{{1,2},{3,4}}'], unheld: ['{{1,2},{3,4}}'] },
  { type: 'text[]', inputs: ['{}', '{a,"b c",NULL,"q\\"x\\\\","NULL",""}', '{{a},{"}"}}'], unheld: ['{{a},{"}"}}'] },
  { type: 'numeric[]', inputs: ['{1.50,NULL,-2}', '{NaN}'], unheld: ['{NaN}'] },
  { type: 'float8[]', inputs: ['{1,NaN,Infinity}'] },
  { type: 'timestamp[]', inputs: ['{"2024-02-29 12:34:56","0044-03-15 10:00:00 BC",infinity}'] },
  { type: 'bytea[]', inputs: ['{"\\\\x00ff",NULL}'] },
  { type: 'bool[]', inputs: ['{t,f,NULL}'] },
] // prettier-ignore

const catalog = new TypeCatalog()

/** The type as the catalog would describe it. */
function columnOf(sql: string, modes: Partial<ValueModes>, lose: () => null): ColumnType {
  const [, name = '', modifiers = '', array = ''] = /^(\w+)(?:\(([\d,]+)\))?(\[\])?$/.exec(sql) ?? []
  const [first, second] = modifiers.split(',').map(Number)
  const bits = name.endsWith('bit')
  const typmod =
    modifiers === '' ? -1 : second === undefined || first === undefined ? (first ?? -1) : ((first << 16) | second) + 4
  const type = { oid: 1, schema: 'pg_catalog', name, kind: 'b', elementOid: null, domainOf: null, labels: [] }
  catalog.add(type)
  catalog.add({ ...type, oid: 2, name: `_${name}`, elementOid: 1 })
  const implied = name === 'bit' && bits && modifiers === '' ? 1 : typmod
  const column = mapType(array === '' ? 1 : 2, implied, {
    types: catalog,
    modes: { ...base, ...modes },
    onUnrepresentable: lose,
  })
  if (column === null) throw new TypeError(`${sql} is not mapped`)
  return column
}

/** Decodes a text that is surrounded by others, as in a message. */
function read(column: ColumnType, text: string): ConnectValue {
  const inner = Buffer.from(text)
  const bytes = Buffer.concat([Buffer.from('1,'), inner, Buffer.from('19:0')])
  return column.decode(bytes, 2, 2 + inner.length)
}

const alphabet = ' 0159-+.:,/eExNaIBC{}[]()"\\=tfT$infyL\u00e9'

function mutated(text: string, random: () => number): string {
  const below = (limit: number): number => Math.floor(random() * limit)
  const at = below(text.length + 1)
  const character = alphabet[below(alphabet.length)] ?? ' '
  switch (below(6)) {
    case 0:
      return text.slice(0, at) + text.slice(at + 1)
    case 1:
      return text.slice(0, at) + character + text.slice(at)
    case 2:
      return text.slice(0, at) + character + text.slice(at + 1)
    case 3:
      return text.slice(0, at)
    case 4:
      return text + text.slice(at)
    default:
      return text.slice(at) + text.slice(0, at)
  }
}

describeWith(['postgres'], 'the text of every type', () => {
  let db: TestDatabase

  beforeAll(async () => {
    db = await TestDatabase.create(service('postgres'), 'text')
    await db.play(
      `set datestyle = 'ISO,MDY'; set intervalstyle = 'postgres'; set extra_float_digits = 3; set bytea_output = 'hex'; set timezone = 'UTC'; set lc_monetary = 'C'`,
    )
  })

  afterAll(() => db.drop())

  /** The output of Postgres for each input; null for one that it rejects. */
  async function outputs(type: string, inputs: readonly string[]): Promise<(string | null)[]> {
    const rows = await db.rows<{ text: string | null }>(
      `select case when pg_input_is_valid(input, $2) then format('%s', cast(input as ${type})) end as text
       from unnest($1::text[]) with ordinality as t(input, n) order by n`,
      [inputs, type],
    )
    return rows.map((row) => row.text)
  }

  it.each(cases.map((each) => [each.type, each] as const))(
    '%s',
    async (type, { inputs, modes = [{}], unheld = [] }) => {
      const texts = await outputs(type, inputs)
      expect(texts).not.toContain(null)
      const seed = Number(process.env['PROPERTY_SEED'] ?? 1)
      const random = seededRandom(seed)
      const changed = texts
        .flatMap((text) => Array.from({ length: 150 }, () => mutated(text ?? '', random)))
        // The sign of a currency is anything.
        .filter((text) => type !== 'money' || /^[-\d.,()]*[$]?[-\d.,()]*$/.test(text))
      // Postgres rounds and truncates a text to the modifier, but never text that it wrote itself.
      const canonical = await outputs(
        type.startsWith('bit') ? 'varbit' : type === 'float4' ? 'float8' : type.replace(/\(.*\)/, ''),
        changed,
      )
      for (const mode of modes) {
        let lost = 0
        const column = columnOf(type, mode, () => {
          lost += 1
          return null
        })
        for (const [i, text] of texts.entries()) {
          lost = 0
          const value = read(column, text ?? '')
          if (unheld.includes(inputs[i] ?? '')) continue
          expect([lost, value], `${text} in ${JSON.stringify(mode)}`).toEqual([0, expect.anything()])
        }
        for (const [i, text] of changed.entries()) {
          lost = 0
          let value: ConnectValue
          try {
            value = read(column, text)
          } catch {
            continue
          }
          // A zero below zero is what no numeric is; it is zero all the same.
          if (lost > 0 || /^-0(?:\.0*)?$/.test(text)) continue
          const written = canonical[i] ?? null
          expect(
            written,
            `${JSON.stringify(text)} is no ${type} (seed ${seed}), and was read as ${String(value)}`,
          ).not.toBeNull()
          const meaning = (read: ConnectValue): ConnectValue => (type === 'money' ? Number(read) || 0 : read)
          const told = `${JSON.stringify(text)} means ${written} (seed ${seed})`
          expect(meaning(value), told).toEqual(meaning(read(column, written ?? '')))
        }
      }
    },
  )

  it('of an array gives every text back that was put into it', async () => {
    const random = seededRandom(Number(process.env['PROPERTY_SEED'] ?? 1))
    const characters = `${alphabet}\u0001\u0007\t\n\v\f\r\u001f\u007f\u0085\u00a0\u2028;'NUL`
    const below = (limit: number): number => Math.floor(random() * limit)
    const word = (): string => Array.from({ length: below(5) }, () => characters[below(characters.length)]).join('')
    const column = columnOf('text[]', {}, () => expect.fail('nothing is lost'))
    const arrays = Array.from({ length: 500 }, () =>
      Array.from({ length: below(4) }, () => (below(8) === 0 ? null : word())),
    )
    const each = arrays.map((texts) => JSON.stringify(texts))
    const rows = await db.rows<{ text: string }>(
      `select format('%s', array(select value from json_array_elements_text(input::json) with ordinality as e(value, i) order by i)) as text
       from unnest($1::text[]) with ordinality as t(input, n) order by n`,
      [each],
    )
    for (const [i, { text }] of rows.entries()) expect(read(column, text), each[i]).toEqual(arrays[i])
  })
})
