import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { expect, it } from 'vitest'

import { registryPrefix } from '../../../src/rest/registry/registry-route.ts'
import { HttpFaults } from '../../support/http-faults.ts'
import {
  decodedLines,
  kafkaOf,
  lineSink,
  lineSource,
  linesOf,
  sendLine,
  topicsOf,
} from '../../support/registry/line-topic.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { describeWith } from '../../support/services.ts'
import { until } from '../../support/until.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'

const text = 'org.apache.kafka.connect.storage.StringConverter'

/** @param url of the registry; null: that of the worker */
function avro(url: string | null): Readonly<Record<string, string>> {
  return {
    'key.converter': text,
    'value.converter': 'io.confluent.connect.avro.AvroConverter',
    ...(url === null ? {} : { 'value.converter.schema.registry.url': url }),
    'value.converter.max.retries': '0',
  }
}

describeWith([], 'the Avro converter in a worker', () => {
  const workers = testWorkers()

  it('writes what the client of kafkajs reads, and reads what it writes', async () => {
    const worker = await workers.start()
    const [input, output] = [join(workers.directory, 'in.txt'), join(workers.directory, 'out.txt')]
    writeFileSync(input, 'first\nzwölf ⚽\n')
    await worker.post('source', lineSource(input, avro(null)))
    const [kafka, registry] = [kafkaOf(worker), new SchemaRegistry({ host: `${worker.place.rest}${registryPrefix}` })]
    const read = await decodedLines(kafka, registry, 2)
    expect(JSON.parse(JSON.stringify(read))).toEqual([{ line: 'first' }, { line: 'zwölf ⚽' }])

    await sendLine(kafka, registry, 'of kafkajs')
    await worker.post('sink', lineSink(output, avro(null)))
    await until('all three lines are written', () => linesOf(output).length === 3)
    expect(linesOf(output)).toEqual(['first', 'zwölf ⚽', 'of kafkajs'])
    expect(await worker.failures()).toEqual([])
  })

  it('is refused under the setting that is wrong, not by a task that fails', async () => {
    const worker = await workers.start()
    const rest = new RestClient(worker.place.rest)
    const config = lineSink(join(workers.directory, 'out.txt'), avro('ftp://registry'))
    const message =
      'io.confluent.connect.avro.AvroConverter refuses its configuration: schema.registry.url has "ftp://registry", which is not an http or https URL'
    const validated = await rest.put('/connector-plugins/FileStreamSink/config/validate', { name: 'sink', ...config })
    expect(validated).toMatchObject({ status: 200, json: { error_count: 1 } })
    const { configs } = validated.json as {
      readonly configs: readonly { readonly value: { readonly errors: unknown } }[]
    }
    expect(configs.filter(({ value }) => String(value.errors) !== '')).toMatchObject([
      { value: { name: 'value.converter.schema.registry.url', errors: [message] } },
    ])
    const refused = await rest.post('/connectors', { name: 'sink', config })
    expect([refused.status, (refused.json as { readonly message: string }).message]).toEqual([
      400,
      expect.stringContaining(message),
    ])
  })

  it('keeps records in their place while the registry cannot be reached', async () => {
    const worker = await workers.start()
    const faults = await HttpFaults.before(worker.place.rest)
    const url = `${faults.url}${registryPrefix}`
    const [input, output] = [join(workers.directory, 'in.txt'), join(workers.directory, 'out.txt')]
    try {
      faults.decide = () => ({ kind: 'drop' })
      writeFileSync(input, 'one\n')
      await worker.post('source', lineSource(input, avro(url)))
      await until('the source asks the registry again', () => faults.seen.length >= 3)
      appendFileSync(input, 'two\n')
      expect(await worker.failures()).toEqual([])
      faults.decide = () => ({ kind: 'pass' })
      await until('the records are written', async () => (await topicsOf(kafkaOf(worker))).includes('lines'))

      faults.decide = () => ({ kind: 'answer', status: 503 })
      const before = faults.seen.length
      await worker.post('sink', lineSink(output, avro(url)))
      await until('the sink asks the registry again', () => faults.seen.length >= before + 3)
      expect(await worker.failures()).toEqual([])
      expect(linesOf(output)).toEqual([])
      faults.decide = () => ({ kind: 'pass' })
      await until('both lines are written', () => linesOf(output).length === 2)
      expect(linesOf(output)).toEqual(['one', 'two'])
    } finally {
      await faults.close()
    }
  })
})
