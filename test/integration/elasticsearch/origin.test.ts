import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ElasticsearchClient } from '../../support/elasticsearch/elasticsearch-client.ts'
import '../../support/broker/kafkajs-queue.ts'
import { describeWith, service } from '../../support/services.ts'
import { untilPasses } from '../../support/until.ts'
import { workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'

interface Message {
  readonly key: string
  readonly value: string
  readonly headers?: Record<string, string>
}

let directory: string
let topic: string
let worker: WorkerProcess
let kafka: Kafka
let run = 0

async function createTopic(): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
  await admin.disconnect()
}

async function deleteTopic(): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  await admin.deleteTopics({ topics: [topic] })
  await untilPasses(async () => expect(await admin.listTopics()).not.toContain(topic))
  await admin.disconnect()
}

async function send(...messages: Message[]): Promise<void> {
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  await producer.connect()
  await producer.send({ topic, messages })
  await producer.disconnect()
}

async function makeSink(name: string, more: Record<string, string> = {}): Promise<void> {
  await worker.post(name, {
    'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
    topics: topic,
    'connection.url': service('elasticsearch'),
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
    ...more,
  })
}

describeWith(['elasticsearch'], 'a topic of another origin, in a worker', () => {
  const documents = async (): Promise<Record<string, string>> =>
    Object.fromEntries(await new ElasticsearchClient(service('elasticsearch')).documents(topic))

  beforeEach(async () => {
    run += 1
    topic = `origin-${process.pid}-${Date.now().toString(36)}-${run}`
    directory = mkdtempSync(join(tmpdir(), 'penstock-origin-'))
    const place = await workerPlace(directory)
    worker = await WorkerProcess.start(place)
    kafka = new Kafka({ brokers: [place.broker], logLevel: logLevel.NOTHING })
  })
  afterEach(async () => {
    await worker.kill()
    await fetch(`${service('elasticsearch')}/${topic}`, { method: 'DELETE' })
    rmSync(directory, { recursive: true, force: true })
  })

  it('that was re-created fails the task with ES_VERSION_CONFLICT, and is indexed correctly after the steps of the error', async () => {
    await createTopic()
    for (let n = 1; n <= 6; n++) await send({ key: String(n % 2), value: `{"gen":1,"n":${n}}` })
    await makeSink('first')
    await untilPasses(async () => expect(await documents()).toEqual({ '0': '{"gen":1,"n":6}', '1': '{"gen":1,"n":5}' }))
    await worker.request('DELETE', '/connectors/first')
    await deleteTopic()
    await createTopic()
    for (let n = 1; n <= 4; n++) await send({ key: String(n % 2), value: `{"gen":2,"n":${n}}` })
    await makeSink('second')
    await untilPasses(async () =>
      expect((await worker.failures()).join()).toContain(
        `second: ConnectError: ES_VERSION_CONFLICT: document '1' of index '${topic}' has version 4, record ${topic}-0@0 has 0`,
      ),
    )
    await worker.request('DELETE', '/connectors/second')
    await fetch(`${service('elasticsearch')}/${topic}`, { method: 'DELETE' })
    await makeSink('third', { 'document.version': 'offset' })
    await untilPasses(async () => expect(await documents()).toEqual({ '0': '{"gen":2,"n":4}', '1': '{"gen":2,"n":3}' }))
    expect(await worker.failures()).toEqual([])
  })

  it('of Debezium is continued by our source, read again from its beginning, and not changed back to offsets', async () => {
    const change = (key: string, v: string, op = 'u'): Message => ({
      key,
      value: JSON.stringify({ before: null, after: { id: key, v }, source: { lsn: 1 }, op }),
    })
    const ours = (message: Message, n: number): Message => ({
      ...message,
      headers: { '__penstock.version': String(2n ** 53n + BigInt(n) * 1024n) },
    })
    await createTopic()
    await send(change('1', 'Debezium', 'r'), change('2', 'Debezium', 'r'), change('1', 'Debezium, later'))
    await makeSink('first')
    await untilPasses(async () => expect((await documents())['1']).toContain('Debezium, later'))
    await send(ours(change('1', 'ours'), 5), ours(change('3', 'ours', 'c'), 6))
    const right = { '1': '{"id":"1","v":"ours"}', '2': '{"id":"2","v":"Debezium"}', '3': '{"id":"3","v":"ours"}' }
    await untilPasses(async () => expect(await documents()).toEqual(right))
    await worker.request('DELETE', '/connectors/first')
    await makeSink('again')
    await send(ours(change('4', 'ours', 'c'), 7))
    await untilPasses(async () => expect(Object.keys(await documents())).toContain('4'))
    expect([await documents(), await worker.failures()]).toMatchObject([right, []])
    await send(change('1', 'handed back'))
    await untilPasses(async () => expect((await worker.failures()).join()).toContain('ES_VERSION_MIXED'))
    expect(await documents()).toMatchObject(right)
  })
})
