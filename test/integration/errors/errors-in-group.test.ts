import { afterAll, beforeAll, expect, it } from 'vitest'

import type { KafkaClient } from '../../../src/client/kafka-client.ts'
import { formatListenAddress } from '../../../src/foundation/network/listen-address.ts'
import { present } from '../../../src/foundation/assert.ts'
import { ClientHarness, readAll, writeAll } from '../../contract/client-harness.ts'
import { untilPasses } from '../../support/until.ts'
import type { WorkerProcess } from '../../support/worker/worker-process.ts'
import { WorkerTrio } from '../../support/worker/worker-trio.ts'

let trio: WorkerTrio
let harness: ClientHarness
let client: KafkaClient
beforeAll(async () => {
  trio = await WorkerTrio.start({ 'offset.flush.interval.ms': '100' })
  harness = new ClientHarness(formatListenAddress(trio.broker.address))
  client = await harness.connect()
}, 120_000)
afterAll(async () => {
  await harness?.close()
  await trio?.close()
})

const causesOn = async (worker: WorkerProcess): Promise<unknown> =>
  ((await worker.request('GET', '/connectors/sink/errors')) as { causes: unknown }).causes

it('each worker of a group shows the dead letters of a connector, and has them delivered again, whichever worker leads or owns it', async () => {
  for (const name of ['orders', 'letters'])
    await client.admin.createTopic({ name, partitions: 1, replicationFactor: 1 })
  await writeAll(client, 'orders', ['bad 1', '2'])
  const [first, ...others] = trio.workers
  const config = {
    'connector.class': 'FileStreamSink',
    file: trio.path('out'),
    topics: 'orders',
    'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
    'value.converter.schemas.enable': 'false',
    'errors.tolerance': 'all',
    'errors.deadletterqueue.topic.name': 'letters',
    'errors.deadletterqueue.context.headers.enable': 'true',
  }
  await present(first, 'a worker').post('sink', config)
  await untilPasses(async () => expect(await readAll(client, 'letters')).toHaveLength(1))
  const found = await causesOn(present(first, 'a worker'))
  expect(found).toMatchObject([{ count: 1, replayed: 0, example: { record: { topic: 'orders', offset: 0 } } }])
  for (const worker of others) expect(await causesOn(worker)).toEqual(found)
  const text = 'org.apache.kafka.connect.storage.StringConverter'
  for (const [index, worker] of trio.workers.entries()) {
    // Each worker is the first to be asked once: the others find the replay that it has planned.
    await worker.request('PUT', '/connectors/sink/config', { ...config, 'value.converter': text })
    await worker.request('PUT', '/connectors/sink/stop')
    await untilPasses(async () =>
      expect(await worker.request('GET', '/connectors/sink/status')).toMatchObject({ connector: { state: 'STOPPED' } }),
    )
    const ordered = [...trio.workers.slice(index), ...trio.workers.slice(0, index)]
    const results: unknown[] = []
    for (const one of ordered) results.push(await one.request('POST', '/connectors/sink/errors/replay'))
    expect(results[0]).toMatchObject({ records: 1, partitions: [{ topic: 'orders', partition: 0, from: 0 }] })
    expect(results).toEqual(results.map(() => results[0]))
    await worker.request('PUT', '/connectors/sink/config', config)
    await worker.request('PUT', '/connectors/sink/resume')
    // It fails again, and is a letter again.
    const count = index + 2
    for (const one of trio.workers)
      await untilPasses(async () => expect(await causesOn(one)).toMatchObject([{ count, replayed: count - 1 }]))
  }
  expect(trio.lines('out')).toEqual(['2'])
}, 240_000)
