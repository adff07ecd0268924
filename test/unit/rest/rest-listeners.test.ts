import { afterEach, describe, expect, it } from 'vitest'

import { parseResponseHeaders } from '../../../src/config/worker/rest/response-headers.ts'
import type { RestOptions, RestServer } from '../../../src/rest/rest-server.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { startedRest } from '../../support/rest/started-rest.ts'

const here = { host: '127.0.0.1', port: 0 }
let server: RestServer | null = null
afterEach(async () => {
  await server?.close()
  server = null
})

/** Clients of the listeners: of the first one, and of the first one for `/admin`. */
async function clientsOf(options: Partial<RestOptions>): Promise<readonly RestClient[]> {
  server = await startedRest(options)
  return server.addresses.map(({ host, port }) => new RestClient(`http://${host}:${port}`))
}

async function statuses(client: RestClient, paths: readonly string[]): Promise<readonly number[]> {
  return await Promise.all(paths.map(async (path) => (await client.get(path)).status))
}

const admin = ['/admin/loggers', '/admin/loggers/', '/admin/loggers/root']
const others = ['/', '/connectors', '/health', '/metrics', '/connector-plugins']

describe('the listeners of the REST API', () => {
  it('serve everything unless admin.listeners is set', async () => {
    const [main = new RestClient('')] = await clientsOf({})
    expect(await statuses(main, [...admin, ...others])).toEqual([200, 200, 200, 200, 200, 200, 200, 200])
  })

  it('serve /admin on those of admin.listeners only, which serve nothing else', async () => {
    const [main = new RestClient(''), own = new RestClient('')] = await clientsOf({ adminListeners: [here] })
    expect(await statuses(main, [...admin, ...others])).toEqual([404, 404, 404, 200, 200, 200, 200, 200])
    expect(await statuses(own, [...admin, ...others])).toEqual([200, 200, 200, 404, 404, 404, 404, 404])
    expect((await main.get('/admin/loggers')).json).toEqual({ error_code: 404, message: 'HTTP 404 Not Found' })
    expect((await main.put('/admin/loggers/root', { level: 'OFF' })).status).toBe(404)
    expect((await own.get('/admin/loggers/root')).json).toEqual({ level: 'INFO', last_modified: null })
  })

  it('need the token on those of admin.listeners, too', async () => {
    const [, own = new RestClient('')] = await clientsOf({ adminListeners: [here], token: 'secret' })
    expect(await statuses(own, ['/admin/loggers', '/health'])).toEqual([401, 404])
    expect((await own.get('/admin/loggers', { authorization: 'Bearer secret' })).status).toBe(200)
  })

  it('do not serve /admin at all when admin.listeners is empty', async () => {
    const [main = new RestClient('')] = await clientsOf({ adminListeners: [] })
    expect(await statuses(main, [...admin, '/connectors'])).toEqual([404, 404, 404, 200])
  })

  it('name the setting of an address that is taken', async () => {
    await clientsOf({})
    const taken = server?.addresses[0] ?? here
    const started = startedRest({ adminListeners: [taken] })
    await expect(started).rejects.toThrow('Choose another address, such as admin.listeners=http://127.0.0.1:18083')
  })
})

describe('response.http.headers.config', () => {
  it('adds its headers to every response, and replaces none', async () => {
    const headers = parseResponseHeaders(
      'set X-Frame-Options: DENY, add Cache-Control: no-cache, add Cache-Control: no-store, setDate Expires: 60000, set Allow: NONE',
    )
    const [main = new RestClient('')] = await clientsOf({ headers, token: 'secret' })
    const authorization = 'Bearer secret'
    const responses = await Promise.all([
      main.get('/connectors', { authorization }),
      main.get('/nope', { authorization }),
      main.get('/connectors'),
      main.send('DELETE', '/connectors', null, { authorization }),
      main.send('HEAD', '/connectors', null, { authorization }),
    ])
    expect(responses.map(({ status }) => status)).toEqual([200, 404, 401, 405, 200])
    for (const response of responses) {
      expect(response.headers).toMatchObject({
        'x-frame-options': 'DENY',
        'cache-control': 'no-cache, no-store',
        expires: new Date(new ManualClock().now() + 60_000).toUTCString(),
      })
    }
    expect(responses.map((response) => response.headers['allow'])).toEqual([
      'NONE',
      'NONE',
      'NONE',
      'HEAD, POST, GET, OPTIONS',
      'NONE',
    ])
  })
})
