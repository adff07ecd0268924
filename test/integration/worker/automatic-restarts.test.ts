import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { writePluginPackage } from '../../support/plugins/plugin-package.ts'
import { untilPasses } from '../../support/until.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'

const workers = testWorkers()

it('a task that lost its server restarts until the server is back, and says when', async () => {
  const plugins = join(workers.directory, 'plugins')
  writePluginPackage(plugins, 'flaky')
  const away = join(workers.directory, 'away')
  const running = await workers.start({ 'plugin.path': plugins, 'errors.restart.initial.delay.ms': '300' })
  const config = { 'connector.class': 'test.FlakyConnector', away, 'errors.restart.max.delay.ms': '1000' }
  await running.post('flaky', config)
  await running.post('final', { ...config, 'errors.restart.enable': 'false' })
  const tasksOf = async (name: string): Promise<unknown> =>
    ((await running.request('GET', `/connectors/${name}/status`)) as { readonly tasks: unknown }).tasks
  const allRun = async (name: string): Promise<void> =>
    await untilPasses(async () => expect(await tasksOf(name)).toMatchObject([{ state: 'RUNNING' }]))
  for (const name of ['flaky', 'final']) await allRun(name)

  writeFileSync(away, '')
  const trace = expect.stringMatching(
    /^TypeError: the server is away[^]*\nRESTART_SCHEDULED: restart [3-9] of 100 in a row/,
  )
  await untilPasses(async () => expect(await tasksOf('flaky')).toMatchObject([{ state: 'FAILED', trace }]))
  const metrics = async (): Promise<string> => await (await fetch(`${running.place.rest}/metrics`)).text()
  expect(await metrics()).toMatch(/penstock_automatic_restarts_total\{connector="flaky",task="0"\} [2-9]/)
  rmSync(away)
  await allRun('flaky')
  expect(await tasksOf('final')).toMatchObject([{ state: 'FAILED', trace: expect.not.stringContaining('RESTART_') }])
  expect(await metrics()).not.toMatch(/automatic_restarts_total\{connector="final"/)
  expect(running.output).toMatch(/task flaky-0 restarts in \d+ ms, restart 2 in a row/)

  const wrong = running.post('wrong', { ...config, 'errors.restart.max.attempts': '${file:/x:y}' })
  await expect(wrong).rejects.toThrow(/"errors.restart.max.attempts\\" cannot refer to a config provider/)
})
