import { afterEach, beforeEach, expect, it } from 'vitest'

import { configDef } from '../../../connectors/s3-sink/config/config.ts'
import { S3SinkTask } from '../../../connectors/s3-sink/task.ts'
import { RunningSink } from '../../support/elasticsearch/running-sink.ts'
import { MemoryS3 } from '../../support/s3/memory-s3.ts'
import { sinkConfig } from '../../support/s3/s3-config.ts'
import { MemoryConsumer } from '../../support/task/memory-consumer.ts'
import { untilPasses } from '../../support/until.ts'

const [kept, moved] = [0, 1].map((partition) => ({ topic: 't', partition }))
const keyOf = (partition: number): string => `t/partition=${partition}/t+${partition}+0000000000.json`

let store: MemoryS3
let consumer: MemoryConsumer
beforeEach(async () => {
  store = await MemoryS3.start()
  consumer = new MemoryConsumer()
})
afterEach(async () => await store.close())

it('continues the open objects of partitions that it keeps when others are revoked', async () => {
  const sink = new RunningSink({
    createTask: () => new S3SinkTask(),
    consumer,
    topics: ['t'],
    configDef,
    raw: { ...sinkConfig, 'store.url': store.url, 'rotate.on.revoke': 'true' },
  })
  await untilPasses(() => expect(consumer.subscriptions).toHaveLength(1))
  if (kept === undefined || moved === undefined) throw new RangeError('two partitions')
  await consumer.assign(kept, moved)
  for (const { partition } of [kept, moved]) consumer.append('t', partition, 'a', 'b')
  await untilPasses(() => expect([kept, moved].map((at) => consumer.position(at))).toEqual([2, 2]))
  await consumer.revoke(moved)
  expect([...store.objects.keys()]).toEqual([keyOf(1)])
  expect(Object.fromEntries(consumer.committed)).toEqual({ 't-1': 2 })
  consumer.append('t', 0, 'c')
  await untilPasses(() => expect(consumer.position(kept)).toBe(3))
  expect(await sink.stop()).toBeNull()
  expect(store.objects.get(keyOf(0))?.body.toString()).toBe('"a"\n"b"\n"c"\n')
  expect(Object.fromEntries(consumer.committed)).toEqual({ 't-0': 3, 't-1': 2 })
})
