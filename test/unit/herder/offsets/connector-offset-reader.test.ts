import { afterAll, beforeAll, expect, it } from 'vitest'

import type { KafkaClient } from '../../../../src/client/kafka-client.ts'
import { systemClock } from '../../../../src/foundation/clock.ts'
import { ConnectorOffsetReader } from '../../../../src/herder/offsets/connector-offset-reader.ts'
import { OffsetBackingStore } from '../../../../src/storage/offset-backing-store.ts'
import { TopicWriter } from '../../../../src/storage/topic-writer.ts'
import { ProxiedBroker } from '../../../contract/proxied-broker.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'

const { signal } = new AbortController()
const topic = { name: 'offsets', partitions: 2, replicationFactor: 1, configs: {} }
const partition = { server: 'x' }

let kafka: ProxiedBroker
beforeAll(async () => {
  kafka = await ProxiedBroker.start()
})
afterAll(async () => await kafka.close())

function storeOf(client: KafkaClient): OffsetBackingStore {
  const onError = (error: Error): void => expect.fail(error.message)
  return new OffsetBackingStore({ client, writer: new TopicWriter(client), topic, logger: quietLogger(), onError })
}

it('returns the offsets that were in the topic at the time of the call, which another worker may have written', async () => {
  const other = storeOf(await kafka.connectDirectly())
  await other.start()
  const client = await kafka.clients.connect()
  const store = storeOf(client)
  const reader = new ConnectorOffsetReader({ store, admin: client.admin, clock: systemClock, topic: topic.name })
  await reader.start(signal)
  expect(reader.isEmpty).toBe(true)
  // The reader does not receive the records before it is asked.
  kafka.proxy.hold()
  await other.alter('c', [{ partition, offset: { position: 1 } }])
  const first = reader.ofSource('c', signal)
  kafka.proxy.release()
  expect(await first).toEqual([{ partition, offset: { position: 1 } }])
  kafka.proxy.hold()
  await other.alter('c', [{ partition, offset: { position: 2 } }])
  const second = reader.stored('c', [partition])
  kafka.proxy.release()
  expect(await second).toEqual([{ position: 2 }])
  await Promise.all([store.close(), other.close()])
})
