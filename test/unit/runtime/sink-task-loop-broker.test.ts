import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { RetriableError } from '../../../src/api/errors.ts'
import type { SinkRecord } from '../../../src/api/record.ts'
import type { OffsetToCommit, SinkTask, SinkTaskContext } from '../../../src/api/task.ts'
import { present } from '../../../src/foundation/assert.ts'
import { ClientHarness, writeAll } from '../../contract/client-harness.ts'
import { BrokerHarness } from '../../support/broker-harness.ts'
import { RunningSink } from '../../support/running-sink.ts'
import { untilPasses } from '../../support/until.ts'

/** A target in memory; everything that was put is durable. */
class Target implements SinkTask {
  readonly values: string[] = []
  readonly errors: Error[] = []
  context: SinkTaskContext | null = null

  async start(context: SinkTaskContext): Promise<void> {
    this.context = context
  }

  async open(): Promise<void> {}

  async put(records: readonly SinkRecord[]): Promise<void> {
    const error = records.length === 0 ? undefined : this.errors.shift()
    if (error !== undefined) throw error
    this.values.push(...records.map(({ value }) => String(value)))
  }

  async preCommit(current: readonly OffsetToCommit[]): Promise<readonly OffsetToCommit[]> {
    return current
  }

  async close(): Promise<void> {}
  async flush(): Promise<void> {}
  async stop(): Promise<void> {}
}

let broker: BrokerHarness
let clients: ClientHarness
beforeAll(async () => {
  broker = await BrokerHarness.start()
  clients = new ClientHarness(broker.bootstrap)
})
afterAll(async () => {
  await clients.close()
  await broker.close()
})

describe('the loop of a sink task on the embedded broker', () => {
  it('keeps a condition in the status while batches are refused, retried and taken', async () => {
    const topic = clients.name('condition')
    const client = await clients.connect()
    await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1, configs: {} })
    const target = new Target()
    const consumer = client.consumer({ groupId: clients.name('group') })
    const sink = new RunningSink({ createTask: () => target, consumer, topics: [topic] })
    await untilPasses(() => expect(sink.statuses).toHaveLength(1))
    const context = present(target.context, 'context')
    context.setCondition('ROWS_SKIPPED', 'table b has no key')
    target.errors.push(new RetriableError('the target is away'))
    await writeAll(client, topic, ['a'])
    await untilPasses(() => expect(sink.trace).toMatch(/^ROWS_SKIPPED: table b has no key\nput failed .* away/u))
    await untilPasses(() => expect(target.values).toEqual(['a']))
    await untilPasses(() => expect(sink.trace).toBe('ROWS_SKIPPED: table b has no key'))
    const writes = sink.statuses.length
    context.setCondition('ROWS_SKIPPED', 'table b has no key')
    expect(sink.statuses).toHaveLength(writes)
    expect(sink.metrics.samples()).toContainEqual(
      expect.objectContaining({ name: 'task_condition', labels: { code: 'ROWS_SKIPPED' }, value: 1 }),
    )
    context.setCondition('ROWS_SKIPPED', null)
    expect(sink.trace).toBeNull()
    expect(sink.metrics.samples().map(({ name }) => name)).not.toContain('task_condition')
    expect(await sink.stop()).toBeNull()
  })

  it('fails by name when its topic is created again, before a record of the new one is put or an offset committed', async () => {
    const topic = clients.name('recreated')
    const groupId = clients.name('group')
    const client = await clients.connect()
    await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1, configs: {} })
    await writeAll(client, topic, ['a', 'b'])
    const target = new Target()
    const { clusterId } = client
    const sink = new RunningSink({
      createTask: () => target,
      consumer: client.consumer({ groupId }),
      topics: [topic],
      clusterId,
    })
    await untilPasses(() => expect(target.values).toEqual(['a', 'b']))
    const context = present(target.context, 'context')
    const id = (await client.admin.describeTopics([topic])).get(topic)?.id
    expect([context.clusterId, context.topicId(topic), context.topicId('no-such-topic')]).toEqual([clusterId, id, null])
    await client.admin.deleteTopic(topic)
    await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1, configs: {} })
    await writeAll(client, topic, ['x', 'y', 'z'])
    expect(String(await sink.ended)).toContain('TOPIC_RECREATED')
    expect(target.values).toEqual(['a', 'b'])
    expect(await client.admin.groupOffsets(groupId)).toEqual([])
  }, 60_000)

  it('keeps running, and commits its other topics, when one of its topics is deleted', async () => {
    const gone = clients.name('gone')
    const stays = clients.name('stays')
    const groupId = clients.name('group')
    const client = await clients.connect()
    for (const name of [gone, stays]) {
      await client.admin.createTopic({ name, partitions: 1, replicationFactor: 1, configs: {} })
      await writeAll(client, name, ['a'])
    }
    const target = new Target()
    const consumer = client.consumer({ groupId })
    const sink = new RunningSink({ createTask: () => target, consumer, topics: [gone, stays] })
    await untilPasses(() => expect(target.values).toEqual(['a', 'a']))
    await client.admin.deleteTopic(gone)
    present(target.context, 'context').requestCommit()
    const committed = async () => (await client.admin.groupOffsets(groupId)).map(({ topic, offset }) => [topic, offset])
    await untilPasses(async () => expect(await committed()).toEqual([[stays, 1]]))
    await writeAll(client, stays, ['b'])
    await untilPasses(() => expect(target.values).toContain('b'))
    expect(await sink.stop()).toBeNull()
    expect(await committed()).toEqual([[stays, 2]])
  }, 60_000)
})
