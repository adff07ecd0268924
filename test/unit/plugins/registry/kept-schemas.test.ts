import { NotReadyError, type Schema } from 'penstock/api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { BrokerHarness } from '../../../support/broker/broker-harness.ts'
import { whenReady } from '../../../support/registry/avro-converters.ts'
import { registryConverters, tableRow, tableSchema } from '../../../support/registry/many-schemas.ts'
import { TestRegistry } from '../../../support/registry/test-registry.ts'
import { keptObjects } from '../../../support/task/kept-objects.ts'

describe.each(registryConverters)('%s with schemas.cache.size', (_name, converter) => {
  const size = 4
  const schemas = 7
  const topics = 6
  let broker: BrokerHarness
  let registry: TestRegistry

  beforeAll(async () => {
    broker = await BrokerHarness.start()
    registry = await TestRegistry.start(broker.bootstrap)
    await registry.put('/config', { compatibility: 'NONE' })
  })
  afterAll(async () => {
    await registry.close()
    await broker.close()
  })

  it('keeps so many readers of schemas in all topics together', async () => {
    const writer = converter(registry.url)
    const reader = converter(registry.url, { 'schemas.cache.size': String(size) })
    const found: WeakRef<Schema>[] = []
    for (let topic = 0; topic < topics; topic += 1)
      for (let table = 0; table < schemas; table += 1) {
        const name = `kept-${topic}`
        const schema = tableSchema(table)
        const bytes = Buffer.from((await whenReady(() => writer.fromConnect(name, schema, tableRow(1)))) ?? [])
        const back = await whenReady(() => reader.toConnect(name, bytes))
        if (back.schema !== null) found.push(new WeakRef(back.schema))
      }
    expect(found.length).toBe(topics * schemas)
    expect(await keptObjects(found, size)).toBeGreaterThan(0)
  })

  it('has the last of them ready, and not the one that was read before these', async () => {
    const writer = converter(registry.url)
    const reader = converter(registry.url, { 'schemas.cache.size': String(size) })
    const messages: Buffer[] = []
    for (let table = 0; table <= size; table += 1) {
      const schema = tableSchema(table)
      messages.push(Buffer.from((await whenReady(() => writer.fromConnect('ready', schema, tableRow(1)))) ?? []))
    }
    for (const bytes of messages) await whenReady(() => reader.toConnect('ready', bytes))
    const [first, ...last] = messages
    for (const bytes of last) expect(reader.toConnect('ready', bytes).value).toEqual(tableRow(1))
    expect(() => reader.toConnect('ready', first ?? null)).toThrow(NotReadyError)
  })

  it('keeps nothing of schemas that the source has dropped but the last one', async () => {
    const writer = converter(registry.url, { 'schemas.cache.size': String(size) })
    const dropped: WeakRef<Schema>[] = []
    for (let table = 0; table < schemas; table += 1)
      for (const topic of ['a', 'b']) {
        const schema = tableSchema(table)
        await whenReady(() => writer.fromConnect(`dropped-${topic}`, schema, tableRow(1)))
        dropped.push(new WeakRef(schema))
      }
    expect(await keptObjects(dropped, 1)).toBeGreaterThanOrEqual(0)
  })
})
