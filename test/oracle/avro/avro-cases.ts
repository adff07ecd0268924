import fc from 'fast-check'
import {
  ByteSink,
  decimalToBytes,
  isArray,
  isMap,
  Logical,
  primitive,
  struct,
  type ConnectValue,
  type Schema,
} from 'penstock/api'

import { avroWriter } from '../../../src/avro/binary/avro-writer.ts'
import { parseAvro } from '../../../src/avro/parse-avro.ts'
import { avroOfConnect } from '../../../src/avro/schema/avro-of-connect.ts'
import { anyData } from '../../support/registry/any-data.ts'
import { avroOptionsOf } from '../../support/registry/avro-converters.ts'

/** A schema, and the bytes of a value in hexadecimal digits. */
export interface AvroCase {
  readonly schema: string
  readonly bytes: string
}

/** What Java's Avro makes of a case. */
export interface AvroResult extends AvroCase {
  /** Records and arrays are lists, maps are lists of entries in the order of their keys, floats are their bits. */
  readonly value: Shown
}

export type Shown = string | null | readonly Shown[]

const options = avroOptionsOf()
const edges: readonly (readonly [Schema, readonly ConnectValue[]])[] = [
  [primitive('INT32'), [0, -1, 63, 64, -64, -65, 2 ** 30, -(2 ** 30), -(2 ** 30) - 1, 2 ** 31 - 1, -(2 ** 31)]],
  [
    primitive('INT64'),
    [2 ** 31, 2 ** 52, -(2 ** 52), 2 ** 53 - 1, -(2 ** 53) + 1, 2n ** 53n, -(2n ** 53n), 2n ** 63n - 1n, -(2n ** 63n)],
  ],
  [primitive('FLOAT32'), [0, -0, Math.fround(0.1), Number.NaN, Infinity, -Infinity, 1.401298464324817e-45]],
  [primitive('FLOAT64'), [0, -0, 0.1, Number.NaN, Infinity, -Infinity, 5e-324, 1.7976931348623157e308]],
  [
    primitive('STRING'),
    ['', 'a'.repeat(47), 'a'.repeat(48), 'a'.repeat(49), 'ä'.repeat(40), '⚽'.repeat(30), '\0', 'a'.repeat(9000)],
  ],
]

/** Values of each type at its edges, and others that a seed determines. */
export function avroCases(): readonly AvroCase[] {
  const atEdges = edges.flatMap(([schema, values]) =>
    values.map((value) => caseOf(struct([['a', schema]], { name: 'n.Edge' }), [value])),
  )
  const anyCase = anyData.chain(({ schema, value }) => fc.record({ schema: fc.constant(schema), value }))
  return [
    ...atEdges,
    ...fc.sample(anyCase, { seed: 20_260_711, numRuns: 100 }).map(({ schema, value }) => caseOf(schema, value)),
  ]
}

function caseOf(connect: Schema, value: ConnectValue): AvroCase {
  const schema = avroOfConnect(connect, options)
  const sink = new ByteSink()
  sink.begin()
  avroWriter(parseAvro({ text: schema, references: [] }), connect, options)(sink, value)
  return { schema, bytes: Buffer.from(sink.take()).toString('hex') }
}

/** Returns Connect data in the form of {@link AvroResult}. */
export function shown(schema: Schema, value: ConnectValue): Shown {
  if (value === null) return null
  const nested = (inner: Schema | null, part: ConnectValue): Shown => (inner === null ? null : shown(inner, part))
  if (isMap(value)) {
    const entries = [...value].map(([key, item]) => [nested(schema.keySchema, key), nested(schema.valueSchema, item)])
    if (schema.keySchema?.type !== 'STRING') return entries
    const sorted = entries.toSorted(([one], [other]) => (String(one) < String(other) ? -1 : 1))
    return sorted.map(([key, item]) => (item === null ? [key ?? null] : [key ?? null, item ?? null]))
  }
  if (isArray(value))
    return value.map((item, at) =>
      nested(schema.type === 'STRUCT' ? (schema.fields[at]?.schema ?? null) : schema.valueSchema, item),
    )
  if (schema.name === Logical.decimal) return decimalToBytes(String(value), 3).toString('hex')
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (schema.type === 'FLOAT32' || schema.type === 'FLOAT64') return bitsOf(schema, Number(value))
  return String(value)
}

function bitsOf({ type }: Schema, value: number): string {
  const bytes = Buffer.alloc(type === 'FLOAT32' ? 4 : 8)
  if (type === 'FLOAT32') bytes.writeFloatBE(value)
  else bytes.writeDoubleBE(value)
  return bytes.toString('hex')
}
