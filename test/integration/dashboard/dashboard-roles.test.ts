import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { PasswordHash } from '../../../src/foundation/network/password-hash.ts'
import { openBrowser, watchedPage } from '../../support/dashboard/dashboard-browser.ts'
import { checkAccessibility } from '../../support/dashboard/pictures.ts'
import { describeWith, service } from '../../support/services.ts'
import { untilPasses } from '../../support/until.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'
import { workerPlace } from '../../support/worker/worker-process.ts'

describeWith(['chromium'], 'the dashboard of a worker with users', () => {
  const workers = testWorkers()

  it('shows each user the connectors and the buttons that the role allows', async () => {
    const hash = String(await PasswordHash.of('correct horse'))
    const tokenFile = join(workers.directory, 'admin.token')
    const users = join(workers.directory, 'users.properties')
    writeFileSync(tokenFile, 'token-of-the-test-'.repeat(3), { mode: 0o600 })
    const lines = ['reader', 'operator', 'admin'].flatMap((name) => [
      `${name}.role=${name === 'admin' ? name : name === 'reader' ? 'read' : 'operate'}`,
      `${name}.password=${hash}`,
    ])
    writeFileSync(users, [...lines, 'reader.connectors=orders-*'].join('\n'), { mode: 0o600 })
    const place = { ...(await workerPlace(join(workers.directory, 'data'))), tokenFile }
    const worker = await workers.startAt(place, { 'rest.users.file': users, 'rest.token.file': tokenFile })
    const file = join(workers.directory, 'none', 'lines.txt')
    for (const name of ['orders-sink', 'pages-sink'])
      await worker.post(name, { 'connector.class': 'FileStreamSink', topics: 'lines', file })
    await untilPasses(async () => expect(await worker.failures()).toHaveLength(2))
    const browser = await openBrowser(service('chromium'))
    const shown = async (username: string): Promise<readonly string[]> => {
      const credentials = { username, password: 'correct horse' }
      const { page } = await watchedPage(browser, worker.place.rest, { credentials })
      await page.goto(`${worker.place.rest}/ui#/overview`)
      await page.getByRole('heading', { name: 'Needs attention' }).waitFor()
      const failed = await page.locator('.problem .where a').allInnerTexts()
      await page.goto(`${worker.place.rest}/ui#/connectors/orders-sink`)
      await page.getByRole('heading', { name: 'orders-sink' }).waitFor()
      await checkAccessibility(page)
      const buttons = await page.locator('main .actions button').allInnerTexts()
      await page.goto(`${worker.place.rest}/ui#/connectors/orders-sink/config`)
      await page.getByLabel('topics', { exact: true }).waitFor()
      const isEditable = await page.getByLabel('topics', { exact: true }).isEnabled()
      await page.context().close()
      return [...failed.toSorted(), ...buttons, isEditable ? 'editable' : 'shown']
    }
    const commands = ['Pause', 'Stop', 'Restart']
    const both = ['orders-sink', 'pages-sink']
    try {
      expect(await shown('reader')).toEqual(['orders-sink', 'shown'])
      expect(await shown('operator')).toEqual([...both, ...commands, 'Restart failed', 'shown'])
      expect(await shown('admin')).toEqual([...both, ...commands, 'Delete', 'Restart failed', 'editable'])
    } finally {
      await browser.close()
    }
  })
})
