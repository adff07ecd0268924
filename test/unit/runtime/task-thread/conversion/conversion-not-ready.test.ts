import { describe, expect, it } from 'vitest'

import { DataError, RetriableError } from '../../../../../src/api/errors.ts'
import type { SinkRecord } from '../../../../../src/api/record.ts'
import type { OffsetToCommit, SinkTask } from '../../../../../src/api/task.ts'
import { brokerWithClients } from '../../../../contract/broker-with-clients.ts'
import { readAll, textOf, writeAll } from '../../../../contract/client-harness.ts'
import { RunningSink } from '../../../../support/elasticsearch/running-sink.ts'
import { GivenSource, positionRecord, RunningSource } from '../../../../support/task/running-source.ts'
import { SlowConverter } from '../../../../support/task/slow-converter.ts'
import { untilPasses } from '../../../../support/until.ts'

const kafka = brokerWithClients()
const away = 'the registry is away'

async function made(purpose: string, partitions = 1) {
  const topic = kafka.clients.name(purpose)
  const client = await kafka.clients.connect()
  await client.admin.createTopic({ name: topic, partitions, replicationFactor: 1 })
  return { topic, client, converter: new SlowConverter() }
}

describe('a source whose converter is not ready', () => {
  async function begun(purpose: string, values: readonly string[]) {
    const { topic, client, converter } = await made(purpose)
    const task = new GivenSource()
    const source = new RunningSource({
      task,
      converter,
      createProducer: (listener) => client.producer(listener, { lingerMs: 0 }),
      offsetTopic: kafka.clients.name('offsets'),
    })
    task.give(values.map((value, i) => positionRecord(topic, i, { file: 'a' }, { value })))
    const written = async (): Promise<(string | null)[]> => textOf(await readAll(client, topic))
    return { converter, source, task, written }
  }

  it('keeps the order of its records, and says what it retries until that is over', async () => {
    const { converter, source, task, written } = await begun('order', ['a 1', 'a 2', 'b 1', 'a 3'])
    converter.errors.push(new RetriableError(away))
    await untilPasses(() =>
      expect(source.traces.at(-1)).toContain(`conversion failed and is retried: RetriableError: ${away}`),
    )
    expect(await written()).toEqual([])
    converter.find('a', 'b')
    await untilPasses(() => expect(task.committed).toEqual([{ position: 3 }]))
    expect(await written()).toEqual(['a 1', 'a 2', 'b 1', 'a 3'])
    expect(converter.lookups).toEqual(['a', 'a', 'b'])
    expect(source.traces.at(-1)).toBeNull()
    expect(await source.stop()).toBeNull()
  })

  it('fails with the stage of the record that can never be converted', async () => {
    const { converter, source, written } = await begun('never', ['a 1'])
    converter.errors.push(new DataError('409: the schema is not compatible'))
    const error = await source.ended
    expect(error).toBeInstanceOf(DataError)
    expect(error).toMatchObject({ stage: 'VALUE_CONVERTER' })
    expect(String(error)).toContain('the value of a record for topic')
    expect(String(error)).toContain('409: the schema is not compatible')
    expect(await written()).toEqual([])
  })

  it('stops while it waits', async () => {
    const { converter, source, task } = await begun('stopped', ['a 1'])
    await untilPasses(() => expect(converter.lookups).toEqual(['a']))
    expect(await source.stop()).toBeNull()
    expect(task.commits).toEqual([])
  })
})

describe('a sink whose converter is not ready', () => {
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

  async function begun(purpose: string, partitions = 1) {
    const { topic, client, converter } = await made(purpose, partitions)
    const groupId = kafka.clients.name('group')
    const begin = (value = converter, instanceId?: string) => {
      const target = new Target()
      const consumer = client.consumer({ groupId, heartbeatIntervalMs: 100, ...(instanceId && { instanceId }) })
      return {
        target,
        sink: new RunningSink({ createTask: () => target, consumer, topics: [topic], converter: value }),
      }
    }
    const committed = async () =>
      (await client.admin.groupOffsets(groupId)).map(({ partition, offset }) => `${partition}@${offset}`).toSorted()
    return { topic, client, converter, begin, committed }
  }

  it('puts what comes before, keeps the order of the rest, and says what it retries until that is over', async () => {
    const { topic, client, converter, begin, committed } = await begun('order')
    converter.find('a', 'b')
    await writeAll(client, topic, ['a 1'])
    const { target, sink } = begin()
    await untilPasses(() => expect(target.values).toEqual(['a 1']))
    converter.errors.push(new RetriableError(away), new RetriableError(away))
    await writeAll(client, topic, ['a 2', 'b 1', 'a 3'])
    await untilPasses(() => expect(sink.trace).toContain(`conversion failed and is retried: RetriableError: ${away}`))
    await untilPasses(() => expect(target.values).toEqual(['a 1', 'a 2', 'b 1', 'a 3']))
    await untilPasses(() => expect(sink.trace).toBeNull())
    expect(converter.lookups).toEqual(['a', 'b', 'b', 'b'])
    expect(await sink.stop()).toBeNull()
    expect(await committed()).toEqual(['0@4'])
  })

  it('commits nothing that waits when it stops', async () => {
    const { topic, client, converter, begin, committed } = await begun('stopped')
    await writeAll(client, topic, ['a 1'])
    const { target, sink } = begin()
    await untilPasses(() => expect(converter.lookups).toEqual(['a']))
    expect(await sink.stop()).toBeNull()
    expect([target.values, await committed()]).toEqual([[], []])
  })

  it('hands a partition over while it waits, and then neither puts what it kept of it nor waits for that', async () => {
    const { topic, client, converter, begin, committed } = await begun('handed-over', 2)
    await writeAll(client, topic, ['a 0'], 0)
    // Partitions are assigned in the order of the members' instances.
    const first = begin(converter, '2')
    await untilPasses(() => expect(converter.lookups).toEqual(['a']))
    await writeAll(client, topic, ['b 1'], 1)
    const found = new SlowConverter()
    found.find('a', 'b')
    const second = begin(found, '1')
    await untilPasses(() => expect(second.target.values).toEqual(['a 0']))
    converter.find('b')
    await untilPasses(() => expect(first.target.values).toEqual(['b 1']))
    for (const { sink } of [first, second]) expect(await sink.stop()).toBeNull()
    expect(second.target.values).toEqual(['a 0'])
    expect(await committed()).toEqual(['0@1', '1@1'])
  })

  it('fails with the place of the record that can never be converted', async () => {
    const { topic, client, converter, begin } = await begun('never')
    converter.errors.push(new DataError('404: no schema has this id'))
    await writeAll(client, topic, ['a 1'])
    const { target, sink } = begin()
    const error = await sink.ended
    expect(error).toMatchObject({ stage: 'VALUE_CONVERTER', topicPartition: `${topic}-0` })
    expect(String(error)).toContain(`the value of the record ${topic}-0@0 does not decode: 404: no schema has this id`)
    expect(target.values).toEqual([])
  })
})
