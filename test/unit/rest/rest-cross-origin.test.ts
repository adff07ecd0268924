import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterEach, describe, expect, it } from 'vitest'

import type { RestOptions, RestServer } from '../../../src/rest/rest-server.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { startedRest } from '../../support/rest/started-rest.ts'

const here = { host: '127.0.0.1', port: 0 }
const origin = 'https://ui.example'
const crossOrigin = { origins: [origin], methods: ['GET', 'PUT'] }
const preflight = { origin, 'access-control-request-method': 'PUT' }
const token = 'secret'
let server: RestServer | null = null
afterEach(async () => {
  await server?.close()
  server = null
})

async function clientsOf(options: Partial<RestOptions>): Promise<readonly RestClient[]> {
  server = await startedRest({ crossOrigin, ...options })
  return server.addresses.map(({ host, port }) => new RestClient(`http://${host}:${port}`))
}

async function clientOf(options: Partial<RestOptions> = {}): Promise<RestClient> {
  const [client = new RestClient('')] = await clientsOf(options)
  return client
}

const allowed = { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true' }

describe('a page of an allowed origin', () => {
  it('gets the response of OPTIONS to its preflight request, for a path that exists and for one that does not', async () => {
    const client = await clientOf()
    const [found, missing] = [
      await client.send('OPTIONS', '/connectors/a/config', null, preflight),
      await client.send('OPTIONS', '/nope', null, preflight),
    ]
    expect(found).toMatchObject({ status: 200, body: 'HEAD, PUT, PATCH, GET, OPTIONS' })
    expect(found.headers).toMatchObject({ ...allowed, allow: 'HEAD,PUT,PATCH,GET,OPTIONS' })
    expect(missing).toMatchObject({ status: 404, headers: allowed })
  })

  it('may read errors, too', async () => {
    const client = await clientOf()
    const errors = [
      await client.get('/nope', { origin }),
      await client.send('DELETE', '/connectors', null, { origin }),
      await client.get('/connectors/a%2/status', { origin }),
      await client.send('PUT', '/connectors/a/config', '{', { origin }),
    ]
    expect(errors.map(({ status }) => status)).toEqual([404, 405, 400, 500])
    for (const error of errors) expect(error.headers).toMatchObject(allowed)
  })

  it('needs the token but for preflight requests, may send it, and may read the refusal', async () => {
    const client = await clientOf({ token })
    const asked = { ...preflight, 'access-control-request-headers': 'authorization,content-type' }
    const authorization = `Bearer ${token}`
    expect(await client.send('OPTIONS', '/connectors/a/config', null, asked)).toMatchObject({
      status: 200,
      headers: { 'access-control-allow-headers': 'X-Requested-With,Content-Type,Accept,Origin,Authorization' },
    })
    expect(await client.get('/connectors', { origin, authorization })).toMatchObject({ status: 200, headers: allowed })
    expect(await client.get('/connectors', { origin })).toMatchObject({ status: 401, headers: allowed })
    expect(await client.send('OPTIONS', '/connectors', null, { origin })).toMatchObject({ status: 401 })
    const { 'access-control-request-method': method } = preflight
    const unasked = { 'access-control-request-method': method }
    expect(await client.send('OPTIONS', '/connectors', null, unasked)).toMatchObject({ status: 401 })
  })

  it('must call the worker by one of its names', async () => {
    const client = await clientOf()
    const refused = await client.get('/connectors', { origin, host: 'evil.example' })
    expect(refused).toMatchObject({ status: 403, body: expect.stringContaining('not \\"evil.example\\"') as string })
    expect(refused.headers).not.toHaveProperty('access-control-allow-origin')
  })

  it('may not call listeners that serve only /admin', async () => {
    const [main, admin] = await clientsOf({ adminListeners: [here] })
    expect(await main?.get('/connectors', { origin })).toMatchObject({ status: 200, headers: allowed })
    expect(await admin?.get('/admin/loggers', { origin })).toMatchObject({ status: 403 })
    expect(await admin?.send('OPTIONS', '/admin/loggers', null, preflight)).toMatchObject({ status: 403 })
  })
})

describe('a page of another origin', () => {
  it('is refused, and named the setting that would allow it', async () => {
    const client = await clientOf()
    for (const method of ['GET', 'OPTIONS', 'PUT']) {
      const refused = await client.send(method, '/connectors/a/config', null, {
        ...preflight,
        origin: 'https://x.example',
      })
      expect(refused).toMatchObject({
        status: 403,
        body: expect.stringContaining('list it in \\"access.control.allow.origin\\"') as string,
      })
      expect(refused.headers).not.toHaveProperty('access-control-allow-origin')
    }
  })
})

describe('preflight requests', () => {
  it('count as requests of their connection', async () => {
    await clientOf({ limits: { maxPipelined: 3 } })
    const socket = connect(server?.addresses[0]?.port ?? 0, '127.0.0.1')
    await once(socket, 'connect')
    const head = `OPTIONS / HTTP/1.1\r\nHost: localhost\r\nOrigin: ${origin}\r\nAccess-Control-Request-Method: PUT\r\n\r\n`
    socket.write(head.repeat(5))
    const responses = await text(socket)
    expect(responses.match(/HTTP\/1\.1 \d+/g)).toEqual([200, 200, 200, 503].map((status) => `HTTP/1.1 ${status}`))
  })

  it('have the names of headers that Connect writes', async () => {
    await clientOf()
    const socket = connect(server?.addresses[0]?.port ?? 0, '127.0.0.1')
    await once(socket, 'connect')
    socket.end(
      `OPTIONS / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOrigin: ${origin}\r\nAccess-Control-Request-Method: PUT\r\n\r\n`,
    )
    const response = await text(socket)
    expect(response).toContain(`\r\nAccess-Control-Allow-Origin: ${origin}\r\n`)
    expect(response).toContain('\r\nAccess-Control-Max-Age: 1800\r\n')
  })
})
