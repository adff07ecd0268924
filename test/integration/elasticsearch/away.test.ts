import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { KafkaClient } from '../../../src/client/kafka-client.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { Servers } from '../../../src/servers/servers.ts'
import { writeAll } from '../../contract/client-harness.ts'
import { ElasticsearchClient } from '../../support/elasticsearch/elasticsearch-client.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { describeWith } from '../../support/services.ts'
import { untilPasses } from '../../support/until.ts'
import { workerPlace, WorkerProcess, type WorkerPlace } from '../../support/worker/worker-process.ts'

const waitMs = 180_000
const undo: (() => unknown)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

async function start(place: WorkerPlace): Promise<WorkerProcess> {
  const worker = await WorkerProcess.start(place, {
    'value.converter.schemas.enable': 'false',
    'offset.flush.interval.ms': '1000',
  })
  undo.push(() => worker.kill())
  return worker
}

/** State and trace of the connector and its task. */
async function statusOf(worker: WorkerProcess): Promise<{ states: readonly string[]; trace: string }> {
  interface Part {
    readonly state: string
    readonly trace?: string
  }
  const path = '/connectors/search/status'
  const { connector, tasks } = (await worker.request('GET', path)) as { connector: Part; tasks: readonly Part[] }
  return { states: [connector.state, ...tasks.map(({ state }) => state)], trace: tasks[0]?.trace ?? '' }
}

async function conditions(worker: WorkerProcess): Promise<readonly string[]> {
  const text = await (await fetch(`${worker.place.rest}/metrics`)).text()
  return [...text.matchAll(/^penstock_task_condition\{.*code="(\w+)".*\} 1$/gm)].map(([, code]) => code ?? '')
}

describeWith(['elasticsearch'], 'a worker whose Elasticsearch is stopped', () => {
  it('rejects configs, keeps running tasks, starts its task after a restart, and continues when Elasticsearch is back', async () => {
    const servers = Servers.open()
    undo.push(() => servers.close())
    const server = await servers.get('elasticsearch')
    const client = new ElasticsearchClient(server.address)
    const directory = mkdtempSync(join(tmpdir(), 'penstock-away-'))
    undo.push(() => rmSync(directory, { recursive: true, force: true }))
    const place = await workerPlace(join(directory, 'log'))
    let worker = await start(place)
    const logger = quietLogger()
    const write = async (...values: readonly string[]): Promise<void> => {
      const own = await KafkaClient.connect({
        bootstrapServers: place.broker,
        clientId: 'test',
        clock: systemClock,
        logger,
      })
      try {
        if (values[0] === '{"n":1}') await own.admin.createTopic({ name: 'away', partitions: 1, replicationFactor: 1 })
        await writeAll(own, 'away', values)
      } finally {
        await own.close()
      }
    }
    await write('{"n":1}', '{"n":2}')
    const config = {
      'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
      topics: 'away',
      'key.ignore': 'true',
      'connection.url': server.address,
    }
    await worker.post('search', config)
    await untilPasses(async () => expect(await client.count('away')).toBe(2), waitMs)

    await server.stop()
    for (const changed of [config, { ...config, 'batch.size': '100' }]) {
      await expect(worker.request('PUT', '/connectors/search/config', changed)).rejects.toThrow(
        /HTTP 400 .*Could not connect to Elasticsearch/,
      )
    }
    await expect(worker.post('second', config)).rejects.toThrow(/HTTP 400 .*Could not connect to Elasticsearch/)
    await write('{"n":3}')
    const waits = async (): Promise<void> => {
      const { states, trace } = await statusOf(worker)
      expect(states).toEqual(['RUNNING', 'RUNNING'])
      expect(trace).toMatch(/^ES_UNAVAILABLE: Elasticsearch is not available; .* since \d{4}-.*ECONNREFUSED/m)
      expect(await conditions(worker)).toEqual(['ES_UNAVAILABLE'])
    }
    await untilPasses(waits, waitMs)

    expect(await worker.stop()).toBe(0)
    worker = await start(place)
    await untilPasses(waits, waitMs)
    await server.start()
    await untilPasses(async () => expect(await client.count('away')).toBe(3), waitMs)
    await untilPasses(async () => {
      expect(await statusOf(worker)).toEqual({ states: ['RUNNING', 'RUNNING'], trace: '' })
      expect(await conditions(worker)).toEqual([])
    }, waitMs)
  }, 600_000)
})
