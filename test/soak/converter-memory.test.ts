import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { BrokerHarness } from '../support/broker/broker-harness.ts'
import { convertMany, registryConverters } from '../support/registry/many-schemas.ts'
import { TestRegistry } from '../support/registry/test-registry.ts'

const records = Number(process.env['RECORDS'] ?? 2_000_000)
const schemas = 500
const every = Math.max(1, Math.floor(records / 20))
const megabyte = 1024 * 1024
/** What the heap of the test itself may differ by, with its broker and registry. Bytes. */
const tolerance = 3 * megabyte

describe(`memory after ${records} records with ${schemas} schemas`, () => {
  let broker: BrokerHarness
  let registry: TestRegistry

  beforeAll(async () => {
    broker = await BrokerHarness.start()
    registry = await TestRegistry.start(broker.bootstrap)
  })
  afterAll(async () => {
    await registry.close()
    await broker.close()
  })

  it.each(registryConverters)('stays what it was when all schemas were known: %s', async (name, converter) => {
    await registry.put('/config', { compatibility: 'NONE' })
    const [writer, reader] = [converter(registry.url), converter(registry.url)]
    const measured = await convertMany(writer, reader, {
      schemas,
      records,
      every,
      // New objects between two measurements: the old ones are to be gone with what was compiled for them.
      renewedEvery: every * 2,
      report: (count, bytes) =>
        process.stdout.write(`${name}: ${count} records, ${(bytes / megabyte).toFixed(1)} MB after a collection\n`),
    })
    const half = measured.length / 2
    const growth = Math.max(...measured.slice(half)) - Math.max(...measured.slice(1, half))
    expect(growth, measured.map((bytes) => (bytes / megabyte).toFixed(1)).join(' ')).toBeLessThan(tolerance)
  })
})
