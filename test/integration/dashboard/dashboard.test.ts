import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Browser } from 'playwright-core'

import { DashboardStage, ordersTopic } from '../../support/dashboard/dashboard-stage.ts'
import { openBrowser, watchedPage, type Watched } from '../../support/dashboard/dashboard-browser.ts'
import { checkAccessibility, picture, takesPictures } from '../../support/dashboard/pictures.ts'
import { describeWith, service } from '../../support/services.ts'
import { untilPasses } from '../../support/until.ts'

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
    await page.getByRole('link', { name: 'shop.public.orders' }).waitFor()
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
    await checkAccessibility(page)
    await page.getByRole('link', { name: 'search' }).click()
    await page.getByRole('heading', { name: 'search', level: 1 }).waitFor()
    await page.getByRole('img', { name: 'Records per second of search' }).locator('canvas').waitFor()
    await checkAccessibility(page)
    await picture(page, 'connector')
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

  it('changes a config after it has shown what changes, and refuses values that are not valid', async () => {
    const { page, faults } = await open('#/connectors/archive/config')
    const secret = page.getByLabel('aws.secret.access.key', { exact: true })
    await secret.waitFor()
    expect(await page.content()).not.toContain('secret-of-the-archive')
    await checkAccessibility(page)
    await picture(page, 'config')
    const size = page.getByLabel('flush.size', { exact: true })
    const apply = page.getByRole('button', { name: 'Apply' })
    await size.fill('many')
    await page.getByText('Invalid value many for configuration flush.size').waitFor()
    expect(await apply.isDisabled()).toBe(true)
    await size.fill('50')
    await page.getByText('The config is valid.').waitFor()
    await secret.fill('another')
    await page.getByLabel('Add a key').fill('s3.part.size')
    await page.getByRole('button', { name: 'Add', exact: true }).click()
    await page.getByLabel('s3.part.size', { exact: true }).fill('5242880')
    const lines = page.locator('.diff li')
    await untilPasses(async () => expect(await lines.count()).toBe(3))
    expect(await lines.allInnerTexts()).toEqual([
      '− aws.secret.access.key = ••••••••\n+ aws.secret.access.key = ••••••••',
      '− flush.size = 500\n+ flush.size = 50',
      '+ s3.part.size = 5242880',
    ])
    await page.getByText('The config is valid.').waitFor()
    await apply.click()
    await page.getByText('The config of archive is applied.').waitFor()
    expect(await stage.worker.request('GET', '/connectors/archive/config')).toMatchObject({
      'flush.size': '50',
      's3.part.size': '5242880',
      'aws.secret.access.key': 'another',
    })
    expect(faults).toEqual([])
    await page.context().close()
  })

  it('shows offsets, and resets those of a stopped connector after a question', async () => {
    const { page } = await open('#/connectors/archive/offsets')
    await page.getByRole('cell', { name: `kafka_topic ${ordersTopic}` }).waitFor()
    await page.getByRole('button', { name: 'Stop archive' }).click()
    await page.getByRole('button', { name: 'Reset offsets' }).click()
    await page.getByRole('heading', { name: 'Reset the offsets of archive?' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Reset offsets' }).click()
    await page.getByRole('button', { name: 'Reset', exact: true }).click()
    await page.getByText('No offsets yet.').waitFor()
    await page.getByRole('button', { name: 'Resume archive' }).click()
    await page.getByRole('cell', { name: `kafka_topic ${ordersTopic}` }).waitFor()
    await page.context().close()
  })

  it('groups dead letters by cause, and has those of a cause delivered again', async () => {
    stage.rejectStatus('lost')
    await stage.writeOrder('lost')
    const { page } = await open('#/connectors/search/errors')
    const cause = page.getByRole('listitem').filter({ hasText: 'ES_MALFORMED' })
    await cause.getByText('mapper_parsing_exception: it does not fit').waitFor()
    await checkAccessibility(page)
    stage.rejectStatus(null)
    await cause.getByRole('button', { name: 'Deliver again' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Deliver again' }).click()
    await cause.getByText('1 delivered again').waitFor()
    await untilPasses(() => expect(stage.elasticsearch.applied.join()).toContain('"lost"'))
    await page.context().close()
  })

  it('shows why it cannot show something', async () => {
    const { page } = await open('#/connectors/archive/errors')
    await page.getByText('Connector archive has no dead letter queue.').waitFor()
    await page.getByRole('button', { name: 'Try again' }).waitFor()
    await page.context().close()
  })

  it('shows records as they arrive, decoded, with what a change changed', async () => {
    const { page, faults } = await open('#/topics')
    await page.getByRole('link', { name: ordersTopic }).click()
    await page.getByText('as shop reads them').waitFor()
    await stage.writeOrder('rush')
    const record = page.locator('.record', { hasText: 'status: rush' })
    await record.waitFor()
    await stage.database.rows("update orders set status = 'sent' where status = 'rush'")
    const change = page.locator('.record', { hasText: 'status: rush → sent' })
    await change.locator('summary').click()
    await page.getByLabel('follow').uncheck()
    await change.getByRole('row', { name: 'status (changed) rush sent' }).waitFor()
    await checkAccessibility(page)
    await picture(page, 'topic')
    await page.getByLabel('Search in records').fill('after.status=sent')
    await page.getByLabel('Search in records').press('Enter')
    await untilPasses(async () => expect(await page.locator('.record').count()).toBe(1))
    await page.getByLabel('Search in records').fill('after.status=nothing')
    await page.getByLabel('Search in records').press('Enter')
    await page.getByText('No record matches.').waitFor()
    expect(faults).toEqual([])
    await page.context().close()
  })

  it('shows why a topic cannot be shown', async () => {
    const { page } = await open('#/topics/no-such-topic')
    await page.getByRole('button', { name: 'Try again' }).waitFor()
    await page.getByText('no-such-topic').waitFor()
    await page.context().close()
  })

  it('shows slots, workers and plugins, and creates a connector', async () => {
    const { page, faults } = await open('#/postgres')
    await page.getByRole('region', { name: 'Source shop' }).getByText('Retained WAL').waitFor()
    await checkAccessibility(page)
    await page.getByRole('link', { name: 'Workers' }).click()
    await page
      .getByRole('region', { name: /^Worker/ })
      .getByRole('link', { name: 'search-0' })
      .waitFor()
    await checkAccessibility(page)
    await page.getByRole('link', { name: 'Plugins' }).click()
    await page.getByRole('link', { name: 'File source' }).click()
    await page.getByRole('row', { name: 'file' }).first().waitFor()
    await checkAccessibility(page)
    await page.getByRole('button', { name: 'New connector' }).click()
    await page.getByLabel('name', { exact: true }).fill('lines')
    await page.getByLabel('topic', { exact: true }).fill('lines')
    await page.getByText('The config is valid.').waitFor()
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name: 'lines', level: 1 }).waitFor()
    await page.getByRole('button', { name: 'Delete lines' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('heading', { name: 'No connector lines' }).waitFor()
    expect(faults).toEqual([])
    await page.context().close()
  })

  it('is used with keys alone', async () => {
    const { page } = await open('#/overview')
    await page.locator('.node').first().waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('c')
    await page.getByRole('heading', { name: 'Connectors' }).waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('sear')
    await untilPasses(async () => expect(await page.locator('tbody tr').count()).toBe(1))
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'search', level: 1 }).waitFor()
    await page.keyboard.press('?')
    await page.getByRole('heading', { name: 'Keys' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('heading', { name: 'Keys' }).waitFor({ state: 'detached' })
    await page.context().close()
  })

  it.each([
    ['dark', { dark: true }],
    ['on a phone', { width: 390, height: 800 }],
  ])('is as accessible %s, and no wider than the window', async (name, options) => {
    for (const hash of ['#/overview', '#/connectors/search', `#/topics/${ordersTopic}`]) {
      const { page, faults } = await open(hash, options)
      await page.locator('main h1, main h2').first().waitFor()
      await checkAccessibility(page)
      expect(await page.evaluate('document.documentElement.scrollWidth <= window.innerWidth')).toBe(true)
      if (hash === '#/overview') await picture(page, `overview-${name.replace('on a ', '')}`)
      expect(faults).toEqual([])
      await page.context().close()
    }
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
