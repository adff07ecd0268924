import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'

import { systemClock } from '../../../src/foundation/clock.ts'
import type { RestOptions, RestServer } from '../../../src/rest/rest-server.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { contractProblems } from '../../support/rest/openapi.ts'
import { startedRest } from '../../support/rest/started-rest.ts'

let server: RestServer | null = null

afterEach(async () => {
  await server?.close()
  server = null
})

async function start(options: Partial<RestOptions> = {}): Promise<(path: string) => Promise<Response>> {
  const logger = quietLogger()
  server = await startedRest({ clock: systemClock, logger, servesDocs: true, ...options })
  const { url } = server
  return async (path) => await fetch(`${url}${path}`, { headers: { accept: 'text/html,text/css,*/*;q=0.1' } })
}

/** What a page loads. */
function loadedBy(html: string): readonly string[] {
  return [...html.matchAll(/<(?:script src|link rel="stylesheet" href)="([^"]+)"/g)].map(([, path = '']) => path)
}

describe('the documentation that the REST API serves', () => {
  it('is the contract of this version', async () => {
    const get = await start()
    const response = await get('/openapi.yaml')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/yaml; charset=utf-8')
    expect(await response.text()).toBe(readFileSync(new URL('../../../openapi.yaml', import.meta.url), 'utf8'))
  })

  it('is a page, of which each file is served', async () => {
    const get = await start()
    const response = await get('/docs')
    const files = loadedBy(await response.text())
    expect(files).toEqual(['/docs/swagger-ui.css', '/docs/swagger-ui-bundle.js', '/docs/page.js'])
    for (const path of ['/docs', '/openapi.yaml', ...files]) {
      const file = await get(path)
      const contentType = file.headers.get('content-type')
      expect(contractProblems('GET', path, { status: file.status, contentType, body: await file.text() })).toEqual([])
    }
  })

  it('loads nothing from other machines, and sends them nothing', async () => {
    const get = await start()
    const response = await get('/docs')
    // Browsers enforce it, whatever the page and its scripts do.
    const policy = response.headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    for (const directive of ['script-src', 'connect-src']) expect(policy).toContain(`${directive} 'self';`)
    expect(policy).not.toMatch(/https?:|\*/)
    expect(await (await get('/docs/page.js')).text()).toContain('validatorUrl: null')
  })

  it('is not served unless it is enabled', async () => {
    const get = await start({ servesDocs: false })
    for (const path of ['/docs', '/docs/page.js', '/openapi.yaml']) {
      const response = await get(path)
      expect(response.status).toBe(404)
    }
  })

  it('has no files but its own', async () => {
    const get = await start()
    for (const name of ['package.json', '..%2f..%2fpackage.json', '__proto__', 'index.html', '%00']) {
      const response = await get(`/docs/${name}`)
      expect(response.status).toBe(404)
    }
  })

  it('is shown to clients that have authenticated', async () => {
    const get = await start({ token: 'x'.repeat(40) })
    for (const path of ['/docs', '/docs/page.js', '/openapi.yaml']) {
      const response = await get(path)
      expect(response.status).toBe(401)
    }
  })
})
