import { beforeEach, describe, expect, it } from 'vitest'

import { memoryS3Sinks } from '../../support/s3/memory-s3-sinks.ts'
import type { SinkTaskHarness } from '../../support/task/sink-task-harness.ts'

const mebibyte = 1024 * 1024
/** The bytes of a record's line. 25 of them fill the task's buffer of lines, which it then compresses. */
const lineBytes = 10_003

/** The smallest memory, and the smallest parts. */
const smallest = { 's3.part.size': String(5 * mebibyte), 's3.buffer.bytes': String(8 * mebibyte) }
const sinks = memoryS3Sinks()

describe('two partitions, of which the idle one has almost enough bytes for a part', () => {
  let sink: SinkTaskHarness
  beforeEach(async () => {
    for (const partition of [0, 1]) sinks.log.append({ topic: 't', partition, value: partition })
    // Level 0 compresses without making anything smaller.
    sink = await sinks.start({ ...smallest, 's3.compression.type': 'gzip', 's3.compression.level': '0' })
  })

  /** Adds records to a partition, and gives them to the task in batches of this size. */
  async function receive(partition: number, count: number, batch: number): Promise<void> {
    const value = 'x'.repeat(lineBytes - 3)
    for (let n = 0; n < count; n += 1) sinks.log.append({ topic: 't', partition, value })
    const end = sinks.log.records.get(`t-${partition}`)?.length
    await sink.runUntil('all records', () => sink.position({ topic: 't', partition }) === end, batch)
  }

  it('the memory of a compressor does not count as bytes for a part', async () => {
    // 5,001,502 bytes, and 339,968 of the compressor. A part has 5,242,880.
    await receive(0, 500, 50)
    await receive(1, 350, 50)
    await sink.runUntil('an object', () => sinks.store.objects.size > 0)
    expect([...sinks.store.objects.keys()]).toEqual(['t/partition=0/t+0+0000000000.json.gz'])
  })

  it('a task whose memory is full ends an object although the part that it tried to upload was too small', async () => {
    // The buffer of the last 14 lines is larger than they are: with it there are enough bytes for a part, without it there are not.
    await receive(0, 514, 50)
    await receive(1, 350, 350)
    await receive(1, 1, 1)
    await sink.runUntil('an object', () => sinks.store.objects.size > 0)
    expect([...sinks.store.objects.keys()]).toEqual(['t/partition=0/t+0+0000000000.json.gz'])
  })
})

it.each([
  { 's3.compression.type': 'none' },
  { 's3.compression.type': 'gzip' },
  { 's3.compression.type': 'zstd' },
  { 'format.class': 'io.confluent.connect.s3.format.avro.AvroFormat', 'avro.codec': 'deflate' },
])('many partitions with few bytes each continue in the smallest memory: %j', async (settings) => {
  const partitions = 400
  for (let n = 0; n < 2 * partitions; n += 1) sinks.log.append({ topic: 't', partition: n % partitions, value: n })
  const sink = await sinks.start({ ...smallest, ...settings })
  await sink.runUntil('all records', () => sinks.log.partitions.every((at) => sink.position(at) === 2))
  await sink.runUntil('an object', () => sinks.store.objects.size > 0)
})

it('many partitions with open compressors continue in the smallest memory', async () => {
  const partitions = 40
  // One line is enough for a compressor to open.
  const value = 'x'.repeat(250_000)
  for (let n = 0; n < 2 * partitions; n += 1) sinks.log.append({ topic: 't', partition: n % partitions, value })
  const sink = await sinks.start({ ...smallest, 's3.compression.type': 'gzip' })
  await sink.runUntil('all records', () => sinks.log.partitions.every((at) => sink.position(at) === 2), 4)
  await sink.runUntil('an object', () => sinks.store.objects.size > 0)
})
