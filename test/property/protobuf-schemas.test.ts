import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { ProtobufError } from '../../src/registry/protobuf/parse/proto-reader.ts'
import { ParsedProtobuf } from '../../src/registry/protobuf/parsed-protobuf.ts'
import type { SchemaSource } from '../../src/registry/schemas/parsed-schema.ts'

type Case = string | { readonly schema: string; readonly references: readonly { name: string; schema: string }[] }

const cases = readFileSync(new URL('../oracle/registry/protobuf-schemas.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Case)
  .map((source) => (typeof source === 'string' ? { schema: source, references: [] } : source))

const words =
  'message M { } enum E = 0 1 -1 2147483648 ; [ ] ( ) < > , . : " \' \\ \\x / // /* */ option extend oneof map group reserved max to required optional repeated int32 string package import syntax Line Order .shop __proto__ constructor \u{D800} \u2028'.split(
    ' ',
  )

/** A schema of the oracle in which some places are replaced. */
const mutated = fc
  .tuple(
    fc.constantFrom(...cases),
    fc.array(fc.tuple(fc.nat(), fc.nat({ max: 8 }), fc.constantFrom(...words), fc.boolean()), { maxLength: 3 }),
  )
  .map(([{ schema, references }, edits]) => ({
    references,
    schema: edits.reduce((whole, [place, length, word, apart]) => {
      const at = place % (whole.length + 1)
      return `${whole.slice(0, at)}${apart ? ` ${word} ` : word}${whole.slice(at + length)}`
    }, schema),
  }))

function checked(source: SchemaSource): ParsedProtobuf {
  const parsed = ParsedProtobuf.parse(source)
  parsed.check()
  return parsed
}

/** Null when it is not a schema. */
function parsed({ schema, references }: Exclude<Case, string>): ParsedProtobuf | null {
  try {
    return checked({ schema, references: [], resolved: references })
  } catch (error) {
    if (error instanceof ProtobufError) return null
    throw error
  }
}

describe('Protobuf schemas', () => {
  it('are parsed or refused by name, whatever the text is, and their canonical text stands for them', () => {
    const names = { reader: 'new', writer: 'old' } as const
    let schemas = 0
    fc.assert(
      fc.property(mutated, mutated, (one, other) => {
        const reader = parsed(one)
        if (reader === null) return
        schemas += 1
        const again = parsed({ ...one, schema: reader.text })
        expect(again?.text).toBe(reader.text)
        const normal = reader.normalized()
        expect(parsed({ ...one, schema: normal.text })?.normalized().text).toBe(normal.text)
        expect(reader.readingProblems(normal, names)).toEqual([])
        expect(normal.readingProblems(reader, names)).toEqual([])
        const { references } = one
        const described = parsed({ references, schema: reader.formatted('serialized') })
        // A descriptor has no groups and no options of other extensions, whose types may be missing then.
        if (!/group|extend/.test(reader.text)) expect(described?.readingProblems(reader, names)).toEqual([])
        const writer = parsed(other)
        if (writer !== null) reader.readingProblems(writer, names)
      }),
      { numRuns: 10_000 },
    )
    expect(schemas).toBeGreaterThan(1000)
  })

  it('that are descriptors are parsed or refused by name, whatever the bytes are', () => {
    const descriptors = cases.map(({ schema, references }) => {
      const text = ParsedProtobuf.parse({ schema, references: [], resolved: references }).formatted('serialized')
      return { references, bytes: Buffer.from(text, 'base64') }
    })
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 3 }), fc.uint8Array({ maxLength: 3 })), { maxLength: 3 })
    let schemas = 0
    fc.assert(
      fc.property(fc.constantFrom(...descriptors), edits, ({ bytes, references }, changes) => {
        const changed = changes.reduce((whole, [place, length, inserted]) => {
          const at = place % (whole.length + 1)
          return Buffer.concat([whole.subarray(0, at), inserted, whole.subarray(at + length)])
        }, bytes)
        const schema = parsed({ references, schema: changed.toString('base64') })
        if (schema === null) return
        schemas += 1
        expect(parsed({ references, schema: schema.text })?.text).toBe(schema.text)
      }),
      { numRuns: 10_000 },
    )
    expect(schemas).toBeGreaterThan(1000)
  })
})
