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
})
