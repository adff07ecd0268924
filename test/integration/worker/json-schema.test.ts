import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { Kafka, logLevel, type KafkaMessage } from 'kafkajs'
import { expect, it } from 'vitest'

import { registryPrefix } from '../../../src/rest/registry/registry-route.ts'
import { describeWith } from '../../support/services.ts'
import { until } from '../../support/until.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'

const transforms = 'org.apache.kafka.connect.transforms'

function converters(url: string): Readonly<Record<string, string>> {
  return {
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'io.confluent.connect.json.JsonSchemaConverter',
    'value.converter.schema.registry.url': url,
  }
}

/** Lines of a file as objects `shop.Line` with the member `line`. */
function source(file: string, url: string): Readonly<Record<string, string>> {
  return {
    'connector.class': 'FileStreamSource',
    file,
    topic: 'lines',
    transforms: 'hoist,name',
    'transforms.hoist.type': `${transforms}.HoistField$Value`,
    'transforms.hoist.field': 'line',
    'transforms.name.type': `${transforms}.SetSchemaMetadata$Value`,
    'transforms.name.schema.name': 'shop.Line',
    ...converters(url),
  }
}

function sink(file: string, url: string): Readonly<Record<string, string>> {
  return {
    'connector.class': 'FileStreamSink',
    file,
    topics: 'lines',
    transforms: 'line',
    'transforms.line.type': `${transforms}.ExtractField$Value`,
    'transforms.line.field': 'line',
    ...converters(url),
  }
}

describeWith([], 'the JSON Schema converter in a worker', () => {
  const workers = testWorkers()

  it('writes what the client of kafkajs validates and reads, and reads what it writes', async () => {
    const worker = await workers.start()
    const url = `${worker.place.rest}${registryPrefix}`
    const [input, output] = [join(workers.directory, 'in.txt'), join(workers.directory, 'out.txt')]
    writeFileSync(input, 'first\nzwölf ⚽\n')
    await worker.post('source', source(input, url))
    const kafka = new Kafka({ brokers: [worker.place.broker], logLevel: logLevel.NOTHING })
    const registry = new SchemaRegistry({ host: url }, { [SchemaType.JSON]: { strict: false } })
    await until('the topic is there', async () => (await topicsOf(kafka)).includes('lines'))
    const consumer = kafka.consumer({ groupId: 'reader' })
    const messages: KafkaMessage[] = []
    await consumer.connect()
    await consumer.subscribe({ topic: 'lines', fromBeginning: true })
    await consumer.run({ eachMessage: async ({ message }) => void messages.push(message) })
    await until('both lines are read', () => messages.length === 2)
    const read = await Promise.all(
      messages.map(async ({ value }) => (await registry.decode(value ?? Buffer.of())) as object),
    )
    await consumer.disconnect()
    expect(read).toEqual([{ line: 'first' }, { line: 'zwölf ⚽' }])

    const id = await registry.getLatestSchemaId('lines-value')
    const producer = kafka.producer()
    await producer.connect()
    await producer.send({ topic: 'lines', messages: [{ value: await registry.encode(id, { line: 'of kafkajs' }) }] })
    await producer.disconnect()
    await worker.post('sink', sink(output, url))
    await until('all three lines are written', () => linesOf(output).length === 3)
    expect(linesOf(output)).toEqual(['first', 'zwölf ⚽', 'of kafkajs'])
    expect(await worker.failures()).toEqual([])
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
  const text = existsSync(file) ? readFileSync(file, 'utf8').trimEnd() : ''
  return text === '' ? [] : text.split('\n')
}
