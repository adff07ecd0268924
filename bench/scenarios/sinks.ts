import { setTimeout as delay } from 'node:timers/promises'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { CompressionTypes, Kafka, logLevel } from 'kafkajs'
import type { BenchContext } from '../parts/context.ts'
import { treeUsage } from '../parts/process-tree.ts'
import type { Measurement } from '../parts/results.ts'
import { BenchError, BenchWorker } from '../parts/worker.ts'

const topic = 'bench-sink'

/** A topic of JSON records of about 230 bytes → Elasticsearch, and → S3 with gzip: from the POST to the last record applied. */
export async function sinks(context: BenchContext): Promise<readonly Measurement[]> {
  const { address: search, description: elasticsearch } = await context.servers.get('elasticsearch')
  const { address: store, description: s3 } = await context.servers.get('minio')
  const bucket = await makeBucket(store)
  const worker = await BenchWorker.launch(context.worker)
  const rates = { search: [] as number[], archive: [] as number[] }
  const cpu = { search: [] as number[], archive: [] as number[] }
  try {
    await fill(worker.broker, context.rows)
    for (let run = 0; run <= context.runs; run++) {
      await freshIndex(search)
      const one = await drain(worker, `search${run}`, elasticsearchConfig(search), context.rows)
      const two = await drain(worker, `archive${run}`, s3Config(store, bucket, run, context.rows), context.rows)
      if (run === 0) continue
      rates.search.push(context.rows / one.seconds)
      cpu.search.push((one.cpuSeconds * 1e6) / context.rows)
      rates.archive.push(context.rows / two.seconds)
      cpu.archive.push((two.cpuSeconds * 1e6) / context.rows)
    }
  } finally {
    await worker.stop()
  }
  const conditions = { rows: context.rows, partitions: 1, elasticsearch, s3 }
  return [
    { what: 'log → Elasticsearch', who: 'penstock', unit: 'docs/s', samples: rates.search, conditions },
    { what: 'log → Elasticsearch, CPU a million', who: 'penstock', unit: 's', samples: cpu.search, conditions },
    { what: 'log → S3, gzip', who: 'penstock', unit: 'records/s', samples: rates.archive, conditions },
    { what: 'log → S3, gzip, CPU a million', who: 'penstock', unit: 's', samples: cpu.archive, conditions },
  ]
}

async function drain(
  worker: BenchWorker,
  name: string,
  config: Record<string, string>,
  rows: number,
): Promise<{ seconds: number; cpuSeconds: number }> {
  const before = treeUsage(worker.pid)
  const began = performance.now()
  await worker.create(name, config)
  const admin = new Kafka({ brokers: [worker.broker], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  const deadline = began + 600_000
  for (;;) {
    const [offsets] = await admin.fetchOffsets({ groupId: `connect-${name}`, topics: [topic] })
    if (Number(offsets?.partitions[0]?.offset ?? -1) >= rows) break
    if (performance.now() > deadline) throw new BenchError(`${name} did not finish in ten minutes`)
    await worker.checkRunning(name)
    await delay(50)
  }
  const seconds = (performance.now() - began) / 1000
  const cpuSeconds = treeUsage(worker.pid).cpuSeconds - before.cpuSeconds
  await admin.disconnect()
  await fetch(`${worker.rest}/connectors/${name}`, { method: 'DELETE' })
  return { seconds, cpuSeconds }
}

async function fill(broker: string, rows: number): Promise<void> {
  const kafka = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
  await admin.disconnect()
  const producer = kafka.producer()
  await producer.connect()
  for (let from = 0; from < rows; from += 500) {
    const messages = Array.from({ length: Math.min(500, rows - from) }, (_, i) => message(from + i))
    await producer.send({ topic, messages, compression: CompressionTypes.None })
  }
  await producer.disconnect()
}

function message(id: number): { key: string; value: string; partition: number } {
  const row = {
    id,
    customer: `customer-${id % 5000}`,
    status: 'paid',
    total: (id / 100).toFixed(2),
    note: 'n'.repeat(110),
    created_at: '2024-01-31T10:20:30Z',
  }
  return { key: JSON.stringify({ id }), value: JSON.stringify(row), partition: 0 }
}

async function freshIndex(search: string): Promise<void> {
  await fetch(`${search}/${topic}`, { method: 'DELETE' })
  const properties = {
    id: { type: 'long' },
    customer: { type: 'keyword' },
    status: { type: 'keyword' },
    total: { type: 'double' },
    note: { type: 'keyword' },
    created_at: { type: 'date' },
  }
  const body = JSON.stringify({
    settings: { number_of_shards: 1, number_of_replicas: 0 },
    mappings: { dynamic: 'strict', properties },
  })
  await fetch(`${search}/${topic}`, { method: 'PUT', headers: { 'content-type': 'application/json' }, body })
}

async function makeBucket(store: string): Promise<string> {
  const url = new URL(store)
  const client = new S3Client({
    endpoint: url.origin,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: url.username, secretAccessKey: url.password },
  })
  const bucket = `bench-${Date.now().toString(36)}`
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  return bucket
}

const converters = {
  'key.converter.schemas.enable': 'false',
  'value.converter.schemas.enable': 'false',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
}

function elasticsearchConfig(search: string): Record<string, string> {
  return {
    ...converters,
    'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
    topics: topic,
    'connection.url': search,
  }
}

function s3Config(store: string, bucket: string, run: number, rows: number): Record<string, string> {
  const url = new URL(store)
  return {
    ...converters,
    'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
    topics: topic,
    'topics.dir': `run${run}`,
    's3.bucket.name': bucket,
    's3.region': 'us-east-1',
    'store.url': url.origin,
    'aws.access.key.id': url.username,
    'aws.secret.access.key': url.password,
    'storage.class': 'io.confluent.connect.s3.storage.S3Storage',
    'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
    's3.compression.type': 'gzip',
    'flush.size': String(Math.min(50_000, rows)),
  }
}
