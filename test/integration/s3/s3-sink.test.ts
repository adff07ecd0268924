import { zstdDecompressSync } from 'node:zlib'

import { GetObjectTaggingCommand } from '@aws-sdk/client-s3'
import { primitive, struct } from 'penstock/api'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { plugin } from '../../../connectors/s3-sink/index.ts'
import { S3Bucket } from '../../support/s3/s3-bucket.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'

function filled(count: number, topic = 'orders', partition = 0, log = new MemoryLog()): MemoryLog {
  for (let i = 0; i < count; i += 1) log.append({ topic, partition, value: { n: i } })
  return log
}

describeWith(['minio'], 'the S3 sink on MinIO', () => suite('minio'))
describeWith(['versitygw'], 'the S3 sink on versitygw', () => suite('versitygw'))

function suite(store: 'minio' | 'versitygw'): void {
  let bucket: S3Bucket
  beforeAll(async () => {
    bucket = await S3Bucket.create(service(store))
  })
  afterAll(async () => {
    await bucket.remove()
  })

  it('writes objects of flush.size records under the names of Confluent, and commits after each', async () => {
    const sink = new SinkTaskHarness(plugin, bucket.config({ 'flush.size': '3' }), filled(8))
    await sink.start()
    await sink.runUntil('two objects', () => sink.log.committed.get('orders-0') === 6)
    await sink.finish()
    expect(await bucket.keys()).toEqual([
      'topics/orders/partition=0/orders+0+0000000000.json',
      'topics/orders/partition=0/orders+0+0000000003.json',
    ])
    expect(await bucket.text('topics/orders/partition=0/orders+0+0000000003.json')).toBe('{"n":3}\n{"n":4}\n{"n":5}\n')
    expect(sink.log.committed.get('orders-0')).toBe(6)
  })

  it('writes one gzip member, in any number of blocks', async () => {
    const log = new MemoryLog()
    const schema = struct([
      ['id', primitive('INT64')],
      ['text', primitive('STRING')],
    ])
    for (let i = 0; i < 3000; i += 1) {
      log.append({ topic: 'zipped', partition: 7, valueSchema: schema, value: [i, `text ${i} `.repeat(40)] })
    }
    const config = bucket.config({ 'flush.size': '3000', 's3.compression.type': 'gzip', 'topics.dir': 'archive' })
    const sink = new SinkTaskHarness(plugin, config, log)
    await sink.start()
    await sink.runUntil('the object', () => sink.log.committed.get('zipped-7') === 3000)
    await sink.finish()
    const lines = (await bucket.text('archive/zipped/partition=7/zipped+7+0000000000.json.gz')).split('\n')
    expect(lines.length).toBe(3001)
    expect(JSON.parse(lines[2999] ?? '')).toEqual({ id: 2999, text: 'text 2999 '.repeat(40) })
  })

  it('uploads a large object in parts', async () => {
    const log = new MemoryLog()
    for (let i = 0; i < 130; i += 1) log.append({ topic: 'large', value: { i, text: 'x'.repeat(100_000) } })
    const config = bucket.config({ 'flush.size': '130', 's3.part.size': '5242880', 's3.checksum.algorithm': 'crc32c' })
    const sink = new SinkTaskHarness(plugin, config, log)
    await sink.start()
    await sink.runUntil('the object', () => sink.log.committed.get('large-0') === 130, 10)
    await sink.finish()
    const [lines] = [...(await bucket.objects())].filter(([key]) => key.includes('large')).map(([, text]) => text)
    expect(lines?.map((line) => (JSON.parse(line) as { i: number }).i)).toEqual(
      Array.from({ length: 130 }, (_, i) => i),
    )
  })

  it.each(['none', 'crc32', 'crc32c', 'sha256'])('sends checksums (%s) that the store accepts', async (algorithm) => {
    const topic = `sum-${algorithm}`
    const config = bucket.config({ 'flush.size': '2', 's3.checksum.algorithm': algorithm, 's3.send.digest': 'true' })
    const sink = new SinkTaskHarness(plugin, config, filled(2, topic))
    await sink.start()
    await sink.runUntil('the object', () => sink.log.committed.get(`${topic}-0`) === 2)
    await sink.finish()
  })

  it('keeps keys, headers and tags of packed objects, with a storage class', async () => {
    const log = new MemoryLog()
    for (const n of [1, 2]) {
      const headers = [{ key: 'trace', schema: null, value: `t${n}` }]
      log.append({ topic: 'whole', key: `k${n}`, value: { n, text: 'x'.repeat(1000) }, headers })
    }
    const json = 'io.confluent.connect.s3.format.json.JsonFormat'
    const config = bucket.config({
      'flush.size': '2',
      'store.kafka.keys': 'true',
      'keys.format.class': json,
      'store.kafka.headers': 'true',
      'headers.format.class': json,
      's3.compression.type': 'zstd',
      's3.object.tagging': 'true',
      's3.object.tagging.key.value.pairs': 'team:shop 1+2=3@x_y.z/-',
      's3.object.behavior.on.tagging.error': 'fail',
      's3.storage.class': 'STANDARD',
    })
    const sink = new SinkTaskHarness(plugin, config, log)
    await sink.start()
    await sink.runUntil('the objects', () => sink.log.committed.get('whole-0') === 2)
    await sink.finish()
    const name = 'topics/whole/partition=0/whole+0+0000000000'
    const linesOf = async (end: string): Promise<unknown[]> =>
      zstdDecompressSync(await bucket.bytes(name + end))
        .toString()
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as unknown)
    expect(await linesOf('.keys.json.zst')).toEqual(['k1', 'k2'])
    expect(await linesOf('.headers.json.zst')).toEqual(
      ['t1', 't2'].map((value) => ({ headers: [{ key: 'trace', value }] })),
    )
    expect(await linesOf('.json.zst')).toMatchObject([{ n: 1 }, { n: 2 }])
    const { TagSet } = await bucket.client.send(
      new GetObjectTaggingCommand({ Bucket: bucket.name, Key: `${name}.json.zst` }),
    )
    expect(Object.fromEntries((TagSet ?? []).map(({ Key, Value }) => [Key, Value]))).toEqual({
      startOffset: '0',
      endOffset: '1',
      recordCount: '2',
      team: 'shop 1+2=3@x_y.z/-',
    })
  })

  it('escapes the names of objects', async () => {
    const topic = 'größe & co'
    const config = bucket.config({ 'flush.size': '1', 'topics.dir': "it's (a) dir*!", 'file.delim': '~+' })
    const sink = new SinkTaskHarness(plugin, config, filled(1, topic))
    await sink.start()
    await sink.runUntil('the object', () => sink.log.committed.get(`${topic}-0`) === 1)
    await sink.finish()
    expect(await bucket.keys()).toContain(`it's (a) dir*!/${topic}/partition=0/${topic}~+0~+0000000000.json`)
  })
}
