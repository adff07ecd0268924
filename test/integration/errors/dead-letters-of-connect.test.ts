import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import type { FetchedRecord } from '../../../src/client/consumer/fetched-record.ts'
import type { OutgoingRecord } from '../../../src/client/producer/outgoing-record.ts'
import { ClientHarness, Outcomes, readAll } from '../../contract/client-harness.ts'
import { describeWith } from '../../support/services.ts'
import { untilPasses } from '../../support/until.ts'
import { BothWorkers } from '../../support/worker/both-workers.ts'

const json = 'org.apache.kafka.connect.json.JsonConverter'
const time = 1_700_000_000_000
const envelope = (value: unknown): string =>
  JSON.stringify({ schema: { type: 'string', optional: false }, payload: value })

/** A record that each stage of the sink fails on, between good ones. */
function records(topic: string): readonly OutgoingRecord[] {
  const record = (
    key: string | null,
    value: string | null,
    headers: OutgoingRecord['headers'] = [],
  ): OutgoingRecord => ({
    topic,
    partition: 0,
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers,
    timestamp: time,
  })
  return [
    record(null, envelope('1')),
    record('{"id":1}', envelope('2'), [{ key: 'h', value: Buffer.from('"text"') }]),
    record(null, '{"id":2}', [
      { key: '__connect.errors.topic', value: Buffer.from('of another queue') },
      { key: 'nothing', value: null },
    ]),
    record(null, envelope('no number')),
    record('{"id":1}', '{"id":2}'),
    record(null, envelope('3')),
  ]
}

/** The text of the headers that Kafka Connect adds under this name. */
const texts = (record: FetchedRecord | undefined, name: string): readonly (string | undefined)[] =>
  (record?.headers ?? []).filter(({ key }) => key === `__connect.errors.${name}`).map(({ value }) => value?.toString())

/** Behind the headers of Kafka Connect, a letter has one of ours. */
const idHeader = '__penstock.errors.topic.id'

/**
 * The parts of a dead letter that have to be the same. A stack trace names Java's classes and lines, and transforms explain their
 * errors in their own words.
 */
function compared(record: FetchedRecord): unknown {
  const { key, value, timestamp, headers } = record
  const own = texts(record, 'stage').includes('TRANSFORMATION') ? /\.(?:stacktrace|message)$/ : /\.stacktrace$/
  return {
    key: key?.toString() ?? null,
    value: value?.toString() ?? null,
    timestamp,
    headers: headers
      .filter((header) => header.key !== idHeader)
      .map((header) => [
        header.key,
        own.test(header.key) ? header.value !== null : (header.value?.toString('hex') ?? null),
      ]),
  }
}

describeWith(['kafka'], 'dead letters beside those of Kafka Connect 3.9.1', () => {
  let workers: BothWorkers
  beforeAll(async () => {
    workers = await BothWorkers.start()
  }, 300_000)
  afterAll(async () => await workers?.close())

  /** The dead letters of one worker, for the same records and the same config. */
  async function lettersOf(side: 'ours' | 'theirs', context: boolean, tolerance = 'all', count = 4) {
    const harness = new ClientHarness(workers.brokers[side])
    const purpose = `${context ? 'context' : 'plain'}-${tolerance}`
    const topic = `bad-${purpose}`
    const queue = `${topic}-dlq`
    try {
      const client = await harness.connect()
      await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
      const producer = client.producer(new Outcomes())
      for (const [token, record] of records(topic).entries()) producer.append(record, token)
      await producer.flush()
      await producer.close()
      const name = `sink-${purpose}`
      await workers[side].request('PUT', `/connectors/${name}/config`, {
        'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
        file: join(workers.directory, `${name}-${side}.txt`),
        topics: topic,
        'key.converter': json,
        'key.converter.schemas.enable': 'true',
        'value.converter': json,
        'value.converter.schemas.enable': 'true',
        transforms: 'number',
        'transforms.number.type': 'org.apache.kafka.connect.transforms.Cast$Value',
        'transforms.number.spec': 'int32',
        'errors.tolerance': tolerance,
        'errors.deadletterqueue.topic.name': queue,
        'errors.deadletterqueue.topic.replication.factor': '1',
        'errors.deadletterqueue.context.headers.enable': String(context),
      })
      await untilPasses(async () => expect((await client.admin.describeTopics([queue])).size).toBe(1))
      await untilPasses(async () => expect((await readAll(client, queue)).length).toBeGreaterThanOrEqual(count))
      const partitions = (await client.admin.describeTopics([queue])).get(queue)?.partitions.length
      return { letters: await readAll(client, queue), partitions }
    } finally {
      await harness.close()
    }
  }

  it('have the same keys, values, times and headers, in the same order', async () => {
    const [ours, theirs] = [await lettersOf('ours', true), await lettersOf('theirs', true)]
    expect(ours.letters).toHaveLength(4)
    expect(ours.partitions).toBe(theirs.partitions)
    expect(ours.letters.map(compared)).toEqual(theirs.letters.map(compared))
    expect(ours.letters.map((letter) => texts(letter, 'stage'))).toEqual([
      ['KEY_CONVERTER'],
      ['VALUE_CONVERTER'],
      ['TRANSFORMATION'],
      ['KEY_CONVERTER'],
    ])
    expect(ours.letters.map(({ headers }) => headers.findIndex(({ key }) => key === idHeader))).toEqual(
      ours.letters.map(({ headers }) => headers.length - 1),
    )
    expect(texts(ours.letters[1], 'topic')).toEqual(['of another queue', 'bad-context-all'])
  })

  it('have no headers but those of the record without errors.deadletterqueue.context.headers.enable', async () => {
    const [ours, theirs] = [await lettersOf('ours', false), await lettersOf('theirs', false)]
    expect(ours.letters.map(compared)).toEqual(theirs.letters.map(compared))
  })

  it('are also written of the record that fails the task with errors.tolerance=none', async () => {
    const [ours, theirs] = [await lettersOf('ours', true, 'none', 1), await lettersOf('theirs', true, 'none', 1)]
    expect(ours.letters.map(compared)).toEqual(theirs.letters.map(compared))
    expect(ours.letters).toHaveLength(1)
  })
})
