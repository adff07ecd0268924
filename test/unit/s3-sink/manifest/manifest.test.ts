import { createHash } from 'node:crypto'

import { primitive, struct, type ConnectValue, type RawConfig } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { formats } from '../../../../connectors/s3-sink/config/format-options.ts'
import { partitioners } from '../../../../connectors/s3-sink/config/partitioner-options.ts'
import { numbersIn } from '../../../../connectors/s3-store/manifest/number-list.ts'
import { memoryS3Sinks } from '../../../support/s3/memory-s3-sinks.ts'
import { manifestsIn, verified } from '../../../support/s3/verified-archive.ts'

const sinks = memoryS3Sinks()
const manifest = { 'archive.manifest': 'true', 'flush.size': '3' }
const startMs = 1_700_000_000_000

function append(...values: readonly ConnectValue[]): void {
  for (const value of values) {
    const timestamp = startMs + (sinks.log.records.get('t-0')?.length ?? 0) * 1000
    sinks.log.append({ topic: 't', key: 'a key', keySchema: primitive('STRING'), value, timestamp })
  }
}
async function write(count: number, settings: RawConfig = {}): Promise<void> {
  const sink = await sinks.start({ ...manifest, ...settings })
  await sink.runUntil('all records', () => sinks.log.committed.get('t-0') === count)
  await sink.crash()
}

describe('manifests of the S3 sink', () => {
  it('say which records each object holds, its size and SHA-256, and which manifest was before it', async () => {
    append('zero', null, 'two', 'three', null, 'five', 'six', 'seven')
    await write(8)
    const manifests = manifestsIn(sinks.store)
    expect(manifests.map(({ from, to }) => [from, to])).toEqual([
      [0, 4],
      [4, 8],
    ])
    const [first, second] = manifests
    const [key, object] = [...sinks.store.objects].find(([name]) => name.endsWith('+0+0000000005.json')) ?? []
    expect(second?.groups).toEqual([
      {
        records: 3,
        offsets: [[5, 3]],
        timestamps: { min: startMs + 5000, max: startMs + 7000, each: expect.any(String) },
        lsn: null,
        objects: [
          {
            key,
            part: 'value',
            bytes: object?.body.length,
            sha256: createHash('sha256')
              .update(object?.body ?? '')
              .digest('hex'),
            schema: null,
            sizes: null,
          },
        ],
      },
    ])
    const each = second?.groups[0]?.timestamps?.each ?? ''
    expect(numbersIn(each, 3)).toEqual([startMs + 5000, startMs + 6000, startMs + 7000])
    expect(first?.groups[0]?.offsets).toEqual([
      [0, 1],
      [2, 2],
    ])
    expect(first?.previous).toBeNull()
    expect(second?.previous?.key).toBe('t/_manifest/partition=0/t+0+00000000000000000000.json')
    const { faults, partitions } = await verified(sinks.store)
    expect(faults).toEqual([])
    expect(partitions).toMatchObject([
      { topic: 't', partition: 0, from: 0, to: 8, manifests: 2, records: 6, objects: 2 },
    ])
  })

  it('have the range of WAL positions and the schema of change events', async () => {
    const source = struct([['lsn', primitive('INT64', { optional: true })]])
    const event = struct([['source', source]], { name: 'shop.Envelope' })
    for (const lsn of [70, null, 9_007_199_254_740_993n, 50])
      sinks.log.append({ topic: 't', valueSchema: event, value: [[lsn]] })
    await write(4, { 'flush.size': '4' })
    const [group] = manifestsIn(sinks.store)[0]?.groups ?? []
    expect(group?.lsn).toEqual({ min: '50', max: '9007199254740993' })
    expect(JSON.parse(group?.objects[0]?.schema ?? '')).toMatchObject({ type: 'struct', name: 'shop.Envelope' })
  })

  it('describe all objects of the records, and the sizes of those that nothing else tells apart', async () => {
    append(Buffer.from('one\ntwo'), Buffer.from(''), Buffer.from('three'))
    const bytes = { 'format.class': formats.bytes, 's3.compression.type': 'gzip', 'store.kafka.keys': 'true' }
    await write(3, bytes)
    const [group] = manifestsIn(sinks.store)[0]?.groups ?? []
    expect(group?.objects.map(({ part }) => part)).toEqual(['value', 'keys'])
    expect(numbersIn(group?.objects[0]?.sizes ?? '', 3)).toEqual([7, 0, 5])
    expect(group?.objects[1]?.sizes).toBeNull()
    expect((await verified(sinks.store)).faults).toEqual([])
  })

  it('describe the objects of several directories that end together', async () => {
    append(...[0, 1, 2, 3, 4, 5].map((n) => ({ n, parity: n % 2 })))
    await write(6, { 'partitioner.class': partitioners.fields, 'partition.field.name': 'parity', 'flush.size': '6' })
    const [only] = manifestsIn(sinks.store)
    expect(only?.groups.map(({ offsets }) => offsets.map(([first]) => first))).toEqual([
      [0, 2, 4],
      [1, 3, 5],
    ])
    expect((await verified(sinks.store)).faults).toEqual([])
  })

  it('are completed at the next start when the process was killed between the object and its manifest', async () => {
    append('zero', 'one', 'two', 'three', 'four', 'five', 'six')
    await write(6)
    sinks.store.dies = (life) => (life === 'doomed' && sinks.store.objects.size === 5 ? { reached: false } : null)
    append('seven', 'eight')
    const doomed = await sinks.start({ ...manifest, 'aws.access.key.id': 'doomed' })
    await doomed.runUntil('an object without manifest', () => sinks.store.objects.size === 5)
    await doomed.crash()
    expect((await verified(sinks.store)).faults).toEqual(['object without manifest t/partition=0/t+0+0000000006.json'])
    append('nine')
    await write(10, { 'flush.size': '4' })
    const { faults, partitions } = await verified(sinks.store)
    expect(faults).toEqual([])
    expect(partitions).toMatchObject([{ to: 10, records: 10, manifests: 3 }])
  })
})
