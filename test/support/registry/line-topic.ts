import { existsSync, readFileSync } from 'node:fs'

import type { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { Kafka, logLevel, type KafkaMessage } from 'kafkajs'

import { until } from '../until.ts'
import type { WorkerProcess } from '../worker/worker-process.ts'

type Settings = Readonly<Record<string, string>>

const transforms = 'org.apache.kafka.connect.transforms'
const topic = 'lines'

/** A connector that writes lines of a file to the topic `lines`, as structs `shop.Line` with the field `line`. */
export function lineSource(file: string, converters: Settings): Settings {
  return {
    'connector.class': 'FileStreamSource',
    file,
    topic,
    transforms: 'hoist,name',
    'transforms.hoist.type': `${transforms}.HoistField$Value`,
    'transforms.hoist.field': 'line',
    'transforms.name.type': `${transforms}.SetSchemaMetadata$Value`,
    'transforms.name.schema.name': 'shop.Line',
    ...converters,
  }
}

/** A connector that writes the lines of these structs to a file. */
export function lineSink(file: string, converters: Settings): Settings {
  return {
    'connector.class': 'FileStreamSink',
    file,
    topics: topic,
    transforms: 'line',
    'transforms.line.type': `${transforms}.ExtractField$Value`,
    'transforms.line.field': 'line',
    ...converters,
  }
}

export function kafkaOf(worker: WorkerProcess): Kafka {
  return new Kafka({ brokers: [worker.place.broker], logLevel: logLevel.NOTHING })
}

/** Waits for the topic, and for that many messages in it. Returns what the client of kafkajs decodes. */
export async function decodedLines(kafka: Kafka, registry: SchemaRegistry, count: number): Promise<readonly object[]> {
  await until('the topic is there', async () => (await topicsOf(kafka)).includes(topic))
  const consumer = kafka.consumer({ groupId: 'reader' })
  const messages: KafkaMessage[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ eachMessage: async ({ message }) => void messages.push(message) })
  await until(`${count} messages are read`, () => messages.length === count)
  const decoded = await Promise.all(
    messages.map(async ({ value }) => (await registry.decode(value ?? Buffer.of())) as object),
  )
  await consumer.disconnect()
  return decoded
}

/** Sends a line that the client of kafkajs encodes with the latest schema of the topic. */
export async function sendLine(kafka: Kafka, registry: SchemaRegistry, line: string): Promise<void> {
  const id = await registry.getLatestSchemaId(`${topic}-value`)
  const producer = kafka.producer()
  await producer.connect()
  await producer.send({ topic, messages: [{ value: await registry.encode(id, { line }) }] })
  await producer.disconnect()
}

export async function topicsOf(kafka: Kafka): Promise<readonly string[]> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await admin.listTopics()
  } finally {
    await admin.disconnect()
  }
}

export function linesOf(file: string): readonly string[] {
  const text = existsSync(file) ? readFileSync(file, 'utf8').trimEnd() : ''
  return text === '' ? [] : text.split('\n')
}
