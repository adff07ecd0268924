import type { RawConfig } from 'penstock/api'
import { expect, it } from 'vitest'

import { memoryS3Sinks } from '../../../support/s3/memory-s3-sinks.ts'

const sinks = memoryS3Sinks()
const byField: RawConfig = {
  'partitioner.class': 'io.confluent.connect.storage.partitioner.FieldPartitioner',
  'partition.field.name': 'd',
}
const byHour: RawConfig = {
  'partitioner.class': 'io.confluent.connect.storage.partitioner.HourlyPartitioner',
  timezone: 'UTC',
  'timestamp.extractor': 'Record',
}
const objects = (): readonly (readonly [string, string])[] =>
  [...sinks.store.objects]
    .map(([key, { body }]) => [key, body.toString()] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
const append = (...directories: readonly string[]): void => {
  for (const d of directories) sinks.log.append({ topic: 't', value: { d } })
}
const line = (d: string): string => `{"d":"${d}"}\n`

it('flush.size counts the records of all directories, whose objects end together', async () => {
  append('a', 'b', 'a', 'c', 'a')
  const sink = await sinks.start({ ...byField, 'flush.size': '4' })
  await sink.runUntil('a commit', () => sinks.log.committed.get('t-0') === 4)
  expect(objects()).toEqual([
    ['t/d=a/t+0+0000000000.json', line('a') + line('a')],
    ['t/d=b/t+0+0000000001.json', line('b')],
    ['t/d=c/t+0+0000000003.json', line('c')],
  ])
  expect(sink.counters.get('s3_objects_total')).toBe(3)
  expect(sink.counters.get('s3_records_total')).toBe(4)
})

it('partitioner.max.open.files ends all objects before there is one more', async () => {
  append('a', 'b', 'a', 'c', 'a', 'c', 'b')
  const sink = await sinks.start({ ...byField, 'partitioner.max.open.files': '2' })
  await sink.runUntil('two commits', () => sinks.log.committed.get('t-0') === 6)
  expect(objects().map(([key]) => key)).toEqual([
    't/d=a/t+0+0000000000.json',
    't/d=a/t+0+0000000004.json',
    't/d=b/t+0+0000000001.json',
    't/d=c/t+0+0000000003.json',
  ])
})

const hours = [0, 1, 0, 1].map((hour) => ({ topic: 't', value: hour, timestamp: hour * 3_600_000 }))

it('late records get objects of their own where another directory ends objects, and share them where it does not', async () => {
  for (const record of hours) sinks.log.append(record)
  const first = await sinks.start({ ...byHour, 'rotate.interval.ms': '86400000' })
  await first.runUntil('a commit', () => sinks.log.committed.get('t-0') === 3)
  await first.crash()
  expect(objects().map(([, body]) => body)).toEqual(['0\n', '0\n', '1\n'])

  sinks.log.committed.clear()
  sinks.store.objects.clear()
  const second = await sinks.start({
    ...byHour,
    'rotate.interval.ms': '86400000',
    'rotate.file.on.partition.change': 'false',
    'flush.size': '4',
  })
  await second.runUntil('a commit', () => sinks.log.committed.get('t-0') === 4)
  expect(objects().map(([, body]) => body)).toEqual(['0\n0\n', '1\n1\n'])
})

it('warns that directories by the clock may hold a record twice, and only of those', async () => {
  const warned = async (settings: RawConfig): Promise<boolean> =>
    (await sinks.start(settings)).logger.lines.some((text) => text.includes('may then be in two directories'))
  expect(await warned({ ...byHour, 'timestamp.extractor': 'Wallclock' })).toBe(true)
  expect(await warned(byHour)).toBe(false)
  expect(await warned({ 'timestamp.extractor': 'Wallclock' })).toBe(false)
})

it('objects of a set that are in the store before a crash are replaced, also when the next run ends the set elsewhere', async () => {
  append('a', 'b', 'c', 'a', 'b', 'c')
  const first = await sinks.start({ ...byField, 'flush.size': '6' })
  // The process is gone before the object of c is there.
  sinks.store.holds = (request) => request.startsWith('PUT') && request.includes('d%3Dc')
  await first.runUntil('two objects', () => sinks.store.objects.size === 2)
  await first.crash()
  expect(sinks.log.committed.get('t-0') ?? 0).toBe(0)

  sinks.store.holds = () => false
  const second = await sinks.start({ ...byField, 'flush.size': '2' })
  await second.runUntil('all commits', () => sinks.log.committed.get('t-0') === 6)
  expect(objects()).toEqual([
    ['t/d=a/t+0+0000000000.json', line('a')],
    ['t/d=a/t+0+0000000003.json', line('a')],
    ['t/d=b/t+0+0000000001.json', line('b')],
    ['t/d=b/t+0+0000000004.json', line('b')],
    ['t/d=c/t+0+0000000002.json', line('c')],
    ['t/d=c/t+0+0000000005.json', line('c')],
  ])
})
