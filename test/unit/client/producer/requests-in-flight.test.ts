import { afterAll, beforeAll, expect, it } from 'vitest'

import { ClientHarness, Outcomes, textRecord } from '../../../contract/client-harness.ts'
import { BrokerHarness } from '../../../support/broker/broker-harness.ts'
import { KafkaFaultProxy } from '../../../support/broker/kafka-fault-proxy.ts'
import { apis } from '../../../support/protocol/apis.ts'
import { untilPasses } from '../../../support/until.ts'

let broker: BrokerHarness
let proxy: KafkaFaultProxy
let clients: ClientHarness
beforeAll(async () => {
  broker = await BrokerHarness.start()
  proxy = await KafkaFaultProxy.open(broker.bootstrap)
  clients = new ClientHarness(proxy.bootstrapServers)
})
afterAll(async () => {
  await clients.close()
  await proxy.close()
  await broker.close()
})

it('a producer has no more requests in flight than allowed, also after many of them succeeded', async () => {
  const topic = clients.name('in-flight')
  const direct = await clients.connect({ bootstrapServers: broker.bootstrap })
  await direct.admin.createTopic({ name: topic, partitions: 8, replicationFactor: 1 })
  const client = await clients.connect()
  const outcomes = new Outcomes()
  const producer = client.producer(outcomes, { maxInFlight: 2, lingerMs: 0 })
  let requests = 0
  proxy.onRequest = (apiKey) => {
    if (apiKey === apis.produce.key) requests += 1
    return null
  }
  for (let partition = 0; partition < 8; partition += 1) {
    producer.append(textRecord(topic, null, 'first', partition), partition)
    await producer.flush()
  }
  proxy.hold()
  requests = 0
  for (let partition = 0; partition < 8; partition += 1) {
    producer.append(textRecord(topic, null, 'held', partition), 8 + partition)
    await direct.admin.describeTopics([topic])
  }
  await untilPasses(() => expect(requests).toBeGreaterThanOrEqual(2))
  expect(requests).toBe(2)
  proxy.release()
  await producer.close()
  expect(outcomes.acknowledged).toHaveLength(16)
})
