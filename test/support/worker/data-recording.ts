import kafkajs from 'kafkajs'

import { registryPrefix } from '../../../src/rest/registry/registry-route.ts'
import { kafkajsCompression, registerKafkajsCodecs } from '../broker/kafkajs-codecs.ts'
import { LogView } from '../log/log-view.ts'
import { recordOf } from '../registry/test-registry.ts'
import { until } from '../until.ts'
import { plainText } from './condition-cases.ts'
import type { WorkerProcess } from './worker-process.ts'

registerKafkajsCodecs()

/** Settings of a worker whose connectors keep their files in FILES, so that a recording does not name a directory. */
export const recordingSettings = {
  'config.providers': 'env',
  'config.providers.env.class': 'org.apache.kafka.common.config.provider.EnvVarConfigProvider',
  'offset.flush.interval.ms': '500',
}

/** While it is recorded, the compacted topic is compacted; later it stays as it is. */
export const compacting = { 'embedded.broker.log.cleaner.backoff.ms': '100' }
export const notCompacting = { 'embedded.broker.log.cleaner.backoff.ms': '86400000' }

/** The topics whose records are compared. */
export const recordedTopics = ['codecs', 'compacted', 'lines', 'letters', 'partitions']

/** Fills the data directory of a worker with one of each that it keeps. */
export async function fillDataDirectory(worker: WorkerProcess): Promise<void> {
  const kafka = new kafkajs.Kafka({ brokers: [worker.place.broker], logLevel: kafkajs.logLevel.NOTHING })
  const log = await LogView.open(worker.place.broker)
  try {
    await createTopics(log)
    await produceAll(kafka)
    await postConnectors(worker)
    await registerSchemas(worker)
    await untilWritten(worker, log)
  } finally {
    await log.close()
  }
}

async function createTopics(log: LogView): Promise<void> {
  const entries = (settings: Readonly<Record<string, string>>) =>
    Object.entries(settings).map(([name, value]) => ({ name, value }))
  await log.admin.createTopics({
    topics: [
      // Small segments: a data directory has closed ones, with their indexes.
      { topic: 'codecs', configEntries: entries({ 'segment.bytes': '8192', 'retention.ms': '-1' }) },
      {
        topic: 'compacted',
        configEntries: entries({
          'cleanup.policy': 'compact',
          'segment.bytes': '1024',
          'min.cleanable.dirty.ratio': '0.01',
          'delete.retention.ms': '3153600000000',
        }),
      },
      { topic: 'letters', configEntries: entries({ 'retention.ms': '-1' }) },
      { topic: 'partitions', numPartitions: 3, configEntries: entries({ 'retention.ms': '-1' }) },
      { topic: 'lines', configEntries: entries({ 'retention.ms': '-1' }) },
      { topic: 'deleted' },
    ],
  })
  await log.admin.deleteTopics({ topics: ['deleted'] })
}

async function produceAll(kafka: kafkajs.Kafka): Promise<void> {
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
  await producer.connect()
  const numbers = Array.from({ length: 40 }, (_, i) => i)
  for (const compression of [kafkajs.CompressionTypes.None, ...Object.values(kafkajsCompression)]) {
    const messages = numbers.map((i) => ({
      key: `k${i}`,
      value: `value ${i} of codec ${compression} `.repeat(3),
      timestamp: String(1_700_000_000_000 + i * 1000),
      headers: { codec: String(compression) },
    }))
    await producer.send({ topic: 'codecs', compression, messages })
  }
  for (const i of numbers) {
    const message = { key: `k${i % 5}`, value: i === 39 ? null : `version ${i} `.repeat(6) }
    await producer.send({ topic: 'compacted', messages: [message] })
  }
  for (const i of [0, 1, 2])
    await producer.send({ topic: 'partitions', messages: [{ partition: i, key: null, value: `of ${i}` }] })
  await producer.send({ topic: 'lines', messages: ['one', 'two', 'three'].map((value) => ({ value })) })
  await producer.disconnect()
}

async function postConnectors(worker: WorkerProcess): Promise<void> {
  const sink = { 'connector.class': 'FileStreamSink', ...plainText }
  await worker.post('running-sink', { ...sink, topics: 'lines', file: '${env:FILES}/out' })
  await worker.post('paused-sink', { ...sink, topics: 'codecs', file: '${env:FILES}/paused' })
  await worker.request('PUT', '/connectors/paused-sink/pause')
  // It waits for its file, which never exists: its offset is one that an operator sets.
  const source = { 'connector.class': 'FileStreamSource', file: 'recorded-lines', topic: 'from-file', ...plainText }
  await worker.post('stopped-source', source)
  await worker.post('letters-sink', {
    'connector.class': 'FileStreamSink',
    topics: 'lines',
    file: '${env:FILES}/never',
    ...plainText,
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': 'letters',
  })
}

async function registerSchemas(worker: WorkerProcess): Promise<void> {
  const subject = `${registryPrefix}/subjects/lines-value`
  for (const schema of [recordOf('Line', 'a:int'), recordOf('Line', 'a:int', 'b:int=0')])
    await worker.request('POST', `${subject}/versions`, { schema: JSON.stringify(schema) })
  await worker.request('PUT', `${registryPrefix}/config/lines-value`, { compatibility: 'FULL_TRANSITIVE' })
}

/** Waits until everything that the connectors do is stored, and stops the source. */
async function untilWritten(worker: WorkerProcess, log: LogView): Promise<void> {
  for (const connector of ['running-sink', 'letters-sink'])
    await until(`${connector} has committed`, async () => (await log.committed(connector, 'lines')) === 3)
  await until('the letters are written', async () => (await log.end('letters')) === 3)
  await worker.request('PUT', '/connectors/stopped-source/stop')
  for (const [name, wanted] of [
    ['stopped-source', 'STOPPED'],
    ['paused-sink', 'PAUSED'],
  ])
    await until(`${name} is ${wanted}`, async () => {
      const status = (await worker.request('GET', `/connectors/${name}/status`)) as { connector: { state: string } }
      return status.connector.state === wanted
    })
  const offset = { partition: { filename: 'recorded-lines' }, offset: { position: 42 } }
  await worker.request('PATCH', '/connectors/stopped-source/offsets', { offsets: [offset] })
}
