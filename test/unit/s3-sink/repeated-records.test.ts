import type { RawConfig } from 'penstock/api'
import { afterEach, beforeEach, expect, it } from 'vitest'

import { plugin } from '../../../connectors/s3-sink/index.ts'
import { MemoryS3 } from '../../support/s3/memory-s3.ts'
import { MemoryLog, SinkTaskHarness } from '../../support/task/sink-task-harness.ts'

let store: MemoryS3
let log: MemoryLog
let sink: SinkTaskHarness
beforeEach(async () => {
  store = await MemoryS3.start()
  log = new MemoryLog()
  for (let n = 0; n < 4; n += 1) log.append({ topic: 't', value: n })
  const config: RawConfig = {
    name: 'archive',
    'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
    's3.bucket.name': 'bucket',
    's3.region': 'us-east-1',
    'store.url': store.url,
    'aws.access.key.id': 'key',
    'aws.secret.access.key': 'secret',
    'topics.dir': '',
    'flush.size': '4',
  }
  sink = new SinkTaskHarness(plugin, config, log)
  await sink.start()
})
afterEach(async () => {
  await sink.crash()
  await store.close()
})

it('a record that is put a second time stands in its object once: a refused batch comes again as a whole', async () => {
  const records = log.records.get('t-0') ?? []
  await sink.put(records.slice(0, 3))
  await sink.runUntil('the object', () => log.committed.get('t-0') === 4)
  expect([...store.objects].map(([key, { body }]) => [key, body.toString()])).toEqual([
    ['t/partition=0/t+0+0000000000.json', '0\n1\n2\n3\n'],
  ])
})
