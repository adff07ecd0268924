import { primitive, type Converter, type ConnectorPlugin, type RawConfig, type SinkTask } from 'penstock/api'
import { afterEach, describe, expect, it } from 'vitest'

import { plugin as elasticsearch } from '../../../../../connectors/elasticsearch-sink/index.ts'
import { plugin as s3 } from '../../../../../connectors/s3-sink/index.ts'
import type { KafkaClient } from '../../../../../src/client/kafka-client.ts'
import type { Producer } from '../../../../../src/client/producer/producer.ts'
import { errorCodes } from '../../../../../src/protocol/error-codes.ts'
import { produce } from '../../../../../src/protocol/messages/produce.ts'
import { brokerWithClients } from '../../../../contract/broker-with-clients.ts'
import { readAll, writeAll } from '../../../../contract/client-harness.ts'
import { deleteTopic, describeGroup } from '../../../../support/broker/cluster-tools.ts'
import { KafkaFaultProxy } from '../../../../support/broker/kafka-fault-proxy.ts'
import { RunningSink } from '../../../../support/elasticsearch/running-sink.ts'
import { stubConfig, StubElasticsearch } from '../../../../support/elasticsearch/stub-elasticsearch.ts'
import { MemoryS3 } from '../../../../support/s3/memory-s3.ts'
import { sinkConfig } from '../../../../support/s3/s3-config.ts'
import { MemoryProducer } from '../../../../support/task/memory-producer.ts'
import { untilPasses } from '../../../../support/until.ts'

const kafka = brokerWithClients()
const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

/** Of `bad`, no sink makes anything: it is no object, and no number. The rest are documents. */
const converter: Converter = {
  fromConnect: () => null,
  toConnect: (_topic, bytes) => {
    const text = String(bytes)
    if (text === 'bad') return { schema: primitive('INT32'), value: text }
    return { schema: null, value: { text } }
  },
}

interface Sinks {
  readonly plugin: ConnectorPlugin
  /** What the target gets meanwhile. An object of S3 appears after the commit of the offsets before it. */
  readonly meanwhile: readonly string[]
  /** The settings of a sink of the topic, and a function that returns the texts that its target has. */
  readonly open: (topic: string) => Promise<{ readonly raw: RawConfig; readonly texts: () => readonly string[] }>
}

const textIn = /"text":"(\w+)"/g
const textsOf = (content: string): string[] => [...content.matchAll(textIn)].map(([, text]) => text ?? '')

const both: readonly (readonly [string, Sinks])[] = [
  [
    'S3 sink',
    {
      plugin: s3,
      meanwhile: ['one'],
      open: async (topic) => {
        const store = await MemoryS3.start()
        cleanups.push(async () => await store.close())
        const raw = { ...sinkConfig, 'store.url': store.url, topics: topic, 'flush.size': '1' }
        return { raw, texts: () => [...store.objects.values()].flatMap(({ body }) => textsOf(String(body))) }
      },
    },
  ],
  [
    'Elasticsearch sink',
    {
      plugin: elasticsearch,
      meanwhile: ['one', 'two', 'three'],
      open: async (topic) => {
        const stub = await StubElasticsearch.start()
        cleanups.push(async () => await stub.close())
        stub.rejects = (text) => text.includes('rejected')
        return { raw: stubConfig(stub, topic), texts: () => textsOf(stub.applied.join()) }
      },
    },
  ],
]

interface Begun {
  readonly topic: string
  readonly queue: string
  readonly groupId: string
  readonly client: KafkaClient
  readonly sink: RunningSink
  readonly texts: () => readonly string[]
  readonly committed: () => Promise<number>
}

async function begun(
  { plugin, open }: Sinks,
  letters: (client: KafkaClient) => (listener: ConstructorParameters<typeof Producer>[1]) => MemoryProducer | Producer,
  queueConfigs: Readonly<Record<string, string>> = {},
): Promise<Begun> {
  const topic = kafka.clients.name('waits')
  const queue = `${topic}-dlq`
  const groupId = kafka.clients.name('group')
  const client = await kafka.clients.connect()
  const one = { partitions: 1, replicationFactor: 1 }
  await client.admin.createTopic({ name: topic, ...one })
  await client.admin.createTopic({ name: queue, ...one, configs: queueConfigs })
  const { raw, texts } = await open(topic)
  const sink = new RunningSink({
    createTask: () => plugin.createTask() as SinkTask,
    consumer: client.consumer({ groupId, heartbeatIntervalMs: 100 }),
    topics: [topic],
    raw,
    configDef: plugin.configDef,
    converter,
    connectorConfig: { 'errors.tolerance': 'all' },
    commitIntervalMs: 50,
    flushTimeoutMs: 200,
    readRange: (range, onRecord, signal) => client.readRanges([range], onRecord, { signal }),
    deadLetters: {
      target: { topic: queue, prepare: async () => undefined, createProducer: letters(client) },
      form: { topic: queue, context: { task: { connector: 'c', task: 0 }, redact: (text) => text } },
    },
  })
  cleanups.push(async () => await sink.stop())
  const committed = async (): Promise<number> => (await client.admin.groupOffsets(groupId))[0]?.offset ?? 0
  return { topic, queue, groupId, client, sink, texts, committed }
}

/** Another member joins the group, which needs the sink to take part, and leaves it. */
async function rebalanced(groupId: string, topic: string): Promise<void> {
  const client = await kafka.clients.connect()
  const other = client.consumer({ groupId, heartbeatIntervalMs: 100 })
  const nothing = async (): Promise<void> => undefined
  other.subscribe({ topics: [topic] }, { onAssigned: nothing, onRevoked: nothing })
  await untilPasses(async () => {
    await other.poll(10)
    const { state, memberIds } = await describeGroup(kafka.broker.bootstrap, groupId)
    expect([state, memberIds.length]).toEqual(['Stable', 2])
  })
  await other.close()
}

describe.each(both)('the %s while its dead letters are not durable', (_name, sinks) => {
  it('delivers what follows, takes part in rebalances, commits nothing, and continues when they are', async () => {
    const producer = new MemoryProducer()
    const { topic, groupId, client, sink, texts, committed } = await begun(
      sinks,
      () => (listener) => producer.reportingTo(listener),
    )
    await writeAll(client, topic, ['one', 'bad', 'rejected', 'two'])
    await untilPasses(() => expect(producer.appended.length).toBeGreaterThan(0))
    await rebalanced(groupId, topic)
    await writeAll(client, topic, ['three'])
    await untilPasses(() => expect(new Set(texts())).toEqual(new Set(sinks.meanwhile)))
    expect(await committed()).toBe(0)
    producer.automatic = true
    producer.acknowledge(Number.MAX_SAFE_INTEGER)
    await untilPasses(async () => expect(await committed()).toBe(5))
    expect(new Set(texts())).toEqual(new Set(['one', 'two', 'three', ...(sinks.plugin === s3 ? ['rejected'] : [])]))
    expect(await sink.stop()).toBeNull()
    expect(sink.logger.lines.map(({ message }) => message)).not.toContainEqual(
      expect.stringContaining('has not returned'),
    )
  })

  it('stops with what it has put, without committing it', async () => {
    const producer = new MemoryProducer()
    const { topic, client, sink, committed } = await begun(sinks, () => (listener) => producer.reportingTo(listener))
    await writeAll(client, topic, ['bad'])
    await untilPasses(() => expect(producer.appended.length).toBeGreaterThan(0))
    expect(await sink.stop()).toBeNull()
    expect(sink.logger.lines.map(({ message }) => message)).not.toContainEqual(
      expect.stringContaining('has not returned'),
    )
    expect(await committed()).toBe(0)
  })
})

/** The offsets of the records whose letters the topic has; a record that moved to another task has several. */
async function lettersIn(client: KafkaClient, queue: string): Promise<ReadonlySet<string>> {
  const offset = '__connect.errors.offset'
  const letters = await readAll(client, queue)
  return new Set(letters.map(({ headers }) => String(headers.find(({ key }) => key === offset)?.value)))
}

describe('the topic of dead letters', () => {
  const sinks = (both[0] ?? [])[1] as Sinks
  const real = (client: KafkaClient) => (listener: ConstructorParameters<typeof Producer>[1]) =>
    client.producer(listener, { allowAutoTopicCreation: false })

  it('is named by the status while it does not exist, and gets each letter when it does', async () => {
    const { topic, queue, groupId, client, sink, committed } = await begun(sinks, real)
    await deleteTopic(kafka.broker.bootstrap, queue)
    await writeAll(client, topic, ['one', 'bad'])
    await untilPasses(() => expect(sink.trace).toMatch(new RegExp(`^DEAD_LETTERS_WAIT: .* topic ${queue} yet`, 'm')))
    expect(sink.metrics.samples()).toContainEqual(
      expect.objectContaining({ name: 'task_condition', labels: { code: 'DEAD_LETTERS_WAIT' }, value: 1 }),
    )
    await rebalanced(groupId, topic)
    expect(await committed()).toBe(0)
    await client.admin.createTopic({ name: queue, partitions: 1, replicationFactor: 1 })
    await untilPasses(async () => expect(await committed()).toBe(2))
    expect(await lettersIn(client, queue)).toEqual(new Set(['1']))
    await untilPasses(() => expect(sink.trace ?? '').not.toContain('DEAD_LETTERS_WAIT'))
    expect(await sink.stop()).toBeNull()
  })

  it('fails the task by name when it takes no letter of that size', async () => {
    const { topic, queue, client, sink, committed } = await begun(sinks, real, { 'max.message.bytes': '1' })
    await writeAll(client, topic, ['bad'])
    const error = await sink.ended
    expect(error).toMatchObject({ code: 'DEAD_LETTER_QUEUE' })
    expect(String(error)).toContain(`a record cannot be written to the topic ${queue} of the dead letter queue`)
    expect(await committed()).toBe(0)
  })
  it('is waited for while its broker is away, and has each letter when that is back', async () => {
    const proxy = await KafkaFaultProxy.open(kafka.broker.bootstrap)
    cleanups.push(async () => await proxy.close())
    const away = await kafka.clients.connect({ bootstrapServers: proxy.bootstrapServers })
    const { topic, queue, groupId, client, sink, texts, committed } = await begun(sinks, () => real(away))
    proxy.down()
    await writeAll(client, topic, ['one', 'bad', 'bad'])
    await untilPasses(() => expect(sink.trace).toMatch(/^DEAD_LETTERS_WAIT: /m))
    await untilPasses(() => expect(texts()).toEqual(['one']))
    await rebalanced(groupId, topic)
    expect(await committed()).toBe(0)
    proxy.up()
    await untilPasses(async () => expect(await committed()).toBe(3))
    expect(await lettersIn(client, queue)).toEqual(new Set(['1', '2']))
    expect(await sink.stop()).toBeNull()
  })

  it('fails the task by name when the user may not write to it', async () => {
    const proxy = await KafkaFaultProxy.open(kafka.broker.bootstrap)
    cleanups.push(async () => await proxy.close())
    proxy.onRequest = (api) => (api === produce.key ? errorCodes.TOPIC_AUTHORIZATION_FAILED : null)
    const denied = await kafka.clients.connect({ bootstrapServers: proxy.bootstrapServers })
    const { topic, queue, client, sink, committed } = await begun(sinks, () => real(denied))
    await writeAll(client, topic, ['one', 'bad'])
    const error = await sink.ended
    expect(error).toMatchObject({ code: 'DEAD_LETTER_QUEUE' })
    expect(String(error)).toMatch(new RegExp(`cannot be written to the topic ${queue} .*TOPIC_AUTHORIZATION_FAILED`))
    expect(await committed()).toBe(0)
  })
})
