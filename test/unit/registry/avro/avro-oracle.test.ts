import { describe, expect, it } from 'vitest'

import { AmbiguousFieldError, avroIncompatibilities } from '../../../../src/registry/avro/avro-compatibility.ts'
import { avroText } from '../../../../src/registry/avro/avro-text.ts'
import { parseAvro } from '../../../../src/registry/avro/parse-avro.ts'
import { oracleLines } from '../../../support/registry/oracle-lines.ts'

/** Recorded from Java's Avro by test/oracle/registry/AvroOracle.java. */
const texts = oracleLines<string>('schemas.jsonl')
const invalid = oracleLines<string>('invalid-schemas.jsonl')
const [schemas, results, parsed] = oracleLines('avro-1.12.0.jsonl') as [
  readonly (readonly [string, readonly number[]])[],
  readonly unknown[],
  readonly boolean[],
]

/** Java's Avro 1.12 lets a type be defined again; the specification and Avro before it do not. */
const definedTwice =
  '{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"record","name":"R","fields":[]}}]}'

function found(reader: string, writer: string): unknown {
  try {
    const differences = avroIncompatibilities(parseAvro(reader), parseAvro(writer))
    return differences.map(({ type, location, message }) => [type, location, message])
  } catch (error) {
    if (error instanceof AmbiguousFieldError) return 'ambiguous'
    throw error
  }
}

/** Java reports it as the message of an exception. */
function recorded(result: unknown): unknown {
  const [first] = result as readonly unknown[]
  return typeof first === 'string' ? 'ambiguous' : result
}

describe('Avro schemas, as in Java', () => {
  it('have the same canonical text', () => {
    expect(texts.map((text) => avroText(parseAvro(text)))).toEqual(schemas.map(([text]) => text))
  })

  it('have a canonical text that is its own', () => {
    const once = texts.map((text) => avroText(parseAvro(text)))
    expect(once.map((text) => avroText(parseAvro(text)))).toEqual(once)
  })

  it('are readable, or not for the same reasons, by every other schema', () => {
    const differences: unknown[] = []
    for (const [at, reader] of texts.entries())
      for (const [index, writer] of texts.entries()) {
        const expected = recorded(results[schemas[at]?.[1][index] ?? -1])
        const actual = found(reader, writer)
        if (JSON.stringify(actual) !== JSON.stringify(expected)) differences.push({ reader, writer, expected, actual })
      }
    expect(differences).toEqual([])
  })

  it('are refused where Java refuses them', () => {
    const accepted = invalid.filter((text) => {
      try {
        parseAvro(text)
        return true
      } catch {
        return false
      }
    })
    expect(accepted).toEqual([])
    expect(invalid.filter((_text, index) => parsed[index] === true)).toEqual([definedTwice])
  })
})
