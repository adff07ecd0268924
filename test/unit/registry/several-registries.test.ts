import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { TopicWriter } from '../../../src/storage/topic-writer.ts'
import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import { KafkaFaultProxy } from '../../support/broker/kafka-fault-proxy.ts'
import { recordOf, TestRegistry } from '../../support/registry/test-registry.ts'

describe('several registries on one topic', () => {
  let broker: BrokerHarness
  let registries: readonly [TestRegistry, TestRegistry]

  beforeAll(async () => {
    broker = await BrokerHarness.start()
    registries = [await TestRegistry.start(broker.bootstrap), await TestRegistry.start(broker.bootstrap)]
  })
  afterAll(async () => {
    for (const registry of registries) await registry.close()
    await broker.close()
  })

  it('give a schema that both register at the same time one id', async () => {
    for (let round = 0; round < 20; round += 1) {
      const schema = recordOf(`Same${round}`, 'a:int')
      const ids = await Promise.all(registries.map((registry) => registry.register(`same-${round}`, schema)))
      expect(ids[0]).toBe(ids[1])
    }
  })

  it('give no id twice, and no version', async () => {
    const registered = await Promise.all(
      Array.from({ length: 60 }, async (_none, number) => {
        const registry = registries[number % 2 === 0 ? 0 : 1]
        const schema = recordOf('Different', 'a:int', `b${number}:int=0`)
        const id = await registry.register('different', schema)
        return [id, JSON.stringify(schema)] as const
      }),
    )
    expect(new Set(registered.map(([id]) => id)).size).toBe(registered.length)
    // One that has seen nothing of it.
    const third = await TestRegistry.start(broker.bootstrap)
    try {
      for (const registry of [...registries, third]) {
        for (const [id, schema] of registered)
          expect((await registry.get(`/schemas/ids/${id}`)).body).toMatchObject({ schema })
        const { body } = await registry.get('/subjects/different/versions')
        expect(body).toEqual(registered.map((_one, index) => index + 1))
      }
    } finally {
      await third.close()
    }
  })

  it('write again what counts after a record that came too late, before compaction removes it', async () => {
    const [{ client }, registry] = registries
    await registry.register('kept', recordOf('Kept', 'a:int'))
    const writer = new TopicWriter(client)
    const key = '{"keytype":"SCHEMA","subject":"kept","version":1,"magic":1}'
    await writer.write('_schemas', [{ key, value: '{"subject":"kept","version":1,"id":9999,"schema":"\\"int\\""}' }])
    await writer.close()
    await registry.register('next', recordOf('Next', 'a:int'))
    let last = ''
    const reader = client.topicReader({
      topic: '_schemas',
      onRecord: (record) => {
        if (String(record.key) === key) last = String(record.value)
      },
    })
    await reader.start()
    await reader.readToEnd()
    await reader.close()
    expect(last).toContain('Kept')
  })

  it('look in the topic for what they do not have yet', async () => {
    const proxy = await KafkaFaultProxy.open(broker.bootstrap)
    const behind = await TestRegistry.start(proxy.bootstrapServers)
    try {
      proxy.hold()
      const schema = recordOf('Visible', 'a:int')
      const id = await registries[0].register('visible', schema)
      const requests = [behind.get(`/schemas/ids/${id}`), behind.get('/subjects/visible/versions')]
      // The server has begun with the earlier requests by then.
      await behind.get('/contexts')
      proxy.release()
      const [found, versions] = await Promise.all(requests)
      expect(found?.body).toMatchObject({ schema: JSON.stringify(schema) })
      expect(versions?.body).toEqual([1])
    } finally {
      proxy.release()
      await behind.close()
      await proxy.close()
    }
  })
})
