import { primitive, struct, systemClock, type Schema } from 'penstock/api'
import { expect, it } from 'vitest'

import { memoryS3Sinks } from '../../support/s3/memory-s3-sinks.ts'
import { KeptReports } from '../../support/task/kept-reports.ts'

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

/** Version 1 has a column that is dropped in version 2, which has another one. */
const versions = {
  1: struct(
    [
      ['n', primitive('INT32')],
      ['old', primitive('STRING', { optional: true })],
    ],
    { version: 1 },
  ),
  2: struct(
    [
      ['n', primitive('INT64')],
      ['added', primitive('INT32', { defaultValue: 5 })],
    ],
    { version: 2 },
  ),
}

it.each([
  [
    'BACKWARD',
    [
      ['t/partition=0/t+0+0000000000.json', '{"n":0,"old":"v1"}\n'],
      // The second record of version 1 loses a value, and gets a default.
      ['t/partition=0/t+0+0000000001.json', '{"n":1,"added":7}\n{"n":2,"added":5}\n{"n":3,"added":7}\n'],
    ],
  ],
  [
    'FULL',
    [
      ['t/partition=0/t+0+0000000000.json', '{"n":0,"old":"v1"}\n'],
      ['t/partition=0/t+0+0000000001.json', '{"n":1,"added":7}\n{"n":2,"added":5}\n{"n":3,"added":7}\n'],
    ],
  ],
  // A long is not projected to an int.
  [
    'FORWARD',
    [
      ['t/partition=0/t+0+0000000000.json', '{"n":0,"old":"v1"}\n'],
      ['t/partition=0/t+0+0000000001.json', '{"n":1,"added":7}\n'],
      ['t/partition=0/t+0+0000000002.json', '{"n":2,"old":"v1"}\n'],
    ],
  ],
])('with schema.compatibility=%s, records of two producers are in these objects', async (compatibility, expected) => {
  for (const [n, version] of [1, 2, 1, 2].entries())
    sinks.log.append({
      topic: 't',
      valueSchema: versions[version === 1 ? 1 : 2],
      value: version === 1 ? [n, 'v1'] : [n, 7],
    })
  // Another schema ends the last object.
  sinks.log.append({ topic: 't', valueSchema: primitive('STRING'), value: 'end' })
  const sink = await sinks.start({ 'schema.compatibility': compatibility })
  await sink.runUntil('all objects that are complete', () => sinks.log.committed.get('t-0') === 4)
  const objects = [...sinks.store.objects].map(([key, { body }]) => [key, body.toString()])
  expect(objects.slice(0, expected.length)).toEqual(expected)
})

it('with schema.compatibility=FORWARD, newer records are projected to the schema of the object', async () => {
  const narrow = struct([['n', primitive('INT64')]], { version: 1 })
  for (const [valueSchema, value] of [
    [narrow, [0]],
    [versions[2], [1, 7]],
    [narrow, [2]],
    [null, 'end'],
  ] as const)
    sinks.log.append({ topic: 't', valueSchema, value })
  const sink = await sinks.start({ 'schema.compatibility': 'FORWARD' })
  await sink.runUntil('the object', () => sinks.log.committed.get('t-0') === 3)
  expect(sinks.store.objects.get('t/partition=0/t+0+0000000000.json')?.body.toString()).toBe(
    '{"n":0}\n{"n":1}\n{"n":2}\n',
  )
})

it('a record that cannot be written ends no object, although its schema is another one', async () => {
  const [narrow, wide] = [row('INT32'), row('INT64')]
  for (const [valueSchema, n] of [
    [wide, 'no number'],
    [narrow, 1],
    [wide, 'no number'],
    [narrow, 3],
  ] as const)
    sinks.log.append({ topic: 't', valueSchema, value: [n] })
  const sink = await sinks.start({ 'flush.size': '2' }, systemClock, new KeptReports())
  await sink.runUntil('the object', () => sinks.log.committed.get('t-0') === 4)
  const objects = [...sinks.store.objects].map(([key, { body }]) => [key, body.toString()])
  expect(objects).toEqual([['t/partition=0/t+0+0000000001.json', '{"n":1}\n{"n":3}\n']])
})
