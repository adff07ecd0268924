import fc from 'fast-check'
import { DataError, decimalFromBytes, decimalToBytes, parseJson, schemaToJson } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { plugin } from '../../plugins/converters/json-converter.ts'
import { valueFault } from '../../src/testing/data/value-fault.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { decimalOf, shape } from '../support/testing/json-shapes.ts'
import { mutatedJson } from '../support/testing/mutated-json.ts'

const defaults = {
  'schemas.enable': true,
  'schemas.cache.size': 100,
  'schema.content': null,
  'decimal.format': 'NUMERIC',
  'replace.null.with.default': true,
}

describe('the JSON form of Connect data (I11)', () => {
  it('comes back by schema.content from payloads alone, and is refused with a DataError when its bytes are changed', () => {
    const random = seededRandom(20_261_130)
    const sample = shape.chain((s) => s.values.map((value) => ({ schema: s.schema, value })))
    fc.assert(
      fc.property(sample, ({ schema, value }) => {
        const options = {
          ...defaults,
          'schema.content': schemaToJson(schema, { decimalFormat: 'NUMERIC', replaceNullWithDefault: true }),
        }
        const reader = plugin.create(options, {}, false)
        const payload = plugin
          .create({ ...defaults, 'schemas.enable': false }, {}, false)
          .fromConnect('t', schema, value)
        const bytes = Buffer.from(payload ?? 'null')
        expect(reader.toConnect('t', bytes)).toEqual({ schema, value })
        for (let i = 0; i < 100; i += 1) {
          try {
            expect(valueFault(schema, reader.toConnect('t', mutatedJson(bytes, random)).value)).toBeNull()
          } catch (error) {
            if (!(error instanceof DataError)) throw error
          }
        }
      }),
      { numRuns: 100 },
    )
  })

  it.each(['BASE64', 'NUMERIC'])('gives every value back, decimals as %s', (format) => {
    const config = {
      'schemas.enable': true,
      'schemas.cache.size': 100,
      'decimal.format': format,
      'replace.null.with.default': true,
    }
    const sample = shape.chain((s) => s.values.map((value) => ({ schema: s.schema, value })))
    fc.assert(
      fc.property(sample, ({ schema, value }) => {
        const converter = plugin.create(config, {}, false)
        const bytes = converter.fromConnect('t', schema, value)
        for (let time = 0; time < 2; time += 1) expect(converter.toConnect('t', bytes)).toEqual({ schema, value })
      }),
      { numRuns: 400 },
    )
  })

  it('parses what JSON.parse parses, and integers exactly', () => {
    fc.assert(
      fc.property(fc.json({ noUnicodeString: false }), (text) => {
        const rounded = JSON.stringify(parseJson(text), (_key, value) =>
          typeof value === 'bigint' ? Number(value) : value,
        )
        expect(rounded).toBe(JSON.stringify(JSON.parse(text)))
      }),
    )
    fc.assert(
      fc.property(fc.array(fc.bigInt()), fc.string({ unit: 'binary' }), (numbers, text) => {
        const parsed = parseJson(`{"t":${JSON.stringify(text)},"n":[${numbers.join(' ,')}]}`)
        expect(parsed).toEqual({
          t: text,
          n: numbers.map((n) => (Number.isSafeInteger(Number(n)) ? Number(n) : n)),
        })
      }),
    )
  })

  it('gives decimal bytes back', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 20 }).chain((scale) => fc.tuple(decimalOf(scale), fc.constant(scale))),
        ([text, scale]) => {
          const bytes = decimalToBytes(text, scale)
          expect(Number(decimalFromBytes(bytes, scale))).toBe(Number(text))
          expect(decimalToBytes(decimalFromBytes(bytes, scale), scale)).toEqual(bytes)
        },
      ),
    )
  })
})
