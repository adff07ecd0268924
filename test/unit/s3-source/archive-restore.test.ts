import { noHeaders, primitive, type ConnectValue, type Header, type RawConfig, type SourceRecord } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { partitioners } from '../../../connectors/s3-sink/config/partitioner-options.ts'
import { formats } from '../../../connectors/s3-source/config/config.ts'
import { memoryS3Archive } from '../../support/s3/memory-s3-archive.ts'

const archive = memoryS3Archive()
const text = primitive('STRING')
const startMs = 1_700_000_000_000
const manifests = { 'archive.manifest': 'true' }
const bytes = { 'format.class': formats.bytes, 'keys.format.class': formats.bytes }
const withAll = { 'store.kafka.keys': 'true', 'store.kafka.headers': 'true', 'behavior.on.null.values': 'write' }

/** Timestamps are not in order. */
const timeOf = (n: number): number => startMs + n * 1000 - (n % 3) * 2500
const headersOf = (n: number): readonly Header[] =>
  n % 2 === 0 ? noHeaders : [{ key: 'h', schema: text, value: `header ${n}` }]

/** Writes records to two partitions of the log and has a sink archive them. */
async function archived(count: number, valueOf: (n: number) => ConnectValue, settings: RawConfig): Promise<void> {
  for (let n = 0; n < count; n += 1)
    for (const partition of [0, 1])
      archive.log.append({
        topic: 'orders',
        partition,
        key: Buffer.from(`key\n${n % 4}`),
        keySchema: primitive('BYTES'),
        value: valueOf(n),
        headers: headersOf(n),
        timestamp: timeOf(n),
      })
  const sink = await archive.start({ ...manifests, ...settings })
  const isDone = (partition: number): boolean => archive.log.committed.get(`orders-${partition}`) === count
  await sink.runUntil('all records', () => isDone(0) && isDone(1))
  await sink.crash()
}

const shown = ({ key, value, headers, timestamp }: Pick<SourceRecord, 'key' | 'value' | 'headers' | 'timestamp'>) => ({
  key: String(key),
  value: value instanceof Uint8Array ? value.toString() : value,
  headers: headers.map((header) => [header.key, header.value]),
  timestamp,
})
const inTopic = (partition: number) => (archive.log.records.get(`orders-${partition}`) ?? []).map(shown)
const restored = (records: readonly SourceRecord[], partition: number) =>
  records.filter((record) => record.partition === partition).map(shown)

describe('an archive with manifests is restored as the topic was', () => {
  it('with keys, values, headers, timestamps, tombstones and their order, whatever bytes are in them', async () => {
    const valueOf = (n: number): ConnectValue => (n % 5 === 4 ? null : Buffer.from(`line\n\n${n}\n`))
    await archived(20, valueOf, { ...bytes, ...withAll, 'flush.size': '5' })
    const source = await archive.read({ ...bytes, ...manifests, 'record.batch.max.size': '3' })
    const records = await source.waitForRecords(40)
    for (const partition of [0, 1]) expect(restored(records, partition)).toEqual(inTopic(partition))
  })

  it('of directories by a field, between which its records change', async () => {
    const byField = { 'partitioner.class': partitioners.fields, 'partition.field.name': 'd' }
    await archived(30, (n) => ({ n, d: (n * n) % 5 }), { ...byField, 'flush.size': '10' })
    const source = await archive.read({ ...manifests, 'record.batch.max.size': '4' })
    const records = await source.waitForRecords(60)
    const numbers = records.filter(({ partition }) => partition === 1).map(({ value }) => (value as { n: number }).n)
    expect(numbers).toEqual(Array.from({ length: 30 }, (_, n) => n))
  })

  it('over restarts, each record once', async () => {
    await archived(12, (n) => n, { 'flush.size': '4' })
    const read: ConnectValue[] = []
    for (const count of [5, 6, 7, 6]) {
      const source = await archive.read({ ...manifests, 'record.batch.max.size': '1' }, count)
      read.push(...(await source.waitForRecords(count)).map(({ value }) => value))
      await source.stop()
    }
    expect(read).toEqual([0, 1].flatMap(() => Array.from({ length: 12 }, (_, n) => n)))
  })

  it('up to an offset, and up to a time', async () => {
    await archived(12, (n) => n, { 'flush.size': '4' })
    const upTo = await archive.read({ ...manifests, 'archive.until.offset': '6' })
    await upTo.waitForRecords(12)
    const numbers = [0, 1].flatMap(() => Array.from({ length: 12 }, (_, n) => n))
    expect(upTo.records.map(({ value }) => value)).toEqual(numbers.filter((n) => n < 6))
    await upTo.stop()
    archive.offsets.others.clear()
    const until = startMs + 6000
    const expected = numbers.filter((n) => timeOf(n) <= until)
    const upToTime = await archive.read({ ...manifests, 'archive.until.timestamp': String(until) })
    await upToTime.waitForRecords(expected.length)
    expect(upToTime.records.map(({ value }) => value)).toEqual(expected)
  })
})

it('names an object that a manifest names and that is missing, and leaves out what belongs to it if that is asked for', async () => {
  await archived(8, (n) => n, { 'flush.size': '4' })
  const key = 'orders/partition=0/orders+0+0000000000.json'
  archive.store.objects.delete(key)
  const failing = await archive.read(manifests)
  expect((await failing.failure()).message).toContain(`${key} cannot be read: it is missing`)
  const source = await archive.read({ ...manifests, 'behavior.on.error': 'ignore' })
  await source.waitForRecords(12)
  expect(source.conditions.get('S3_OBJECT_SKIPPED')).toContain(key)
})
