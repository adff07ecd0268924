import fc from 'fast-check'
import { arrayOf, javaFloatText, mapOf, primitive, struct, type ConnectValue, type Schema } from 'penstock/api'

/** A schema together with values of it. */
export interface Shape {
  readonly schema: Schema
  readonly values: fc.Arbitrary<ConnectValue>
}

const int64 = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value))
/** In the form of the shortest digits, which is what reading gives. */
const float32 = fc.float().map((value) => Number(javaFloatText(value)))
/** Decimals with a number of digits after the point. */
export const decimalOf = (scale: number): fc.Arbitrary<string> =>
  fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }).map((unscaled) => {
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0')
    const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
    return unscaled < 0n ? `-${text}` : text
  })

const leaf: fc.Arbitrary<Shape> = fc.constantFrom<Shape>(
  { schema: primitive('INT32'), values: fc.integer() },
  { schema: primitive('INT64', { doc: 'a number' }), values: int64 },
  { schema: primitive('FLOAT64'), values: fc.double() },
  { schema: primitive('FLOAT32'), values: float32 },
  { schema: primitive('BOOLEAN'), values: fc.boolean() },
  { schema: primitive('STRING', { optional: true }), values: fc.option(fc.string({ unit: 'binary' })) },
  { schema: primitive('BYTES'), values: fc.uint8Array().map((bytes) => Buffer.from(bytes)) },
  {
    schema: primitive('BYTES', { name: 'org.apache.kafka.connect.data.Decimal', parameters: { scale: '9' } }),
    values: decimalOf(9),
  },
)

/** Schemas of every type, nested, with values of theirs. */
export const { shape } = fc.letrec<{ shape: Shape; nested: Shape }>((tie) => ({
  shape: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, tie('nested')),
  nested: fc.oneof(
    tie('shape').map((item) => ({ schema: arrayOf(item.schema), values: fc.array(item.values, { maxLength: 4 }) })),
    tie('shape').map((item) => ({
      schema: mapOf(primitive('STRING'), item.schema),
      values: fc.array(fc.tuple(fc.string(), item.values), { maxLength: 4 }).map((entries) => new Map(entries)),
    })),
    fc.array(fc.tuple(fc.string(), tie('shape')), { maxLength: 5 }).map((fields) => {
      const distinct = [...new Map(fields)]
      return {
        schema: struct(distinct.map(([name, field]) => [name, field.schema] as const)),
        values: fc.tuple(...distinct.map(([, field]) => field.values)),
      }
    }),
  ),
}))
