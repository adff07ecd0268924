import { primitive, struct, systemClock, type ConnectValue, type Schema } from 'penstock/api'
import { expect, it } from 'vitest'

import { formats } from '../../../connectors/s3-sink/config/format-options.ts'
import { parquetRows } from '../../support/parquet/parquet-file.ts'
import { memoryS3Sinks } from '../../support/s3/memory-s3-sinks.ts'
import { KeptReports } from '../../support/task/kept-reports.ts'

const sinks = memoryS3Sinks()
const parquet = { 'format.class': formats.parquet }
const mebibyte = 1024 * 1024
const smallest = { 's3.part.size': String(5 * mebibyte), 's3.buffer.bytes': String(8 * mebibyte) }
const row = (type: 'INT32' | 'INT64'): Schema => struct([['n', primitive(type)]], { name: 'test.Row' })

function append(...records: readonly (readonly [Schema | null, ConnectValue])[]): void {
  for (const [valueSchema, value] of records) sinks.log.append({ topic: 't', valueSchema, value })
}
const committed = (offset: number) => (): boolean => sinks.log.committed.get('t-0') === offset

/** The rows of each object, by the end of its name. */
async function objects(): Promise<Record<string, readonly unknown[][]>> {
  const found = [...sinks.store.objects].map(
    async ([key, { body }]) => [key.slice(-20), await parquetRows(body)] as const,
  )
  return Object.fromEntries(await Promise.all(found))
}

it.each([
  ['none', '0000000000.parquet'],
  ['SNAPPY', '0000000000.snappy.parquet'],
  ['gzip', '0000000000.gz.parquet'],
  ['zstd', '0000000000.zstd.parquet'],
])('objects have their codec in their name: parquet.codec=%s', async (codec, name) => {
  append([row('INT32'), [1]], [row('INT32'), [2]])
  const sink = await sinks.start({ ...parquet, 'parquet.codec': codec, 'flush.size': '2' })
  await sink.runUntil('the object', committed(2))
  const found = [...sinks.store.objects].map(([key, object]) => [key, object.type])
  expect(found).toEqual([[`t/partition=0/t+0+${name}`, 'application/vnd.apache.parquet']])
  expect(await parquetRows([...sinks.store.objects.values()][0]?.body ?? Buffer.alloc(0))).toEqual([[1], [2]])
})

it('objects hold the records of one schema each', async () => {
  const [narrow, wide] = [row('INT32'), row('INT64')]
  append([narrow, [0]], [row('INT32'), [1]], [wide, [2]], [narrow, [3]], [wide, [4]])
  const sink = await sinks.start(parquet)
  await sink.runUntil('the objects that are complete', committed(4))
  expect(await objects()).toEqual({
    '00000.snappy.parquet': [[0], [1]],
    '00002.snappy.parquet': [[2n]],
    '00003.snappy.parquet': [[3]],
  })
})

it('objects hold nothing of records that Parquet cannot express, which are dead letters', async () => {
  const good = row('INT32')
  append(
    [null, { n: 0 }],
    [good, [1]],
    [struct([]), []],
    [good, ['two']],
    [primitive('STRING'), 'x'],
    [good, [5]],
    [null, 6],
  )
  const kept = new KeptReports()
  const sink = await sinks.start({ ...parquet, 'flush.size': '2' }, systemClock, kept)
  await sink.runUntil('the object', committed(7))
  expect(await objects()).toEqual({ '00001.snappy.parquet': [[1], [5]] })
  expect(kept.reports).toEqual([
    expect.stringMatching(/^t-0@0: .*PARQUET_SCHEMA: .*a value without a schema/),
    expect.stringMatching(/^t-0@2: .*structs without fields/),
    expect.stringMatching(/^t-0@3: .*Invalid type for INT32: "n": string/),
    expect.stringMatching(/^t-0@4: .*a value of type STRING/),
    expect.stringMatching(/^t-0@6: .*a value without a schema/),
  ])
})

it('many partitions with few bytes each continue in the smallest memory', async () => {
  const partitions = 400
  const schema = struct(Array.from({ length: 40 }, (_, i) => [`c${i}`, primitive('INT64')] as const))
  const value = schema.fields.map((_, i) => i)
  for (let n = 0; n < 2 * partitions; n += 1) {
    sinks.log.append({ topic: 't', partition: n % partitions, valueSchema: schema, value })
  }
  const sink = await sinks.start({ ...parquet, ...smallest })
  await sink.runUntil('all records', () => sinks.log.partitions.every((at) => sink.position(at) === 2))
  await sink.runUntil('an object', () => sinks.store.objects.size > 0)
})
