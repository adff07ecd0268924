import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { KafkaClient } from '../../../../src/client/kafka-client.ts'
import { pollUntil, subscribe, textOf, writeAll } from '../../../contract/client-harness.ts'
import { ProxiedBroker } from '../../../contract/proxied-broker.ts'
import { describeGroup } from '../../../support/broker/cluster-tools.ts'
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
  const topic = kafka.clients.name('consumer')
  await direct.admin.createTopic({ name: topic, partitions: 2, replicationFactor: 1 })
  await writeAll(direct, topic, values, 0)
  return topic
}

describe('a consumer', () => {
  it('does not join its group any more once it is closed', async () => {
    const topic = await topicWith('first')
    const consumer = (await kafka.clients.connect()).consumer({ groupId: topic })
    subscribe(consumer, { topics: [topic] })
    let joins = 0
    kafka.proxy.onAnswer = (apiKey) => {
      if (apiKey !== apis.joinGroup.key) return 'pass'
      joins += 1
      return joins === 1 ? 'swallow' : 'pass'
    }
    const polling = consumer.poll(60_000).catch((error: unknown) => error)
    await untilPasses(() => expect(joins).toBe(1))
    await consumer.close()
    await polling
    kafka.proxy.onAnswer = () => 'pass'
    expect([joins, (await describeGroup(kafka.broker.bootstrap, topic)).memberIds]).toEqual([1, []])
  })

  it('that is closed while the coordinator gives it a member id leaves the group, which does not wait for it', async () => {
    const topic = await topicWith('first')
    const consumer = (await kafka.clients.connect()).consumer({ groupId: topic, sessionTimeoutMs: 600_000 })
    subscribe(consumer, { topics: [topic] })
    let joins = 0
    kafka.proxy.onRequest = (apiKey) => {
      if (apiKey !== apis.joinGroup.key) return null
      joins += 1
      kafka.proxy.hold()
      return null
    }
    const polling = consumer.poll(60_000).catch((error: unknown) => error)
    await untilPasses(() => expect(joins).toBe(1))
    const closed = consumer.close()
    kafka.proxy.release()
    await Promise.all([closed, polling])
    kafka.proxy.onRequest = () => null
    const next = direct.consumer({ groupId: topic })
    subscribe(next, { topics: [topic] })
    expect(textOf(await pollUntil(next, 'the record', (records) => records.length === 1))).toEqual(['first'])
    await next.close()
  })

  it('sends no request when it has no offsets to commit', async () => {
    const topic = await topicWith()
    const consumer = (await kafka.clients.connect()).consumer({ groupId: topic })
    let joined = false
    subscribe(consumer, { topics: [topic] }, { onAssigned: () => void (joined = true) })
    await pollUntil(consumer, 'the assignment', () => joined)
    let commits = 0
    kafka.proxy.onRequest = (apiKey) => {
      if (apiKey === apis.offsetCommit.key) commits += 1
      return null
    }
    await consumer.commit([])
    expect(commits).toBe(0)
    await consumer.commit([{ topic, partition: 0, offset: 0 }])
    expect(commits).toBe(1)
    kafka.proxy.onRequest = () => null
    await consumer.close()
  })

  it('keeps what it has fetched of a paused partition while it reads another one, and returns it after the pause', async () => {
    const topic = await topicWith('1', '2', '3')
    const consumer = (await kafka.clients.connect()).consumer({
      groupId: topic,
      autoOffsetReset: 'earliest',
      maxPollRecords: 1,
    })
    subscribe(consumer, { topics: [topic] })
    expect(textOf(await pollUntil(consumer, 'a record', (records) => records.length === 1))).toEqual(['1'])
    const place = { topic, partition: 0 }
    consumer.pause([place])
    await writeAll(direct, topic, ['beside'], 1)
    expect(textOf(await pollUntil(consumer, 'a record', (records) => records.length === 1))).toEqual(['beside'])
    kafka.proxy.hold()
    consumer.resume([place])
    expect(textOf(await pollUntil(consumer, 'two records', (records) => records.length === 2))).toEqual(['2', '3'])
    kafka.proxy.release()
    await consumer.close()
  })
})
