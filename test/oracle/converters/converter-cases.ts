import type { SchemaType } from 'penstock/api'

/** The types whose values are given to the converters. */
export type Written = 'BOOLEAN' | 'INT8' | 'INT16' | 'INT32' | 'INT64' | 'FLOAT32' | 'FLOAT64' | 'STRING'

/** Bytes in hexadecimal digits that a converter reads, or a value that it writes; the result is Kafka Connect's. */
export type ConverterCase =
  | { readonly class: string; readonly bytes: string | null }
  | { readonly class: string; readonly type: Written; readonly date?: true; readonly value: string | null }

export type ConverterResult =
  | { readonly schema: SchemaType; readonly optional: boolean; readonly value: string | null }
  | { readonly bytes: string | null }
  | { readonly error: string }

export const primitiveClasses: readonly string[] = ['Boolean', 'Short', 'Integer', 'Long', 'Float', 'Double'].map(
  (name) => `org.apache.kafka.connect.converters.${name}Converter`,
)

const read: readonly (string | null)[] = [
  null,
  '',
  '00',
  '01',
  '02',
  'ff',
  '0001',
  '8000',
  'fffe',
  '000001',
  '00000001',
  '7fffffff',
  '80000000',
  '3dcccccd',
  '7fc00000',
  'ff800000',
  '00000000ff',
  '0000000000000001',
  '001fffffffffffff',
  '0020000000000001',
  '7fffffffffffffff',
  '8000000000000000',
  '3fb999999999999a',
  '7ff8000000000000',
  'fff0000000000000',
  '000000000000000000',
]

const written: Readonly<Record<Written, readonly (string | null)[]>> = {
  BOOLEAN: ['true', 'false', null],
  INT8: ['0', '-128', null],
  INT16: ['0', '-32768', '32767', null],
  INT32: ['0', '-2147483648', '2147483647', null],
  INT64: ['0', '-9223372036854775808', '9223372036854775807', '9007199254740993', null],
  FLOAT32: ['0.0', '-0.0', '0.1', '3.4028235E38', '1.4E-45', 'NaN', '-Infinity', null],
  FLOAT64: ['0.0', '-0.0', '0.1', '1.7976931348623157E308', '4.9E-324', 'NaN', 'Infinity', null],
  STRING: ['1', null],
}

const types = Object.keys(written) as Written[]

export const converterCases: readonly ConverterCase[] = primitiveClasses.flatMap((name) => {
  const cases: ConverterCase[] = read.map((bytes) => ({ class: name, bytes }))
  for (const type of types) for (const value of written[type]) cases.push({ class: name, type, value })
  cases.push({ class: name, type: 'INT32', date: true, value: '0' })
  return cases
})
