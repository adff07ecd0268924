import { describe, expect, it } from 'vitest'

import type { RawConfig } from '../../../../../src/api/config-def.ts'
import { DataError } from '../../../../../src/api/errors.ts'
import { primitive } from '../../../../../src/api/schema.ts'
import type { TransformStep } from '../../../../../src/runtime/task-thread/conversion/transform-chain.ts'
import { brokerWithClients } from '../../../../contract/broker-with-clients.ts'
import { readAll, textOf } from '../../../../contract/client-harness.ts'
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
  const converter = new FragileConverter()
  const task = new GivenSource()
  const source = new RunningSource({
    task,
    converter: given.converter ?? converter,
    transforms: given.transforms ?? [],
    connectorConfig,
    createProducer: (listener) => client.producer(listener, { lingerMs: 0 }),
    offsetTopic: kafka.clients.name('offsets'),
  })
  const begin = (): void =>
    task.give(
      values.map((value, i) => positionRecord(topic, i, { file: 'a' }, { value, valueSchema: primitive('STRING') })),
    )
  const written = async (): Promise<(string | null)[]> => textOf(await readAll(client, topic))
  const metric = (name: string): unknown =>
    source.metrics.samples().flatMap((sample) => (sample.name === name && 'value' in sample ? [sample.value] : []))[0]
  const errorLines = (): readonly string[] =>
    source.logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message)
  return { topic, source, task, converter, begin, written, metric, errorLines }
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
