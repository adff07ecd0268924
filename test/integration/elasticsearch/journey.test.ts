import { randomUUID } from 'node:crypto'

import { Kafka, logLevel } from 'kafkajs'
import { expect, it } from 'vitest'

import '../../support/broker/kafkajs-queue.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { describeWith, service } from '../../support/services.ts'
import { patienceMs } from '../../support/until.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'
import { eventually } from '../../support/worker/worker-process.ts'

const version = String(((1n << 43n) + (0x16b374d848n >> 3n)) * 1024n)
const envelope = {
  before: null,
  after: { id: 7, status: 'PAID' },
  source: { connector: 'postgresql', lsn: 97_500_059_720, ts_ms: 1_767_623_787_120, txId: 812 },
  op: 'u',
  ts_ms: 1_767_623_787_200,
}

describeWith(['elasticsearch'], 'the path of a record', () => {
  const workers = testWorkers()

  it('leads from its commit over its topic to its document, through the transforms of the sink', async () => {
    const topic = `orders-${randomUUID().slice(0, 8)}`
    const worker = await workers.start()
    const rest = new RestClient(worker.place.rest)
    const json = 'org.apache.kafka.connect.json.JsonConverter'
    await worker.post('search', {
      'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
      'connection.url': service('elasticsearch'),
      topics: topic,
      'schema.ignore': 'true',
      'key.ignore': 'false',
      'key.converter': json,
      'key.converter.schemas.enable': 'false',
      'value.converter': json,
      'value.converter.schemas.enable': 'false',
      transforms: 'route',
      'transforms.route.type': 'org.apache.kafka.connect.transforms.RegexRouter',
      'transforms.route.regex': '(.*)',
      'transforms.route.replacement': 'found-$1',
    })
    const producer = new Kafka({ brokers: [worker.place.broker], logLevel: logLevel.NOTHING }).producer()
    await producer.connect()
    const send = async (id: number): Promise<void> => {
      const value = JSON.stringify({ ...envelope, after: { ...envelope.after, id } })
      const headers = { '__penstock.version': version }
      await producer.send({ topic, messages: [{ key: `{"id":${id}}`, value, headers }] })
    }
    for (const id of [7, 7, 8]) await send(id)
    const path = `/topics/${topic}/journey?key=`
    const journey = await eventually('the document is there and committed', patienceMs, async () => {
      const found = (await rest.get(`${path}%7B%22id%22%3A7%7D`)).json as { sinks: readonly { place: unknown }[] }
      return found.sinks[0]?.place === null ? null : found
    })
    expect(journey).toMatchObject({
      commit: { lsn: '16/B374D848', time: '2026-01-05T14:36:27.120Z', transaction: '812', version },
      log: { offset: 1 },
      sinks: [
        { connector: 'search', place: { kind: 'document', index: `found-${topic}`, id: '7', version }, note: null },
      ],
      record: { offset: 1, value: { after: { status: 'PAID' } } },
    })
    expect((await rest.get(`${path}8`)).json).toMatchObject({ log: { offset: 2 } })
    expect((await rest.get(`${path}9`)).json).toMatchObject({ log: null, record: null, sinks: [] })
    await producer.disconnect()
  })
})
