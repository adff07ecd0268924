import { primitive, struct, type Schema } from 'penstock/api'
import { expect, it } from 'vitest'

import { memoryS3Sinks } from '../../support/s3/memory-s3-sinks.ts'

const sinks = memoryS3Sinks()
const row = (type: 'INT32' | 'INT64'): Schema => struct([['n', primitive(type)]])

it('an object holds the records of one schema, also after a crash', async () => {
  const [narrow, wide] = [row('INT32'), row('INT64')]
  const rows: [Schema | null, number][] = [
    [narrow, 0],
    // As a transform makes it, which builds a schema for each record.
    [row('INT32'), 1],
    [wide, 2],
    [wide, 3],
    [narrow, 4],
    [null, 5],
    [null, 6],
    [wide, 7],
  ]
  for (const [valueSchema, n] of rows)
    sinks.log.append({ topic: 't', valueSchema, value: valueSchema === null ? { n } : [n] })
  const expected = [
    ['t/partition=0/t+0+0000000000.json', '{"n":0}\n{"n":1}\n'],
    ['t/partition=0/t+0+0000000002.json', '{"n":2}\n{"n":3}\n'],
    ['t/partition=0/t+0+0000000004.json', '{"n":4}\n'],
    ['t/partition=0/t+0+0000000005.json', '{"n":5}\n{"n":6}\n'],
  ]
  const objects = (): unknown => [...sinks.store.objects].map(([key, { body }]) => [key, body.toString()])
  const first = await sinks.start({})
  await first.runUntil('two objects', () => sinks.store.objects.size >= 2)
  await first.crash()
  const second = await sinks.start({})
  await second.runUntil('all objects that are complete', () => sinks.log.committed.get('t-0') === 7)
  expect(objects()).toEqual(expected)
})
