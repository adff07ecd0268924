import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { Kafka, logLevel, type KafkaMessage } from 'kafkajs'
import { expect, it } from 'vitest'

import { registryPrefix } from '../../../src/rest/registry/registry-route.ts'
import { HttpFaults } from '../../support/http-faults.ts'
import { describeWith } from '../../support/services.ts'
import { until } from '../../support/until.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'
import type { WorkerProcess } from '../../support/worker/worker-process.ts'

const transforms = 'org.apache.kafka.connect.transforms'
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

/** Lines of a file as Avro records `shop.Line` with the field `line`. */
function source(file: string, url: string | null): Readonly<Record<string, string>> {
  return {
    'connector.class': 'FileStreamSource',
    file,
    topic: 'lines',
    transforms: 'hoist,name',
    'transforms.hoist.type': `${transforms}.HoistField$Value`,
    'transforms.hoist.field': 'line',
    'transforms.name.type': `${transforms}.SetSchemaMetadata$Value`,
    'transforms.name.schema.name': 'shop.Line',
    ...avro(url),
  }
}

function sink(file: string, url: string | null): Readonly<Record<string, string>> {
  return {
    'connector.class': 'FileStreamSink',
    file,
    topics: 'lines',
    transforms: 'line',
    'transforms.line.type': `${transforms}.ExtractField$Value`,
    'transforms.line.field': 'line',
    ...avro(url),
  }
}

function kafkaOf(worker: WorkerProcess): Kafka {
  return new Kafka({ brokers: [worker.place.broker], logLevel: logLevel.NOTHING })
}

describeWith([], 'the Avro converter in a worker', () => {
  const workers = testWorkers()

  it('writes what the client of kafkajs reads, and reads what it writes', async () => {
    const worker = await workers.start()
    const [input, output] = [join(workers.directory, 'in.txt'), join(workers.directory, 'out.txt')]
    writeFileSync(input, 'first\nzwölf ⚽\n')
    await worker.post('source', source(input, null))
    const [kafka, registry] = [kafkaOf(worker), new SchemaRegistry({ host: `${worker.place.rest}${registryPrefix}` })]
    const consumer = kafka.consumer({ groupId: 'reader' })
    const messages: KafkaMessage[] = []
    await until('the topic is there', async () => (await topicsOf(kafka)).includes('lines'))
    await consumer.connect()
    await consumer.subscribe({ topic: 'lines', fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => void messages.push(message) })
    await until('both lines are read', () => messages.length === 2)
    const read = await Promise.all(
      messages.map(async ({ value }) => (await registry.decode(value ?? Buffer.of())) as object),
    )
    await consumer.disconnect()
    expect(JSON.parse(JSON.stringify(read))).toEqual([{ line: 'first' }, { line: 'zwölf ⚽' }])

    const id = await registry.getLatestSchemaId('lines-value')
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic: 'lines', messages: [{ value: await registry.encode(id, { line: 'of kafkajs' }) }] })
    await producer.disconnect()
    await worker.post('sink', sink(output, null))
    await until('all three lines are written', () => linesOf(output).length === 3)
    expect(linesOf(output)).toEqual(['first', 'zwölf ⚽', 'of kafkajs'])
    expect(await worker.failures()).toEqual([])
  })

  it('keeps records in their place while the registry cannot be reached', async () => {
    const worker = await workers.start()
    const faults = await HttpFaults.before(worker.place.rest)
    const url = `${faults.url}${registryPrefix}`
    const [input, output] = [join(workers.directory, 'in.txt'), join(workers.directory, 'out.txt')]
    try {
      faults.decide = () => ({ kind: 'drop' })
      writeFileSync(input, 'one\n')
      await worker.post('source', source(input, url))
      await until('the source asks the registry again', () => faults.seen.length >= 3)
      appendFileSync(input, 'two\n')
      expect(await worker.failures()).toEqual([])
      faults.decide = () => ({ kind: 'pass' })
      await until('the records are written', async () => (await topicsOf(kafkaOf(worker))).includes('lines'))

      faults.decide = () => ({ kind: 'answer', status: 503 })
      const before = faults.seen.length
      await worker.post('sink', sink(output, url))
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

async function topicsOf(kafka: Kafka): Promise<readonly string[]> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await admin.listTopics()
  } finally {
    await admin.disconnect()
  }
}

function linesOf(file: string): readonly string[] {
  return existsSync(file)
    ? readFileSync(file, 'utf8')
        .trimEnd()
        .split('\n')
        .filter((line) => line !== '')
    : []
}
