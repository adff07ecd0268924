import { arrayOf, Logical, mapOf, primitive, struct, type ConnectValue, type Schema } from 'penstock/api'
import fc from 'fast-check'

/** A schema, and values of it. */
interface Data {
  readonly schema: Schema
  readonly value: fc.Arbitrary<ConnectValue>
}

const long = fc
  .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
  .map((value) => (Number.isSafeInteger(Number(value)) ? Number(value) : value))
const text = fc.string({ unit: 'binary', maxLength: 60 })
const bytes = fc.uint8Array({ maxLength: 40 }).map((value) => Buffer.from(value))
const decimal = fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }).map((unscaled) => {
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(4, '0')
  return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -3)}.${digits.slice(-3)}`
})

const primitives: readonly Data[] = [
  { schema: primitive('INT8'), value: fc.integer({ min: -128, max: 127 }) },
  { schema: primitive('INT16'), value: fc.integer({ min: -32_768, max: 32_767 }) },
  { schema: primitive('INT32'), value: fc.integer() },
  { schema: primitive('INT64'), value: long },
  { schema: primitive('INT64', { name: 'io.debezium.time.MicroTimestamp', version: 1 }), value: long },
  { schema: primitive('FLOAT32'), value: fc.float() },
  { schema: primitive('FLOAT64'), value: fc.double() },
  { schema: primitive('BOOLEAN'), value: fc.boolean() },
  { schema: primitive('STRING'), value: text },
  { schema: primitive('BYTES'), value: bytes },
  { schema: primitive('INT32', { name: Logical.date, version: 1 }), value: fc.integer() },
  { schema: primitive('INT32', { name: Logical.time, version: 1 }), value: fc.nat(86_399_999) },
  { schema: primitive('INT64', { name: Logical.timestamp, version: 1 }), value: long },
  { schema: primitive('BYTES', { name: Logical.decimal, version: 1, parameters: { scale: '3' } }), value: decimal },
]

function optional({ schema, value }: Data): Data {
  return { schema: { ...schema, optional: true }, value: fc.option(value, { nil: null }) }
}

const fieldNames = fc.uniqueArray(fc.constantFrom('a', 'b_1', 'constructor', '__proto__', 'toString', 'Z'), {
  minLength: 1,
  maxLength: 4,
})

/** Any schema, with values. The outermost is a struct, and each struct has a name of its own. */
export const anyData: fc.Arbitrary<Data> = fc.noShrink(
  fc.gen().map((gen) => {
    let structs = 0
    const structOf = (depth: number): Data => {
      structs += 1
      const name = `test.S${structs}`
      const fields = gen(() => fieldNames).map((field) => ({ field, data: dataOf(depth - 1) }))
      const schema = struct(
        fields.map(({ field, data }) => [field, data.schema]),
        { name },
      )
      return { schema, value: fc.tuple(...fields.map(({ data }) => data.value)) }
    }
    const dataOf = (depth: number): Data => {
      const kind = gen(() => fc.nat(depth <= 0 ? 5 : 9))
      const data = kind <= 5 ? gen(() => fc.constantFrom(...primitives)) : compound(kind, depth)
      return gen(() => fc.boolean()) ? optional(data) : data
    }
    const compound = (kind: number, depth: number): Data => {
      if (kind === 6) return structOf(depth)
      const item = dataOf(depth - 1)
      if (kind === 7) return { schema: arrayOf(item.schema), value: fc.array(item.value, { maxLength: 3 }) }
      const key = kind === 8 ? text : fc.integer()
      const keySchema = primitive(kind === 8 ? 'STRING' : 'INT32')
      const value = fc
        .uniqueArray(fc.tuple(key, item.value), { maxLength: 3, selector: ([each]) => each })
        .map((entries) => new Map<ConnectValue, ConnectValue>(entries))
      return { schema: mapOf(keySchema, item.schema), value }
    }
    return structOf(3)
  }),
)
