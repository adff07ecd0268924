import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { KafkaClient } from '../../../../src/client/kafka-client.ts'
import { errorCodes } from '../../../../src/protocol/error-codes.ts'
import { Outcomes, pollUntil, subscribe, textRecord, writeAll } from '../../../contract/client-harness.ts'
import { ProxiedBroker } from '../../../contract/proxied-broker.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { apis } from '../../../support/protocol/apis.ts'
import { untilPasses } from '../../../support/until.ts'

let kafka: ProxiedBroker
let direct: KafkaClient
beforeAll(async () => {
  kafka = await ProxiedBroker.start()
  direct = await kafka.connectDirectly()
})
afterAll(async () => await kafka.close())

async function topicWith(...values: readonly string[]): Promise<string> {
  const topic = kafka.clients.name('connections')
  await direct.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
  await writeAll(direct, topic, values)
  return topic
}

/** A client whose connection for short requests is open, and how many connections the proxy has then. */
async function connected() {
  const client = await kafka.clients.connect()
  const topic = await topicWith('first')
  await client.admin.groupOffsets(topic)
  return { client, topic, before: kafka.proxy.connections }
}

describe('the connections of a client', () => {
  it('that a group consumer opened are closed with it', async () => {
    const { client, topic, before } = await connected()
    let heartbeats = 0
    kafka.proxy.onRequest = (apiKey) => {
      if (apiKey === apis.heartbeat.key) heartbeats += 1
      return null
    }
    const consumer = client.consumer({ groupId: topic, autoOffsetReset: 'earliest', heartbeatIntervalMs: 20 })
    subscribe(consumer, { topics: [topic] })
    await pollUntil(consumer, 'the record', (records) => records.length === 1)
    await untilPasses(() => expect(heartbeats).toBeGreaterThan(0))
    expect(kafka.proxy.connections).toBeGreaterThan(before + 2)
    await consumer.close()
    await untilPasses(() => expect(kafka.proxy.connections).toBe(before))
  })

  it('that a producer opened are closed with it', async () => {
    const { client, topic, before } = await connected()
    const producer = client.producer(new Outcomes())
    producer.append(textRecord(topic, null, 'second'), 1)
    await producer.flush()
    expect(kafka.proxy.connections).toBeGreaterThan(before)
    await producer.close()
    await untilPasses(() => expect(kafka.proxy.connections).toBe(before))
  })
})

it('a reader waits before it fetches again what the broker refused', async () => {
  const topic = await topicWith('first')
  const clock = new ManualClock()
  const client = await kafka.clients.connect({ clock })
  let fetches = 0
  kafka.proxy.onRequest = (apiKey) => {
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
  kafka.proxy.onRequest = () => null
  await untilPasses(() => {
    clock.advance(1000)
    expect(read).toEqual(['first'])
  })
  await reader.close()
})
