import { describe, expect, it } from 'vitest'

import { ParsedProtobuf } from '../../../../src/registry/protobuf/parsed-protobuf.ts'
import type { SchemaSource } from '../../../../src/registry/schemas/parsed-schema.ts'
import { oracleLines } from '../../../support/registry/oracle-lines.ts'

interface Reference {
  readonly name: string
  readonly schema: string
  /** Absent: only another reference needs it. */
  readonly subject?: string
  readonly version?: number
}

type Case = string | { readonly schema: string; readonly references: readonly Reference[] }

interface Recorded {
  readonly text: string
  readonly normal: string
  /** In the format `ignore_extensions`. */
  readonly plain: string
  /** In the format `serialized`. */
  readonly descriptor: string
  readonly fromDescriptor: string
  /** For each writer, the place of the result. */
  readonly results: readonly number[]
}

/** Recorded from Confluent's `kafka-protobuf-provider` by test/oracle/registry/ProtobufOracle.java. */
const cases = oracleLines<Case>('protobuf-schemas.jsonl')
const invalid = oracleLines<string>('invalid-protobuf-schemas.jsonl')
const [recorded, results, parsed] = oracleLines('protobuf-provider-8.5.jsonl') as [
  readonly Recorded[],
  readonly (readonly string[])[],
  readonly boolean[],
]

function checked(source: SchemaSource): ParsedProtobuf {
  const parsed = ParsedProtobuf.parse(source)
  parsed.check()
  return parsed
}

function parse(source: Case): ParsedProtobuf {
  if (typeof source === 'string') return checked({ schema: source, references: [], resolved: [] })
  const { schema, references: resolved } = source
  const references = resolved.flatMap(({ name, subject, version }) =>
    subject === undefined || version === undefined ? [] : [{ name, subject, version }],
  )
  return checked({ schema, references, resolved })
}

const schemas = cases.map(parse)

describe('Protobuf schemas, as in Java', () => {
  it('have the same canonical text', () => {
    expect(schemas.map(({ text }) => text)).toEqual(recorded.map(({ text }) => text))
  })

  it('have a canonical text that is its own', () => {
    const again = cases.map((source, index) => {
      const schema = schemas[index]?.text ?? ''
      return parse(typeof source === 'string' ? schema : { ...source, schema }).text
    })
    expect(again).toEqual(schemas.map(({ text }) => text))
  })

  it('have the same normal form', () => {
    expect(schemas.map((schema) => schema.normalized().text)).toEqual(recorded.map(({ normal }) => normal))
  })

  it('have a normal form that is its own', () => {
    const once = schemas.map((schema) => schema.normalized())
    expect(once.map((schema) => schema.normalized().text)).toEqual(once.map(({ text }) => text))
  })

  it('have the same text without extensions', () => {
    expect(schemas.map((schema) => schema.formatted('ignore_extensions'))).toEqual(recorded.map(({ plain }) => plain))
  })

  it('have the same descriptor', () => {
    expect(schemas.map((schema) => schema.formatted('serialized'))).toEqual(
      recorded.map(({ descriptor }) => descriptor),
    )
  })

  it('have the same text when they are registered as descriptors', () => {
    const texts = recorded.map(({ descriptor }, index) => {
      const source = cases[index] ?? ''
      return parse(typeof source === 'string' ? descriptor : { ...source, schema: descriptor }).text
    })
    expect(texts).toEqual(recorded.map(({ fromDescriptor }) => fromDescriptor))
  })

  it('are readable, or not for the same reasons, by every other schema', () => {
    const differences: unknown[] = []
    for (const [at, reader] of schemas.entries())
      for (const [index, writer] of schemas.entries()) {
        const expected = results[recorded[at]?.results[index] ?? -1]
        const actual = reader.readingProblems(writer, { reader: 'new', writer: 'old' }).toSorted()
        if (JSON.stringify(actual) !== JSON.stringify(expected))
          differences.push({ reader: reader.text, writer: writer.text, expected, actual })
      }
    expect(differences).toEqual([])
  })

  it('are refused where Java refuses them', () => {
    const accepted = invalid.filter((text) => {
      try {
        parse(text)
        return true
      } catch {
        return false
      }
    })
    expect(accepted).toEqual([])
  })

  it('are also refused where protoc refuses them and Java does not', () => {
    const stricter = invalid.filter((_text, index) => parsed[index] === true)
    expect(stricter.map((text) => text.replace('syntax = "proto3"; ', ''))).toEqual([
      'message A { int32 a = 1; int32 b = 1; }',
      'message A { int32 a = 1; int32 a = 2; }',
      'message A { int32 a = 0; }',
      'message A { int32 a = 19500; }',
      'message A { reserved 1; int32 a = 1; }',
      'enum A { X = 0; Y = 0; }',
      'enum A { X = 0; X = 1; }',
      'import "missing.proto"; message A { int32 a = 1; }',
      'message A { map<string, Missing> a = 1; }',
      'message A { enum B { X = 0; } message B { } }',
      'message a-b { int32 a = 1; }',
    ])
  })
})
