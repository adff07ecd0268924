import { expect, it } from 'vitest'

import type { TimeMode } from '../../connectors/postgres-source/values/column-type.ts'
import { temporalType } from '../../connectors/postgres-source/values/temporal-type.ts'
import { seededRandom } from '../support/seeded-random.ts'

const times: readonly TimeMode[] = [
  'adaptive',
  'adaptive_time_microseconds',
  'connect',
  'isostring',
  'microseconds',
  'nanoseconds',
]
const base = { decimal: 'precise', binary: 'bytes', hstore: 'json', moneyDigits: 2, includeUnknown: false } as const
const clocks = ['00:00:00', '00:00:00.000001', '12:34:56.789', '23:59:59.999999']
const dates = ['4714-11-24', '4713-01-01', '0001-12-31'].map((day) => ({ day, era: ' BC' }))
const years = [1, 1582, 1677, 1678, 1969, 1970, 2262, 2263, 9999, 10_000, 294_246, 294_247, 294_276]
for (const year of years)
  for (const day of ['01-01', '01-10', '09-21', '04-11', '12-31'])
    dates.push({ day: `${String(year).padStart(4, '0')}-${day}`, era: '' })
const infinities = ['infinity', '-infinity']
const random = seededRandom(7)
const whole = (max: number): number => Math.floor((random() * 2 - 1) * max)
const intervals = Array.from({ length: 2000 }, () => {
  const count = whole(178_956_970)
  return `${count} years ${whole(11)} mons ${whole(2_147_483_647)} days ${random() < 0.5 ? '-' : ''}${Math.abs(whole(2_562_047_787))}:00:00`
})
const inputs: Readonly<Record<string, readonly string[]>> = {
  date: [...infinities, '5874897-12-31', ...dates.map(({ day, era }) => day + era)],
  time: [...clocks, '24:00:00'],
  timestamp: [...infinities, ...dates.flatMap(({ day, era }) => clocks.map((clock) => `${day} ${clock}${era}`))],
  interval: [
    ...infinities,
    ...['178000000', '-178000000', '178956970', '-178956970', '292270', '292271', '292272', '-292271', '-292272'].map(
      (n) => `${n} years`,
    ),
    '2147483647 days',
    '-2147483648 days',
    '2562047788:00:54.775807',
    '-2562047788:00:54.775807',
    '292271 years 2147483647 days 2562047788:00:54.775807',
    ...intervals,
  ],
}

const holds = (value: unknown, bits: number): boolean =>
  (typeof value === 'bigint' || Number.isSafeInteger(value)) &&
  BigInt.asIntN(bits, BigInt(String(value))) === BigInt(String(value))

it.each(
  Object.keys(inputs).flatMap((type) =>
    times.flatMap((time) => [-1, 3].map((typmod) => [type, time, typmod] as const)),
  ),
)(
  '%s at its limits with time.precision.mode=%s, typmod %d, is inside of its schema, or lost by name',
  (type, time, typmod) => {
    for (const interval of ['numeric', 'string'] as const) {
      const lost: string[] = []
      const lose = (what: string): null => {
        lost.push(what)
        return null
      }
      const column = temporalType(type, typmod, { ...base, time, interval, placeholder: Buffer.alloc(0) }, lose)
      for (const text of inputs[type] ?? []) {
        const before = lost.length
        const value = column?.decode(Buffer.from(text), 0, text.length)
        if (value === null) {
          expect(lost.length, text).toBe(before + 1)
          continue
        }
        const schemaType = column?.schema.type
        const bits = schemaType === 'INT32' ? 32 : schemaType === 'INT64' ? 64 : null
        if (bits === null) expect(typeof value, text).toBe('string')
        else expect(holds(value, bits), `${text}: ${String(value)}`).toBe(true)
      }
    }
  },
)

it('an interval that 64 bits do not hold is no infinity', () => {
  const lost: string[] = []
  const lose = (what: string): null => {
    lost.push(what)
    return null
  }
  const modes = { ...base, time: 'adaptive', interval: 'numeric', placeholder: Buffer.alloc(0) } as const
  const column = temporalType('interval', -1, modes, lose)
  const read = (text: string): unknown => column?.decode(Buffer.from(text), 0, text.length)
  expect(['178000000 years', '-178000000 years', '292272 years'].map(read)).toEqual([null, null, null])
  expect(lost).toHaveLength(3)
  expect(infinities.map(read)).toEqual([2n ** 63n - 1n, -(2n ** 63n)])
  expect(read('292271 years')).toBe(292_271n * 12n * 2_629_800_000_000n)
})
