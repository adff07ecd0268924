import { describe, expect, it } from 'vitest'

import { ConnectError, RetriableError } from '../../../../../src/api/errors.ts'
import type { SinkRecord } from '../../../../../src/api/record.ts'
import type { OffsetToCommit, SinkTask } from '../../../../../src/api/task.ts'
import { brokerWithClients } from '../../../../contract/broker-with-clients.ts'
import { readAll, textOf, writeAll } from '../../../../contract/client-harness.ts'
import { RunningSink } from '../../../../support/elasticsearch/running-sink.ts'
import { GivenSource, positionRecord, RunningSource } from '../../../../support/task/running-source.ts'
import { countingStep, slowStep } from '../../../../support/task/slow-transform.ts'
import { untilPasses } from '../../../../support/until.ts'

const kafka = brokerWithClients()
const away = new RetriableError('the database is away')
const shown = 'conversion failed and is retried: RetriableError: the database is away'
const refused = new ConnectError('the database refuses the user')

async function made(purpose: string) {
  const topic = kafka.clients.name(purpose)
  const client = await kafka.clients.connect()
  await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
  return { topic, client, ...slowStep(), counting: countingStep() }
}

describe('a source whose transform is not ready', () => {
  async function begun(purpose: string, values: readonly string[], connectorConfig = {}) {
    const { topic, client, step, slow, counting } = await made(purpose)
    const task = new GivenSource()
    const source = new RunningSource({
      task,
      transforms: [counting.step, step],
      connectorConfig,
      createProducer: (listener) => client.producer(listener, { lingerMs: 0 }),
      offsetTopic: kafka.clients.name('offsets'),
    })
    task.give(values.map((value, i) => positionRecord(topic, i, { file: 'a' }, { value })))
    const written = async (): Promise<(string | null)[]> => textOf(await readAll(client, topic))
    return { slow, counting, source, task, written }
  }

  it('keeps the order of its records, and says what it retries until that is over', async () => {
    const { slow, counting, source, task, written } = await begun('order', ['a 1', 'a 2', 'b 1', 'a 3'])
    slow.errors.push(away)
    await untilPasses(() => expect(source.traces.at(-1)).toContain(shown))
    expect([await written(), task.committed]).toEqual([[], []])
    slow.find('a', 'b')
    await untilPasses(() => expect(task.committed).toEqual([{ position: 3 }]))
    expect(await written()).toEqual(['a 1', 'a 2', 'b 1', 'a 3'])
    expect(source.traces.at(-1)).toBeNull()
    // From the first transform on, for each wait once.
    expect(counting.values).toEqual(['a 1', 'a 1', 'a 2', 'b 1', 'b 1', 'a 3'])
    expect(await source.stop()).toBeNull()
  })

  it('fails with the transform and its class if that can never be', async () => {
    const { slow, source, written } = await begun('never', ['a 1'])
    slow.errors.push(refused)
    const error = await source.ended
    expect(error).toMatchObject({ stage: 'TRANSFORMATION', executingClass: 'com.acme.Slow' })
    expect(String(error)).toContain('transform "slow" failed on a record of topic')
    expect(String(error)).toContain('the database refuses the user')
    expect(await written()).toEqual([])
  })

  it('skips the record for which that can never be, if errors are tolerated', async () => {
    const { slow, source, task, written } = await begun('skipped', ['a 1', 'b 1'], { 'errors.tolerance': 'all' })
    slow.errors.push(refused)
    slow.find('b')
    await untilPasses(() => expect(task.committed).toEqual([{ position: 1 }]))
    expect(await written()).toEqual(['b 1'])
    expect(await source.stop()).toBeNull()
  })

  it('stops while it waits', async () => {
    const { slow, source, task } = await begun('stopped', ['a 1'])
    await untilPasses(() => expect(slow.lookups).toEqual(['a']))
    expect(await source.stop()).toBeNull()
    expect(task.commits).toEqual([])
  })
})

describe('a sink whose transform is not ready', () => {
  class Target implements SinkTask {
    readonly values: string[] = []
    async start(): Promise<void> {}
    async open(): Promise<void> {}
    async put(records: readonly SinkRecord[]): Promise<void> {
      this.values.push(...records.map(({ value }) => String(value)))
    }
    async preCommit(current: readonly OffsetToCommit[]): Promise<readonly OffsetToCommit[]> {
      return current
    }
    async flush(): Promise<void> {}
    async close(): Promise<void> {}
    async stop(): Promise<void> {}
  }

  it('puts what comes before, keeps the order of the rest, and says what it retries until that is over', async () => {
    const { topic, client, step, slow, counting } = await made('sink-order')
    const groupId = kafka.clients.name('group')
    slow.find('a', 'b')
    await writeAll(client, topic, ['a 1'])
    const target = new Target()
    const consumer = client.consumer({ groupId, heartbeatIntervalMs: 100 })
    const transforms = [counting.step, step]
    const sink = new RunningSink({ createTask: () => target, consumer, topics: [topic], transforms })
    await untilPasses(() => expect(target.values).toEqual(['a 1']))
    slow.errors.push(away, away)
    await writeAll(client, topic, ['a 2', 'b 1', 'a 3'])
    await untilPasses(() => expect(sink.trace).toContain(shown))
    await untilPasses(() => expect(target.values).toEqual(['a 1', 'a 2', 'b 1', 'a 3']))
    await untilPasses(() => expect(sink.trace).toBeNull())
    expect(await sink.stop()).toBeNull()
    expect((await client.admin.groupOffsets(groupId)).map(({ offset }) => offset)).toEqual([4])
  })
})
