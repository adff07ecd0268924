import { afterEach, expect, it } from 'vitest'

import { plugin } from '../../../connectors/s3-sink/index.ts'
import type { SinkTask } from '../../../src/api/task.ts'
import { ClientHarness, writeAll } from '../../contract/client-harness.ts'
import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import { deleteRecords } from '../../support/broker/cluster-tools.ts'
import { RunningSink } from '../../support/elasticsearch/running-sink.ts'
import { MemoryS3 } from '../../support/s3/memory-s3.ts'
import { sinkConfig } from '../../support/s3/s3-config.ts'
import { untilPasses } from '../../support/until.ts'

const undo: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

it('an object whose commit failed keeps its records when they are deleted from the topic before they are read again', async () => {
  const broker = await BrokerHarness.start()
  undo.push(() => broker.close())
  const clients = new ClientHarness(broker.bootstrap)
  undo.push(() => clients.close())
  const store = await MemoryS3.start()
  undo.push(() => store.close())
  const [topic, groupId, client] = ['t', 'connect-archive', await clients.connect()]
  await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
  await writeAll(client, topic, ['a', 'b', 'c'])
  const commit = (offset: number) => client.admin.alterGroupOffsets(groupId, [{ topic, partition: 0, offset }])
  const committed = async () => (await client.admin.groupOffsets(groupId))[0]?.offset
  const start = () =>
    new RunningSink({
      createTask: () => plugin.createTask() as SinkTask,
      consumer: client.consumer({ groupId, autoOffsetReset: 'earliest' }),
      topics: [topic],
      clusterId: client.clusterId,
      configDef: plugin.configDef,
      raw: { ...sinkConfig, 'topics.dir': 'topics', 'store.url': store.url, 'flush.size': '2' },
    })
  const objects = (): readonly (readonly [string, string])[] =>
    [...store.objects]
      .map(([key, { body }]) => [key, body.toString()] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
  const first = ['topics/t/partition=0/t+0+0000000001.json', '"b"\n"c"\n'] as const

  await commit(1)
  const former = start()
  await untilPasses(async () => expect(await committed()).toBe(3))
  expect(await former.stop()).toBeNull()
  expect(objects()).toEqual([first])

  // As if the process had ended between the upload and the commit.
  await commit(1)
  await writeAll(client, topic, ['d', 'e', 'f'])
  await deleteRecords(broker.bootstrap, { topic, partition: 0 }, 3)
  const sink = start()
  await untilPasses(async () => expect(await committed()).toBe(5))
  expect(objects()).toEqual([first, ['topics/t/partition=0/t+0+0000000003.json', '"d"\n"e"\n']])
  expect(sink.trace).toContain('RECORDS_SKIPPED: offsets 1 to 2 of t-0')
  expect(await sink.stop()).toBeNull()
})
