import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { docsPage, docsScript } from './docs-page.ts'

/** A file that browsers load. */
export interface DocsFile {
  readonly type: string
  readonly text: string
}

const contract = new URL('../../../openapi.yaml', import.meta.url)

interface StoredFile {
  readonly type: string
  /** Its module. In the package, the file lies beside this module. */
  readonly module: string
}

/** The files of Swagger UI. They are read for each request, as few are sent. */
const stored: ReadonlyMap<string, StoredFile> = new Map([
  ['swagger-ui.css', { type: 'text/css; charset=utf-8', module: 'swagger-ui-dist/swagger-ui.css' }],
  ['swagger-ui-bundle.js', { type: 'text/javascript; charset=utf-8', module: 'swagger-ui-dist/swagger-ui-bundle.js' }],
])

/** openapi.yaml, the contract of the REST API. */
export async function contractText(): Promise<string> {
  return await readFile(contract, 'utf8')
}

/** The page that shows the contract. */
export const page: DocsFile = { type: 'text/html; charset=utf-8', text: docsPage }

/** Returns a file that the page loads; null: there is none with this name. */
export async function docsFile(name: string): Promise<DocsFile | null> {
  if (name === 'page.js') return { type: 'text/javascript; charset=utf-8', text: docsScript }
  const file = stored.get(name)
  if (file === undefined) return null
  const isCheckout = extname(import.meta.url) === '.ts'
  const url = isCheckout ? import.meta.resolve(file.module) : new URL(`./swagger-ui/${name}`, import.meta.url)
  return { type: file.type, text: await readFile(new URL(url), 'utf8') }
}
