import { contractText, docsFile, page, type DocsFile } from '../docs/docs-files.ts'
import { docsPolicy } from '../docs/docs-page.ts'
import { httpError } from '../rest-error.ts'
import { param, quick, type Needs, type RestResponse, type Route } from '../route.ts'

const needs: Needs = { role: 'read', of: 'worker' }

/** The contract of the API, and the page that shows it (`rest.docs.enable`). */
export const docsRoutes: readonly Route[] = [
  {
    operationId: 'getContract',
    method: 'GET',
    path: '/openapi.yaml',
    needs,
    isQuick: quick,
    respondsWith: 'text',
    handle: async () => responseOf({ type: 'application/yaml; charset=utf-8', text: await contractText() }),
  },
  {
    operationId: 'getDocs',
    method: 'GET',
    path: '/docs',
    needs,
    isQuick: quick,
    respondsWith: 'text',
    handle: async () => responseOf(page),
  },
  {
    operationId: 'getDocsFile',
    method: 'GET',
    path: '/docs/{file}',
    needs,
    isQuick: quick,
    respondsWith: 'text',
    async handle(request) {
      const file = await docsFile(param(request, 'file'))
      if (file === null) throw httpError(404)
      return responseOf(file)
    },
  },
]

function responseOf({ type, text }: DocsFile): RestResponse {
  const headers = { 'Content-Type': type, 'Content-Security-Policy': docsPolicy, 'X-Content-Type-Options': 'nosniff' }
  return { status: 200, text, headers }
}
