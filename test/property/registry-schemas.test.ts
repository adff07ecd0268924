import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { AmbiguousFieldError, avroIncompatibilities } from '../../src/registry/avro/avro-compatibility.ts'
import type { AvroSchema } from '../../src/registry/avro/avro-schema.ts'
import { avroText } from '../../src/registry/avro/avro-text.ts'
import { normalAvro } from '../../src/registry/avro/normal-avro.ts'
import { AvroParseError, parseAvro } from '../../src/registry/avro/parse-avro.ts'
import { jsonSchemaDifferences } from '../../src/registry/json-schema/json-schema-comparison.ts'
import { JsonSchemaDocument, type JsonSchemaPart } from '../../src/registry/json-schema/json-schema-shape.ts'
import { jsonText, sorted } from '../../src/registry/json/json-node.ts'
import { JsonError, parseJson } from '../../src/registry/json/parse-json.ts'

const texts = readFileSync(new URL('../oracle/registry/schemas.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as string)

const words = [
  '"type"',
  '"record"',
  '"name"',
  '"fields"',
  '"int"',
  '"R"',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '1e9',
  'null',
  '"__proto__"',
  '"\\ud800"',
]

/** A schema of the oracle in which some places are replaced. */
const mutated = fc
  .tuple(
    fc.constantFrom(...texts),
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 8 }), fc.constantFrom(...words)), { maxLength: 3 }),
  )
  .map(([text, edits]) =>
    edits.reduce((whole, [place, length, word]) => {
      const at = place % (whole.length + 1)
      return whole.slice(0, at) + word + whole.slice(at + length)
    }, text),
  )

/** Null when it is not a schema. */
function parsed(text: string): AvroSchema | null {
  try {
    return parseAvro(text)
  } catch (error) {
    if (error instanceof AvroParseError || error instanceof JsonError) return null
    throw error
  }
}

describe('schemas', () => {
  it('are parsed or refused by name, whatever the text is, and their canonical text stands for them', () => {
    fc.assert(
      fc.property(mutated, mutated, (one, other) => {
        const [reader, writer] = [parsed(one), parsed(other)]
        if (reader === null) return
        const text = avroText(reader)
        expect(avroText(parseAvro(text))).toBe(text)
        const normal = avroText(normalAvro(reader))
        expect(avroText(normalAvro(parseAvro(normal)))).toBe(normal)
        try {
          expect(avroIncompatibilities(reader, parseAvro(text))).toEqual([])
          expect(avroIncompatibilities(reader, normalAvro(reader))).toEqual([])
          if (writer !== null) avroIncompatibilities(reader, writer)
        } catch (error) {
          if (!(error instanceof AmbiguousFieldError)) throw error
        }
      }),
      { numRuns: 10_000 },
    )
  })

  it('that are JSON have the text that JSON.stringify gives them, but for the order of keys that are numbers', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = jsonText(sorted(parseJson(JSON.stringify(value))))
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('that are nested too deep are refused', () => {
    const deep = '['.repeat(100_000)
    expect(() => parseJson(deep)).toThrow(/nested more than/)
    expect(() => parseAvro(`${'{"type":"array","items":'.repeat(2000)}"int"${'}'.repeat(2000)}`)).toThrow(
      /nested more than/,
    )
  })

  it('whose alternatives are too many to compare each with each are not compared', () => {
    const names = Array.from({ length: 1000 }, (_none, at) => `T${at}`)
    const union = (size: number): AvroSchema =>
      parseAvro(JSON.stringify(names.map((name, at) => ({ type: 'fixed', name, size: size + at }))))
    expect(() => avroIncompatibilities(union(1), union(2))).toThrow(/comparisons are needed/)
    const oneOf = (more: number): JsonSchemaDocument =>
      new JsonSchemaDocument(
        parseJson(JSON.stringify({ oneOf: names.map((_name, at) => ({ const: at + more })) })),
        new Map(),
      )
    expect(() => jsonSchemaDifferences(oneOf(0).root, oneOf(1).root)).toThrow(/more than 100000 comparisons/)
    const chain = JSON.stringify({
      $ref: '#/definitions/T0',
      definitions: Object.fromEntries(
        names.map((name, at) => [name, { type: 'array', items: { $ref: `#/definitions/T${(at + 1) % 1000}` } }]),
      ),
    })
    const links = [chain, chain].map((text) => new JsonSchemaDocument(parseJson(text), new Map()).root) as [
      JsonSchemaPart,
      JsonSchemaPart,
    ]
    expect(() => jsonSchemaDifferences(...links)).toThrow(/nested more than 500 deep/)
  })

  it('of ten thousands of fields and symbols are compared without comparing each with each', () => {
    const names = Array.from({ length: 30_000 }, (_none, at) => `f${at}`)
    const record = parseAvro(
      JSON.stringify({ type: 'record', name: 'R', fields: names.map((name) => ({ name, type: 'int' })) }),
    )
    const symbols = parseAvro(JSON.stringify({ type: 'enum', name: 'E', symbols: names }))
    expect(avroIncompatibilities(record, record)).toEqual([])
    expect(avroIncompatibilities(symbols, symbols)).toEqual([])
  })
})
