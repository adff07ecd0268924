import { expect, it } from 'vitest'

import { ClientHarness, Outcomes, textRecord } from '../../../contract/client-harness.ts'
import { BrokerHarness } from '../../../support/broker/broker-harness.ts'

it('a producer has room again once records are written that had to wait for their topic', async () => {
  const broker = await BrokerHarness.start()
  const clients = new ClientHarness(broker.bootstrap)
  const client = await clients.connect()
  const outcomes = new Outcomes()
  const producer = client.producer(outcomes, { bufferMemory: 2000 })
  const value = 'x'.repeat(1000)
  for (let i = 0; i < 4; i += 1) {
    producer.append(textRecord(clients.name('new'), null, value), 2 * i)
    expect(producer.room()).toBeNull()
    producer.append(textRecord(clients.name('new'), null, value), 2 * i + 1)
    expect(producer.room()).not.toBeNull()
    await producer.flush()
    expect(producer.room()).toBeNull()
  }
  expect(outcomes.acknowledged).toHaveLength(8)
  await producer.close()
  await clients.close()
  await broker.close()
})
