import { describe, expect, it } from 'vitest'

import { RetriableError } from '../../../../../src/api/errors.ts'
import type { SinkRecord } from '../../../../../src/api/record.ts'
import type { OffsetToCommit, SinkTask, SinkTaskContext } from '../../../../../src/api/task.ts'
import { present } from '../../../../../src/foundation/assert.ts'
import { brokerWithClients } from '../../../../contract/broker-with-clients.ts'
import { writeAll } from '../../../../contract/client-harness.ts'
import { RunningSink } from '../../../../support/elasticsearch/running-sink.ts'
import { untilPasses } from '../../../../support/until.ts'
import { deleteTopic, removeMembers } from '../../../../support/broker/cluster-tools.ts'

/** A target in memory; everything that was put is durable. Keeps what the loop called, and told. */
class Target implements SinkTask {
  readonly values: string[] = []
  readonly calls: string[] = []
  /** What it returns beyond what is durable. */
  also: readonly OffsetToCommit[] = []
  readonly errors: Error[] = []
  context: SinkTaskContext | null = null

  async start(context: SinkTaskContext): Promise<void> {
    this.context = context
  }

  async open(partitions: readonly OffsetToCommit[]): Promise<void> {
    this.calls.push(`open ${offsetsOf(partitions)}`)
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    const error = records.length === 0 ? undefined : this.errors.shift()
    if (error !== undefined) throw error
    this.values.push(...records.map(({ value }) => String(value)))
  }

  async preCommit(current: readonly OffsetToCommit[]): Promise<readonly OffsetToCommit[]> {
    this.calls.push('preCommit')
    return [...current, ...this.also]
  }

  committed(offsets: readonly OffsetToCommit[]): void {
    this.calls.push(`committed ${offsetsOf(offsets)}`)
  }

  commitFailed(offsets: readonly OffsetToCommit[]): void {
    this.calls.push(`commit failed ${offsetsOf(offsets)}`)
  }

  async close(): Promise<void> {
    this.calls.push('close')
  }

  async flush(): Promise<void> {
    this.calls.push('flush')
  }

  async stop(): Promise<void> {}
}

function offsetsOf(offsets: readonly OffsetToCommit[]): string {
  return offsets.map(({ partition, offset }) => `${partition}@${offset}`).join()
}

const kafka = brokerWithClients()

async function made(purpose: string, partitions = 1) {
  const topic = kafka.clients.name(purpose)
  const groupId = kafka.clients.name('group')
  const client = await kafka.clients.connect()
  await client.admin.createTopic({ name: topic, partitions, replicationFactor: 1, configs: {} })
  const target = new Target()
  // Heartbeats do not tell of a rebalance before the test is over, unless it says so.
  const begin = (heartbeatIntervalMs = 60_000) =>
    new RunningSink({
      createTask: () => target,
      consumer: client.consumer({ groupId, heartbeatIntervalMs }),
      topics: [topic],
    })
  const removed = async (): Promise<void> => {
    await removeMembers(kafka.broker.bootstrap, groupId)
  }
  const committed = async () =>
    (await client.admin.groupOffsets(groupId)).map(({ partition, offset }) => `${partition}@${offset}`)
  return { topic, client, target, begin, removed, committed }
}

describe('the loop of a sink task on the embedded broker', () => {
  it('keeps a condition in the status while batches are refused, retried and taken', async () => {
    const topic = kafka.clients.name('condition')
    const client = await kafka.clients.connect()
    await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1, configs: {} })
    const target = new Target()
    const consumer = client.consumer({ groupId: kafka.clients.name('group') })
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
    const topic = kafka.clients.name('recreated')
    const groupId = kafka.clients.name('group')
    const client = await kafka.clients.connect()
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
    await deleteTopic(kafka.broker.bootstrap, topic)
    await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1, configs: {} })
    await writeAll(client, topic, ['x', 'y', 'z'])
    expect(String(await sink.ended)).toContain('TOPIC_RECREATED')
    expect(target.values).toEqual(['a', 'b'])
    expect(await client.admin.groupOffsets(groupId)).toEqual([])
  }, 60_000)

  it("neither flushes nor commits partitions that are lost: they are another member's already (I3)", async () => {
    const { topic, client, target, begin, removed, committed } = await made('lost')
    await writeAll(client, topic, ['a'])
    const sink = begin(100)
    await untilPasses(() => expect(target.values).toEqual(['a']))
    await removed()
    await untilPasses(() => expect(target.values).toEqual(['a', 'a']))
    expect(target.calls).toEqual(['open 0@0', 'close', 'open 0@0'])
    expect(await committed()).toEqual([])
    expect(await sink.stop()).toBeNull()
    expect(await committed()).toEqual(['0@1'])
  })

  it('tells a task that its commit was refused, and keeps running: the records come again', async () => {
    const { topic, client, target, begin, removed, committed } = await made('refused')
    await writeAll(client, topic, ['a'])
    const sink = begin()
    await untilPasses(() => expect(target.values).toEqual(['a']))
    await removed()
    present(target.context, 'context').requestCommit()
    await untilPasses(() => expect(target.values).toEqual(['a', 'a']))
    expect(target.calls).toEqual(['open 0@0', 'preCommit', 'commit failed 0@1', 'close', 'open 0@0'])
    present(target.context, 'context').requestCommit()
    await untilPasses(() => expect(target.calls).toContain('committed 0@1'))
    expect(await committed()).toEqual(['0@1'])
    expect(sink.statuses.map(({ state, trace }) => [state, trace])).toEqual([['RUNNING', null]])
    expect(await sink.stop()).toBeNull()
  })

  it('does not commit a partition that is not assigned to the task, and logs it (I3)', async () => {
    const { topic, client, target, begin, committed } = await made('foreign', 2)
    await writeAll(client, topic, ['a'], 0)
    target.also = [
      { topic, partition: 7, offset: 1 },
      { topic: 'no-such-topic', partition: 0, offset: 1 },
    ]
    const sink = begin()
    await untilPasses(() => expect(target.values).toEqual(['a']))
    present(target.context, 'context').requestCommit()
    await untilPasses(() => expect(target.calls).toContain('committed 0@1'))
    expect(target.calls).toContain('commit failed 7@1,0@1')
    expect(await committed()).toEqual(['0@1'])
    const warnings = sink.logger.lines.map(({ message }) => message)
    for (const name of [`${topic}-7`, 'no-such-topic-0'])
      expect(warnings).toContain(`offset 1 of ${name} is not committed: the partition is not assigned to the task`)
    expect(await sink.stop()).toBeNull()
  })

  it('holds a partition back while the task pauses it, and gives its records once it resumes it', async () => {
    const { topic, client, target, begin } = await made('resumed', 2)
    const sink = begin()
    await untilPasses(() => expect(target.calls).toEqual(['open 0@0,1@0']))
    const context = present(target.context, 'context')
    context.pause([{ topic, partition: 0 }])
    await writeAll(client, topic, ['held'], 0)
    await writeAll(client, topic, ['free'], 1)
    await untilPasses(() => expect(target.values).toEqual(['free']))
    await writeAll(client, topic, ['free again'], 1)
    await untilPasses(() => expect(target.values).toEqual(['free', 'free again']))
    context.resume([{ topic, partition: 0 }])
    await untilPasses(() => expect(target.values).toEqual(['free', 'free again', 'held']))
    // Nor is it held back once everything was, for a batch that was refused.
    target.errors.push(new RetriableError('the target is away'))
    await writeAll(client, topic, ['refused once'], 1)
    await untilPasses(() => expect(target.values.at(-1)).toBe('refused once'))
    await writeAll(client, topic, ['later'], 0)
    await untilPasses(() => expect(target.values.at(-1)).toBe('later'))
    expect(await sink.stop()).toBeNull()
  })

  it('keeps running, and commits its other topics, when one of its topics is deleted', async () => {
    const gone = kafka.clients.name('gone')
    const stays = kafka.clients.name('stays')
    const groupId = kafka.clients.name('group')
    const client = await kafka.clients.connect()
    for (const name of [gone, stays]) {
      await client.admin.createTopic({ name, partitions: 1, replicationFactor: 1, configs: {} })
      await writeAll(client, name, ['a'])
    }
    const target = new Target()
    const consumer = client.consumer({ groupId })
    const sink = new RunningSink({ createTask: () => target, consumer, topics: [gone, stays] })
    await untilPasses(() => expect(target.values).toEqual(['a', 'a']))
    await deleteTopic(kafka.broker.bootstrap, gone)
    present(target.context, 'context').requestCommit()
    const committed = async () => (await client.admin.groupOffsets(groupId)).map(({ topic, offset }) => [topic, offset])
    await untilPasses(async () => expect(await committed()).toEqual([[stays, 1]]))
    await writeAll(client, stays, ['b'])
    await untilPasses(() => expect(target.values).toContain('b'))
    expect(await sink.stop()).toBeNull()
    expect(await committed()).toEqual([[stays, 2]])
  }, 60_000)
})
