import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Kafka, logLevel, type Message } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { KafkaClient } from '../../../src/client/kafka-client.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import '../../support/broker/kafkajs-queue.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { describeWith, service } from '../../support/services.ts'
import { untilPasses } from '../../support/until.ts'
import { EventStream } from '../../support/worker/event-stream.ts'
import { kafkaSettings } from '../../support/worker/kafka-settings.ts'
import { workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'

interface Page {
  readonly records: readonly {
    readonly partition: number
    readonly offset: number
    readonly timestamp: string
    readonly key: unknown
    readonly value: { readonly n: number }
    readonly error?: string
  }[]
  readonly connector: string | null
  readonly next: string
  readonly note: string | null
}

const json = 'org.apache.kafka.connect.json.JsonConverter'
const converters = { 'key.converter': json, 'value.converter': json, 'value.converter.schemas.enable': 'false' }

/** What a worker shows of topics, whatever has them. */
function showsTopics(
  settings: () => Promise<Readonly<Record<string, string>>>,
  bootstrap: (worker: WorkerProcess) => string,
) {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-topics-'))
  const topic = `orders-${randomUUID().slice(0, 8)}`
  let worker: WorkerProcess
  let rest: RestClient
  let kafka: Kafka
  const numbers = ({ records }: Page): readonly number[] => records.map(({ value }) => value.n)
  const page = async (query: string): Promise<Page> =>
    (await rest.get(`/topics/${topic}/records?${query}`)).json as Page
  const send = async (...messages: readonly (Message & { partition: number })[]): Promise<void> => {
    const producer = kafka.producer({ allowAutoTopicCreation: false })
    await producer.connect()
    await producer.send({ topic, messages: [...messages] })
    await producer.disconnect()
  }
  const message = (n: number, partition: number, ms: number): Message & { partition: number } => ({
    partition,
    key: `{"schema":null,"payload":"k${n}"}`,
    value: `{"n":${n}}`,
    timestamp: String(Date.UTC(2026, 0, 5) + ms),
    headers: { source: `h${n}` },
  })

  beforeAll(async () => {
    worker = await WorkerProcess.start(await workerPlace(join(directory, 'log')), await settings())
    rest = new RestClient(worker.place.rest)
    kafka = new Kafka({ brokers: [bootstrap(worker)], logLevel: logLevel.NOTHING })
    const client = await KafkaClient.connect({
      bootstrapServers: bootstrap(worker),
      clientId: 'test',
      clock: systemClock,
      logger: quietLogger(),
    })
    await client.admin.createTopic({ name: topic, partitions: 2, replicationFactor: 1 })
    await client.close()
    await worker.post('lines', {
      'connector.class': 'FileStreamSink',
      topics: topic,
      file: join(directory, 'out'),
      ...converters,
    })
    await send(...[0, 1, 2, 3, 4, 5].map((n) => message(n, n % 2, n * 1000)))
  }, 120_000)
  afterAll(async () => {
    await worker.kill()
    rmSync(directory, { recursive: true, force: true })
  })

  it('lists the topic with the connector that uses it, and internal ones', async () => {
    const topics = (await rest.get('/topics')).json as readonly { readonly name: string; readonly internal: boolean }[]
    expect(topics).toContainEqual({ name: topic, partitions: 2, internal: false, records: 6, connectors: ['lines'] })
    const info = (await rest.get(`/topics/${topic}`)).json as { configs: Record<string, unknown>; partitions: unknown }
    expect(info.partitions).toMatchObject([
      { partition: 0, start: 0, end: 3 },
      { partition: 1, start: 0, end: 3 },
    ])
    expect(info.configs).toHaveProperty(['cleanup.policy', 'value'], 'delete')
  })

  it('reads records with the converters of the connector, from either end, an offset, a time, or where a page ended', async () => {
    const all = await page('from=earliest')
    expect(all).toMatchObject({ connector: 'lines', next: '0:3,1:3', note: null })
    expect(numbers(all)).toEqual([0, 1, 2, 3, 4, 5])
    expect(all.records[3]).toEqual({
      partition: 1,
      offset: 1,
      timestamp: '2026-01-05T00:00:03.000Z',
      key: 'k3',
      value: { n: 3 },
      headers: [{ key: 'source', value: 'h3' }],
      schema: { key: null, value: null },
    })
    expect(numbers(await page('limit=2'))).toEqual([4, 5])
    expect(numbers(await page('from=1'))).toEqual([2, 3, 4, 5])
    expect(numbers(await page('from=2026-01-05T00:00:03Z'))).toEqual([3, 4, 5])
    expect(numbers(await page('from=latest&partition=1'))).toEqual([1, 3, 5])
    const first = await page('from=earliest&limit=3')
    expect([numbers(first), numbers(await page(`from=${first.next}`))]).toEqual([
      [0, 1, 2],
      [3, 4, 5],
    ])
  })

  it('filters by text and by field', async () => {
    expect(numbers(await page('from=earliest&filter=n%3D4'))).toEqual([4])
    expect(numbers(await page('filter=h2'))).toEqual([2])
    expect(numbers(await page('filter=nothing'))).toEqual([])
  })

  it('reads with the converters that the request names, and says which record they cannot read', async () => {
    await worker.post('texts', {
      'connector.class': 'FileStreamSink',
      topics: 'another',
      file: join(directory, 'none'),
      'value.converter': 'org.apache.kafka.connect.converters.LongConverter',
    })
    const { records, connector } = await page('from=earliest&limit=1&connector=texts')
    expect(connector).toBe('texts')
    expect(records).toMatchObject([
      {
        offset: 0,
        value: null,
        error: expect.stringContaining(`of the record ${topic}-0@0 does not decode`),
        raw: { value: Buffer.from('{"n":0}').toString('base64') },
      },
    ])
  })

  it.each([
    ['/topics/nothing', 404, 'Topic nothing not found'],
    ['/topics/a%2Fb/records', 404, 'Topic a/b not found'],
    ['/topics/TOPIC/records?partition=2', 400, 'has no partition 2: it has 2, from 0 on'],
    ['/topics/TOPIC/records?from=newest', 400, '"from" is not earliest, latest'],
    ['/topics/TOPIC/records?limit=0', 400, '"limit" is not a number of records from 1 to 1000'],
    ['/topics/TOPIC/records?filter=', 400, '"filter" is not a text'],
    ['/topics/TOPIC/records?connector=none', 404, 'Connector none not found'],
  ])('refuses %s', async (path, status, text) => {
    const response = await rest.get(path.replace('TOPIC', topic))
    expect(response).toMatchObject({ status, json: { message: expect.stringContaining(text) } })
  })

  it('does not show the records of internal topics', async () => {
    const topics = (await rest.get('/topics')).json as readonly { readonly name: string; readonly internal: boolean }[]
    const internal = topics.filter((each) => each.internal)
    expect(internal.length).toBeGreaterThanOrEqual(3)
    for (const { name } of internal)
      expect(await rest.get(`/topics/${name}/records`)).toMatchObject({
        status: 403,
        json: { message: expect.stringContaining('it is an internal topic') },
      })
  })

  it('follows a topic: nothing twice and nothing left out when the client connects again', async () => {
    const url = `${worker.place.rest}/topics/${topic}/records`
    const stream = await EventStream.open(url)
    await untilPasses(() => expect(stream.comments).toBeGreaterThan(0))
    await send(message(6, 0, 6000), message(7, 1, 7000))
    await untilPasses(() => expect(stream.events).toHaveLength(2))
    const seen = stream.events.map(({ data }) => (JSON.parse(data) as Page['records'][0]).value.n)
    expect(seen.toSorted((a, b) => a - b)).toEqual([6, 7])
    stream.close()
    await send(message(8, 0, 8000))
    const again = await EventStream.open(url, { 'last-event-id': stream.events[1]?.id ?? '' })
    const filtered = await EventStream.open(`${url}?from=earliest&filter=n%3D8`)
    for (const one of [again, filtered]) {
      await untilPasses(() => expect(one.events).toHaveLength(1))
      expect(JSON.parse(one.events[0]?.data ?? '')).toMatchObject({ value: { n: 8 } })
      one.close()
    }
  })

  it('responds to HEAD without reading, and refuses to follow what cannot be read', async () => {
    const headers = { accept: 'text/event-stream' }
    expect(await rest.send('HEAD', `/topics/${topic}/records`, null, headers)).toMatchObject({ status: 200, body: '' })
    expect(await rest.get('/topics/nothing/records', headers)).toMatchObject({ status: 404 })
  })
}

describe('topics of the embedded broker', () => {
  showsTopics(
    async () => ({}),
    ({ place }) => place.broker,
  )
})

describeWith(['kafka'], 'topics of a Kafka cluster', () => {
  showsTopics(
    async () => kafkaSettings(service('kafka'), randomUUID().slice(0, 8)),
    () => service('kafka'),
  )
})
