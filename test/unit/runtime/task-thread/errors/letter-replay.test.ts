import type { SinkTask } from 'penstock/api'
import { afterEach, describe, expect, it } from 'vitest'

import type { KafkaClient } from '../../../../../src/client/kafka-client.ts'
import type { GroupConsumerOptions } from '../../../../../src/client/group/group-consumer-options.ts'
import { withTopicId } from '../../../../../src/client/group/offset-topic-id.ts'
import { offsetFetch } from '../../../../../src/protocol/messages/offset-fetch.ts'
import { markRecord } from '../../../../../src/storage/dead-letters/replay-mark.ts'
import { readPlannedLetters } from '../../../../../src/storage/dead-letters/planned-letters.ts'
import { planText, type ReplayPlan } from '../../../../../src/storage/dead-letters/replay-plan.ts'
import { brokerWithClients } from '../../../../contract/broker-with-clients.ts'
import { Outcomes, readAll } from '../../../../contract/client-harness.ts'
import { deleteRecords, recreateTopic } from '../../../../support/broker/cluster-tools.ts'
import { KafkaFaultProxy } from '../../../../support/broker/kafka-fault-proxy.ts'
import { RunningSink } from '../../../../support/elasticsearch/running-sink.ts'
import { patienceMs, untilPasses } from '../../../../support/until.ts'

const kafka = brokerWithClients()
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

/** The time of all records, as that of a letter is the time of its record. */
const time = Date.now()

type Headers = Readonly<Record<string, string>>

/** A topic with a dead letter queue, and the group of a sink of it, which is stopped. */
class Stage {
  readonly topic = kafka.clients.name('replay')
  readonly queue = `${this.topic}-dlq`
  readonly groupId = kafka.clients.name('group')
  readonly client: KafkaClient

  private constructor(client: KafkaClient) {
    this.client = client
  }

  static async set(values: readonly string[]): Promise<Stage> {
    const stage = new Stage(await kafka.clients.connect())
    for (const name of [stage.topic, stage.queue])
      await stage.client.admin.createTopic({ name, partitions: 1, replicationFactor: 1 })
    for (const value of values) await stage.append(stage.topic, value)
    return stage
  }

  /** The key of a record is the first letter of its value. */
  async append(topic: string, value: string, headers: Headers = {}, timestamp = time): Promise<void> {
    const outcomes = new Outcomes()
    const producer = this.client.producer(outcomes)
    const list = Object.entries(headers).map(([key, text]) => ({ key, value: Buffer.from(text) }))
    const [key, bytes] = [Buffer.from(value.slice(0, 1)), Buffer.from(value)]
    producer.append({ topic, partition: 0, key, value: bytes, headers: list, timestamp }, 0)
    await producer.flush()
    await producer.close()
    if (outcomes.failed[0] !== undefined) throw outcomes.failed[0].error
  }

  /** Appends the dead letter of a record. */
  async letter(value: string, offset: number, more: Headers = {}, timestamp = time): Promise<void> {
    const place = { 'connector.name': 'c', topic: this.topic, partition: '0', offset: `${offset}` }
    const context = Object.entries(place).map(([name, text]) => [`__connect.errors.${name}`, text])
    await this.append(this.queue, value, { ...Object.fromEntries(context), ...more }, timestamp)
  }

  async idOf(topic: string): Promise<string | null> {
    return (await this.client.admin.describeTopics([topic])).get(topic)?.id ?? null
  }

  /** Commits an offset, with a plan of all letters that the queue has. */
  async plan(from: number, plan: Pick<ReplayPlan, 'count' | 'until'>): Promise<void> {
    const { topic, queue, client } = this
    const [range] = await client.partitionRanges([queue], AbortSignal.timeout(patienceMs))
    const letters = { topic: queue, id: range?.topicId ?? null, ends: new Map([[0, range?.end ?? 0]]) }
    const text = planText({ letters, choice: { cause: null, key: null }, more: false, from, ...plan })
    const metadata = withTopicId(text, await this.idOf(topic))
    await client.admin.alterGroupOffsets(this.groupId, [{ topic, partition: 0, offset: from, metadata }])
  }

  /** Runs the sink. Its values appear in the list. */
  async run(
    options: Partial<GroupConsumerOptions> = {},
    client = this.client,
  ): Promise<{ readonly sink: RunningSink; readonly values: string[]; readonly target: { isDurable: boolean } }> {
    const values: string[] = []
    const target = { isDurable: true }
    const task: SinkTask = {
      start: async () => undefined,
      open: async () => undefined,
      put: async (records) => void values.push(...records.map(({ value }) => String(value))),
      flush: async () => undefined,
      preCommit: async (current) => (target.isDurable ? current : []),
      close: async () => undefined,
      stop: async () => undefined,
    }
    const sink = new RunningSink({
      createTask: () => task,
      consumer: client.consumer({ groupId: this.groupId, heartbeatIntervalMs: 100, ...options }),
      topics: [this.topic],
      connectorConfig: { 'errors.tolerance': 'all' },
      commitIntervalMs: 50,
      replay: { client },
      deadLetters: {
        target: {
          topic: this.queue,
          prepare: async () => undefined,
          createProducer: (listener) => client.producer(listener),
        },
        form: { topic: this.queue, context: { task: { connector: 'c', task: 0 }, redact: (text) => text } },
      },
    })
    cleanups.push(async () => await sink.stop())
    return { sink, values, target }
  }

  /** The offsets of the records whose letters would be delivered again now. */
  async left(until: number): Promise<readonly number[]> {
    const { client, queue, topic } = this
    const [range] = await client.partitionRanges([queue], AbortSignal.timeout(patienceMs))
    const letters = { topic: queue, id: range?.topicId ?? null, ends: new Map([[0, range?.end ?? 0]]) }
    const plan = { letters, choice: { cause: null, key: null }, count: 0, more: false, from: 0, until }
    const parts = { client, connector: 'c', topicId: () => null, signal: AbortSignal.timeout(patienceMs) }
    const found = await readPlannedLetters(parts, [{ of: { topic, partition: 0 }, plan }])
    return found.flatMap(({ records }) => records.map(({ offset }) => offset))
  }

  async committed(): Promise<number | undefined> {
    return (await this.client.admin.groupOffsets(this.groupId))[0]?.offset
  }
}

describe('a sink that is assigned partitions', () => {
  it('asks for its committed offsets once, whether it delivers letters again or not', async () => {
    const proxy = await KafkaFaultProxy.open(kafka.broker.bootstrap)
    cleanups.push(async () => await proxy.close())
    const watched = await kafka.clients.connect({ bootstrapServers: proxy.bootstrapServers })
    for (const isPlanned of [false, true]) {
      const stage = await Stage.set(['a1', 'b2', 'c3'])
      await stage.letter('b2', 1)
      if (isPlanned) await stage.plan(1, { count: 1, until: 3 })
      let requests = 0
      proxy.onRequest = (api) => {
        if (api === offsetFetch.key) requests += 1
        return null
      }
      const { sink, values } = await stage.run({}, watched)
      await untilPasses(async () => expect(await stage.committed()).toBe(3))
      expect(values).toEqual(isPlanned ? ['b2'] : ['a1', 'b2', 'c3'])
      expect(requests).toBe(1)
      expect(await sink.stop()).toBeNull()
    }
  })
})

describe('a record at the offset of a letter', () => {
  it('is not delivered when it is another one: its topic was created again, or restored', async () => {
    const stage = await Stage.set(['a1', 'b2', 'c3', 'd4'])
    await stage.letter('a1', 0)
    await stage.letter('b1', 1, {}, time - 5)
    await stage.letter('d1', 2)
    await stage.plan(0, { count: 3, until: 4 })
    const { sink, values } = await stage.run()
    await untilPasses(async () => expect(await stage.committed()).toBe(4))
    expect(values).toEqual(['a1', 'd4'])
    const warned = sink.logger.lines.filter(({ level, message }) => level === 'warn' && !message.startsWith('REPLAY'))
    expect(warned.map(({ message }) => message)).toEqual([
      `${stage.topic}-0: 2 of 3 records were not delivered again: others are at their offsets, with another key or timestamp. The topic was ` +
        `deleted and created again, or restored; only the dead letter queue ${stage.queue} has their bytes`,
    ])
    expect(await sink.stop()).toBeNull()
  })
})

describe('a dead letter queue that is deleted and created again', () => {
  it('before its letters are read, fails the task by name, which delivers and commits nothing', async () => {
    const stage = await Stage.set(['a1', 'b2', 'c3'])
    await stage.letter('b2', 1)
    await stage.plan(1, { count: 1, until: 3 })
    await recreateTopic(stage.client, kafka.broker.bootstrap, stage.queue)
    // At the offset of the letter of the plan.
    await stage.letter('c3', 2)
    const { sink, values } = await stage.run()
    const error = await sink.ended
    expect(error).toMatchObject({ code: 'DEAD_LETTER_QUEUE' })
    expect(String(error)).toMatch(
      new RegExp(`${stage.queue}, which had their dead letters, was deleted since.* set its offset of \\S+ to 3 `),
    )
    expect(values).toEqual([])
    expect(await stage.committed()).toBe(1)
  })

  it('after its letters were read, has no mark that covers its own letters', async () => {
    const stage = await Stage.set(['a1', 'b2', 'c3'])
    await stage.letter('b2', 1)
    await stage.plan(1, { count: 1, until: 3 })
    const { sink, values, target } = await stage.run()
    target.isDurable = false
    await untilPasses(() => expect(values).toEqual(['b2']))
    await recreateTopic(stage.client, kafka.broker.bootstrap, stage.queue)
    await stage.letter('c3', 2)
    target.isDurable = true
    await untilPasses(async () => expect(await stage.committed()).toBe(3))
    expect(await sink.stop()).toBeNull()
    const [letter, mark] = await readAll(stage.client, stage.queue)
    expect([letter?.value?.toString(), mark?.headers.length]).toEqual(['c3', 1])
    expect(await stage.left(3)).toEqual([2])
  })
})

describe('retention', () => {
  it.each([
    ['the task fails', {}],
    ['auto.offset.reset does not skip them', { autoOffsetReset: 'earliest' as const }],
  ])('may delete records that are to be delivered again: %s, and the error says so', async (_case, options) => {
    const stage = await Stage.set(['a1', 'b2', 'c3', 'd4'])
    await stage.letter('b2', 1)
    await stage.plan(1, { count: 1, until: 4 })
    await deleteRecords(kafka.broker.bootstrap, { topic: stage.topic, partition: 0 }, 3)
    const { sink, values } = await stage.run(options)
    const error = await sink.ended
    expect(error).toMatchObject({ code: 'DEAD_LETTER_QUEUE' })
    expect(String(error)).toMatch(
      /from offset 1 on, and those before offset 3 .* retention has deleted .* to 4 \(PATCH/,
    )
    expect(values).toEqual([])
    expect(await stage.committed()).toBe(1)
  })

  it('fails a sink that delivers nothing again as it always does', async () => {
    const stage = await Stage.set(['a1', 'b2', 'c3'])
    await stage.client.admin.alterGroupOffsets(stage.groupId, [{ topic: stage.topic, partition: 0, offset: 1 }])
    await deleteRecords(kafka.broker.bootstrap, { topic: stage.topic, partition: 0 }, 2)
    const { sink } = await stage.run()
    expect(String(await sink.ended)).toContain('offsets 1 to 1 were removed by retention before they were read')
  })
})

describe('a sink that reads a dead letter queue', () => {
  it('gets the letters, and no marks', async () => {
    const stage = await Stage.set(['a1'])
    const place = { connector: 'c', queueId: null, of: { topic: 'orders', partition: 0 }, topicId: null }
    const mark = markRecord({ ...place, choice: { cause: null, key: null }, end: 1, until: 5 })
    const [header] = mark.headers
    if (header === undefined) throw new TypeError('no header')
    const { key } = header
    await stage.append(stage.topic, String(mark.value), { [key]: String(mark.value) })
    // What others write under this name is no mark.
    await stage.append(stage.topic, 'b2', { [key]: 'b2' })
    await stage.append(stage.topic, 'c3', { [key]: String(mark.value), more: '' })
    const { sink, values } = await stage.run()
    await untilPasses(async () => expect(await stage.committed()).toBe(4))
    expect(values).toEqual(['a1', 'b2', 'c3'])
    expect(await sink.stop()).toBeNull()
  })
})
