import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import axe from 'axe-core'
import type { Page } from 'playwright-core'

const directory = fileURLToPath(new URL('../../../docs/pictures', import.meta.url))

/** Whether this run takes the pictures of the documentation. */
export const takesPictures = process.env['UPDATE_PICTURES'] === '1'

/** Renders the page; with UPDATE_PICTURES=1, writes it as a picture of the documentation. */
export async function picture(page: Page, name: string): Promise<void> {
  if (takesPictures) mkdirSync(directory, { recursive: true })
  const clip = await contentOf(page)
  const bytes = await page.screenshot(takesPictures ? { path: `${directory}/${name}.png`, clip } : { clip })
  if (bytes.length < 5000) throw new Error(`the page ${name} is empty: its picture has ${bytes.length} bytes`)
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
  }[]
}

/** The part of the window that has content. */
async function contentOf(page: Page): Promise<{ x: number; y: number; width: number; height: number }> {
  const { width, height } = page.viewportSize() ?? { width: 0, height: 0 }
  const bottom = await page.evaluate<number>(
    `document.querySelector('main').lastElementChild.getBoundingClientRect().bottom`,
  )
  return { x: 0, y: 0, width, height: Math.min(height, Math.ceil(bottom) + 28) }
}

/** @throws Error that names what axe, a checker of accessibility, finds in the page */
export async function checkAccessibility(page: Page): Promise<void> {
  // As part of the browser's own world: the policy of the page permits no other scripts.
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<AxeResult>('axe.run()')
  if (violations.length === 0) return
  const lines = violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}\n${failureSummary}`),
  )
  throw new Error(`axe: ${lines.join('\n')}`)
}
