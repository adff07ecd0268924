import { readFileSync } from 'node:fs'

import { ByteSink, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { AvroCursor } from '../../../src/avro/binary/avro-cursor.ts'
import { avroReader } from '../../../src/avro/binary/avro-reader.ts'
import { avroWriter } from '../../../src/avro/binary/avro-writer.ts'
import { parseAvro } from '../../../src/avro/parse-avro.ts'
import { avroOfConnect } from '../../../src/avro/schema/avro-of-connect.ts'
import { connectOfAvro } from '../../../src/avro/schema/connect-of-avro.ts'
import { shown, type AvroCase, type AvroResult } from '../../oracle/avro/avro-cases.ts'
import { avroOptionsOf } from '../../support/registry/avro-converters.ts'

/** Recorded from Java's Avro by test/oracle/avro/AvroValueOracle.java. */
const recorded = readFileSync(new URL('../../oracle/avro/avro-1.12.0.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { readonly given: AvroCase; readonly result: AvroResult })
const options = avroOptionsOf()

describe('Avro data of Java', () => {
  it.each(recorded.map(({ given, result }, index) => ({ index, given, result })))(
    'is the same here (case $index)',
    ({ given, result }) => {
      const avro = parseAvro({ text: result.schema, references: [] })
      const connect: Schema = connectOfAvro(avro, options, null)
      expect(avroOfConnect(connect, options)).toBe(result.schema)
      const cursor = new AvroCursor()
      cursor.begin(Buffer.from(result.bytes, 'hex'), 0)
      const value = avroReader(avro, connect, options)(cursor)
      cursor.end()
      expect(shown(connect, value)).toEqual(result.value)
      const sink = new ByteSink()
      sink.begin()
      avroWriter(avro, connect, options)(sink, value)
      expect(sink.take().toString('hex')).toBe(result.bytes)
      expect(given.schema).toBe(result.schema)
    },
  )
})
