import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Browser } from 'playwright-core'

import { DashboardStage } from '../../support/dashboard/dashboard-stage.ts'
import { openBrowser, watchedPage, type Watched } from '../../support/dashboard/dashboard-browser.ts'
import { checkAccessibility, picture, takesPictures } from '../../support/dashboard/pictures.ts'
import { describeWith, service } from '../../support/services.ts'

let stage: DashboardStage
let browser: Browser

describeWith(['postgres', 'chromium'], 'the dashboard of a live worker', () => {
  beforeAll(async () => {
    ;[stage, browser] = await Promise.all([DashboardStage.open(service('postgres')), openBrowser(service('chromium'))])
  })
  afterAll(async () => {
    await browser.close()
    await stage.close()
  })

  const open = async (hash: string, options: Parameters<typeof watchedPage>[2] = {}): Promise<Watched> => {
    const watched = await watchedPage(browser, stage.worker.place.rest, options)
    await watched.page.goto(`${stage.worker.place.rest}/ui${hash}`)
    return watched
  }

  it('says what to do where there are no connectors', async () => {
    const { page, faults } = await open('')
    await page.getByRole('heading', { name: 'No connectors yet' }).waitFor()
    expect(faults).toEqual([])
    await page.context().close()
  })

  it('shows what failed first, then what flows, and restarts what failed', async () => {
    await stage.createConnectors()
    await stage.write(200)
    const { page, faults } = await open('#/overview')
    const failed = page.getByRole('listitem').filter({ hasText: 'task 0' }).filter({ hasText: 'invoices' })
    await failed.getByText('ENOENT').waitFor()
    for (const name of ['search', 'archive'])
      await page.locator('.node', { hasText: name }).filter({ hasText: 'running' }).waitFor()
    await page.getByText('shop.public.orders').waitFor()
    await checkAccessibility(page)
    if (takesPictures) await stage.writeFor(160)
    await picture(page, 'overview')
    stage.createDirectory()
    await failed.getByRole('button', { name: 'Restart failed' }).click()
    await page.getByRole('status').getByText('What failed of invoices restarts.').waitFor()
    await failed.waitFor({ state: 'detached' })
    expect(faults).toEqual([])
    await page.context().close()
  })

  it('shows a connector with its tasks, and pauses, resumes, restarts and stops it', async () => {
    const { page, faults } = await open('#/connectors')
    await page.getByRole('link', { name: 'search' }).click()
    await page.getByRole('heading', { name: 'search', level: 1 }).waitFor()
    await checkAccessibility(page)
    const press = async (button: string, state: string): Promise<void> => {
      await page.getByRole('button', { name: `${button} search` }).click()
      await page.locator('.facts').getByText(state, { exact: true }).waitFor()
    }
    await press('Pause', 'paused')
    await press('Resume', 'running')
    await press('Restart', 'running')
    await press('Stop', 'stopped')
    await page.getByText('A stopped connector has no tasks.').waitFor()
    await press('Resume', 'running')
    expect(faults).toEqual([])
    await page.context().close()
  })

  it('says that a connector is not there', async () => {
    const { page } = await open('#/connectors/none')
    await page.getByRole('heading', { name: 'No connector none' }).waitFor()
    await page.context().close()
  })

  it('keeps what it saw while the worker does not respond', async () => {
    const { page } = await open('#/overview')
    await page.locator('.node', { hasText: 'search' }).first().waitFor()
    await page.route('**/activity', (route) => route.abort())
    await page.getByText('The page shows what it saw last').waitFor()
    await page.locator('.node', { hasText: 'search' }).first().waitFor()
    await page.unroute('**/activity')
    await page.getByText('The page shows what it saw last').waitFor({ state: 'detached' })
    await page.context().close()
  })
})
