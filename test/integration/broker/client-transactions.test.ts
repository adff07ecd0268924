import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { KafkaClient } from '../../../src/client/kafka-client.ts'
import { ClientHarness, readAll, textOf } from '../../contract/client-harness.ts'
import { describeWith, service } from '../../support/services.ts'
import { until } from '../../support/until.ts'
import '../../support/broker/kafkajs-queue.ts'

describeWith(['kafka'], 'transactions of other producers', () => {
  let harness: ClientHarness
  let client: KafkaClient

  beforeAll(async () => {
    harness = new ClientHarness(service('kafka'))
    client = await harness.connect()
  })

  afterAll(async () => {
    await harness.close()
  })

  it('are read when committed, left out when aborted, and waited for while open', async () => {
    const topic = harness.name('transactions')
    await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
    const kafka = new Kafka({ brokers: [service('kafka')], logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    const send = async (value: string, end: 'commit' | 'abort'): Promise<void> => {
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ value, partition: 0 }] })
      await (end === 'commit' ? transaction.commit() : transaction.abort())
    }
    await send('a', 'commit')
    await send('b', 'abort')
    await send('c', 'commit')
    await send('d', 'abort')
    expect(textOf(await readAll(client, topic))).toEqual(['a', 'c'])

    const open = await producer.transaction()
    await open.send({ topic, messages: [{ value: 'e', partition: 0 }] })
    const seen: string[] = []
    const reader = client.topicReader({ topic, onRecord: ({ value }) => seen.push(value?.toString() ?? '') })
    await reader.start()
    await reader.readToEnd()
    expect(seen).toEqual(['a', 'c'])
    await open.commit()
    // The coordinator responds before it has written its markers.
    await until('the record of the transaction', async () => {
      await reader.readToEnd()
      return seen.includes('e')
    })
    expect(seen).toEqual(['a', 'c', 'e'])
    await reader.close()

    const all: string[] = []
    const uncommitted = client.topicReader({
      topic,
      isolation: 'read_uncommitted',
      onRecord: ({ value }) => all.push(value?.toString() ?? ''),
    })
    await uncommitted.start()
    await uncommitted.readToEnd()
    expect(all).toEqual(['a', 'b', 'c', 'd', 'e'])
    await uncommitted.close()
    await producer.disconnect()
  })

  it('are aborted by fencing their producer', async () => {
    const topic = harness.name('fenced')
    await client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 })
    const kafka = new Kafka({ brokers: [service('kafka')], logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true })
    await producer.connect()
    const open = await producer.transaction()
    await open.send({ topic, messages: [{ value: 'a', partition: 0 }] })
    await client.admin.fenceProducer(topic)
    await expect(open.commit()).rejects.toThrow(/epoch|fenced/i)
    expect(textOf(await readAll(client, topic))).toEqual([])
    await producer.disconnect()
  })
})
