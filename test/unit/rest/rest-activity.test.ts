import { afterEach, describe, expect, it } from 'vitest'

import { Meters, type LabelledSample } from '../../../src/foundation/metrics/meters.ts'
import type { RestServer } from '../../../src/rest/rest-server.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { MemoryHerder } from '../../support/rest/memory-herder.ts'
import { contractProblems } from '../../support/rest/openapi.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { startedRest } from '../../support/rest/started-rest.ts'

let server: RestServer | null = null
const meters = { sink: new Meters(), source: new Meters() }
const clock = new ManualClock()
const topics = { topics: 'orders', 'errors.deadletterqueue.topic.name': 'letters' }

afterEach(async () => {
  await server?.close()
  server = null
})

/** As the worker labels the samples of its tasks. */
function samples(): readonly LabelledSample[] {
  const of = (connector: string, { sink }: { readonly sink: Meters }): readonly LabelledSample[] =>
    sink.samples().map((sample) => ({ sample, labels: { connector, task: '0', ...sample.labels } }))
  return [...of('search', { sink: meters.sink }), ...of('shop', { sink: meters.source })]
}

async function start(): Promise<RestClient> {
  const herder = new MemoryHerder()
  server = await startedRest({ herder, clock, worker: { id: 'worker-1:8083', samples } })
  const client = new RestClient(server.url)
  await client.post('/connectors', { name: 'search', config: { 'connector.class': 'FileStreamSink', ...topics } })
  await client.post('/connectors', { name: 'shop', config: { 'connector.class': 'FileStreamSource', topic: 'orders' } })
  herder.topics.set('shop', ['orders'])
  herder.failedTasks.set('shop-0', 'it broke')
  return client
}

async function checked(client: RestClient, path: string): Promise<unknown> {
  const response = await client.get(path)
  const contentType = String(response.headers['content-type'])
  expect(contractProblems('GET', path, { ...response, contentType })).toEqual([])
  return response.json
}

describe('the activity of a worker', () => {
  it('adds what the tasks of each connector count to their states', async () => {
    const client = await start()
    meters.sink.counter('sink_records_read_total', '').add(30)
    meters.sink.counter('sink_records_sent_total', '').add(20)
    meters.sink.gauge('sink_lag_records', '', { topic: 'orders', partition: '1' }).set(7)
    meters.sink.gauge('task_condition', '', { code: 'ES_RETRY' }).set(1)
    meters.source.gauge('source_behind_seconds', '').set(1.5)
    meters.source.gauge('source_wal_budget_bytes', '').set(8e9)
    meters.source.gauge('source_snapshot_rows', '').set(12)
    expect(await checked(client, '/activity')).toMatchObject({
      caller: { user: null, role: 'admin', limited: false },
      worker: { id: 'worker-1:8083', memory_bytes: null, conditions: [] },
      connectors: {
        search: {
          type: 'sink',
          state: 'RUNNING',
          topics: ['orders'],
          dead_letter_topic: 'letters',
          tasks: [
            {
              id: 0,
              activity: {
                records_read: 30,
                records_written: 20,
                lag: [{ topic: 'orders', partition: 1, records: 7 }],
                behind_seconds: null,
                conditions: ['ES_RETRY'],
              },
            },
          ],
        },
        shop: {
          type: 'source',
          topics: ['orders'],
          tasks: [
            {
              activity: {
                behind_seconds: 1.5,
                wal_retained_bytes: null,
                wal_budget_bytes: 8e9,
                snapshot: { rows: 12, expected_rows: null },
              },
            },
          ],
        },
      },
    })
  })

  it('shows no counts of tasks that run elsewhere', async () => {
    const client = await start()
    await client.post('/connectors', { name: 'far', config: { 'connector.class': 'FileStreamSink', topics: 'a' } })
    expect(await checked(client, '/activity')).toMatchObject({ connectors: { far: { tasks: [{ activity: null }] } } })
  })

  it('remembers fifteen minutes of each connector, in steps of ten seconds', async () => {
    const client = await start()
    const points = async (): Promise<readonly (readonly number[])[]> =>
      ((await checked(client, '/activity/history')) as { connectors: Record<string, number[][]> }).connectors[
        'search'
      ] ?? []
    expect(await points()).toEqual([])
    for (let step = 0; step < 100; step += 1) clock.advance(10_000)
    const kept = await points()
    expect(kept).toHaveLength(90)
    expect(kept.at(-1)).toEqual([clock.now(), 30, 20, 7])
    expect((kept.at(-1)?.[0] ?? 0) - (kept[0]?.[0] ?? 0)).toBe(890_000)
  })
})
