import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { expect, it } from 'vitest'

import { registryPrefix } from '../../../src/rest/registry/registry-route.ts'
import { decodedLines, kafkaOf, lineSink, lineSource, linesOf } from '../../support/registry/line-topic.ts'
import { describeWith } from '../../support/services.ts'
import { until } from '../../support/until.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'

function converters(url: string): Readonly<Record<string, string>> {
  return {
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'io.confluent.connect.protobuf.ProtobufConverter',
    'value.converter.schema.registry.url': url,
  }
}

describeWith([], 'the Protobuf converter in a worker', () => {
  const workers = testWorkers()

  it('writes what the client of kafkajs reads, and reads it again', async () => {
    const worker = await workers.start()
    const url = `${worker.place.rest}${registryPrefix}`
    const [input, output] = [join(workers.directory, 'in.txt'), join(workers.directory, 'out.txt')]
    writeFileSync(input, 'first\nzwölf ⚽\n')
    await worker.post('source', lineSource(input, converters(url)))
    const read = await decodedLines(kafkaOf(worker), new SchemaRegistry({ host: url }), 2)
    expect(JSON.parse(JSON.stringify(read))).toEqual([{ line: 'first' }, { line: 'zwölf ⚽' }])

    await worker.post('sink', lineSink(output, converters(url)))
    await until('both lines are written', () => linesOf(output).length === 2)
    expect(linesOf(output)).toEqual(['first', 'zwölf ⚽'])
    expect(await worker.failures()).toEqual([])
  })
})
