import { arrayOf, Logical, mapOf, primitive, struct, type ConnectValue } from 'penstock/api'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { formats } from '../../../connectors/s3-sink/config/format-options.ts'
import { plugin } from '../../../connectors/s3-sink/index.ts'
import { present } from '../../../src/foundation/assert.ts'
import { readAs, readFiles } from '../../support/parquet/parquet-readers.ts'
import { S3Bucket } from '../../support/s3/s3-bucket.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'

const optional = { optional: true }
const parameters = { scale: '2', 'connect.decimal.precision': '12' }
const row = struct(
  [
    ['id', primitive('INT64')],
    ['note', primitive('STRING', optional)],
    ['price', primitive('BYTES', { ...optional, name: Logical.decimal, version: 1, parameters })],
    ['day', primitive('INT32', { ...optional, name: Logical.date, version: 1 })],
    ['created', primitive('INT64', { name: 'io.debezium.time.MicroTimestamp', version: 1 })],
    ['rate', primitive('FLOAT64', optional)],
    ['tags', arrayOf(primitive('STRING', optional), optional)],
    ['raw', primitive('BYTES', optional)],
  ],
  { ...optional, name: 'shop.public.orders.Value' },
)
const envelope = struct(
  [
    ['before', row],
    ['after', row],
    [
      'source',
      struct(
        [
          ['table', primitive('STRING')],
          ['lsn', primitive('INT64', optional)],
        ],
        { name: 'Source' },
      ),
    ],
    ['labels', mapOf(primitive('STRING'), primitive('STRING', optional))],
    ['at', primitive('INT64', { name: Logical.timestamp, version: 1 })],
    ['op', primitive('STRING')],
  ],
  { name: 'shop.public.orders.Envelope', version: 1 },
)

function rowOf(n: number): ConnectValue {
  const note = n % 2 === 0 ? null : `größe ${n % 40} 😀`
  const [price, rate] = [`${n - 700}.25`, n % 11 === 0 ? NaN : n / 8]
  return [
    n,
    note,
    n % 7 === 0 ? null : price,
    20_000 + n,
    n * 1000,
    rate,
    n % 3 === 0 ? [] : ['a', null, `b${n}`],
    Buffer.from([n % 256, 255]),
  ]
}

function changeOf(n: number): ConnectValue {
  const before = n % 4 === 0 ? rowOf(n) : null
  const after = n % 5 === 0 ? null : rowOf(n + 1)
  const labels =
    n % 6 === 0
      ? new Map()
      : new Map([
          ['region', 'eu'],
          ['shelf', n % 9 === 0 ? null : `s${n}`],
        ])
  return [
    before,
    after,
    ['orders', n % 8 === 0 ? null : 2n ** 62n + BigInt(n)],
    labels,
    1_790_000_000_000 + n,
    n % 4 === 0 ? 'u' : 'c',
  ]
}

describeWith(['versitygw', 'parquet_readers'], 'Parquet objects in a store', () => {
  let bucket: S3Bucket
  beforeAll(async () => {
    bucket = await S3Bucket.create(service('versitygw'))
  })
  afterAll(async () => {
    await bucket.remove()
  })

  it.each([
    ['none', '.parquet'],
    ['snappy', '.snappy.parquet'],
    ['gzip', '.gz.parquet'],
    ['zstd', '.zstd.parquet'],
  ])('are what pyarrow and DuckDB read: codec %s', async (codec, extension) => {
    const log = new MemoryLog()
    const topic = `orders-${codec}`
    const values = Array.from({ length: 3000 }, (_, n) => changeOf(n))
    for (const value of values) log.append({ topic, valueSchema: envelope, value })
    const settings = {
      'format.class': formats.parquet,
      'parquet.codec': codec,
      'flush.size': '1500',
    }
    const sink = new SinkTaskHarness(plugin, bucket.config(settings), log)
    await sink.start()
    await sink.runUntil('both objects', () => sink.log.committed.get(`${topic}-0`) === values.length)
    await sink.finish()
    const names = ['0000000000', '0000001500'].map(
      (offset) => `topics/${topic}/partition=0/${topic}+0+${offset}${extension}`,
    )
    const files = await Promise.all(names.map(async (name) => await bucket.bytes(name)))
    const found = await readFiles(service('parquet_readers'), files)
    const expected = values.map((value) => readAs(envelope, value))
    for (const reader of ['pyarrow', 'duckdb'] as const) {
      expect(found.flatMap((file) => file[reader])).toEqual(expected)
    }
    expect(found.flatMap(({ faultyStatistics }) => faultyStatistics)).toEqual([])
  })

  it('are uploaded in parts, row group by row group', async () => {
    const log = new MemoryLog()
    const schema = struct([['text', primitive('STRING')]])
    const values = Array.from({ length: 130 }, (_, n): ConnectValue => [`${n} ${'x'.repeat(100_000)}`])
    for (const value of values) log.append({ topic: 'large', valueSchema: schema, value })
    const settings = {
      'format.class': formats.parquet,
      'parquet.codec': 'none',
      'flush.size': '130',
      's3.part.size': '5242880',
    }
    const sink = new SinkTaskHarness(plugin, bucket.config(settings), log)
    await sink.start()
    await sink.runUntil('the object', () => sink.log.committed.get('large-0') === 130, 10)
    await sink.finish()
    const object = await bucket.bytes('topics/large/partition=0/large+0+0000000000.parquet')
    const [found] = await readFiles(service('parquet_readers'), [object])
    expect(present(found, 'a file').bounded.length).toBeGreaterThan(1)
    expect(found?.duckdb).toEqual(values.map((value) => readAs(schema, value)))
  })
})
