import type { RawConfig } from 'penstock/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { plugin } from '../../../connectors/s3-sink/index.ts'
import { MemoryS3 } from '../../support/s3/memory-s3.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'

const mebibyte = 1024 * 1024
/** The bytes of a record's line. 25 of them fill the task's buffer of lines, which it then compresses. */
const lineBytes = 10_003

let store: MemoryS3
let log: MemoryLog
let sink: SinkTaskHarness
beforeEach(async () => {
  store = await MemoryS3.start()
  log = new MemoryLog()
})
afterEach(async () => {
  await sink.crash()
  await store.close()
})

function config(settings: RawConfig): RawConfig {
  return {
    name: 'archive',
    'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
    's3.bucket.name': 'bucket',
    's3.region': 'us-east-1',
    'store.url': store.url,
    'aws.access.key.id': 'key',
    'aws.secret.access.key': 'secret',
    'topics.dir': '',
    'flush.size': '1000000',
    's3.part.size': String(5 * mebibyte),
    's3.buffer.bytes': String(8 * mebibyte),
    ...settings,
  }
}

describe('two partitions, of which the idle one has almost enough bytes for a part', () => {
  beforeEach(async () => {
    for (const partition of [0, 1]) log.append({ topic: 't', partition, value: partition })
    // Level 0 compresses without making anything smaller.
    const settings = { 's3.compression.type': 'gzip', 's3.compression.level': '0' }
    sink = new SinkTaskHarness(plugin, config(settings), log)
    await sink.start()
  })

  /** Adds records to a partition, and gives them to the task in batches of this size. */
  async function receive(partition: number, count: number, batch: number): Promise<void> {
    const value = 'x'.repeat(lineBytes - 3)
    for (let n = 0; n < count; n += 1) log.append({ topic: 't', partition, value })
    const end = log.records.get(`t-${partition}`)?.length
    await sink.runUntil('all records', () => sink.position({ topic: 't', partition }) === end, batch)
  }

  it('the memory of a compressor does not count as bytes for a part', async () => {
    // 5,001,502 bytes, and 339,968 of the compressor. A part has 5,242,880.
    await receive(0, 500, 50)
    await receive(1, 350, 50)
    await sink.runUntil('an object', () => store.objects.size > 0)
    expect([...store.objects.keys()]).toEqual(['t/partition=0/t+0+0000000000.json.gz'])
  })

  it('a task whose memory is full ends an object although the part that it tried to upload was too small', async () => {
    // The buffer of the last 14 lines is larger than they are: with it there are enough bytes for a part, without it there are not.
    await receive(0, 514, 50)
    await receive(1, 350, 350)
    await receive(1, 1, 1)
    await sink.runUntil('an object', () => store.objects.size > 0)
    expect([...store.objects.keys()]).toEqual(['t/partition=0/t+0+0000000000.json.gz'])
  })
})

it.each(['none', 'gzip'])(
  'many partitions with few bytes each continue in the smallest memory: compression %s',
  async (compression) => {
    const partitions = 400
    sink = new SinkTaskHarness(plugin, config({ 's3.compression.type': compression }), log)
    for (let n = 0; n < 2 * partitions; n += 1) log.append({ topic: 't', partition: n % partitions, value: n })
    await sink.start()
    await sink.runUntil('all records', () => log.partitions.every((at) => sink.position(at) === 2))
    await sink.runUntil('an object', () => store.objects.size > 0)
  },
)
