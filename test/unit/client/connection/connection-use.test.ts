import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { KafkaClient } from '../../../../src/client/kafka-client.ts'
import { errorCodes } from '../../../../src/protocol/error-codes.ts'
import {
  ClientHarness,
  Outcomes,
  pollUntil,
  subscribe,
  textRecord,
  writeAll,
} from '../../../contract/client-harness.ts'
import { BrokerHarness } from '../../../support/broker/broker-harness.ts'
import { KafkaFaultProxy } from '../../../support/broker/kafka-fault-proxy.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { apis } from '../../../support/protocol/apis.ts'
import { untilPasses } from '../../../support/until.ts'

let broker: BrokerHarness
let proxy: KafkaFaultProxy
let clients: ClientHarness
let direct: KafkaClient
beforeAll(async () => {
  broker = await BrokerHarness.start()
  proxy = await KafkaFaultProxy.open(broker.bootstrap)
  clients = new ClientHarness(proxy.bootstrapServers)
  direct = await clients.connect({ bootstrapServers: broker.bootstrap })
})
afterAll(async () => {
  await clients.close()
  await proxy.close()
  await broker.close()
})

async function topicWith(...values: readonly string[]): Promise<string> {
  const topic = clients.name('connections')
  await direct.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
  await writeAll(direct, topic, values)
  return topic
}

/** A client whose connection for short requests is open, and how many connections the proxy has then. */
async function connected() {
  const client = await clients.connect()
  const topic = await topicWith('first')
  await client.admin.groupOffsets(topic)
  return { client, topic, before: proxy.connections }
}

describe('the connections of a client', () => {
  it('that a group consumer opened are closed with it', async () => {
    const { client, topic, before } = await connected()
    let heartbeats = 0
    proxy.onRequest = (apiKey) => {
      if (apiKey === apis.heartbeat.key) heartbeats += 1
      return null
    }
    const consumer = client.consumer({ groupId: topic, autoOffsetReset: 'earliest', heartbeatIntervalMs: 20 })
    subscribe(consumer, { topics: [topic] })
    await pollUntil(consumer, 'the record', (records) => records.length === 1)
    await untilPasses(() => expect(heartbeats).toBeGreaterThan(0))
    expect(proxy.connections).toBeGreaterThan(before + 2)
    await consumer.close()
    await untilPasses(() => expect(proxy.connections).toBe(before))
  })

  it('that a producer opened are closed with it', async () => {
    const { client, topic, before } = await connected()
    const producer = client.producer(new Outcomes())
    producer.append(textRecord(topic, null, 'second'), 1)
    await producer.flush()
    expect(proxy.connections).toBeGreaterThan(before)
    await producer.close()
    await untilPasses(() => expect(proxy.connections).toBe(before))
  })
})

it('a reader waits before it fetches again what the broker refused', async () => {
  const topic = await topicWith('first')
  const clock = new ManualClock()
  const client = await clients.connect({ clock })
  let fetches = 0
  proxy.onRequest = (apiKey) => {
    if (apiKey !== apis.fetch.key) return null
    fetches += 1
    return errorCodes.KAFKA_STORAGE_ERROR
  }
  const read: (string | undefined)[] = []
  const reader = client.topicReader({ topic, onRecord: ({ value }) => void read.push(value?.toString()) })
  await reader.start()
  await untilPasses(() => expect(fetches).toBe(1))
  for (let i = 0; i < 20; i += 1) await direct.admin.describeTopics([topic])
  expect(fetches).toBe(1)
  proxy.onRequest = () => null
  await untilPasses(() => {
    clock.advance(1000)
    expect(read).toEqual(['first'])
  })
  await reader.close()
})
