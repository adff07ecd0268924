import { httpError } from '../rest-error.ts'
import { param, quick, type Needs, type RestRequest, type RestResponse, type Route } from '../route.ts'
import { dashboardFile } from './dashboard-files.ts'

const needs: Needs = { role: 'read', of: 'worker' }

/** The page loads from this worker only, and sends requests to it only. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** The dashboard: one page with a script and a style. */
export const dashboardRoutes: readonly Route[] = [
  {
    operationId: 'getDashboard',
    method: 'GET',
    path: '/ui',
    needs,
    isQuick: quick,
    respondsWith: 'text',
    handle: async (request) => await fileResponse(request, 'index.html'),
  },
  {
    operationId: 'getDashboardFile',
    method: 'GET',
    path: '/ui/{file}',
    needs,
    isQuick: quick,
    respondsWith: 'text',
    handle: async (request) => await fileResponse(request, param(request, 'file')),
  },
]

async function fileResponse({ headers: asked }: RestRequest, name: string): Promise<RestResponse> {
  const file = await dashboardFile(name)
  if (file === null) throw httpError(404)
  const headers = {
    'Content-Type': file.type,
    'Content-Security-Policy': policy,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-cache',
    ETag: file.etag,
  }
  return asked['if-none-match'] === file.etag ? { status: 304, headers } : { status: 200, text: file.text, headers }
}
