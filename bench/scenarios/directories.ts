import type { BenchContext } from '../parts/context.ts'
import { fillTopic } from '../parts/fill-topic.ts'
import { groupDrained } from '../parts/group-drain.ts'
import type { Measurement } from '../parts/results.ts'
import { makeBucket, record } from '../parts/sink-target.ts'
import { BenchWorker } from '../parts/worker.ts'

const topic = 'bench-directories'
const mebibyte = 1024 * 1024

interface Case {
  readonly directories: number
  readonly bufferBytes: number
}

/** The memory that the guide names for so many directories. */
const cases: readonly Case[] = [
  { directories: 1, bufferBytes: 64 * mebibyte },
  { directories: 64, bufferBytes: 64 * mebibyte },
  { directories: 1000, bufferBytes: 64 * mebibyte },
  { directories: 1000, bufferBytes: 192 * mebibyte },
]

interface Run {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakRssBytes: number
}

/**
 * Measures a topic of JSON records of about 240 bytes → S3 by FieldPartitioner. The next record is always in another directory, so that
 * all of them have an open object. Each run has a worker of its own, since the peak of memory is that of a process.
 */
export async function directories(context: BenchContext): Promise<readonly Measurement[]> {
  const { address: store, description: s3 } = await context.servers.get('minio')
  const bucket = await makeBucket(store)
  const measurements: Measurement[] = []
  for (const { directories: count, bufferBytes } of cases) {
    const runs: Run[] = []
    for (let round = 0; round < context.runs; round += 1)
      runs.push(
        await run(context, { 's3.bucket.name': bucket, ...ofStore(store) }, { directories: count, bufferBytes }),
      )
    const what = `log → S3, ${count} directories, ${bufferBytes / mebibyte} MiB`
    const conditions = { rows: context.rows, s3, 's3.buffer.bytes': bufferBytes }
    const of = (suffix: string, unit: string, pick: (one: Run) => number): Measurement => ({
      what: what + suffix,
      who: 'penstock',
      unit,
      samples: runs.map(pick),
      conditions,
    })
    measurements.push(
      of('', 'records/s', ({ seconds }) => context.rows / seconds),
      of(', CPU a million', 's', ({ cpuSeconds }) => (cpuSeconds * 1e6) / context.rows),
      of(', peak RSS', 'MB', ({ peakRssBytes }) => peakRssBytes / 1e6),
    )
  }
  return measurements
}

async function run(context: BenchContext, store: Record<string, string>, one: Case): Promise<Run> {
  const worker = await BenchWorker.launch(context.worker)
  const name = `directories-${one.directories}`
  try {
    const recordOf = (id: number) => ({ key: String(id), value: withDirectory(record(id).value, id % one.directories) })
    await fillTopic(worker.broker, topic, { rows: context.rows, recordOf })
    const before = worker.usage()
    const began = performance.now()
    await worker.create(name, {
      ...store,
      'topics.dir': `${name}-${process.hrtime.bigint()}`,
      'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
      topics: topic,
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
      'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
      'partitioner.class': 'io.confluent.connect.storage.partitioner.FieldPartitioner',
      'partition.field.name': 'directory',
      'flush.size': String(context.rows),
      's3.buffer.bytes': String(one.bufferBytes),
    })
    await groupDrained(worker.broker, `connect-${name}`, topic, context.rows, () => worker.checkRunning(name))
    const seconds = (performance.now() - began) / 1000
    const after = worker.usage()
    return { seconds, cpuSeconds: after.cpuSeconds - before.cpuSeconds, peakRssBytes: after.peakRssBytes }
  } finally {
    await worker.stop()
  }
}

function withDirectory(value: string, directory: number): string {
  return `{"directory":${directory},${value.slice(1)}`
}

function ofStore(address: string): Record<string, string> {
  const url = new URL(address)
  return {
    's3.region': 'us-east-1',
    'store.url': url.origin,
    'aws.access.key.id': url.username,
    'aws.secret.access.key': url.password,
  }
}
