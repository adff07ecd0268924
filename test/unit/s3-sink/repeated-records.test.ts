import { expect, it } from 'vitest'

import { memoryS3Sinks } from '../../support/s3/memory-s3-sinks.ts'

const sinks = memoryS3Sinks()

it('a record that is put a second time stands in its object once: a refused batch comes again as a whole', async () => {
  for (let n = 0; n < 4; n += 1) sinks.log.append({ topic: 't', value: n })
  const sink = await sinks.start({ 'flush.size': '4' })
  const records = sinks.log.records.get('t-0') ?? []
  await sink.put(records.slice(0, 3))
  await sink.runUntil('the object', () => sinks.log.committed.get('t-0') === 4)
  expect([...sinks.store.objects].map(([key, { body }]) => [key, body.toString()])).toEqual([
    ['t/partition=0/t+0+0000000000.json', '0\n1\n2\n3\n'],
  ])
})
