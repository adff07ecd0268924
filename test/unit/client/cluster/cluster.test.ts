import { afterAll, beforeAll, expect, it } from 'vitest'

import { Cluster } from '../../../../src/client/cluster/cluster.ts'
import { systemClock } from '../../../../src/foundation/clock.ts'
import { ClientHarness } from '../../../contract/client-harness.ts'
import { BrokerHarness } from '../../../support/broker/broker-harness.ts'
import { deleteTopic } from '../../../support/broker/cluster-tools.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'

let broker: BrokerHarness
let clients: ClientHarness
beforeAll(async () => {
  broker = await BrokerHarness.start()
  clients = new ClientHarness(broker.bootstrap)
})
afterAll(async () => {
  await clients.close()
  await broker.close()
})

it('keeps the metadata of other topics when it asks for one, and forgets deleted topics when it asks for all', async () => {
  const { admin } = await clients.connect()
  for (const name of ['a', 'b']) await admin.createTopic({ name, partitions: 1, replicationFactor: 1 })
  const options = { bootstrapServers: broker.bootstrap, clientId: 'test', clock: systemClock, logger: quietLogger() }
  const cluster = new Cluster(options)
  await cluster.refreshMetadata(['a'])
  await cluster.refreshMetadata(['b'])
  expect([...cluster.metadata.topics.keys()]).toEqual(['a', 'b'])
  await deleteTopic(broker.bootstrap, 'a')
  await cluster.refreshMetadata(['b'])
  expect(cluster.metadata.topics.has('a')).toBe(true)
  await cluster.refreshMetadata(null)
  expect([cluster.metadata.topics.has('a'), cluster.metadata.topics.has('b')]).toEqual([false, true])
  cluster.close()
})
