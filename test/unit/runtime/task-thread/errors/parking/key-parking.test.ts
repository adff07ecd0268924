import { describe, expect, it } from 'vitest'

import { DataError, RetriableError } from '../../../../../../src/api/errors.ts'
import type { SinkRecord } from '../../../../../../src/api/record.ts'
import type { FetchedRecord } from '../../../../../../src/client/consumer/fetched-record.ts'
import type { KafkaClient } from '../../../../../../src/client/kafka-client.ts'
import type { OutgoingRecord } from '../../../../../../src/client/producer/outgoing-record.ts'
import { present } from '../../../../../../src/foundation/assert.ts'
import { LetterTail } from '../../../../../../src/runtime/task-thread/errors/parking/letter-tail.ts'
import { brokerWithClients } from '../../../../../contract/broker-with-clients.ts'
import { Outcomes, readAll, textOf, textRecord } from '../../../../../contract/client-harness.ts'
import { RunningSink } from '../../../../../support/elasticsearch/running-sink.ts'
import { CollectingSink } from '../../../../../support/task/collecting-sink.ts'
import { testRun } from '../../../../../support/task/test-run.ts'
import { untilPasses } from '../../../../../support/until.ts'

const kafka = brokerWithClients()
const { connector } = testRun.id

/** Reports the records whose value begins with `bad`. It does not wait for its reports. */
class ReportingSink extends CollectingSink {
  override async put(records: readonly SinkRecord[]): Promise<void> {
    const isBad = ({ value }: SinkRecord): boolean => String(value).startsWith('bad')
    const reporter = present(this.context?.errantRecordReporter, 'a reporter')
    for (const record of records.filter(isBad)) void reporter.report(record, new DataError('no place'))
    await super.put(records.filter((record) => !isBad(record)))
  }
}

interface Given {
  /** Called before the dead letter queue is read for the keys that are parked. */
  readonly beforeTail?: () => Promise<void>
  /** Called before a record is read again that the task reports. */
  readonly beforeReread?: () => Promise<void>
  /** What is in the dead letter queue already, for the topic of the sink. */
  readonly letters?: (topic: string) => readonly Pick<OutgoingRecord, 'key' | 'headers'>[]
}

async function append(client: KafkaClient, records: readonly OutgoingRecord[]): Promise<void> {
  const outcomes = new Outcomes()
  const producer = client.producer(outcomes)
  for (const [index, record] of records.entries()) producer.append(record, index)
  await producer.flush()
  await producer.close()
  expect(outcomes.failed).toEqual([])
}

async function begun(purpose: string, given: Given = {}) {
  const topic = kafka.clients.name(purpose)
  const queue = `${topic}-dlq`
  const client = await kafka.clients.connect()
  for (const name of [topic, queue]) await client.admin.createTopic({ name, partitions: 1, replicationFactor: 1 })
  const letters = given.letters?.(topic) ?? []
  await append(
    client,
    letters.map(({ key, headers }) => ({ topic: queue, partition: 0, value: null, timestamp: null, key, headers })),
  )
  const task = new ReportingSink()
  const tail = new LetterTail(client, queue)
  const sink = new RunningSink({
    createTask: () => task,
    consumer: client.consumer({ groupId: kafka.clients.name('group') }),
    topics: [topic],
    connectorConfig: { 'errors.tolerance': 'all' },
    readRange: async (range, onRecord, signal) => {
      await given.beforeReread?.()
      await client.readRanges([range], onRecord, { signal })
    },
    deadLetters: {
      target: { topic: queue, prepare: async () => undefined, createProducer: (listener) => client.producer(listener) },
      form: { topic: queue, context: { task: testRun.id, redact: (text) => text } },
      parking: {
        maxKeys: 100,
        tail: {
          restart: () => tail.restart(),
          readToEnd: async (reader, signal) => {
            await given.beforeTail?.()
            await tail.readToEnd(reader, signal)
          },
        },
      },
    },
  })
  const write = async (...entries: readonly (readonly [key: string, value: string])[]): Promise<void> =>
    await append(
      client,
      entries.map(([key, value]) => textRecord(topic, key, value, 0)),
    )
  const read = (): number =>
    sink.metrics
      .samples()
      .flatMap((sample) =>
        sample.name.endsWith('sink_records_read_total') && 'value' in sample ? [sample.value] : [],
      )[0] ?? 0
  return { topic, queue, client, task, sink, write, read }
}

const behindOf = ({ headers }: FetchedRecord): string | undefined =>
  headers.find(({ key }) => key === '__penstock.errors.parked.behind')?.value?.toString()

/** The headers of a letter that parks its key. */
function parkingHeaders(topic: string, more: Readonly<Record<string, string | null>> = {}): OutgoingRecord['headers'] {
  const texts = {
    '__connect.errors.topic': topic,
    '__connect.errors.partition': '0',
    '__connect.errors.offset': '0',
    '__connect.errors.connector.name': connector,
    '__penstock.errors.parked.behind': null,
    ...more,
  }
  return Object.entries(texts).map(([key, text]) => ({ key, value: text === null ? null : Buffer.from(text) }))
}

describe('a sink that parks keys', () => {
  it('delivers nothing while a record that the task has reported may park its key (I12)', async () => {
    const reread = Promise.withResolvers<void>()
    const reported = Promise.withResolvers<void>()
    const beforeReread = async (): Promise<void> => {
      reported.resolve()
      await reread.promise
    }
    const { topic, queue, client, task, sink, write, read } = await begun('reported', { beforeReread })
    await write(['k', 'bad'])
    await reported.promise
    await write(['k', 'next'], ['j', 'other'])
    await untilPasses(() => expect(read()).toBeGreaterThan(1))
    reread.resolve()
    await untilPasses(() => expect(task.values).toEqual(['other']))
    await untilPasses(async () => expect(textOf(await readAll(client, queue))).toEqual(['bad', 'next']))
    expect((await readAll(client, queue)).map(behindOf)).toEqual([undefined, `${topic}-0@0`])
    expect(await sink.stop()).toBeNull()
  })

  it('delivers nothing before it has read which keys are parked, and tries that again', async () => {
    let attempts = 0
    const beforeTail = async (): Promise<void> => {
      attempts += 1
      if (attempts < 3) throw new RetriableError('no broker')
    }
    const letters: Given['letters'] = (topic) => [{ key: Buffer.from('k'), headers: parkingHeaders(topic) }]
    const { task, sink, write, queue, client } = await begun('unread', { beforeTail, letters })
    await write(['k', 'first'], ['k', 'next'], ['j', 'other'])
    // The letter is that of the first record, which was not committed: it is tried again.
    await untilPasses(() => expect(task.values).toEqual(['first', 'other']))
    expect(attempts).toBeGreaterThanOrEqual(3)
    await untilPasses(async () => expect(textOf(await readAll(client, queue))).toEqual([null, 'next']))
    expect(await sink.stop()).toBeNull()
  })

  it('fails by name when it may not read the dead letter queue', async () => {
    const beforeTail = async (): Promise<void> => await Promise.reject(new DataError('not authorized'))
    const { task, sink, write, queue } = await begun('refused', { beforeTail })
    await write(['k', 'first'])
    expect(String(await sink.ended)).toContain(
      `DEAD_LETTER_QUEUE: which keys are parked cannot be read from topic ${queue} (errors.deadletterqueue.topic.name): not authorized`,
    )
    expect(task.values).toEqual([])
  })

  it('parks nothing because of letters of others, of an earlier topic, or without a place or mark', async () => {
    const key = Buffer.from('k')
    const letters: Given['letters'] = (topic) => [
      { key, headers: parkingHeaders(topic, { '__connect.errors.connector.name': 'another' }) },
      { key, headers: parkingHeaders(topic, { '__penstock.errors.topic.id': '00000000-0000-0000-0000-00000000002a' }) },
      { key, headers: parkingHeaders(topic, { '__connect.errors.offset': 'none' }) },
      { key, headers: parkingHeaders(topic).filter((header) => !header.key.endsWith('.behind')) },
      { key: null, headers: parkingHeaders(topic) },
    ]
    const { task, sink, write } = await begun('foreign', { letters })
    await write(['k', 'first'], ['k', 'next'])
    await untilPasses(() => expect(task.values).toEqual(['first', 'next']))
    expect(await sink.stop()).toBeNull()
  })
})
