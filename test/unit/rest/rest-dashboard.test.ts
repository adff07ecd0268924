import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, it } from 'vitest'

import { systemClock } from '../../../src/foundation/clock.ts'
import type { RestOptions, RestServer } from '../../../src/rest/rest-server.ts'
import { contractProblems } from '../../support/rest/openapi.ts'
import { startedRest } from '../../support/rest/started-rest.ts'

let server: RestServer | null = null

afterEach(async () => {
  await server?.close()
  server = null
})

type Get = (path: string, headers?: Readonly<Record<string, string>>) => Promise<Response>

async function start(options: Partial<RestOptions> = {}): Promise<Get> {
  server = await startedRest({ clock: systemClock, ...options })
  const { url } = server
  return async (path, headers = {}) =>
    await fetch(`${url}${path}`, { headers: { accept: 'text/html,*/*', ...headers } })
}

describe('the dashboard that the REST API serves', () => {
  it('is a page, of which each file is served, and is small', async () => {
    const get = await start()
    const html = await (await get('/ui')).text()
    const files = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path = '']) => path)
    expect(files).toEqual(['/ui/app.css', '/ui/app.js'])
    let bytes = 0
    for (const path of ['/ui', ...files]) {
      const response = await get(path)
      const contentType = response.headers.get('content-type')
      const body = await response.text()
      bytes += gzipSync(body).length
      expect(contractProblems('GET', path, { status: response.status, contentType, body })).toEqual([])
    }
    expect(bytes).toBeLessThan(100_000)
  })

  it('loads nothing from other machines, and sends them nothing', async () => {
    const get = await start()
    for (const path of ['/ui', '/ui/app.js']) {
      const policy = (await get(path)).headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self';")
      expect(policy).not.toMatch(/https?:|\*|unsafe/)
    }
  })

  it('is not sent again to a browser that has it', async () => {
    const get = await start()
    const etag = (await get('/ui/app.js')).headers.get('etag') ?? ''
    const again = await get('/ui/app.js', { 'if-none-match': etag })
    expect([again.status, await again.text()]).toEqual([304, ''])
    expect((await get('/ui/app.css', { 'if-none-match': etag })).status).toBe(200)
  })

  it('has no files but its own', async () => {
    const get = await start()
    for (const name of ['package.json', '..%2f..%2fpackage.json', '__proto__', 'main.tsx', '%00'])
      expect((await get(`/ui/${name}`)).status).toBe(404)
  })

  it('is shown to clients that have authenticated', async () => {
    const get = await start({ token: 'x'.repeat(40) })
    for (const path of ['/ui', '/ui/app.js', '/activity']) expect((await get(path)).status).toBe(401)
  })
})
