import { patienceMs } from '../until.ts'
import { chromium, type Browser, type Page } from 'playwright-core'

/** What a page of the dashboard did that it should not have. */
export interface Watched {
  readonly page: Page
  /** Errors of scripts, refusals of the content security policy, and requests to other machines. */
  readonly faults: readonly string[]
}

export async function openBrowser(executablePath: string): Promise<Browser> {
  // As root, which containers run tests as, Chromium has no sandbox.
  return await chromium.launch({ executablePath, args: ['--no-sandbox', '--force-color-profile=srgb'] })
}

export interface PageOptions {
  readonly width?: number
  readonly height?: number
  readonly dark?: boolean
  readonly credentials?: { readonly username: string; readonly password: string }
}

/** A page whose faults are kept. Its context is its own. */
export async function watchedPage(browser: Browser, origin: string, options: PageOptions = {}): Promise<Watched> {
  const { width = 1280, height = 800, dark = false, credentials } = options
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: dark ? 'dark' : 'light',
    reducedMotion: 'reduce',
    ...(credentials === undefined ? {} : { httpCredentials: credentials }),
  })
  const page = await context.newPage()
  page.setDefaultTimeout(patienceMs)
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(`error: ${error.message}`))
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) faults.push(message.text())
  })
  page.on('request', (request) => {
    const url = request.url()
    if (!url.startsWith(origin) && !url.startsWith('data:')) faults.push(`request to ${url}`)
  })
  return { page, faults }
}
