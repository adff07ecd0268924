import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Kafka, logLevel, type Admin } from 'kafkajs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { KafkaClient } from '../../../src/client/kafka-client.ts'
import { ClientHarness, Outcomes, readAll } from '../../contract/client-harness.ts'
import { recreateTopic } from '../../support/broker/cluster-tools.ts'
import { MemoryS3 } from '../../support/s3/memory-s3.ts'
import { untilPasses } from '../../support/until.ts'
import { WorkerProcess, workerPlace, type WorkerPlace } from '../../support/worker/worker-process.ts'

const json = 'org.apache.kafka.connect.json.JsonConverter'
const text = 'org.apache.kafka.connect.storage.StringConverter'
/** Key and value: `bad…` is no JSON. */
type Entry = readonly [key: string | null, value: string, partition?: number]

interface Replay {
  readonly topic: string
  readonly records: number
  readonly gone: number
  readonly partitions: readonly Readonly<Record<string, unknown>>[]
  readonly message: string
}
interface Cause {
  readonly cause: string
  readonly count: number
  readonly replayed: number
  readonly stage: string
}

describe('dead letters that are delivered again', () => {
  let place: WorkerPlace
  let directory = ''
  let worker: WorkerProcess
  let client: KafkaClient
  let harness: ClientHarness | null = null

  /** @param dies the fail point at which the worker is killed */
  async function start(dies = ''): Promise<void> {
    const settings = { 'offset.flush.interval.ms': '20', 'session.timeout.ms': '6000' }
    worker = await WorkerProcess.start(place, settings, { PENSTOCK_FAIL_POINT: dies })
    harness = new ClientHarness(place.broker)
    client = await harness.connect()
  }
  async function kill(): Promise<void> {
    await harness?.close()
    harness = null
    await worker?.kill()
  }
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'penstock-replayed-'))
    place = await workerPlace(join(directory, 'log'))
    await start()
    await client.admin.createTopic({ name: 'orders', partitions: 2, replicationFactor: 1 })
    await client.admin.createTopic({ name: 'letters', partitions: 2, replicationFactor: 1 })
  }, 120_000)
  afterEach(async () => {
    await kill()
    rmSync(directory, { recursive: true, force: true })
  })

  const sink = (more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
    'connector.class': 'FileStreamSink',
    file: join(directory, 'out.txt'),
    topics: 'orders',
    'key.converter': text,
    'value.converter': json,
    'value.converter.schemas.enable': 'false',
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': 'letters',
    'errors.deadletterqueue.context.headers.enable': 'true',
    ...more,
  })

  const write = async (...entries: readonly Entry[]): Promise<void> => await writeTo('orders', ...entries)
  async function writeTo(topic: string, ...entries: readonly Entry[]): Promise<void> {
    const outcomes = new Outcomes()
    const producer = client.producer(outcomes)
    for (const [index, [key, value, partition = 0]] of entries.entries()) {
      const bare = { topic, partition, value: Buffer.from(value), headers: [], timestamp: null }
      producer.append({ ...bare, key: key === null ? null : Buffer.from(key) }, index)
    }
    await producer.flush()
    await producer.close()
    expect(outcomes.failed).toEqual([])
  }
  const delivered = (): string[] => {
    const path = join(directory, 'out.txt')
    return existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : []
  }
  /** Those of the lines that are delivered, in the order of their last delivery. */
  const lastOf = (lines: readonly string[]): string[] => {
    const found = delivered()
    return lines.filter((line) => found.includes(line)).toSorted((a, b) => found.lastIndexOf(a) - found.lastIndexOf(b))
  }
  const letters = async (): Promise<number> =>
    (await readAll(client, 'letters')).filter(({ headers }) => headers.length > 1).length
  const marks = async (): Promise<number> =>
    (await readAll(client, 'letters')).filter(({ headers }) => headers.length === 1).length
  const causes = async (): Promise<readonly Cause[]> =>
    ((await worker.request('GET', '/connectors/sink/errors')) as { causes: Cause[] }).causes
  const status = async (): Promise<string> => JSON.stringify(await worker.request('GET', '/connectors/sink/status'))
  const replay = async (body?: unknown): Promise<Replay> =>
    (await worker.request('POST', '/connectors/sink/errors/replay', body)) as Replay
  const refusal = async (body: string, connector = 'sink'): Promise<unknown> => {
    const url = `${place.rest}/connectors/${connector}/errors/replay`
    const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    return [response.status, ((await response.json()) as { message: string }).message]
  }

  async function asAdmin(action: (admin: Admin) => Promise<void>): Promise<void> {
    const admin = new Kafka({ brokers: [place.broker], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    try {
      await action(admin)
    } finally {
      await admin.disconnect()
    }
  }
  /** The sink has delivered what it can, and has committed it. */
  async function standsAt(...ends: readonly number[]): Promise<void> {
    await untilPasses(async () => {
      const { offsets } = (await worker.request('GET', '/connectors/sink/offsets')) as {
        offsets: { partition: { kafka_partition: number }; offset: { kafka_offset: number } }[]
      }
      const found = offsets.toSorted((a, b) => a.partition.kafka_partition - b.partition.kafka_partition)
      expect(found.map(({ offset }) => offset.kafka_offset)).toEqual(ends)
    })
  }
  async function stop(): Promise<void> {
    await worker.request('PUT', '/connectors/sink/stop')
    await untilPasses(async () => expect(await status()).toContain('"state":"STOPPED"'))
  }
  const resume = async (): Promise<unknown> => await worker.request('PUT', '/connectors/sink/resume')
  /** The worker is killed before a commit of the sink, in each life before another one, and started again. */
  async function resumeAndDie(...commits: readonly number[]): Promise<void> {
    for (const commit of commits) {
      await kill()
      // It may be gone before it has responded.
      await start(`after-upload-before-commit@${commit}`)
        .then(resume)
        .catch(() => undefined)
      await worker.end(60_000)
    }
    await kill()
    await start()
    await resume()
  }
  /** The converter reads every value. */
  const correct = async (): Promise<unknown> =>
    await worker.request(
      'PUT',
      '/connectors/sink/config',
      sink({ 'value.converter': text, 'consumer.override.max.poll.records': '20' }),
    )

  it('are those of all causes, and the later records of their keys follow in their order (I12)', async () => {
    await write(
      ['a', '1'],
      ['a', 'bad 2'],
      ['b', '3'],
      ['a', '4'],
      [null, 'bad 5'],
      [null, '6'],
      ['c', '7'],
      ['a', 'bad', 1],
      ['b', '8', 1],
    )
    await worker.post('sink', sink())
    await standsAt(7, 2)
    await untilPasses(() => expect(delivered().toSorted()).toEqual(['1', '3', '4', '6', '7', '8']))
    rmSync(join(directory, 'out.txt'))
    await stop()
    await correct()
    const expected = {
      topic: 'letters',
      records: 3,
      gone: 0,
      unread: 0,
      partitions: [
        { topic: 'orders', partition: 0, records: 2, from: 1, until: 7 },
        { topic: 'orders', partition: 1, records: 1, from: 0, until: 2 },
      ],
      message: '3 records are delivered again when the connector is resumed',
    }
    expect(await replay()).toEqual(expected)
    // Again: nothing changes.
    expect(await replay({})).toEqual(expected)
    expect(await refusal('{"key":"a"}')).toEqual([
      400,
      expect.stringContaining('Other dead letters of sink are being delivered again'),
    ])
    await standsAt(1, 0)
    await write(['a', '9'])
    await resume()
    await standsAt(8, 2)
    const own = (partition: readonly string[]): string[] => delivered().filter((line) => partition.includes(line))
    expect(own(['bad 2', '4', 'bad 5', '9', '6', '3', '7', '1'])).toEqual(['bad 2', '4', 'bad 5', '9'])
    expect(own(['bad', '8'])).toEqual(['bad'])
    await untilPasses(async () => expect(await causes()).toMatchObject([{ count: 3, replayed: 3 }]))
    await untilPasses(async () => expect(await status()).not.toContain('REPLAY'))
    expect(await marks()).toBe(4)
    await stop()
    expect(await replay()).toEqual({
      topic: 'letters',
      records: 0,
      gone: 0,
      unread: 0,
      partitions: [],
      message: 'No dead letters are to be delivered again',
    })
    await standsAt(8, 2)
  })

  it('are those of one cause or one key, where these are named', async () => {
    await write(['a', 'bad'], ['b', '{"id":'], ['c', 'bad'], ['c', '5'], [null, 'bad'], ['\u00ff', 'bad'])
    await worker.post('sink', sink())
    await standsAt(6)
    await stop()
    const known = await causes()
    const half = known.find(({ count }) => count === 1)
    expect(known.map(({ count }) => count)).toEqual([4, 1])
    await correct()
    rmSync(join(directory, 'out.txt'))
    const steps: readonly (readonly [unknown, readonly string[]])[] = [
      [{ cause: half?.cause }, ['{"id":']],
      [{ cause: half?.cause }, []],
      [{ key: 'c' }, ['bad', '5']],
      [{ key: 'c', cause: half?.cause }, []],
      [{ key: null }, ['bad']],
      [{ key_base64: Buffer.from('\u00ff').toString('base64') }, ['bad']],
      [{ key: 'none' }, []],
      // What is left.
      [undefined, ['bad']],
      [undefined, []],
    ]
    for (const [body, lines] of steps) {
      const { records } = await replay(body)
      expect([body, records]).toEqual([body, Math.min(1, lines.length)])
      await resume()
      await standsAt(6)
      expect([body, delivered()]).toEqual([body, lines])
      rmSync(join(directory, 'out.txt'), { force: true })
      await stop()
    }
    expect((await causes()).map(({ count, replayed }) => count - replayed)).toEqual([0, 0])
  })

  it('are letters again when they fail again, and only those are delivered the next time', async () => {
    await write(['a', 'bad'], ['b', '{"id":'], ['c', '1'])
    await worker.post('sink', sink())
    await standsAt(3)
    await stop()
    // Nothing was corrected.
    await replay()
    await resume()
    await standsAt(3)
    await untilPasses(async () => expect(await letters()).toBe(4))
    await untilPasses(async () =>
      expect((await causes()).map(({ count, replayed }) => [count, replayed])).toEqual([
        [2, 1],
        [2, 1],
      ]),
    )
    await stop()
    expect(await replay()).toMatchObject({ records: 2 })
  })

  it('are delivered when the worker is killed while it does so, and nothing else is (I9)', async () => {
    const entries = Array.from({ length: 3000 }, (_none, at): Entry => [
      null,
      at % 3 === 0 ? `bad ${at}` : `${at}`,
      at % 2,
    ])
    await write(...entries)
    await worker.post('sink', sink())
    await standsAt(1500, 1500)
    expect(await letters()).toBe(1000)
    await stop()
    await correct()
    rmSync(join(directory, 'out.txt'))
    expect(await replay()).toMatchObject({ records: 1000 })
    await resumeAndDie(2, 2, 2)
    await standsAt(1500, 1500)
    await write([null, 'last'], [null, 'last', 1])
    await standsAt(1501, 1501)
    const wanted = entries.map(([, value]) => value).filter((value) => value.startsWith('bad'))
    const found = new Set(delivered())
    expect(found.delete('last')).toBe(true)
    expect([...found].toSorted()).toEqual(wanted.toSorted())
    await untilPasses(async () => expect((await causes())[0]).toMatchObject({ count: 1000, replayed: 1000 }))
  })

  describe('of keys that are parked', () => {
    const parking = (converter = json): Record<string, string> =>
      sink({
        'errors.deadletterqueue.park.keys': 'true',
        'value.converter': converter,
        'consumer.override.max.poll.records': '1',
      })

    it('release them, in the order of their records, over crashes and to other tasks (I9, I12)', async () => {
      await write(['a', '1'], ['a', 'bad 2'], ['b', '3'], ['a', '4'], ['c', 'bad 5'], ['c', '6'], ['a', '7'])
      await write(['d', 'bad 8', 1], ['d', '9', 1], ['e', '10', 1])
      await worker.post('sink', parking())
      await standsAt(7, 3)
      await untilPasses(() => expect(delivered().toSorted()).toEqual(['1', '10', '3']))
      await stop()
      await worker.request('PUT', '/connectors/sink/config', parking(text))
      rmSync(join(directory, 'out.txt'))
      expect(await replay({ key: 'a' })).toMatchObject({ records: 3, partitions: [{ from: 1, until: 7 }] })
      await resumeAndDie(2, 2)
      await standsAt(7, 3)
      await write(['a', '11'], ['c', '12'], ['d', '13', 1])
      await standsAt(9, 4)
      await untilPasses(async () => expect(await status()).toContain('2 keys are parked'))
      // A record that was delivered before the worker died may be delivered again, with those after it.
      expect(lastOf(['bad 2', '4', '7', '11'])).toEqual(['bad 2', '4', '7', '11'])
      expect(new Set(delivered())).toEqual(new Set(['bad 2', '4', '7', '11']))
      await stop()
      rmSync(join(directory, 'out.txt'))
      expect(await replay()).toMatchObject({ records: 6, partitions: [{ records: 3 }, { records: 3 }] })
      await worker.request('PUT', '/connectors/sink/config', { ...parking(text), 'tasks.max': '2' })
      await resumeAndDie(1, 2)
      await standsAt(9, 4)
      await untilPasses(async () => expect(await status()).not.toContain('PARKED_KEYS'))
      await write(['a', '14'], ['c', '15'], ['d', '16', 1])
      await standsAt(11, 5)
      expect(lastOf(['bad 5', '6', '12', '15'])).toEqual(['bad 5', '6', '12', '15'])
      expect(lastOf(['bad 8', '9', '13', '16'])).toEqual(['bad 8', '9', '13', '16'])
      expect(lastOf(['14', '3', '10', '11'])).toEqual(['14'])
      await worker.request('PUT', '/connectors/sink/config', { ...parking(text), 'tasks.max': '1' })
      await write(['a', '17'], ['c', '18'], ['d', '19', 1])
      await standsAt(13, 6)
      expect(lastOf(['17', '18'])).toEqual(['17', '18'])
    })

    it('stay parked behind a record that fails again', async () => {
      await write(['a', 'bad'], ['a', '2'], ['b', '3'])
      await worker.post('sink', parking())
      await standsAt(3)
      await stop()
      expect(await replay()).toMatchObject({ records: 2 })
      await resume()
      await standsAt(3)
      await untilPasses(async () => expect(await letters()).toBe(4))
      await write(['a', '4'])
      await standsAt(4)
      await kill()
      await start()
      await write(['a', '5'], ['b', '6'])
      await standsAt(6)
      expect(delivered()).toEqual(['3', '6'])
      await stop()
      await worker.request('PUT', '/connectors/sink/config', parking(text))
      expect(await replay()).toMatchObject({ records: 4, partitions: [{ from: 0, until: 6 }] })
      await resume()
      await standsAt(6)
      expect(delivered()).toEqual(['3', '6', 'bad', '2', '4', '5'])
    })
  })

  it('are refused for an archive, whose objects would be replaced', async () => {
    const store = await MemoryS3.start()
    try {
      await write(['a', 'bad'], ['a', '1'])
      await worker.post('sink', {
        ...sink(),
        'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
        'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
        's3.bucket.name': 'bucket',
        's3.region': 'us-east-1',
        'store.url': store.url,
        'aws.access.key.id': 'key',
        'aws.secret.access.key': 'secret',
        'flush.size': '1',
      })
      await standsAt(2)
      await stop()
      expect(await refusal('')).toEqual([
        expect.any(Number),
        expect.stringContaining('does not deliver the records of dead letters again'),
      ])
      await standsAt(2)
    } finally {
      await store.close()
    }
  })

  it.each([
    ['without context headers', { 'errors.deadletterqueue.context.headers.enable': 'false' }],
    ['without a queue', { 'errors.deadletterqueue.topic.name': '' }],
  ])('are delivered by a config %s, too, and nothing else is', async (_config, changed) => {
    await write(['a', '1'], ['b', 'bad'], ['c', '2'])
    await worker.post('sink', sink())
    await standsAt(3)
    await stop()
    await replay()
    rmSync(join(directory, 'out.txt'))
    await worker.request('PUT', '/connectors/sink/config', sink({ 'value.converter': text, ...changed }))
    await resume()
    await standsAt(3)
    expect(delivered()).toEqual(['bad'])
  })

  it('fail the task when their queue was deleted, which delivers and commits nothing', async () => {
    await write(['a', 'bad'], ['a', '1'])
    await worker.post('sink', sink())
    await standsAt(2)
    await stop()
    await correct()
    await replay()
    await asAdmin(async (admin) => await admin.deleteTopics({ topics: ['letters'] }))
    expect(await refusal('')).toEqual([400, expect.stringContaining('which had their dead letters, was deleted')])
    rmSync(join(directory, 'out.txt'))
    await resume()
    await untilPasses(async () => expect(await status()).toContain('which had their dead letters, was deleted'))
    expect(await status()).toContain('"state":"FAILED"')
    expect(delivered().join('')).toBe('')
    await standsAt(0)
  })

  it('are marked in a compacted queue, too', async () => {
    await client.admin.createTopic({
      name: 'compacted',
      partitions: 1,
      replicationFactor: 1,
      configs: { 'cleanup.policy': 'compact' },
    })
    const queue = { 'errors.deadletterqueue.topic.name': 'compacted' }
    await write(['a', 'bad'], ['a', '1'])
    await worker.post('sink', sink(queue))
    await standsAt(2)
    await stop()
    await worker.request('PUT', '/connectors/sink/config', sink({ ...queue, 'value.converter': text }))
    await replay()
    await resume()
    await standsAt(2)
    await untilPasses(async () => expect(await causes()).toMatchObject([{ count: 1, replayed: 1 }]))
    expect(await status()).toContain('"state":"RUNNING"')
  })

  it('of a topic that the sink does not read any more wait until it does, and do not block others', async () => {
    await client.admin.createTopic({ name: 'others', partitions: 1, replicationFactor: 1 })
    await write(['a', 'bad a'])
    await writeTo('others', ['x', 'bad x'])
    const both = { topics: 'orders,others', 'errors.log.enable': 'true' }
    await worker.post('sink', sink(both))
    await untilPasses(async () => expect(await causes()).toMatchObject([{ count: 2 }]))
    await stop()
    expect(await replay()).toMatchObject({ records: 2, unread: 0 })
    await correct()
    rmSync(join(directory, 'out.txt'))
    await resume()
    await untilPasses(async () => expect(await causes()).toMatchObject([{ count: 2, replayed: 1 }]))
    await stop()
    const message =
      'No dead letters are to be delivered again. 1 record is of topics that the connector does not read any more (topics, topics.regex)'
    expect(await replay({ key: 'a' })).toMatchObject({ records: 0, unread: 1, message })
    expect(await replay()).toMatchObject({ records: 0, unread: 1, message })
    await worker.request('PUT', '/connectors/sink/config', sink({ ...both, 'value.converter': text }))
    expect(await replay()).toMatchObject({
      records: 1,
      unread: 0,
      partitions: [{ topic: 'others', from: 0, until: 1 }],
    })
    await resume()
    await untilPasses(async () => expect(await causes()).toMatchObject([{ count: 2, replayed: 2 }]))
    expect(delivered()).toEqual(['bad a', 'bad x'])
  })

  it('of a topic that was deleted and created again are gone: no record of the new topic is taken for theirs', async () => {
    await write(['a', 'bad'], ['b', '1'])
    await worker.post('sink', sink())
    await standsAt(2)
    await stop()
    await correct()
    await recreateTopic(client, place.broker, 'orders')
    await write(['a', '2'])
    rmSync(join(directory, 'out.txt'))
    await resume()
    await standsAt(1)
    await stop()
    expect(await replay()).toMatchObject({
      records: 0,
      gone: 1,
      message:
        'No dead letters are to be delivered again. 1 record is no longer in the topic, and only the dead letter queue has the bytes',
    })
    await resume()
    await write(['a', '3'])
    await standsAt(2)
    expect(delivered()).toEqual(['2', '3'])
  })

  it('are not chosen any more when the offsets are altered: then every record is delivered', async () => {
    await write(['a', '1'], ['b', 'bad'], ['c', '2'])
    await worker.post('sink', sink())
    await standsAt(3)
    await stop()
    await correct()
    await replay()
    rmSync(join(directory, 'out.txt'))
    const partition = { kafka_topic: 'orders', kafka_partition: 0 }
    await worker.request('PATCH', '/connectors/sink/offsets', { offsets: [{ partition, offset: { kafka_offset: 0 } }] })
    await resume()
    await standsAt(3)
    expect(delivered()).toEqual(['1', 'bad', '2'])
  })

  it('are refused with the reason where there are none, or their records could not be told', async () => {
    await write(['a', 'bad'])
    await worker.post('sink', sink())
    await worker.post('parking', sink({ 'errors.deadletterqueue.park.keys': 'true' }))
    await worker.post('without', sink({ 'errors.deadletterqueue.topic.name': '' }))
    await worker.post('source', { 'connector.class': 'FileStreamSource', file: join(directory, 'in.txt'), topic: 'in' })
    await standsAt(1)
    expect(await refusal('')).toEqual([400, expect.stringContaining('must be in the STOPPED state')])
    for (const name of ['sink', 'parking', 'without', 'source']) {
      await worker.request('PUT', `/connectors/${name}/stop`)
      await untilPasses(async () =>
        expect(JSON.stringify(await worker.request('GET', `/connectors/${name}/status`))).toContain('STOPPED'),
      )
    }
    expect(await refusal('{"cause":"a"}', 'parking')).toEqual([400, expect.stringContaining('parks keys')])
    expect(await refusal('', 'without')).toEqual([400, expect.stringContaining('has no dead letter queue')])
    expect(await refusal('', 'source')).toEqual([400, expect.stringContaining('is not a sink')])
    expect(await refusal('', 'missing')).toEqual([404, 'Connector missing not found'])
    expect(await refusal('{"keys":"a"}')).toEqual([
      expect.any(Number),
      expect.stringContaining('Unrecognized field "keys"'),
    ])
    expect(await refusal('{"key":"a","key_base64":"YQ=="}')).toEqual([
      expect.any(Number),
      expect.stringContaining('Only one of'),
    ])
    expect(await refusal('{"key_base64":"?"}')).toEqual([expect.any(Number), expect.stringContaining('not in base64')])
  })

  it('are counted as gone when their records are not in the topic any more, and the error says how to continue', async () => {
    await write(['a', 'bad 1'], ['b', 'bad 2'], ['c', '1'])
    await worker.post('sink', sink())
    await standsAt(3)
    await stop()
    await correct()
    expect(await replay()).toMatchObject({ records: 2, partitions: [{ from: 0, until: 3 }] })
    await asAdmin(async (admin) => {
      await admin.fetchTopicMetadata({ topics: ['orders'] })
      await admin.deleteTopicRecords({ topic: 'orders', partitions: [{ partition: 0, offset: '1' }] })
    })
    const reason = 'those before offset 1 are no longer in the topic: retention has deleted them'
    expect(await refusal('')).toEqual([400, expect.stringContaining(reason)])
    rmSync(join(directory, 'out.txt'))
    await resume()
    await untilPasses(async () => expect(await status()).toContain(reason))
    expect(await status()).toContain('"state":"FAILED"')
    await stop()
    const partition = { kafka_topic: 'orders', kafka_partition: 0 }
    await worker.request('PATCH', '/connectors/sink/offsets', { offsets: [{ partition, offset: { kafka_offset: 3 } }] })
    expect(await replay()).toMatchObject({
      records: 1,
      gone: 1,
      partitions: [{ from: 1, until: 3 }],
      message: expect.stringContaining('1 record is no longer in the topic'),
    })
    await resume()
    await standsAt(3)
    expect(delivered()).toEqual(['bad 2'])
  })
})
