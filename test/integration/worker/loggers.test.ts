import { beforeEach, describe, expect, it } from 'vitest'

import { RestClient } from '../../support/rest/rest-client.ts'
import { untilPasses } from '../../support/until.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'
import type { WorkerProcess } from '../../support/worker/worker-process.ts'

const workers = testWorkers()
let worker: WorkerProcess

beforeEach(async () => {
  worker = await workers.start({ 'group.id': 'workers' })
})

/** Has a plugin thread log a line of level debug: the config holds a password. Returns how many there are. */
async function debugLines(on: WorkerProcess): Promise<number> {
  const config = { 'connector.class': 'PostgresConnector', name: 'p', 'database.password': 'x' }
  await on.request('PUT', '/connector-plugins/PostgresConnector/config/validate', config)
  // The line comes before the response of the next request to the thread.
  await on.request('PUT', '/connector-plugins/PostgresConnector/config/validate', {
    'connector.class': config['connector.class'],
  })
  return on.output.split('literal secrets are stored as they are').length - 1
}

describe('log levels over REST', () => {
  it('apply to the threads that run, and to the names that Kafka Connect has', async () => {
    const rest = new RestClient(worker.place.rest)
    expect(await debugLines(worker)).toBe(0)
    expect((await rest.put('/admin/loggers/org.apache.kafka.connect.runtime', { level: 'debug' })).json).toEqual([
      'org.apache.kafka.connect.runtime',
    ])
    expect(await debugLines(worker)).toBe(1)
    expect((await rest.put('/admin/loggers/connect', { level: 'INFO' })).json).toEqual([
      'connect',
      'org.apache.kafka.connect.runtime',
    ])
    expect(await debugLines(worker)).toBe(1)
    expect((await rest.get('/admin/loggers')).json).toMatchObject({
      root: { level: 'INFO', last_modified: null },
      connect: { level: 'INFO', last_modified: expect.any(Number) },
    })
  })

  it('apply to each worker with scope=cluster, and not to one that starts later', async () => {
    const second = await workers.start({ 'group.id': 'workers', 'bootstrap.servers': worker.place.broker })
    const set = await new RestClient(second.place.rest).put('/admin/loggers/connect?scope=cluster', { level: 'DEBUG' })
    expect(set.status).toBe(204)
    for (const each of [worker, second]) {
      await untilPasses(async () =>
        expect(await each.request('GET', '/admin/loggers/connect')).toMatchObject({ level: 'DEBUG' }),
      )
    }
    const third = await workers.start({ 'group.id': 'workers', 'bootstrap.servers': worker.place.broker })
    expect((await new RestClient(third.place.rest).get('/admin/loggers/connect')).status).toBe(404)
  })
})
