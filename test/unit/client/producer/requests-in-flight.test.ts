import { afterAll, beforeAll, expect, it } from 'vitest'

import { Outcomes, textRecord } from '../../../contract/client-harness.ts'
import { ProxiedBroker } from '../../../contract/proxied-broker.ts'
import { apis } from '../../../support/protocol/apis.ts'
import { untilPasses } from '../../../support/until.ts'

let kafka: ProxiedBroker
beforeAll(async () => {
  kafka = await ProxiedBroker.start()
})
afterAll(async () => await kafka.close())

it('a producer has no more requests in flight than allowed, also after many of them succeeded', async () => {
  const topic = kafka.clients.name('in-flight')
  const direct = await kafka.connectDirectly()
  await direct.admin.createTopic({ name: topic, partitions: 8, replicationFactor: 1 })
  const client = await kafka.clients.connect()
  const outcomes = new Outcomes()
  const producer = client.producer(outcomes, { maxInFlight: 2, lingerMs: 0 })
  let requests = 0
  kafka.proxy.onRequest = (apiKey) => {
    if (apiKey === apis.produce.key) requests += 1
    return null
  }
  for (let partition = 0; partition < 8; partition += 1) {
    producer.append(textRecord(topic, null, 'first', partition), partition)
    await producer.flush()
  }
  kafka.proxy.hold()
  requests = 0
  for (let partition = 0; partition < 8; partition += 1) {
    producer.append(textRecord(topic, null, 'held', partition), 8 + partition)
    await direct.admin.describeTopics([topic])
  }
  await untilPasses(() => expect(requests).toBeGreaterThanOrEqual(2))
  expect(requests).toBe(2)
  kafka.proxy.release()
  await producer.close()
  expect(outcomes.acknowledged).toHaveLength(16)
})
