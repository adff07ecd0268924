import fc from 'fast-check'
import { DataError, isArray, isJsonObject, isMap, parseJson, type ConnectValue, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { valueFault } from '../../src/testing/data/value-fault.ts'
import { anyData } from '../support/registry/any-data.ts'
import { jsonSchemaCodec } from '../support/registry/json-schema-codec.ts'
import { mutatedJson } from '../support/testing/mutated-json.ts'
import { seededRandom } from '../support/seeded-random.ts'

const anyCase = anyData.chain(({ schema, value }) => fc.record({ schema: fc.constant(schema), value }))
const numeric = { 'decimal.format': 'NUMERIC' }

describe('Connect data in JSON with JSON Schemas (I11)', () => {
  it.each([
    ['base64 decimals', {}],
    ['decimals as numbers', numeric],
  ])('comes back as it was, schema and value, with %s', (_what, config) => {
    fc.assert(
      fc.property(anyCase, ({ schema, value }) => {
        const { bytes, value: read, back } = jsonSchemaCodec(schema, config)
        expect(back).toEqual(schema)
        expect(withFloats(schema, read(bytes(value)))).toEqual(value)
      }),
      { numRuns: 300 },
    )
  })

  it('is one JSON value, with a schema that is one JSON object', () => {
    fc.assert(
      fc.property(anyCase, ({ schema, value }) => {
        const { bytes, text } = jsonSchemaCodec(schema)
        expect(isJsonObject(parseJson(text))).toBe(true)
        expect(() => JSON.parse(bytes(value).toString()) as unknown).not.toThrow()
      }),
      { numRuns: 100 },
    )
  })

  it('is refused with a DataError, and never hangs, when its bytes are changed', () => {
    const random = seededRandom(20_261_130)
    fc.assert(
      fc.property(anyCase, ({ schema, value }) => {
        const { bytes, value: read } = jsonSchemaCodec(schema, numeric)
        const valid = bytes(value)
        for (let i = 0; i < 100; i += 1) {
          try {
            expect(valueFault(schema, read(mutatedJson(valid, random)))).toBeNull()
          } catch (error) {
            if (!(error instanceof DataError)) throw error
          }
        }
      }),
      { numRuns: 100 },
    )
  })
})

/** The text of a float is the shortest one that is nearest to it, which is another double. */
function withFloats(schema: Schema | null, value: ConnectValue): ConnectValue {
  if (schema === null) return value
  if (typeof value === 'number') return schema.type === 'FLOAT32' ? Math.fround(value) : value
  if (isMap(value)) return new Map([...value].map(([key, item]) => [key, withFloats(schema.valueSchema, item)]))
  if (!isArray(value)) return value
  return value.map((item, at) => withFloats(schema.fields[at]?.schema ?? schema.valueSchema, item))
}
