import { expect, it } from 'vitest'

import { Cluster } from '../../../../src/client/cluster/cluster.ts'
import { systemClock } from '../../../../src/foundation/clock.ts'
import { brokerWithClients } from '../../../contract/broker-with-clients.ts'
import { deleteTopic } from '../../../support/broker/cluster-tools.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'

const kafka = brokerWithClients()

it('keeps the metadata of other topics when it asks for one, and forgets deleted topics when it asks for all', async () => {
  const { admin } = await kafka.clients.connect()
  for (const name of ['a', 'b']) await admin.createTopic({ name, partitions: 1, replicationFactor: 1 })
  const options = {
    bootstrapServers: kafka.broker.bootstrap,
    clientId: 'test',
    clock: systemClock,
    logger: quietLogger(),
  }
  const cluster = new Cluster(options)
  await cluster.refreshMetadata(['a'])
  await cluster.refreshMetadata(['b'])
  expect([...cluster.metadata.topics.keys()]).toEqual(['a', 'b'])
  await deleteTopic(kafka.broker.bootstrap, 'a')
  await cluster.refreshMetadata(['b'])
  expect(cluster.metadata.topics.has('a')).toBe(true)
  await cluster.refreshMetadata(null)
  expect([cluster.metadata.topics.has('a'), cluster.metadata.topics.has('b')]).toEqual([false, true])
  cluster.close()
})
