import { describe, expect, it } from 'vitest'

import type { SinkRecord } from '../../../../../src/api/record.ts'
import type { OffsetToCommit, SinkTask } from '../../../../../src/api/task.ts'
import { encodeSubscription } from '../../../../../src/client/group/consumer-protocol.ts'
import type { TopicPartition } from '../../../../../src/foundation/topic-partition.ts'
import { brokerWithClients } from '../../../../contract/broker-with-clients.ts'
import { writeAll } from '../../../../contract/client-harness.ts'
import { describeGroup } from '../../../../support/broker/cluster-tools.ts'
import { RunningSink } from '../../../../support/elasticsearch/running-sink.ts'
import { patienceMs, until, untilPasses } from '../../../../support/until.ts'

const numbersOf = (partitions: readonly TopicPartition[]): string =>
  partitions
    .map(({ partition }) => String(partition))
    .sort()
    .join()

/** A target that makes records durable only when they are flushed. */
class BufferingTarget implements SinkTask {
  /** The calls for partitions, in order. */
  readonly calls: string[] = []
  /** Values by partition. */
  readonly values = new Map<number, string[]>()
  readonly #buffered = new Map<number, number>()
  readonly #durable = new Map<number, number>()

  async start(): Promise<void> {}

  async open(partitions: readonly OffsetToCommit[]): Promise<void> {
    this.calls.push(`open ${numbersOf(partitions)}`)
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    for (const { value, originalPartition, originalOffset } of records) {
      this.values.set(originalPartition, [...(this.values.get(originalPartition) ?? []), String(value)])
      this.#buffered.set(originalPartition, originalOffset + 1)
    }
  }

  async preCommit(current: readonly OffsetToCommit[]): Promise<readonly OffsetToCommit[]> {
    return current.flatMap((at) => {
      const offset = this.#durable.get(at.partition)
      return offset === undefined ? [] : [{ ...at, offset }]
    })
  }

  async close(partitions: readonly TopicPartition[]): Promise<void> {
    this.calls.push(`close ${numbersOf(partitions)}`)
    for (const { partition } of partitions) {
      this.#buffered.delete(partition)
      this.#durable.delete(partition)
    }
  }

  async flush(_signal: AbortSignal, partitions: readonly TopicPartition[]): Promise<void> {
    this.calls.push(`flush ${numbersOf(partitions)}`)
    for (const { partition } of partitions) {
      const end = this.#buffered.get(partition)
      if (end !== undefined) this.#durable.set(partition, end)
    }
  }

  async stop(): Promise<void> {}
}

const kafka = brokerWithClients()

async function group(partitions: number) {
  const client = await kafka.clients.connect()
  const topic = kafka.clients.name('cooperative')
  await client.admin.createTopic({ name: topic, partitions, replicationFactor: 1, configs: {} })
  const begin = () => {
    const target = new BufferingTarget()
    const consumer = client.consumer({
      groupId: topic,
      assignors: ['cooperative-sticky'],
      heartbeatIntervalMs: 50,
      sessionTimeoutMs: patienceMs,
    })
    return { target, sink: new RunningSink({ createTask: () => target, consumer, topics: [topic] }) }
  }
  const write = async (value: string): Promise<void> => {
    for (let partition = 0; partition < partitions; partition += 1) await writeAll(client, topic, [value], partition)
  }
  const committed = async (): Promise<string[]> =>
    (await client.admin.groupOffsets(topic)).map(({ partition, offset }) => `${partition}@${offset}`)
  return { client, topic, begin, write, committed }
}

const allOf = (target: BufferingTarget): string[] =>
  [...target.values].flatMap(([partition, values]) => values.map((value) => `${partition}${value}`)).sort()

describe('sink tasks with the cooperative assignor', () => {
  it('open and close only the partitions that move, and keep what they have buffered of the others', async () => {
    const { begin, write, committed } = await group(4)
    const first = begin()
    await untilPasses(() => expect(first.target.calls).toEqual(['open 0,1,2,3']))
    await write('a')
    await untilPasses(() => expect(allOf(first.target)).toEqual(['0a', '1a', '2a', '3a']))
    const second = begin()
    await untilPasses(() => expect(second.target.calls).toEqual([expect.stringMatching(/^open \d,\d$/)]))
    const moved = second.target.calls[0]?.slice('open '.length) ?? ''
    expect(first.target.calls).toEqual(['open 0,1,2,3', `flush ${moved}`, `close ${moved}`])
    expect(await committed()).toEqual(moved.split(',').map((partition) => `${partition}@1`))
    await write('b')
    await untilPasses(() => expect(allOf(first.target).length + allOf(second.target).length).toBe(8))
    const kept = ['0', '1', '2', '3'].filter((partition) => !moved.includes(partition))
    for (const partition of kept) expect(first.target.values.get(Number(partition))).toEqual(['a', 'b'])
    expect(await first.sink.stop()).toBeNull()
    expect(first.target.calls.slice(3)).toEqual([`flush ${kept.join()}`, `close ${kept.join()}`])
    await untilPasses(() => expect(second.target.calls).toHaveLength(2))
    expect(second.target.calls).toEqual([`open ${moved}`, `open ${kept.join()}`])
    expect(await second.sink.stop()).toBeNull()
    expect(await committed()).toEqual(['0@2', '1@2', '2@2', '3@2'])
    expect(allOf(second.target)).toEqual(moved.split(',').map((partition) => `${partition}b`))
  })

  it('that stop while the group waits for another member commit what they keep, and leave at once', async () => {
    const { client, topic, begin, write, committed } = await group(2)
    const first = begin()
    await untilPasses(() => expect(first.target.calls).toEqual(['open 0,1']))
    const metadata = encodeSubscription({ topics: [topic], userData: null, owned: [], generation: -1 })
    const other = client.groupMember({
      groupId: topic,
      protocolType: 'consumer',
      sessionTimeoutMs: patienceMs,
      rebalanceTimeoutMs: patienceMs,
      heartbeatIntervalMs: 50,
      protocols: () => [{ name: 'cooperative-sticky', metadata }],
      assign: () => new Map(),
      onRejoinNeeded: () => undefined,
    })
    await other.join()
    await untilPasses(() => expect(first.target.calls.at(-1)).toBe('close 1'))
    const groupOf = async () => await describeGroup(kafka.broker.bootstrap, topic)
    await until('the group waits', async () => (await groupOf()).state === 'PreparingRebalance')
    await write('a')
    await untilPasses(() => expect(allOf(first.target)).toEqual(['0a']))
    expect(await first.sink.stop()).toBeNull()
    expect(first.target.calls.slice(-2)).toEqual(['flush 0', 'close 0'])
    expect(await committed()).toEqual(['0@1'])
    expect((await groupOf()).memberIds).toHaveLength(1)
    await other.leave('the test ends')
  })
})
