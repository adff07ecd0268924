import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { errorMessage } from '../../foundation/error-message.ts'
import { RestError } from '../rest-error.ts'

/** A file of the dashboard, as browsers load it. */
export interface DashboardFile {
  readonly type: string
  readonly text: string
  /** Of the content. */
  readonly etag: string
}

/** The names of its files, and their media types. */
const types: ReadonlyMap<string, string> = new Map([
  ['index.html', 'text/html; charset=utf-8'],
  ['app.js', 'text/javascript; charset=utf-8'],
  ['app.css', 'text/css; charset=utf-8'],
])

/** The texts of the files by name. */
type Texts = Readonly<Record<string, string>>

/** Bundles the sources of a checkout: `bin/dashboard.js`. */
interface Bundler {
  readonly bundleDashboard: () => Promise<Texts>
}

/** The files are small and asked for at each start of a page: they are kept. */
let kept: Promise<Texts> | null = null

/**
 * Returns a file of the dashboard; null: there is none with this name. In a checkout, the first call bundles the sources.
 * @throws RestError 500 when that fails
 */
export async function dashboardFile(name: string): Promise<DashboardFile | null> {
  const type = types.get(name)
  if (type === undefined) return null
  const text = (await texts())[name] ?? ''
  return { type, text, etag: `"${createHash('sha256').update(text).digest('base64url').slice(0, 22)}"` }
}

async function texts(): Promise<Texts> {
  kept ??= extname(import.meta.url) === '.ts' ? bundled() : stored()
  try {
    return await kept
  } catch (error) {
    kept = null
    throw new RestError(500, `The dashboard cannot be loaded: ${errorMessage(error)}`, { cause: error })
  }
}

/** The bundle of the package does not have the bundler, so that it is named by a URL. */
async function bundled(): Promise<Texts> {
  const { href } = new URL('../../../bin/dashboard.js', import.meta.url)
  const { bundleDashboard } = (await import(href)) as Bundler
  return await bundleDashboard()
}

async function stored(): Promise<Texts> {
  const directory = new URL('../../../dashboard/', import.meta.url)
  const entries = [...types.keys()].map(
    async (name) => [name, await readFile(new URL(name, directory), 'utf8')] as const,
  )
  return Object.fromEntries(await Promise.all(entries))
}
