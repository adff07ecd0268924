import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3'
import { arrayOf, Logical, mapOf, primitive, struct, type ConnectValue } from 'penstock/api'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { formats } from '../../../connectors/s3-sink/config/format-options.ts'
import { plugin } from '../../../connectors/s3-sink/index.ts'
import { readWithFastavro } from '../../support/s3/fastavro.ts'
import { S3Bucket } from '../../support/s3/s3-bucket.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'

const order = struct(
  [
    ['id', primitive('INT64')],
    ['note', primitive('STRING', { optional: true })],
    ['price', primitive('BYTES', { name: Logical.decimal, version: 1, parameters: { scale: '2' } })],
    ['day', primitive('INT32', { name: Logical.date, version: 1 })],
    ['at', primitive('INT64', { name: Logical.timestamp, version: 1 })],
    ['rate', primitive('FLOAT64')],
    ['tags', arrayOf(primitive('STRING'))],
    ['counts', mapOf(primitive('STRING'), primitive('INT32'))],
    ['place', struct([['city', primitive('STRING')]], { name: 'shop.Place', optional: true })],
    ['raw', primitive('BYTES')],
  ],
  { name: 'shop.Order', version: 1 },
)

const firstMs = 1_790_000_000_000
const valueOf = (n: number): ConnectValue => [
  n,
  n % 2 === 0 ? null : `größe ${n} `.repeat(4),
  `${n}.25`,
  20_000 + n,
  firstMs + n,
  n / 8,
  n % 3 === 0 ? [] : ['a', `b${n}`],
  new Map([[`key${n}`, n]]),
  n % 5 === 0 ? null : [`city ${n}`],
  Buffer.from([n % 256, 255]),
]

/** As fastavro's program prints it: bytes as Latin-1, logical types as text. */
const printedOf = (n: number): unknown => ({
  id: n,
  note: n % 2 === 0 ? null : `größe ${n} `.repeat(4),
  price: `${n}.25`,
  day: new Date((20_000 + n) * 86_400_000).toISOString().slice(0, 10),
  rate: n / 8,
  tags: n % 3 === 0 ? [] : ['a', `b${n}`],
  counts: { [`key${n}`]: n },
  place: n % 5 === 0 ? null : { city: `city ${n}` },
  raw: String.fromCharCode(n % 256, 255),
})

describeWith(['versitygw', 'fastavro'], 'Avro objects in a store', () => {
  let bucket: S3Bucket
  beforeAll(async () => {
    bucket = await S3Bucket.create(service('versitygw'))
  })
  afterAll(async () => {
    await bucket.remove()
  })

  it.each(['null', 'deflate', 'snappy', 'zstandard'])('are what fastavro reads: codec %s', async (codec) => {
    const log = new MemoryLog()
    const count = 1500
    const topic = `orders-${codec}`
    for (let n = 0; n < count; n += 1) log.append({ topic, valueSchema: order, value: valueOf(n) })
    const config = bucket.config({ 'format.class': formats.avro, 'avro.codec': codec, 'flush.size': String(count) })
    const sink = new SinkTaskHarness(plugin, config, log)
    await sink.start()
    await sink.runUntil('the object', () => sink.log.committed.get(`${topic}-0`) === count)
    await sink.finish()
    const records = await readWithFastavro(await bucket.bytes(`topics/${topic}/partition=0/${topic}+0+0000000000.avro`))
    expect(records).toHaveLength(count)
    expect(records).toMatchObject(Array.from({ length: count }, (_, n) => printedOf(n)))
    const times = records.map((record) => Date.parse((record as { at: string }).at))
    expect(times).toEqual(Array.from({ length: count }, (_, n) => firstMs + n))
  })

  it('are uploaded in parts, block by block', async () => {
    const log = new MemoryLog()
    const text = primitive('STRING')
    const values = Array.from({ length: 130 }, (_, n) => `${n} ${'x'.repeat(100_000)}`)
    for (const value of values) log.append({ topic: 'large', valueSchema: text, value })
    const config = bucket.config({ 'format.class': formats.avro, 'flush.size': '130', 's3.part.size': '5242880' })
    const sink = new SinkTaskHarness(plugin, config, log)
    await sink.start()
    await sink.runUntil('the object', () => sink.log.committed.get('large-0') === 130, 10)
    await sink.finish()
    const object = await bucket.bytes('topics/large/partition=0/large+0+0000000000.avro')
    expect(await readWithFastavro(object)).toEqual(values)
  })
})

describeWith(['versitygw'], 'a task with another format than before', () => {
  it('removes the parts that a killed process left of an object with another extension', async () => {
    const bucket = await S3Bucket.create(service('versitygw'))
    const prefix = 'topics/t/partition=0/t+0+'
    const begin = new CreateMultipartUploadCommand({ Bucket: bucket.name, Key: `${prefix}0000000000.json.gz` })
    await bucket.client.send(begin)
    expect(await bucket.openUploads(prefix)).toEqual([`${prefix}0000000000.json.gz`])
    const log = new MemoryLog()
    log.append({ topic: 't', value: 1 })
    const config = bucket.config({ 'format.class': formats.avro, 'flush.size': '1' })
    const sink = new SinkTaskHarness(plugin, config, log)
    await sink.start()
    await sink.runUntil('the object', () => sink.log.committed.get('t-0') === 1)
    await sink.finish()
    expect(await bucket.openUploads(prefix)).toEqual([])
    await bucket.remove()
  })
})

describeWith(['versitygw'], 'objects of bytes in a store', () => {
  it('have the bytes of the records, in one gzip member', async () => {
    const bucket = await S3Bucket.create(service('versitygw'))
    const log = new MemoryLog()
    for (const text of ['one', 'two', 'three']) log.append({ topic: 't', value: Buffer.from(text) })
    const settings = { 'format.class': formats.bytes, 's3.compression.type': 'gzip', 'flush.size': '3' }
    const sink = new SinkTaskHarness(plugin, bucket.config(settings), log)
    await sink.start()
    await sink.runUntil('the object', () => sink.log.committed.get('t-0') === 3)
    await sink.finish()
    expect(await bucket.text('topics/t/partition=0/t+0+0000000000.bin.gz')).toBe('one\ntwo\nthree\n')
    await bucket.remove()
  })
})
