import { describe, expect, it } from 'vitest'

import type { RawConfig } from '../../../../../src/api/config-def.ts'
import { ConnectError, DataError } from '../../../../../src/api/errors.ts'
import { BrokerError, ConnectionError, RecordTooLargeError } from '../../../../../src/client/errors.ts'
import { errorCodes } from '../../../../../src/protocol/error-codes.ts'
import type { SinkDeadLetters } from '../../../../../src/runtime/task-thread/errors/sink-errors.ts'
import { RunningSink } from '../../../../support/elasticsearch/running-sink.ts'
import { CollectingSink } from '../../../../support/task/collecting-sink.ts'
import { FragileConverter } from '../../../../support/task/fragile-converter.ts'
import { MemoryConsumer } from '../../../../support/task/memory-consumer.ts'
import { MemoryProducer } from '../../../../support/task/memory-producer.ts'
import { untilPasses } from '../../../../support/until.ts'

const p0 = { topic: 't', partition: 0 }
const all = { 'errors.tolerance': 'all' }
const denied = new BrokerError(errorCodes.TOPIC_AUTHORIZATION_FAILED, 'writing to dlq-0')

interface Given {
  readonly config?: RawConfig
  readonly prepare?: () => Promise<void>
  readonly flushTimeoutMs?: number
}

async function begun(options: Given = {}) {
  const consumer = new MemoryConsumer()
  const producer = new MemoryProducer()
  const task = new CollectingSink()
  const deadLetters: SinkDeadLetters = {
    target: {
      topic: 'dlq',
      prepare: options.prepare ?? (async () => undefined),
      createProducer: (listener) => producer.reportingTo(listener),
    },
    form: { topic: 'dlq', context: null },
  }
  const sink = new RunningSink({
    createTask: () => task,
    consumer,
    topics: ['t'],
    converter: new FragileConverter(),
    connectorConfig: options.config ?? all,
    deadLetters,
    commitIntervalMs: 20,
    flushTimeoutMs: options.flushTimeoutMs ?? 300,
    endTimeoutMs: 1000,
  })
  const assigned = async (...values: readonly string[]): Promise<void> => {
    consumer.append('t', 0, ...values)
    await consumer.assign(p0)
  }
  const letters = (): readonly string[] => producer.appended.map(({ record }) => String(record.value))
  const metric = (name: string): unknown =>
    sink.metrics.samples().flatMap((sample) => (sample.name === name && 'value' in sample ? [sample.value] : []))[0]
  return { consumer, producer, task, sink, assigned, letters, metric }
}

describe('a sink with a dead letter queue', () => {
  it('commits an offset only once the dead letters before it are durable (I1)', async () => {
    const { consumer, producer, task, sink, assigned, letters, metric } = await begun()
    await assigned('a', 'bad', 'b')
    await untilPasses(() => expect(letters()).toEqual(['bad']))
    await untilPasses(() => expect(task.values).toEqual(['a', 'b']))
    const { polls } = consumer
    await untilPasses(() => expect(consumer.polls).toBeGreaterThan(polls + 2))
    expect(consumer.commits).toEqual([])
    producer.acknowledge(1)
    await untilPasses(() => expect(consumer.committed.get('t-0')).toBe(3))
    expect(sink.trace).toMatch(/^ERRANT_RECORDS: 1 record was sent to the dead letter queue dlq since /u)
    expect(metric('task_error_dead_letter_requests_total')).toBe(1)
    expect(metric('task_error_dead_letter_failures_total')).toBe(0)
    expect(await sink.stop()).toBeNull()
    expect(producer.closed).toBe(true)
  })

  it('commits nothing, and does not fail, when it is stopped before a dead letter is durable', async () => {
    const { consumer, sink, assigned, letters, metric } = await begun()
    await assigned('a', 'bad')
    await untilPasses(() => expect(letters()).toEqual(['bad']))
    expect(await sink.stop()).toBeNull()
    expect(consumer.commits).toEqual([])
    expect(metric('task_error_dead_letter_failures_total')).toBe(0)
  })

  it('gives a partition up only after its dead letters are durable, and commits behind them', async () => {
    const { consumer, producer, sink, assigned, letters } = await begun({ flushTimeoutMs: 60_000 })
    await assigned('bad')
    await untilPasses(() => expect(letters()).toEqual(['bad']))
    const revoked = consumer.revoke(p0)
    await untilPasses(() =>
      expect(sink.logger.lines.map(({ message }) => message)).toContain('partitions revoked: t-0'),
    )
    producer.acknowledge(1)
    await revoked
    expect(consumer.committed.get('t-0')).toBe(1)
    expect(await sink.stop()).toBeNull()
  })

  it('fails by name when a dead letter is rejected, and commits nothing (I7)', async () => {
    const { consumer, producer, sink, assigned, letters, metric } = await begun()
    await assigned('bad', 'a')
    await untilPasses(() => expect(letters()).toEqual(['bad']))
    producer.fail(denied)
    const error = await sink.ended
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ code: 'DEAD_LETTER_QUEUE', cause: denied })
    expect(String(error)).toContain('a record cannot be written to the topic dlq of the dead letter queue: ')
    expect(consumer.commits).toEqual([])
    expect(metric('task_error_dead_letter_failures_total')).toBe(1)
  })

  it('fails by name when a record is too large for its topic', async () => {
    const { consumer, producer, sink, assigned } = await begun()
    const large = new RecordTooLargeError({ topic: 'dlq', key: null, size: 9 }, 8, 'max.request.size')
    producer.refuse = () => large
    await assigned('bad')
    expect(await sink.ended).toMatchObject({ code: 'DEAD_LETTER_QUEUE', cause: large })
    expect(consumer.commits).toEqual([])
  })

  it('waits with the next record while there is no room for its dead letter (I10), and polls on', async () => {
    const { consumer, producer, task, sink, assigned, letters } = await begun()
    producer.fill()
    await assigned('a', 'bad 1', 'bad 2', 'b')
    await untilPasses(() => expect(letters()).toEqual(['bad 1']))
    await untilPasses(() => expect(consumer.paused.has('t-0')).toBe(true))
    const { polls } = consumer
    await untilPasses(() => expect(consumer.polls).toBeGreaterThan(polls + 1))
    expect(letters()).toEqual(['bad 1'])
    expect(task.values).toEqual(['a'])
    producer.drain()
    producer.automatic = true
    producer.acknowledge(1)
    await untilPasses(() => expect(task.values).toEqual(['a', 'b']))
    expect(letters()).toEqual(['bad 1', 'bad 2'])
    await untilPasses(() => expect(consumer.committed.get('t-0')).toBe(4))
    expect(await sink.stop()).toBeNull()
  })

  it('also writes the record that fails the task with errors.tolerance=none, as Kafka Connect does', async () => {
    const { consumer, producer, sink, assigned, letters } = await begun({ config: {} })
    producer.automatic = true
    await assigned('bad')
    const error = await sink.ended
    expect(error).toBeInstanceOf(DataError)
    expect(letters()).toEqual(['bad'])
    expect(consumer.committed.get('t-0') ?? 0).toBe(0)
  })

  it('fails by the error of the record, not by that of its dead letter, with errors.tolerance=none', async () => {
    const { producer, sink, assigned } = await begun({ config: {} })
    producer.refuse = () => denied
    await assigned('bad')
    expect(await sink.ended).toBeInstanceOf(DataError)
  })

  it('shows while dead letters wait for the broker', async () => {
    const { producer, sink, assigned, letters } = await begun()
    await assigned('bad')
    await untilPasses(() => expect(letters()).toEqual(['bad']))
    producer.listener.onTrouble?.({ code: 'LOG_UNREACHABLE', message: 'no broker responds' })
    expect(sink.trace).toContain('DEAD_LETTERS_WAIT: dead letters are not written to topic dlq yet')
    expect(sink.trace).toContain('no broker responds')
    producer.listener.onTrouble?.(null)
    expect(sink.trace).not.toContain('DEAD_LETTERS_WAIT')
    expect(await sink.stop()).toBeNull()
  })

  it('does not start without its topic: it retries, or fails by name', async () => {
    const failures: Error[] = [new ConnectionError('refused')]
    const retried = await begun({
      prepare: async () => {
        const failure = failures.pop()
        if (failure !== undefined) throw failure
      },
    })
    await untilPasses(() => expect(retried.sink.statuses.at(-1)).toEqual({ state: 'RUNNING', trace: null }))
    expect(retried.sink.statuses[0]?.trace).toContain('start failed and is retried')
    expect(await retried.sink.stop()).toBeNull()
    const failed = await begun({ prepare: async () => Promise.reject(denied) })
    const error = await failed.sink.ended
    expect(error).toMatchObject({ code: 'DEAD_LETTER_QUEUE' })
    expect(String(error)).toContain('the topic dlq of the dead letter queue does not exist and cannot be created')
  })
})
