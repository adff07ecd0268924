import { describe, expect, it } from 'vitest'

import type { RawConfig } from '../../../../../src/api/config-def.ts'
import type { Converter } from '../../../../../src/api/converter.ts'
import { ConnectError, DataError } from '../../../../../src/api/errors.ts'
import type { OutgoingRecord } from '../../../../../src/client/producer/outgoing-record.ts'
import type { TransformStep } from '../../../../../src/runtime/task-thread/conversion/transform-chain.ts'
import { brokerWithClients } from '../../../../contract/broker-with-clients.ts'
import { Outcomes, textRecord, writeAll } from '../../../../contract/client-harness.ts'
import { RunningSink, type RunningSinkOptions } from '../../../../support/elasticsearch/running-sink.ts'
import { CollectingSink } from '../../../../support/task/collecting-sink.ts'
import { FragileConverter } from '../../../../support/task/fragile-converter.ts'
import { SlowConverter } from '../../../../support/task/slow-converter.ts'
import { untilPasses } from '../../../../support/until.ts'

const kafka = brokerWithClients()
const all = { 'errors.tolerance': 'all' }
const logged = { 'errors.log.enable': 'true', 'errors.log.include.messages': 'true' }

const plain: Converter = {
  fromConnect: () => null,
  toConnect: (_topic, bytes) => ({ schema: null, value: bytes === null ? null : Buffer.from(bytes).toString() }),
}

/** Fails on records whose value begins with `bad`. */
const picky: TransformStep = {
  alias: 'picky',
  className: 'Picky$Value',
  predicate: null,
  negate: false,
  transform: {
    apply: (record) => {
      if (String(record.value).startsWith('bad')) throw new DataError('it is bad')
      return record
    },
  },
}

async function begun(purpose: string, connectorConfig: RawConfig, options: Partial<RunningSinkOptions> = {}) {
  const topic = kafka.clients.name(purpose)
  const groupId = kafka.clients.name('group')
  const client = await kafka.clients.connect()
  await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
  const converter = new FragileConverter()
  const target = new CollectingSink()
  const sink = new RunningSink({
    createTask: () => target,
    consumer: client.consumer({ groupId }),
    topics: [topic],
    converter,
    connectorConfig,
    commitIntervalMs: 50,
    ...options,
  })
  const write = async (...values: readonly string[]): Promise<void> => await writeAll(client, topic, values)
  const committed = async (): Promise<number | undefined> => (await client.admin.groupOffsets(groupId))[0]?.offset
  const metric = (name: string): unknown =>
    sink.metrics.samples().flatMap((sample) => (sample.name === name && 'value' in sample ? [sample.value] : []))[0]
  const errorLines = (): readonly string[] =>
    sink.logger.lines.filter(({ level }) => level === 'error').map(({ message }) => message)
  return { topic, client, target, sink, converter, write, committed, metric, errorLines }
}

/** Writes one record with a header. */
async function writeWith(client: Awaited<ReturnType<typeof begun>>['client'], record: OutgoingRecord): Promise<void> {
  const producer = client.producer(new Outcomes())
  producer.append(record, 0)
  await producer.flush()
  await producer.close()
}

describe('a sink with errors.tolerance=all', () => {
  it('skips the bad one of 1,000 records, and delivers the 999 others in order', async () => {
    const { target, sink, write, committed, metric } = await begun('thousand', all)
    const values = Array.from({ length: 1000 }, (_, i) => (i === 500 ? 'bad 500' : `v${i}`))
    await write(...values)
    await untilPasses(() => expect(target.values).toHaveLength(999))
    expect(target.values).toEqual(values.filter((value) => value !== 'bad 500'))
    await untilPasses(async () => expect(await committed()).toBe(1000))
    expect(metric('task_error_record_failures_total')).toBe(1)
    expect(metric('task_error_record_errors_total')).toBe(1)
    expect(metric('task_error_records_skipped_total')).toBe(1)
    expect(metric('task_error_errors_logged_total')).toBe(0)
    expect(metric('task_error_last_timestamp_seconds')).toBeGreaterThan(0)
    expect(await sink.stop()).toBeNull()
  })

  it('commits behind a bad record that is the last one, and shows its place and reason', async () => {
    const { topic, target, sink, write, committed } = await begun('last', all)
    await write('a', 'bad')
    await untilPasses(async () => expect(await committed()).toBe(2))
    expect(target.values).toEqual(['a'])
    expect(sink.trace).toContain('ERRANT_RECORDS: 1 record was skipped since ')
    expect(sink.trace).toContain(`the value of the record ${topic}-0@1 does not decode: bad has no form`)
    expect(await sink.stop()).toBeNull()
  })

  it.each([
    ['KEY_CONVERTER', 'KeyConverter', { converters: { key: new FragileConverter() } }, { key: Buffer.from('bad') }],
    ['VALUE_CONVERTER', 'ValueConverter', {}, { value: Buffer.from('bad') }],
    [
      'HEADER_CONVERTER',
      'HeaderConverter',
      {
        converters: {
          header: {
            fromConnectHeader: () => null,
            toConnectHeader: () => {
              throw new DataError('no form')
            },
          },
        },
      },
      { headers: [{ key: 'h', value: null }] },
    ],
    [
      'TRANSFORMATION',
      'Picky$Value',
      { transforms: [picky], converters: { value: plain } },
      { value: Buffer.from('bad') },
    ],
  ] as const)('skips at the stage %s, and logs what Kafka Connect does', async (stage, className, options, bad) => {
    const { topic, client, target, sink, write, committed, errorLines, metric } = await begun(
      stage.toLowerCase(),
      { ...all, ...logged },
      options,
    )
    await writeWith(client, { ...textRecord(topic, 'k', 'v', 0), timestamp: 1_700_000_000_000, ...bad })
    await write('good')
    await untilPasses(async () => expect(await committed()).toBe(2))
    expect(target.values).toEqual(['good'])
    expect(errorLines()).toEqual([
      `Error encountered in task c-0. Executing stage '${stage}' with class '${className}', where consumed record is ` +
        `{topic='${topic}', partition=0, offset=0, timestamp=1700000000000, timestampType=CreateTime}.`,
    ])
    expect(metric('task_error_errors_logged_total')).toBe(1)
    expect(await sink.stop()).toBeNull()
  })

  it('skips a record whose converter never gets ready', async () => {
    const slow = new SlowConverter()
    const { target, sink, write, committed } = await begun('never', all, { converter: slow })
    slow.errors.push(new DataError('404: no schema has this id'))
    slow.find('b')
    await write('a 1', 'b 1')
    await untilPasses(async () => expect(await committed()).toBe(2))
    expect(target.values).toEqual(['b 1'])
    expect(sink.trace).toContain('404: no schema has this id')
    expect(await sink.stop()).toBeNull()
  })
})

describe('a sink with errors.tolerance=none', () => {
  it('fails with stage, place and cause, also when it logs, and commits nothing behind the record', async () => {
    const { topic, sink, write, committed, errorLines, metric } = await begun('none', logged)
    await write('a', 'bad', 'b')
    const error = await sink.ended
    expect(error).toBeInstanceOf(DataError)
    expect(error).toMatchObject({ stage: 'VALUE_CONVERTER', topicPartition: `${topic}-0` })
    expect(String(error)).toContain(`the value of the record ${topic}-0@1 does not decode: bad has no form`)
    expect(errorLines()).toHaveLength(1)
    expect(metric('task_error_records_skipped_total')).toBe(0)
    expect(metric('task_error_record_errors_total')).toBe(1)
    expect((await committed()) ?? 0).toBeLessThanOrEqual(1)
  })

  it('names the place of a record that a transform fails on', async () => {
    const { topic, sink, write } = await begun('place', {}, { transforms: [picky], converters: { value: plain } })
    await write('a', 'bad')
    expect(String(await sink.ended)).toContain(`transform "picky" failed on the record ${topic}-0@1: it is bad`)
  })
})

describe('a sink with errors.retry.timeout', () => {
  const retries = { 'errors.retry.timeout': '-1', 'errors.retry.delay.max.ms': '2' }

  it('tries a record again until it converts, says so meanwhile, and keeps the order', async () => {
    const { target, sink, converter, write, committed, metric } = await begun('retried', retries)
    converter.failures = 3
    await write('a', 'flaky', 'b')
    await untilPasses(() => expect(target.values).toEqual(['a', 'flaky', 'b']))
    await untilPasses(async () => expect(await committed()).toBe(3))
    expect(sink.statuses.map(({ trace }) => trace ?? '').join('\n')).toContain('conversion failed and is retried: ')
    expect(sink.trace).toBeNull()
    expect(metric('task_error_retries_total')).toBe(3)
    expect(metric('task_error_record_failures_total')).toBe(3)
    expect(metric('task_error_record_errors_total')).toBe(0)
    expect(await sink.stop()).toBeNull()
  })

  it('gives a record up at the timeout: skips it, or fails', async () => {
    const short = { 'errors.retry.timeout': '30', 'errors.retry.delay.max.ms': '2' }
    const tolerant = await begun('given-up', { ...short, ...all })
    tolerant.converter.failures = Number.POSITIVE_INFINITY
    await tolerant.write('a', 'flaky', 'b')
    await untilPasses(() => expect(tolerant.target.values).toEqual(['a', 'b']))
    expect(tolerant.metric('task_error_retries_total')).toBeGreaterThan(0)
    expect(await tolerant.sink.stop()).toBeNull()
    const strict = await begun('given-up', short)
    strict.converter.failures = Number.POSITIVE_INFINITY
    await strict.write('flaky')
    expect(await strict.sink.ended).toBeInstanceOf(ConnectError)
  })

  it('does not try again without it', async () => {
    const { sink, converter, write, metric } = await begun('untried', {})
    converter.failures = 1
    await write('flaky')
    expect(await sink.ended).toBeInstanceOf(DataError)
    expect(metric('task_error_retries_total')).toBe(0)
  })

  it('stops while it waits, and commits nothing of what waits', async () => {
    const { sink, converter, write, committed } = await begun('stopped', {
      'errors.retry.timeout': '-1',
      'errors.retry.delay.max.ms': '3600000',
    })
    converter.failures = 1
    await write('flaky')
    await untilPasses(() => expect(sink.trace).toContain('conversion failed and is retried'))
    expect(await sink.stop()).toBeNull()
    expect((await committed()) ?? 0).toBe(0)
  })
})
