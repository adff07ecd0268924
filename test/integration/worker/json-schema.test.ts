import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { expect, it } from 'vitest'

import { registryPrefix } from '../../../src/rest/registry/registry-route.ts'
import { decodedLines, kafkaOf, lineSink, lineSource, linesOf, sendLine } from '../../support/registry/line-topic.ts'
import { describeWith } from '../../support/services.ts'
import { until } from '../../support/until.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'

function converters(url: string): Readonly<Record<string, string>> {
  return {
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'io.confluent.connect.json.JsonSchemaConverter',
    'value.converter.schema.registry.url': url,
  }
}

describeWith([], 'the JSON Schema converter in a worker', () => {
  const workers = testWorkers()

  it('writes what the client of kafkajs validates and reads, and reads what it writes', async () => {
    const worker = await workers.start()
    const url = `${worker.place.rest}${registryPrefix}`
    const [input, output] = [join(workers.directory, 'in.txt'), join(workers.directory, 'out.txt')]
    writeFileSync(input, 'first\nzwölf ⚽\n')
    await worker.post('source', lineSource(input, converters(url)))
    const kafka = kafkaOf(worker)
    const registry = new SchemaRegistry({ host: url }, { [SchemaType.JSON]: { strict: false } })
    const read = await decodedLines(kafka, registry, 2)
    expect(read).toEqual([{ line: 'first' }, { line: 'zwölf ⚽' }])

    await sendLine(kafka, registry, 'of kafkajs')
    await worker.post('sink', lineSink(output, converters(url)))
    await until('all three lines are written', () => linesOf(output).length === 3)
    expect(linesOf(output)).toEqual(['first', 'zwölf ⚽', 'of kafkajs'])
    expect(await worker.failures()).toEqual([])
  })
})
