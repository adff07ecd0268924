import { readFileSync } from 'node:fs'

import { schemaFromJson, type JsonValue } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { parseAvro } from '../../../src/avro/parse-avro.ts'
import { avroOfConnect } from '../../../src/avro/schema/avro-of-connect.ts'
import { connectOfAvro } from '../../../src/avro/schema/connect-of-avro.ts'
import { connectJson, type SchemaCase, type SchemaResult } from '../../oracle/avro/schema-cases.ts'
import { avroOptionsOf } from '../../support/registry/avro-converters.ts'

/** Recorded from Apicurio's copy of Confluent's AvroData by test/oracle/avro/AvroDataOracle.java. */
const recorded = readFileSync(new URL('../../oracle/avro/avro-data.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as { readonly given: SchemaCase; readonly result: SchemaResult })

function otherOf({ connect, avro, config }: SchemaCase): SchemaResult {
  const options = avroOptionsOf(config)
  if (avro === undefined) return { avro: avroOfConnect(schemaFromJson(connect as JsonValue), options) }
  return { connect: connectJson(connectOfAvro(parseAvro({ text: avro, references: [] }), options, null)) }
}

describe('schemas of Confluent', () => {
  it.each(recorded.map(({ given, result }, index) => ({ index, given, result })))(
    'are the same here (case $index)',
    ({ given, result }) => {
      if (result.error === undefined) expect(otherOf(given)).toEqual(result)
      else expect(() => otherOf(given), result.error).toThrow()
    },
  )
})
