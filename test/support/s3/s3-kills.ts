import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { RawConfig } from 'penstock/api'

import { KafkaClient } from '../../../src/client/kafka-client.ts'
import type { OutgoingRecord } from '../../../src/client/producer/outgoing-record.ts'
import { assert } from '../../../src/foundation/assert.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { textRecord, writeRecords } from '../../contract/client-harness.ts'
import { parquetRows } from '../parquet/parquet-file.ts'
import { quietLogger } from '../quiet-logger.ts'
import { readContainer } from './avro-objects.ts'
import { S3Bucket } from './s3-bucket.ts'
import { until } from '../until.ts'
import { workerPlace, WorkerProcess, type WorkerPlace } from '../worker/worker-process.ts'

const topic = 'killed'
const partitions = [0, 1]
const recordsPerLife = 40
const settleMs = 120_000

/**
 * A worker with an S3 sink over two partitions that is killed at random moments, and cuts its objects in another way in each
 * life. @throws AssertionError when an offset is stored twice, or not at all.
 * @param format settings of the format of the objects. With `behavior.on.null.values=write`, every fifth record has no value.
 */
export async function killWorkers(
  store: string,
  random: () => number,
  next: (lives: number) => boolean,
  format: RawConfig = {},
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-s3-kill-'))
  const bucket = await S3Bucket.create(store)
  const place = await workerPlace(join(directory, 'log'))
  let worker = await WorkerProcess.start(place)
  try {
    await withClient(place, async (client) => {
      await client.admin.createTopic({ name: topic, partitions: partitions.length, replicationFactor: 1 })
    })
    let written = 0
    for (let lives = 0; next(lives); lives += 1) {
      const scheduleMs = random() < 0.5 ? 100 + random() * 500 : null
      await cutBy(worker, bucket, { size: 1 + random() * 20, scheduleMs, format })
      await withClient(place, async (client) => {
        for (const partition of partitions)
          await writeRecords(client, recordsOf(written, partition, hasTombstones(format)))
      })
      written += recordsPerLife
      // The member that was killed holds its partitions until its session ends.
      const before = (await bucket.keys()).join()
      await until('the archive changes', async () => (await bucket.keys()).join() !== before, settleMs)
      await worker.killAfter(random() * 300)
      worker = await WorkerProcess.start(place)
    }
    await cutBy(worker, bucket, { size: 1, scheduleMs: null, format })
    await withClient(place, async (client) => {
      await until('all offsets are committed', async () => await isCommitted(client, written), settleMs)
    })
    assert((await worker.failures()).length === 0, (await worker.failures()).join('\n'))
    await checkCoverage(bucket, written, hasTombstones(format))
  } finally {
    await worker.kill()
    await bucket.remove()
    rmSync(directory, { recursive: true, force: true })
  }
}

interface Cut {
  readonly size: number
  readonly scheduleMs: number | null
  readonly format: RawConfig
}

/** Then keys are stored too. */
function hasTombstones(format: RawConfig): boolean {
  return format['behavior.on.null.values'] === 'write'
}

const isTombstone = (offset: number): boolean => offset % 5 === 3

/** Keys are offsets, and so are the values of records that have one. */
function recordsOf(first: number, partition: number, tombstones: boolean): OutgoingRecord[] {
  return Array.from({ length: recordsPerLife }, (_, i) => {
    const offset = first + i
    return textRecord(topic, String(offset), tombstones && isTombstone(offset) ? null : String(offset), partition)
  })
}

async function withClient(place: WorkerPlace, action: (client: KafkaClient) => Promise<void>): Promise<void> {
  const options = { bootstrapServers: place.broker, clientId: 'test', clock: systemClock, logger: quietLogger() }
  const client = await KafkaClient.connect(options)
  try {
    await action(client)
  } finally {
    await client.close()
  }
}

async function cutBy(worker: WorkerProcess, bucket: S3Bucket, { size, scheduleMs, format }: Cut): Promise<void> {
  const schedule = scheduleMs === null ? {} : { 'rotate.schedule.interval.ms': String(Math.floor(scheduleMs)) }
  await worker.request('PUT', '/connectors/archive/config', {
    ...bucket.config({
      'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
      topics: topic,
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'consumer.override.session.timeout.ms': '6000',
      'consumer.override.heartbeat.interval.ms': '1000',
      'flush.size': String(Math.floor(size)),
      ...schedule,
      ...format,
    }),
  })
}

async function isCommitted(client: KafkaClient, end: number): Promise<boolean> {
  const offsets = await client.admin.groupOffsets('connect-archive')
  return offsets.length === partitions.length && offsets.every(({ offset }) => offset === end)
}

async function checkCoverage(bucket: S3Bucket, end: number, tombstones: boolean): Promise<void> {
  const keys = await bucket.keys()
  const offsets = Array.from({ length: end }, (_, i) => i)
  const valued = tombstones ? offsets.filter((offset) => !isTombstone(offset)) : offsets
  const ofPart = { values: valued, ...(tombstones ? { keys: offsets } : {}) }
  for (const partition of partitions)
    for (const [part, expected] of Object.entries(ofPart)) {
      const own = keys.filter(
        (key) => key.includes(`/${topic}+${partition}+`) && key.includes('.keys.') === (part === 'keys'),
      )
      const stored = (await Promise.all(own.map(async (key) => await numbersIn(bucket, key)))).flat()
      // Keys of tombstones are in a directory of their own.
      if (part === 'keys') stored.sort((a, b) => a - b)
      assert(stored.join() === expected.join(), `partition ${partition} holds ${part} of ${stored.join()}`)
    }
}

async function numbersIn(bucket: S3Bucket, key: string): Promise<number[]> {
  if (key.endsWith('.avro')) return (await readContainer(await bucket.bytes(key))).records.map(Number)
  if (key.endsWith('.parquet')) return (await parquetRows(await bucket.bytes(key))).map(([text]) => Number(text))
  return (await bucket.text(key))
    .split('\n')
    .slice(0, -1)
    .map((line) => Number(JSON.parse(line)))
}
