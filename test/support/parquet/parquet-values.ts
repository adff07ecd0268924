import fc from 'fast-check'
import { arrayOf, decimalTextOf, Logical, mapOf, primitive, struct, type ConnectValue, type Schema } from 'penstock/api'

/** A schema, and values of it. */
export interface Typed {
  readonly schema: Schema
  readonly values: fc.Arbitrary<ConnectValue>
}

const integer = (bits: number): fc.Arbitrary<number> =>
  fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })
const int64 = fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
const text = fc.oneof(
  fc.constantFrom('', 'paid', 'Grüße', '😀', '\u0000', '__proto__', 'x'.repeat(65), 'é'.repeat(1100)),
  fc.string({ unit: 'grapheme' }),
)
const bytes = fc.oneof(fc.constant(Buffer.alloc(300, 0xff)), fc.uint8Array({ maxLength: 20 }))
const day = fc.integer({ min: -100_000, max: 100_000 })
const float = fc.oneof(fc.constantFrom(0, -0, 1.5, -1 / 0, 1 / 0), fc.float())
const double = fc.oneof(fc.constantFrom(0, -0, 0.1, -1 / 0, 1 / 0), fc.double())

type Make = (optional: boolean) => Typed

function of(type: Parameters<typeof primitive>[0], values: fc.Arbitrary<ConnectValue>, name?: string): Make {
  return (optional) => ({ schema: primitive(type, { optional, ...(name === undefined ? {} : { name }) }), values })
}

function decimal(precision: number, scale: number): Make {
  const parameters = { scale: String(scale), 'connect.decimal.precision': String(precision) }
  const limit = 10n ** BigInt(precision) - 1n
  const unscaled = fc.oneof(fc.bigInt({ min: -limit, max: limit }), fc.bigInt({ min: -300n, max: 300n }))
  const values = unscaled.map((value) => decimalTextOf(value, scale))
  return (optional) => ({ schema: primitive('BYTES', { optional, name: Logical.decimal, parameters }), values })
}

const primitives: readonly Make[] = [
  of('INT8', integer(8)),
  of('INT16', integer(16)),
  of('INT32', integer(32)),
  of('INT64', int64),
  of('FLOAT32', float),
  of('FLOAT64', double),
  of('BOOLEAN', fc.boolean()),
  of('STRING', text),
  of('BYTES', bytes),
  of('INT32', day, Logical.date),
  of('INT32', fc.integer({ min: 0, max: 86_399_999 }), Logical.time),
  of('INT64', fc.integer({ min: -1e13, max: 1e13 }), Logical.timestamp),
  of('INT64', int64, 'io.debezium.time.NanoTimestamp'),
  decimal(9, 2),
  decimal(18, 18),
  decimal(38, 10),
]

const present = fc.constantFrom(...primitives.map((make) => make(false)))
const nullable = fc.constantFrom(...primitives.map((make) => make(true)))

/** Schemas with values, null where the schema is optional, nested up to a depth. */
function typed(depth: number): fc.Arbitrary<Typed> {
  const leaf = fc.oneof(present, nullable)
  const any = depth === 0 ? leaf : fc.oneof(leaf, leaf, lists(depth), maps(depth), structs(depth))
  return any.map(({ schema, values }) => ({
    schema,
    values: schema.optional ? fc.option(values, { freq: 3 }) : values,
  }))
}

function lists(depth: number): fc.Arbitrary<Typed> {
  return fc.tuple(typed(depth - 1), fc.boolean()).map(([{ schema, values }, optional]) => ({
    schema: arrayOf(schema, { optional }),
    values: fc.array(values, { maxLength: 3 }),
  }))
}

function maps(depth: number): fc.Arbitrary<Typed> {
  const keys = fc.constantFrom(...[of('STRING', text), of('INT32', integer(32))].map((make) => make(false)))
  return fc.tuple(keys, typed(depth - 1), fc.boolean()).map(([key, { schema, values }, optional]) => ({
    schema: mapOf(key.schema, schema, { optional }),
    values: fc.array(fc.tuple(key.values, values), { maxLength: 3 }).map((entries) => new Map(entries)),
  }))
}

function structs(depth: number): fc.Arbitrary<Typed> {
  return fc
    .tuple(fc.array(typed(depth - 1), { minLength: 1, maxLength: 3 }), fc.boolean())
    .map(([parts, optional]) => ({
      schema: structOf(parts, optional),
      values: fc.tuple(...parts.map(({ values }) => values)),
    }))
}

function structOf(parts: readonly Typed[], optional: boolean): Schema {
  return struct(
    parts.map(({ schema }, i) => [`f${i}`, schema] as const),
    { optional },
  )
}

/** Tables: a schema of some columns, and rows. */
export function tables(depth: number, maxRows: number): fc.Arbitrary<{ schema: Schema; rows: ConnectValue[][] }> {
  return fc.array(typed(depth), { minLength: 1, maxLength: 5 }).chain((parts) =>
    fc.record({
      schema: fc.constant(structOf(parts, false)),
      rows: fc.array(fc.tuple(...parts.map(({ values }) => values)), { maxLength: maxRows }),
    }),
  )
}
