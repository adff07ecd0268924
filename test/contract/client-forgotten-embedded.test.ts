import { describe, expect, it } from 'vitest'
import { defaultBrokerConfig } from '../../src/broker/settings/broker-config.ts'
import { apis } from '../support/protocol/apis.ts'
import { errorCodes } from '../../src/protocol/error-codes.ts'
import type { KafkaFaultProxy } from '../support/broker/kafka-fault-proxy.ts'
import { untilPasses } from '../support/until.ts'
import { Outcomes, readAll, textOf, textRecord } from './client-harness.ts'
import { ProxiedBroker } from './proxied-broker.ts'

const log = { ...defaultBrokerConfig.log, producerIdExpirationMs: 300 }
const value = (id: number, size: number): string => String(id).padEnd(size, '.')

/** A broker that forgets a producer after 300 ms, what is between it and its clients, and a producer that it has forgotten. */
async function withForgottenProducer(
  maxMessageBytes: number,
  body: (world: {
    readonly proxy: KafkaFaultProxy
    readonly put: (id: number, size: number) => void
    readonly flush: () => Promise<void>
    readonly outcomes: Outcomes
    readonly written: () => Promise<number[]>
  }) => Promise<void>,
): Promise<void> {
  const kafka = await ProxiedBroker.start({ config: { retentionCheckMs: 100, log } })
  const { broker, proxy, clients } = kafka
  try {
    const client = await clients.connect()
    const topic = clients.name('forgotten')
    await broker.broker.topics.create(topic, 1, { 'max.message.bytes': String(maxMessageBytes) })
    const outcomes = new Outcomes()
    const producer = client.producer(outcomes, { batchSize: 4_000 })
    const put = (id: number, size: number): void => producer.append(textRecord(topic, null, value(id, size), 0), id)
    const flush = (): Promise<void> => producer.flush(AbortSignal.timeout(60_000))
    for (const id of [0, 1]) {
      put(id, 100)
      await flush()
    }
    const partition = broker.broker.topics.partition(topic, 0)
    await untilPasses(() => expect(partition?.producers.entries.size).toBe(0), 60_000)
    const written = async (): Promise<number[]> =>
      textOf(await readAll(client, topic)).map((text) => parseInt(text ?? ''))
    await body({ proxy, put, flush, outcomes, written })
  } finally {
    await kafka.close()
  }
}

describe('a producer that the broker has forgotten', () => {
  it('loses nothing though its first batch is too large and the second one fits', async () => {
    await withForgottenProducer(2_000, async ({ put, flush, outcomes, written }) => {
      put(2, 1_600)
      put(3, 1_600)
      put(4, 1_700)
      await flush()
      expect(outcomes.failed).toEqual([])
      expect(await written()).toEqual([0, 1, 2, 3, 4])
    })
  })

  for (const name of ['NOT_ENOUGH_REPLICAS', 'KAFKA_STORAGE_ERROR', 'UNKNOWN_PRODUCER_ID'] as const) {
    it(`loses nothing though the response to the first of two batches is ${name}`, async () => {
      await withForgottenProducer(10_000, async ({ proxy, put, flush, outcomes, written }) => {
        let refusals = 0
        proxy.onRequest = (apiKey) => {
          if (apiKey !== apis.produce.key || refusals > 0) return null
          refusals += 1
          return errorCodes[name]
        }
        for (const id of [2, 3, 4]) put(id, 3_500)
        await flush()
        expect(refusals).toBe(1)
        expect(outcomes.failed).toEqual([])
        expect(outcomes.acknowledged).toEqual([0, 1, 2, 3, 4])
        expect(await written()).toEqual([0, 1, 2, 3, 4])
      })
    })
  }
})
