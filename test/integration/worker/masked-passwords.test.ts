import { join } from 'node:path'

import { expect, it } from 'vitest'

import { writePluginPackage } from '../../support/plugins/plugin-package.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { untilPasses } from '../../support/until.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'
import type { WorkerProcess } from '../../support/worker/worker-process.ts'

const workers = testWorkers()
const password = 'hunter2-of-the-leaky-connector'
const mask = '********'
const config = { 'connector.class': 'test.LeakyConnector', password, name: 'a', note: 'x' }

/** A worker with a connector whose task prints the password that it got. */
async function start(settings: Readonly<Record<string, string>>): Promise<WorkerProcess> {
  const plugins = join(workers.directory, 'plugins')
  writePluginPackage(plugins, 'leaky')
  return await workers.start({ 'plugin.path': plugins, ...settings })
}

const printed = (worker: WorkerProcess): number => worker.output.split(`out ${password}`).length - 1

it('a worker with rest.mask.passwords shows no password, and its tasks keep them when a config is sent back', async () => {
  const worker = await start({ 'rest.mask.passwords': 'true' })
  const rest = new RestClient(worker.place.rest)
  const created = await rest.post('/connectors', { name: 'a', config })
  expect(created).toMatchObject({ status: 201, json: { config: { ...config, password: mask } } })
  await untilPasses(() => expect(printed(worker)).toBe(1))

  const paths = ['', '/config', '/tasks', '/tasks-config'].map((path) => `/connectors/a${path}`)
  for (const path of [...paths, '/connectors?expand=info']) {
    const { body } = await rest.get(path)
    expect(body).toContain(`"password":"${mask}"`)
    expect(body).not.toContain(password)
  }
  expect((await rest.get('/connectors/a/tasks')).body).toContain(`"task.url":"pg://u:${mask}@h"`)

  const { json } = await rest.get('/connectors/a/config')
  const sentBack = await rest.put('/connectors/a/config', { ...(json as object), note: 'y' })
  expect(sentBack).toMatchObject({ status: 200, json: { config: { ...config, note: 'y', password: mask } } })
  // The task starts again, as its config has changed, and prints the password.
  await untilPasses(() => expect(printed(worker)).toBe(2))
  expect(await rest.send('PATCH', '/connectors/a/config', { password: mask, note: 'z' })).toMatchObject({ status: 200 })
  await untilPasses(() => expect(printed(worker)).toBe(3))

  const refused = await rest.post('/connectors', { name: 'b', config: { ...config, name: 'b', password: mask } })
  expect(refused).toMatchObject({
    status: 400,
    json: { message: expect.stringMatching(/^Configuration "password" is the mask/) },
  })
})

it('a worker without it shows them, as Kafka Connect does', async () => {
  const worker = await start({})
  await worker.post('a', config)
  expect(await worker.request('GET', '/connectors/a/config')).toEqual(config)
})
