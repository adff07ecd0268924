import { describe, expect, it } from 'vitest'

import type { RawConfig } from '../../../../../src/api/config-def.ts'
import { ConnectError, DataError } from '../../../../../src/api/errors.ts'
import type { SinkRecord } from '../../../../../src/api/record.ts'
import type { OffsetToCommit } from '../../../../../src/api/task.ts'
import { present } from '../../../../../src/foundation/assert.ts'
import type { ReadRange } from '../../../../../src/runtime/task-thread/errors/errant-records.ts'
import type { TransformStep } from '../../../../../src/runtime/task-thread/conversion/transform-chain.ts'
import { brokerWithClients } from '../../../../contract/broker-with-clients.ts'
import { Outcomes, readAll, textOf, textRecord, writeAll } from '../../../../contract/client-harness.ts'
import { RunningSink } from '../../../../support/elasticsearch/running-sink.ts'
import { CollectingSink } from '../../../../support/task/collecting-sink.ts'
import { MemoryProducer } from '../../../../support/task/memory-producer.ts'
import { untilPasses } from '../../../../support/until.ts'

const kafka = brokerWithClients()
const all = { 'errors.tolerance': 'all' }

/** Reports the records whose value begins with `bad`. It does not wait for its reports. */
class ReportingSink extends CollectingSink {
  /** What became of the reports. */
  readonly outcomes: string[] = []
  /** How often it was called, with or without records. */
  polls = 0
  reported = 0
  /** Reported by the next `preCommit`. */
  late: SinkRecord | null = null
  readonly failedCommits: OffsetToCommit[] = []

  override async put(records: readonly SinkRecord[]): Promise<void> {
    this.polls += 1
    for (const record of records)
      if (String(record.value).startsWith('bad')) this.report(record)
      else if (String(record.value).startsWith('late')) this.late = record
    await super.put(records.filter(({ value }) => !/^(?:bad|late)/.test(String(value))))
  }

  override async preCommit(current: readonly OffsetToCommit[]): Promise<readonly OffsetToCommit[]> {
    const { late } = this
    this.late = null
    if (late !== null) this.report(late)
    return current
  }

  commitFailed(offsets: readonly OffsetToCommit[]): void {
    this.failedCommits.push(...offsets)
  }

  report(record: SinkRecord): void {
    this.reported += 1
    const reporter = present(this.context?.errantRecordReporter, 'a reporter')
    reporter.report(record, new DataError(`${String(record.value)} has no place`)).then(
      () => this.outcomes.push(`kept ${record.originalOffset}`),
      (error: unknown) => this.outcomes.push(`${record.originalOffset}: ${String(error)}`),
    )
  }
}

const renames: TransformStep = {
  alias: 'renames',
  predicate: null,
  negate: false,
  transform: { apply: (record) => ({ ...record, topic: 'another', value: `${String(record.value)}!` }) },
}

interface Given {
  readonly producer?: MemoryProducer
  readonly transforms?: readonly TransformStep[]
  readonly readRange?: ReadRange
  readonly hasQueue?: boolean
  readonly flushTimeoutMs?: number
}

async function begun(purpose: string, connectorConfig: RawConfig, given: Given = {}) {
  const topic = kafka.clients.name(purpose)
  const queue = `${topic}-dlq`
  const groupId = kafka.clients.name('group')
  const client = await kafka.clients.connect()
  for (const name of [topic, queue]) await client.admin.createTopic({ name, partitions: 1, replicationFactor: 1 })
  const task = new ReportingSink()
  const { producer } = given
  const sink = new RunningSink({
    createTask: () => task,
    consumer: client.consumer({ groupId }),
    topics: [topic],
    connectorConfig,
    transforms: given.transforms ?? [],
    commitIntervalMs: 50,
    flushTimeoutMs: given.flushTimeoutMs ?? 5000,
    readRange: given.readRange ?? ((range, onRecord, signal) => client.readRanges([range], onRecord, { signal })),
    ...(given.hasQueue === false
      ? {}
      : {
          deadLetters: {
            target: {
              topic: queue,
              prepare: async () => undefined,
              createProducer: (listener) => producer?.reportingTo(listener) ?? client.producer(listener),
            },
            form: { topic: queue, context: { task: { connector: 'c', task: 0 }, redact: (text) => text } },
          },
        }),
  })
  const committed = async (): Promise<number> => (await client.admin.groupOffsets(groupId))[0]?.offset ?? 0
  return { topic, queue, client, task, sink, committed }
}

describe('a sink task that reports records', () => {
  it('has their bytes, as they were read, in the dead letter queue before their offsets are committed', async () => {
    const { topic, queue, client, task, sink, committed } = await begun('reports', all, { transforms: [renames] })
    const producer = client.producer(new Outcomes())
    const bad = { ...textRecord(topic, 'k', 'bad 1', 0), headers: [{ key: 'h', value: Buffer.from('v') }] }
    producer.append({ ...bad, timestamp: 1_700_000_000_000 }, 0)
    await producer.flush()
    await producer.close()
    await writeAll(client, topic, ['good', 'bad 2'])
    await untilPasses(async () => expect(await committed()).toBe(3))
    const letters = await readAll(client, queue)
    expect(textOf(letters)).toEqual(['bad 1', 'bad 2'])
    expect(letters[0]).toMatchObject({ key: Buffer.from('k'), timestamp: 1_700_000_000_000 })
    const headers = letters[0]?.headers.map(({ key, value }) => `${key}=${value?.toString() ?? ''}`) ?? []
    expect(headers[0]).toBe('h=v')
    expect(headers).toContain(`__connect.errors.topic=${topic}`)
    expect(headers).toContain('__connect.errors.offset=0')
    expect(headers).toContain('__connect.errors.stage=TASK_PUT')
    expect(headers).toContain('__connect.errors.class.name=org.apache.kafka.connect.sink.SinkTask')
    expect(headers).toContain('__connect.errors.exception.message=bad 1! has no place')
    expect(task.values).toEqual(['good!'])
    expect(task.outcomes).toEqual(['kept 0', 'kept 2'])
    expect(await sink.stop()).toBeNull()
  })

  it('reports thousands at once', async () => {
    const { topic, queue, client, sink, committed } = await begun('thousands', all)
    const values = Array.from({ length: 3000 }, (_, i) => `bad ${i}`)
    await writeAll(client, topic, values)
    await untilPasses(async () => expect(await committed()).toBe(3000))
    expect(textOf(await readAll(client, queue))).toEqual(values)
    expect(await sink.stop()).toBeNull()
  })

  it('gets no more records while a thousand of its reports are not durable (I10), and polls on', async () => {
    const producer = new MemoryProducer()
    const { topic, client, task, sink, committed } = await begun('many', all, { producer })
    const values = Array.from({ length: 4000 }, (_, i) => `bad ${i}`)
    await writeAll(client, topic, values)
    await untilPasses(() => expect(task.reported).toBeGreaterThanOrEqual(1000))
    const { polls } = task
    await untilPasses(() => expect(task.polls).toBeGreaterThan(polls + 2))
    // The batch that goes beyond the limit is reported as a whole.
    expect(task.reported).toBeLessThan(1500)
    producer.automatic = true
    producer.acknowledge(producer.appended.length)
    await untilPasses(async () => expect(await committed()).toBe(4000))
    expect(producer.appended.map(({ record }) => String(record.value))).toEqual(values)
    expect(await sink.stop()).toBeNull()
  })

  it('shows that the records cannot be read again, for as long as that lasts', async () => {
    const unread = Promise.withResolvers<void>()
    const readable: ReadRange = async (range, onRecord, signal) => {
      await unread.promise
      await client.readRanges([range], onRecord, { signal })
    }
    const { topic, queue, client, sink, committed } = await begun('unread', all, { readRange: readable })
    await writeAll(client, topic, ['bad'])
    await untilPasses(() =>
      expect(sink.trace).toContain(
        `DEAD_LETTERS_UNREAD: records that the task could not deliver are read again from ${topic}-0`,
      ),
    )
    expect(await committed()).toBe(0)
    unread.resolve()
    await untilPasses(async () => expect(await committed()).toBe(1))
    expect(textOf(await readAll(client, queue))).toEqual(['bad'])
    await untilPasses(() => expect(sink.trace).not.toContain('DEAD_LETTERS_UNREAD'))
    expect(await sink.stop()).toBeNull()
  })

  it('commits nothing before its reports are durable, also those of preCommit', async () => {
    const producer = new MemoryProducer()
    const { topic, client, task, sink, committed } = await begun('held', all, { producer })
    await writeAll(client, topic, ['late', 'good'])
    await untilPasses(() => expect(producer.appended).toHaveLength(1))
    await untilPasses(() => expect(task.failedCommits).toHaveLength(1))
    expect(await committed()).toBe(0)
    expect(task.outcomes).toEqual([])
    producer.automatic = true
    producer.acknowledge(1)
    await untilPasses(async () => expect(await committed()).toBe(2))
    expect(task.outcomes).toEqual(['kept 0'])
    expect(await sink.stop()).toBeNull()
  })

  it('stops while there is no room for its reports (I10), and commits nothing', async () => {
    const producer = new MemoryProducer()
    producer.fill()
    const { topic, client, task, sink, committed } = await begun('full', all, { producer, flushTimeoutMs: 100 })
    await writeAll(client, topic, ['bad 1', 'bad 2'])
    await untilPasses(() => expect(producer.appended).toHaveLength(1))
    expect(await sink.stop()).toBeNull()
    await untilPasses(() => expect(task.outcomes).toHaveLength(2))
    expect(sink.metrics.samples()).toContainEqual(
      expect.objectContaining({ name: 'task_error_dead_letter_failures_total', value: 0 }),
    )
    expect(await committed()).toBe(0)
  })

  it('fails by its error with errors.tolerance=none, and the record is in the dead letter queue', async () => {
    const { topic, queue, client, task, sink, committed } = await begun('none', {})
    await writeAll(client, topic, ['bad'])
    const error = await sink.ended
    expect(error).toBeInstanceOf(ConnectError)
    expect(error).toMatchObject({ stage: 'TASK_PUT', topicPartition: `${topic}-0` })
    expect(String(error)).toContain(`the task could not deliver the record ${topic}-0@0: bad has no place`)
    expect(await committed()).toBe(0)
    expect(textOf(await readAll(client, queue))).toEqual(['bad'])
    expect(task.outcomes).toHaveLength(1)
  })

  it('fails by name when a record that it reports is not in its topic any more', async () => {
    const { topic, client, sink, committed } = await begun('gone', all, { readRange: async () => undefined })
    await writeAll(client, topic, ['bad'])
    const error = await sink.ended
    expect(error).toMatchObject({ code: 'DEAD_LETTER_QUEUE' })
    expect(String(error)).toContain(
      `the record ${topic}-0@0 cannot be read again for the dead letter queue: it is no longer there`,
    )
    expect(await committed()).toBe(0)
  })

  it('has its reports in the log alone without a dead letter queue', async () => {
    const { topic, client, task, sink, committed } = await begun(
      'logged',
      { ...all, 'errors.log.enable': 'true' },
      { hasQueue: false },
    )
    await writeAll(client, topic, ['bad', 'good'])
    await untilPasses(async () => expect(await committed()).toBe(2))
    expect(task.context?.errantRecordReporter?.keepsRecords).toBe(false)
    const lines = sink.logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message)
    expect(lines).toEqual([
      "Error encountered in task c-0. Executing stage 'TASK_PUT' with class 'org.apache.kafka.connect.sink.SinkTask'.",
    ])
    expect(await sink.stop()).toBeNull()
  })

  it('has no reporter without either', async () => {
    const { task, sink } = await begun('neither', all, { hasQueue: false })
    await untilPasses(() => expect(task.context).not.toBeNull())
    expect(task.context?.errantRecordReporter).toBeNull()
    expect(await sink.stop()).toBeNull()
  })
})
