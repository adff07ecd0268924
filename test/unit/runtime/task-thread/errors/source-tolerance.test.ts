import { describe, expect, it } from 'vitest'

import type { RawConfig } from '../../../../../src/api/config-def.ts'
import { DataError } from '../../../../../src/api/errors.ts'
import type { FetchedRecord } from '../../../../../src/client/consumer/fetched-record.ts'
import { RecordTooLargeError } from '../../../../../src/client/errors.ts'
import { systemClock } from '../../../../../src/foundation/clock.ts'
import { ensureTopic } from '../../../../../src/runtime/task-thread/ensure-topic.ts'
import type { SourceDeadLetters } from '../../../../../src/runtime/task-thread/errors/source-errors.ts'
import { primitive } from '../../../../../src/api/schema.ts'
import type { TransformStep } from '../../../../../src/runtime/task-thread/conversion/transform-chain.ts'
import { brokerWithClients } from '../../../../contract/broker-with-clients.ts'
import { readAll, textOf } from '../../../../contract/client-harness.ts'
import { MemoryProducer } from '../../../../support/task/memory-producer.ts'
import { FragileConverter } from '../../../../support/task/fragile-converter.ts'
import { GivenSource, positionRecord, RunningSource } from '../../../../support/task/running-source.ts'
import { SlowConverter } from '../../../../support/task/slow-converter.ts'
import { untilPasses } from '../../../../support/until.ts'
import type { Converter } from '../../../../../src/api/converter.ts'

const kafka = brokerWithClients()
const all = { 'errors.tolerance': 'all' }

const picky: TransformStep = {
  alias: 'picky',
  className: 'Picky$Value',
  predicate: null,
  negate: false,
  transform: {
    apply: (record) => {
      if (String(record.value).startsWith('picky')) throw new DataError('it is bad')
      return record
    },
  },
}

interface Given {
  readonly hasQueue?: boolean
  readonly converter?: Converter
  readonly transforms?: readonly TransformStep[]
  readonly topicConfigs?: Readonly<Record<string, string>>
}

async function begun(purpose: string, connectorConfig: RawConfig, values: readonly string[], given: Given = {}) {
  const topic = kafka.clients.name(purpose)
  const client = await kafka.clients.connect()
  await client.admin.createTopic({
    name: topic,
    partitions: 1,
    replicationFactor: 1,
    configs: given.topicConfigs ?? {},
  })
  const queue = `${topic}-dlq`
  const context = { task: { connector: 'c', task: 0 }, redact: (text: string) => text }
  const spec = { partitions: 1, replicationFactor: 1, configs: {} }
  const deadLetters: SourceDeadLetters = {
    target: {
      topic: queue,
      prepare: async (signal) => await ensureTopic({ admin: client.admin, clock: systemClock }, queue, spec, signal),
    },
    form: { topic: queue, context },
  }
  const converter = new FragileConverter()
  const task = new GivenSource()
  const source = new RunningSource({
    task,
    converter: given.converter ?? converter,
    transforms: given.transforms ?? [],
    connectorConfig,
    ...(given.hasQueue === true ? { deadLetters } : {}),
    createProducer: (listener) => client.producer(listener, { lingerMs: 0 }),
    offsetTopic: kafka.clients.name('offsets'),
  })
  const recordOf = (value: string, i: number) => {
    const record = positionRecord(topic, i, { file: 'a' }, { value, valueSchema: primitive('STRING') })
    return value.startsWith('unread')
      ? { ...record, failure: new DataError('it has no form', { code: 'ROW' }) }
      : record
  }
  const begin = (): void => task.give(values.map(recordOf))
  const written = async (): Promise<(string | null)[]> => textOf(await readAll(client, topic))
  const metric = (name: string): unknown =>
    source.metrics.samples().flatMap((sample) => (sample.name === name && 'value' in sample ? [sample.value] : []))[0]
  const errorLines = (): readonly string[] =>
    source.logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message)
  const letters = async (): Promise<readonly FetchedRecord[]> => await readAll(client, queue)
  return { topic, source, task, converter, begin, written, metric, errorLines, letters }
}

describe('a source with errors.tolerance=all', () => {
  it('skips records that do not convert, and those that a transform fails on; the offset moves on behind them', async () => {
    const values = ['a', 'bad', 'b', 'picky', 'c', 'bad']
    const { source, task, begin, written, metric } = await begun('skips', all, values, { transforms: [picky] })
    begin()
    await untilPasses(() => expect(task.committed).toEqual([{ position: 5 }]))
    expect(await written()).toEqual(['a', 'b', 'c'])
    expect(metric('task_error_records_skipped_total')).toBe(3)
    expect(metric('source_records_dropped_total')).toBe(0)
    expect(source.traces.at(-1)).toContain('ERRANT_RECORDS: ')
    expect(await source.stop()).toBeNull()
  })

  it('keeps a record that the source cannot read, past transforms and converters, at the stage TASK_POLL', async () => {
    const transforms = [{ ...picky, transform: { apply: () => expect.fail('it is transformed') } }]
    const given = await begun('unread', all, ['unread bad'], { transforms, hasQueue: true })
    given.begin()
    await untilPasses(() => expect(given.task.committed).toEqual([{ position: 0 }]))
    expect(await given.written()).toEqual([])
    const [letter] = await given.letters()
    expect(letter?.value?.toString()).toBe('"unread bad"')
    const headers = new Map(letter?.headers.map(({ key, value }) => [key, value?.toString()]))
    expect(headers.get('__connect.errors.stage')).toBe('TASK_POLL')
    expect(headers.get('__connect.errors.exception.message')).toBe('ROW: it has no form')
    expect(await given.source.stop()).toBeNull()
  })

  it('skips a record whose converter never gets ready', async () => {
    const slow = new SlowConverter()
    slow.errors.push(new DataError('409: the schema is not compatible'))
    slow.find('b')
    const { source, task, begin, written } = await begun('never', all, ['a 1', 'b 1'], { converter: slow })
    begin()
    await untilPasses(() => expect(task.committed).toEqual([{ position: 1 }]))
    expect(await written()).toEqual(['b 1'])
    expect(await source.stop()).toBeNull()
  })

  it('skips a record that the broker refuses because of its size', async () => {
    const values = ['a', 'x'.repeat(5000), 'b']
    const { source, task, begin, written, metric } = await begun(
      'large',
      { ...all, 'errors.log.enable': 'true' },
      values,
      { topicConfigs: { 'max.message.bytes': '1000' } },
    )
    begin()
    await untilPasses(() => expect(task.committed).toEqual([{ position: 2 }]))
    expect(await written()).toEqual(['a', 'b'])
    expect(metric('task_error_records_skipped_total')).toBe(1)
    expect(source.traces.at(-1)).toContain('source offset {"position":1}')
    expect(await source.stop()).toBeNull()
  })

  it('logs the record as Kafka Connect does', async () => {
    const { topic, source, task, begin, errorLines } = await begun(
      'logs',
      { ...all, 'errors.log.enable': 'true', 'errors.log.include.messages': 'true' },
      ['picky'],
      { transforms: [picky] },
    )
    begin()
    await untilPasses(() => expect(task.committed).toEqual([{ position: 0 }]))
    expect(errorLines()).toEqual([
      `Error encountered in task c-0. Executing stage 'TRANSFORMATION' with class 'Picky$Value', where source record is = ` +
        `SourceRecord{sourcePartition={file=a}, sourceOffset={position=0}} ConnectRecord{topic='${topic}', kafkaPartition=null, ` +
        `key=null, keySchema=null, value=picky, valueSchema=Schema{STRING}, timestamp=null, headers=ConnectHeaders(headers=)}.`,
    ])
    expect(await source.stop()).toBeNull()
  })
})

describe('a source with a dead letter queue', () => {
  const headersOf = (letter: FetchedRecord | undefined): ReadonlyMap<string, string | null> =>
    new Map(letter?.headers.map(({ key, value }) => [key, value?.toString() ?? null]))

  it('writes what it skips there, as JSON with its place in the source, before the offset moves on', async () => {
    const { topic, source, task, begin, written, metric, letters } = await begun(
      'letters',
      all,
      ['a', 'bad', 'picky', 'b', 'bad'],
      {
        transforms: [picky],
        hasQueue: true,
      },
    )
    begin()
    await untilPasses(() => expect(task.committed).toEqual([{ position: 4 }]))
    expect(await written()).toEqual(['a', 'b'])
    const found = await letters()
    expect(textOf(found)).toEqual(['"bad"', '"picky"', '"bad"'])
    expect([...headersOf(found[1])].slice(0, -1)).toEqual([
      ['__penstock.errors.topic', topic],
      ['__penstock.errors.source.partition', '{"file":"a"}'],
      ['__penstock.errors.source.offset', '{"position":2}'],
      ['__connect.errors.connector.name', 'c'],
      ['__connect.errors.task.id', '0'],
      ['__connect.errors.stage', 'TRANSFORMATION'],
      ['__connect.errors.class.name', 'Picky$Value'],
      ['__connect.errors.exception.class.name', 'org.apache.kafka.connect.errors.DataException'],
      ['__connect.errors.exception.message', 'it is bad'],
    ])
    expect(metric('task_error_dead_letter_requests_total')).toBe(3)
    expect(metric('task_error_dead_letter_failures_total')).toBe(0)
    expect(metric('source_records_written_total')).toBe(2)
    expect(source.traces.at(-1)).toContain('sent to the dead letter queue ')
    expect(await source.stop()).toBeNull()
  })

  it('writes key and place of a record that the broker refuses because of its size', async () => {
    const { source, task, begin, written, letters } = await begun('large', all, ['a', 'x'.repeat(5000), 'b'], {
      topicConfigs: { 'max.message.bytes': '1000' },
      hasQueue: true,
    })
    begin()
    await untilPasses(() => expect(task.committed).toEqual([{ position: 2 }]))
    expect(await written()).toEqual(['a', 'b'])
    const [letter] = await letters()
    expect(letter?.value).toBeNull()
    expect(headersOf(letter).get('__penstock.errors.source.offset')).toBe('{"position":1}')
    expect(headersOf(letter).get('__connect.errors.stage')).toBe('KAFKA_PRODUCE')
    expect(await source.stop()).toBeNull()
  })

  async function held(config: RawConfig = all) {
    const producer = new MemoryProducer()
    const task = new GivenSource()
    const source = new RunningSource({
      task,
      converter: new FragileConverter(),
      connectorConfig: config,
      createProducer: (listener) => producer.reportingTo(listener),
      deadLetters: { target: { topic: 'dlq', prepare: async () => undefined }, form: { topic: 'dlq', context: null } },
    })
    const sent = (topic: string): number => producer.appended.filter(({ record }) => record.topic === topic).length
    task.give([positionRecord('t', 1, { file: 'a' }, { value: 'bad' })])
    await untilPasses(() => expect(sent('dlq')).toBe(1))
    return { producer, task, source, sent }
  }

  it('stores no offset before the dead letter is durable (I2)', async () => {
    const { producer, source, sent } = await held()
    expect(sent('offsets')).toBe(0)
    producer.acknowledge(1)
    expect(sent('offsets')).toBe(1)
    producer.automatic = true
    producer.acknowledge(1)
    expect(await source.stop()).toBeNull()
  })

  it('fails by name when a dead letter is rejected, and stores no offset (I7)', async () => {
    const { producer, source, sent } = await held()
    const cause = new RecordTooLargeError({ topic: 'dlq', key: null, size: 9 }, null, 'max.message.bytes')
    producer.fail(cause)
    expect(await source.ended).toMatchObject({ code: 'DEAD_LETTER_QUEUE', cause })
    expect(sent('offsets')).toBe(0)
    expect(source.metrics.samples()).toContainEqual(
      expect.objectContaining({ name: 'task_error_dead_letter_failures_total', value: 1 }),
    )
  })

  it('writes key and place of a record that is above max.request.size', async () => {
    const { producer, task, source, sent } = await held()
    producer.refuse = ({ topic, key, value }) =>
      (value?.length ?? 0) > 1000 ? new RecordTooLargeError({ topic, key, size: 5000 }, 1000, 'max.request.size') : null
    task.give([positionRecord('t', 2, { file: 'a' }, { key: 'k', value: 'x'.repeat(5000) })])
    await untilPasses(() => expect(sent('dlq')).toBe(2))
    expect(producer.appended.at(-1)?.record).toMatchObject({ topic: 'dlq', value: null, key: Buffer.from('k') })
    producer.automatic = true
    producer.acknowledge(2)
    await untilPasses(() => expect(task.committed).toEqual([{ position: 2 }]))
    expect(await source.stop()).toBeNull()
  })

  it('fails when a batch of several is refused because of its size: it is not known which one is too large (I7)', async () => {
    const { producer, task, source, sent } = await held()
    producer.acknowledge(1)
    producer.acknowledge(1)
    task.give([2, 3].map((at) => positionRecord('t', at, { file: 'a' }, { value: 'good' })))
    await untilPasses(() => expect(sent('t')).toBe(2))
    producer.fail(new RecordTooLargeError({ topic: 't', key: null, size: 5000 }, null, 'max.message.bytes'))
    expect(await source.ended).toMatchObject({ stage: 'KAFKA_PRODUCE' })
    expect(sent('dlq')).toBe(1)
  })

  it('fails by the record, and writes nothing there, with errors.tolerance=none', async () => {
    const { source, begin, letters } = await begun('strict-letters', {}, ['bad'], { hasQueue: true })
    begin()
    expect(await source.ended).toBeInstanceOf(DataError)
    expect(await letters()).toEqual([])
  })
})

it('a source with errors.tolerance=none fails by a record that it cannot read, and those before it are written', async () => {
  const { source, begin, written } = await begun('unread-strict', {}, ['a', 'unread', 'b'])
  begin()
  expect(await source.ended).toMatchObject({
    stage: 'TASK_POLL',
    message: expect.stringMatching(/topic .*: ROW: it has/),
  })
  expect(await written()).toEqual(['a'])
})

describe('a source with errors.retry.timeout', () => {
  it('tries a record again until it converts, and keeps the order', async () => {
    const retries = { 'errors.retry.timeout': '-1', 'errors.retry.delay.max.ms': '2' }
    const { source, task, converter, begin, written, metric } = await begun('retried', retries, ['a', 'flaky', 'b'])
    converter.failures = 3
    begin()
    await untilPasses(() => expect(task.committed).toEqual([{ position: 2 }]))
    expect(await written()).toEqual(['a', 'flaky', 'b'])
    expect(metric('task_error_retries_total')).toBe(3)
    expect(source.traces.at(-1)).toBeNull()
    expect(await source.stop()).toBeNull()
  })

  it('stops while it waits', async () => {
    const hour = { 'errors.retry.timeout': '-1', 'errors.retry.delay.max.ms': '3600000' }
    const { source, task, converter, begin } = await begun('stopped', hour, ['flaky'])
    converter.failures = Number.POSITIVE_INFINITY
    begin()
    await untilPasses(() => expect(source.traces.at(-1)).toContain('conversion failed and is retried'))
    expect(await source.stop()).toBeNull()
    expect(task.commits).toEqual([])
  })
})

it('a source with errors.tolerance=none fails by a record that is too large for the broker', async () => {
  const { source, begin } = await begun('strict', {}, ['x'.repeat(5000)], {
    topicConfigs: { 'max.message.bytes': '1000' },
  })
  begin()
  const error = await source.ended
  expect(error).toMatchObject({ stage: 'KAFKA_PRODUCE' })
  expect(source.metrics.samples()).toContainEqual(
    expect.objectContaining({ name: 'task_error_records_skipped_total', value: 0 }),
  )
})
