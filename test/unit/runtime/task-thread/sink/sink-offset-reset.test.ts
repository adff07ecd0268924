import { describe, expect, it } from 'vitest'

import type { SinkRecord } from '../../../../../src/api/record.ts'
import type { OffsetToCommit, SinkTask, SinkTaskContext } from '../../../../../src/api/task.ts'
import type { GroupConsumerOptions } from '../../../../../src/client/group/group-consumer-options.ts'
import { present } from '../../../../../src/foundation/assert.ts'
import { brokerWithClients } from '../../../../contract/broker-with-clients.ts'
import { writeAll } from '../../../../contract/client-harness.ts'
import { deleteRecords, recreateTopic } from '../../../../support/broker/cluster-tools.ts'
import { RunningSink } from '../../../../support/elasticsearch/running-sink.ts'
import { untilPasses } from '../../../../support/until.ts'

/** A target in memory; everything that was put is durable. */
class Target implements SinkTask {
  readonly values: string[] = []
  readonly calls: string[] = []
  /** The next `put` with records waits for it. */
  gate: Promise<void> | null = null
  context: SinkTaskContext | null = null

  async start(context: SinkTaskContext): Promise<void> {
    this.context = context
  }

  async open(partitions: readonly OffsetToCommit[]): Promise<void> {
    this.calls.push(`open ${partitions.map(({ partition, offset }) => `${partition}@${offset}`).join()}`)
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    this.values.push(...records.map(({ value }) => String(value)))
    if (records.length > 0) await this.gate
  }

  async preCommit(current: readonly OffsetToCommit[]): Promise<readonly OffsetToCommit[]> {
    return current
  }

  commitFailed(): void {
    this.calls.push('commit failed')
  }

  async close(): Promise<void> {
    this.calls.push('close')
  }

  async flush(): Promise<void> {
    this.calls.push('flush')
  }

  async stop(): Promise<void> {}
}

const kafka = brokerWithClients()

/** A topic with these values, a group that committed an offset, and a sink that is not running yet. */
async function stopped(values: readonly string[], committed: number | null) {
  const topic = kafka.clients.name('reset')
  const groupId = kafka.clients.name('group')
  const client = await kafka.clients.connect()
  await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1, configs: {} })
  if (values.length > 0) await writeAll(client, topic, values)
  if (committed !== null) await client.admin.alterGroupOffsets(groupId, [{ topic, partition: 0, offset: committed }])
  const target = new Target()
  const begin = (options: Partial<GroupConsumerOptions>) =>
    new RunningSink({ createTask: () => target, consumer: client.consumer({ groupId, ...options }), topics: [topic] })
  return {
    topic,
    client,
    target,
    begin,
    removeBefore: (offset: number) => deleteRecords(kafka.broker.bootstrap, { topic, partition: 0 }, offset),
    committed: async () => (await client.admin.groupOffsets(groupId)).map(({ offset }) => offset),
  }
}

function skippedOf(sink: RunningSink): number | undefined {
  return sink.metrics
    .samples()
    .flatMap((sample) =>
      sample.name === 'sink_offsets_skipped_total' && sample.kind === 'counter' ? [sample.value] : [],
    )[0]
}

describe('a sink task whose position was removed', () => {
  it('opens the partition again at the start with earliest, commits that, and shows what is lost until it ends', async () => {
    const { topic, client, target, begin, removeBefore, committed } = await stopped(['a', 'b', 'c', 'd'], 1)
    await removeBefore(3)
    const sink = begin({ autoOffsetReset: 'earliest' })
    await untilPasses(() => expect(target.values).toEqual(['d']))
    expect(target.calls).toEqual(['open 0@1', 'close', 'open 0@3'])
    expect(await committed()).toEqual([3])
    expect(sink.trace).toBe(
      `RECORDS_SKIPPED: offsets 1 to 2 of ${topic}-0 were deleted before they were read (2 in total). The target lacks these ` +
        'records. To acknowledge this, restart the task',
    )
    expect(skippedOf(sink)).toBe(2)
    expect(sink.logger.lines).toContainEqual(
      expect.objectContaining({
        level: 'warn',
        message:
          `offsets 1 to 2 of ${topic}-0 were deleted before they were read (2 in total); reading continues at the start, ` +
          'offset 3 (auto.offset.reset=earliest)',
      }),
    )
    await writeAll(client, topic, ['e'])
    await untilPasses(() => expect(target.values).toEqual(['d', 'e']))
    expect(sink.trace).toContain('RECORDS_SKIPPED')
    expect(await sink.stop()).toBeNull()
    const next = begin({ autoOffsetReset: 'earliest' })
    await untilPasses(() => expect(next.statuses).toEqual([{ state: 'RUNNING', trace: null }]))
    expect(await next.stop()).toBeNull()
  })

  it('continues at the end with latest, and reads what comes after a restart', async () => {
    const { topic, client, target, begin, removeBefore, committed } = await stopped(['a', 'b', 'c', 'd'], 1)
    await removeBefore(3)
    const sink = begin({ autoOffsetReset: 'latest' })
    await untilPasses(() => expect(target.calls).toEqual(['open 0@1', 'close', 'open 0@4']))
    await untilPasses(async () => expect(await committed()).toEqual([4]))
    expect(sink.trace).toContain(
      `RECORDS_SKIPPED: offsets 1 to 3 of ${topic}-0 were not read (3 in total): those before 3 were deleted, and ` +
        'auto.offset.reset=latest skips the others',
    )
    expect(skippedOf(sink)).toBe(3)
    expect(await sink.stop()).toBeNull()
    await writeAll(client, topic, ['e'])
    const next = begin({ autoOffsetReset: 'latest' })
    await untilPasses(() => expect(target.values).toEqual(['e']))
    expect(await next.stop()).toBeNull()
  })

  it.each(['none', undefined] as const)('fails with what to set when the policy is %s', async (autoOffsetReset) => {
    const { target, begin, removeBefore, committed } = await stopped(['a', 'b', 'c', 'd'], 1)
    await removeBefore(3)
    const sink = begin(autoOffsetReset === undefined ? {} : { autoOffsetReset })
    expect(String(await sink.ended)).toMatch(/OffsetOutOfRangeError: .* set consumer\.override\.auto\.offset\.reset/)
    expect(target.values).toEqual([])
    expect(await committed()).toEqual([1])
  })

  it('while it writes keeps what it has, sees a gap, and adds the gaps up', async () => {
    const { topic, client, target, begin, removeBefore, committed } = await stopped(['a'], null)
    const gate = Promise.withResolvers<void>()
    target.gate = gate.promise
    // A buffer with one batch is full, so nothing behind it is fetched before the batch is given to the task.
    const sink = begin({ autoOffsetReset: 'earliest', maxPartitionBytes: 1 })
    await untilPasses(() => expect(target.values).toEqual(['a']))
    const written = async (value: string, isFetched: boolean): Promise<void> => {
      await writeAll(client, topic, [value])
      const end = present((await client.admin.listOffsets([{ topic, partition: 0, timestamp: -1 }]))[0], 'end').offset
      const watermark = () => present(target.context, 'context').highWatermark({ topic, partition: 0 })
      if (isFetched) await untilPasses(() => expect(watermark()).toBe(end))
    }
    await written('b', true)
    await written('c', false)
    await written('d', false)
    await removeBefore(3)
    const second = Promise.withResolvers<void>()
    target.gate = second.promise
    gate.resolve()
    await untilPasses(() => expect(target.values).toEqual(['a', 'b']))
    target.gate = null
    second.resolve()
    await untilPasses(() => expect(target.values).toEqual(['a', 'b', 'd']))
    expect(target.calls).toEqual(['open 0@0'])
    expect(sink.trace).toContain(`offsets 2 to 2 of ${topic}-0 were deleted before they were read (1 in total)`)
    await untilPasses(async () => expect(await committed()).toEqual([4]))
    await writeAll(client, topic, ['e', 'f', 'g'])
    await untilPasses(() => expect(target.values.at(-1)).toBe('g'))
    await removeBefore(6)
    present(target.context, 'context').seek([{ topic, partition: 0, offset: 4 }])
    await untilPasses(() => expect(target.values).toEqual(['a', 'b', 'd', 'e', 'f', 'g', 'g']))
    expect(target.calls).toEqual(['open 0@0'])
    expect(sink.trace).toContain(`offsets 2 to 5 of ${topic}-0 were deleted before they were read (3 in total)`)
    expect(skippedOf(sink)).toBe(3)
    expect(await sink.stop()).toBeNull()
    expect(await committed()).toEqual([7])
  })

  it.each([
    ['earliest', 0, ['a', 'b', 'c']],
    ['latest', 2, ['c']],
  ] as const)(
    'behind the end of the log is moved back with %s, and commits from there',
    async (policy, to, expected) => {
      const { topic, client, target, begin, committed } = await stopped(['a', 'b'], 100)
      const sink = begin({ autoOffsetReset: policy })
      await untilPasses(() => expect(target.calls).toEqual(['open 0@100', 'flush', 'close', `open 0@${to}`]))
      await untilPasses(async () => expect(await committed()).toEqual([to]))
      await writeAll(client, topic, ['c'])
      await untilPasses(() => expect(target.values).toEqual(expected))
      expect(sink.trace).toMatch(/^RECORDS_SKIPPED: .* was truncated or created again: it ends before offset 100, /)
      expect(await sink.stop()).toBeNull()
      expect(await committed()).toEqual([3])
    },
  )

  it('names four partitions, and counts the others', async () => {
    const topics = Array.from({ length: 6 }, () => kafka.clients.name('many'))
    const groupId = kafka.clients.name('group')
    const client = await kafka.clients.connect()
    for (const topic of topics) {
      await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1, configs: {} })
      await writeAll(client, topic, ['a', 'b'])
      await client.admin.alterGroupOffsets(groupId, [{ topic, partition: 0, offset: 0 }])
      await deleteRecords(kafka.broker.bootstrap, { topic, partition: 0 }, 1)
    }
    const target = new Target()
    const consumer = client.consumer({ groupId, autoOffsetReset: 'earliest' })
    const sink = new RunningSink({ createTask: () => target, consumer, topics })
    await untilPasses(() => expect(target.values).toHaveLength(6))
    expect(sink.trace).toContain('And 2 more partitions, which the logs name')
    expect(topics.filter((topic) => sink.trace?.includes(`${topic}-0`))).toHaveLength(4)
    expect(skippedOf(sink)).toBe(6)
    expect(await sink.stop()).toBeNull()
  })
})

describe('a sink task whose topic is created again while it runs', () => {
  it.each(['a fetch', 'a commit'])(
    'reads the new one from its start with earliest, when %s finds out',
    async (finder) => {
      const { topic, client, target, begin, committed } = await stopped(['a', 'b'], null)
      const sink = begin({ autoOffsetReset: 'earliest' })
      await untilPasses(() => expect(target.values).toEqual(['a', 'b']))
      const context = present(target.context, 'context')
      const before = context.topicId(topic)
      await recreateTopic(client, kafka.broker.bootstrap, topic)
      if (finder === 'a commit') context.requestCommit()
      await writeAll(client, topic, ['x', 'y', 'z'])
      await untilPasses(() => expect(target.values).toEqual(['a', 'b', 'x', 'y', 'z']))
      expect(target.calls.filter((call) => call !== 'commit failed')).toEqual([
        'open 0@0',
        'flush',
        'close',
        'open 0@0',
      ])
      expect(context.topicId(topic)).not.toBe(before)
      expect(sink.trace).toMatch(
        /^RECORDS_SKIPPED: topic .* was deleted and created again: records of the old topic from offset 2 of .*-0 on were not read\./,
      )
      expect(sink.logger.lines.map(({ message }) => message)).toContainEqual(
        expect.stringContaining('reading continues at the start of the new topic (auto.offset.reset=earliest)'),
      )
      expect(await sink.stop()).toBeNull()
      expect(await committed()).toEqual([3])
    },
  )

  it('reads the new one from its end with latest', async () => {
    const { topic, client, target, begin } = await stopped([], 0)
    const sink = begin({ autoOffsetReset: 'latest' })
    await writeAll(client, topic, ['a', 'b'])
    await untilPasses(() => expect(target.values).toEqual(['a', 'b']))
    await recreateTopic(client, kafka.broker.bootstrap, topic)
    await untilPasses(() => expect(target.calls.filter((call) => call.startsWith('open'))).toHaveLength(2))
    await writeAll(client, topic, ['x'])
    await untilPasses(() => expect(target.values).toEqual(['a', 'b', 'x']))
    expect(sink.trace).toContain('RECORDS_SKIPPED')
    expect(await sink.stop()).toBeNull()
  })
})
