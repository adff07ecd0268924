import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

import { avroCases } from '../../oracle/avro/avro-cases.ts'
import { schemaCases } from '../../oracle/avro/schema-cases.ts'
import { contentCases } from '../../oracle/converters/content-cases.ts'
import { converterCases } from '../../oracle/converters/converter-cases.ts'
import { recordCloudEvents } from '../../oracle/converters/record-cloud-events.ts'
import { runOracle } from '../../oracle/run-oracle.ts'
import { describeWith } from '../../support/services.ts'

const program = fileURLToPath(new URL('../../oracle/converters/ConverterOracle.java', import.meta.url))
const file = new URL('../../oracle/converters/kafka-3.9.1.jsonl', import.meta.url)

const contentProgram = fileURLToPath(new URL('../../oracle/converters/JsonContentOracle.java', import.meta.url))
const contentFile = new URL('../../oracle/converters/json-content-4.4.0.jsonl', import.meta.url)

const eventsFile = new URL('../../oracle/converters/cloud-events-3.2.3.jsonl', import.meta.url)

const avroProgram = fileURLToPath(new URL('../../oracle/avro/AvroValueOracle.java', import.meta.url))
const avroFile = new URL('../../oracle/avro/avro-1.12.0.jsonl', import.meta.url)

const schemaProgram = fileURLToPath(new URL('../../oracle/avro/AvroDataOracle.java', import.meta.url))
const schemaFile = new URL('../../oracle/avro/avro-data.jsonl', import.meta.url)

// The jars of Kafka come with the service. UPDATE_ORACLE=1 writes the recording before it compares it.
describeWith(['kafka'], 'the converters of Java', () => {
  it('of Kafka Connect for primitive types still do what is recorded of them', async () => {
    const results = await runOracle('3.9.1', converterCases, program)
    const lines = converterCases.map((given, i) => `${JSON.stringify({ given, result: results[i] })}\n`).join('')
    if (process.env['UPDATE_ORACLE'] === '1') writeFileSync(file, lines)
    expect(readFileSync(file, 'utf8')).toBe(lines)
  })

  it('of JSON still read by schema.content what is recorded of them', async () => {
    const results = await runOracle('4.4.0', contentCases, contentProgram)
    const lines = contentCases.map((given, i) => `${JSON.stringify({ given, result: results[i] })}\n`).join('')
    if (process.env['UPDATE_ORACLE'] === '1') writeFileSync(contentFile, lines)
    expect(readFileSync(contentFile, 'utf8')).toBe(lines)
  })

  it('of Debezium for CloudEvents still write and read what is recorded of them', async () => {
    const lines = await recordCloudEvents()
    if (process.env['UPDATE_ORACLE'] === '1') writeFileSync(eventsFile, lines)
    expect(readFileSync(eventsFile, 'utf8')).toBe(lines)
  })

  it('of Avro 1.12 still read and write what is recorded of them', async () => {
    const cases = avroCases()
    const results = await runOracle('avro', cases, avroProgram)
    const lines = cases.map((given, i) => `${JSON.stringify({ given, result: results[i] })}\n`).join('')
    if (process.env['UPDATE_ORACLE'] === '1') writeFileSync(avroFile, lines)
    expect(readFileSync(avroFile, 'utf8')).toBe(lines)
  })

  it('of Apicurio still have the schemas that are recorded of them', async () => {
    const cases = schemaCases()
    const results = await runOracle('apicurio', cases, schemaProgram)
    const lines = cases.map((given, i) => `${JSON.stringify({ given, result: results[i] })}\n`).join('')
    if (process.env['UPDATE_ORACLE'] === '1') writeFileSync(schemaFile, lines)
    expect(readFileSync(schemaFile, 'utf8')).toBe(lines)
  })
})
