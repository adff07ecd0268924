import { createServer } from 'node:http'
import { once } from 'node:events'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import type { CrossOrigin } from '../../../../src/config/worker/rest/cross-origin.ts'
import { parseRestUsers, roles, type Role } from '../../../../src/config/worker/rest/rest-users.ts'
import { tokenHash } from '../../../../src/foundation/network/token-hash.ts'
import { NotLeaderError } from '../../../../src/herder/herder-errors.ts'
import { UserLogins } from '../../../../src/rest/access/user-logins.ts'
import type { RestServer } from '../../../../src/rest/rest-server.ts'
import { allRoutes } from '../../../../src/rest/routes/all-routes.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'
import { MemoryHerder } from '../../../support/rest/memory-herder.ts'
import { RestClient } from '../../../support/rest/rest-client.ts'
import { basic } from '../../../support/rest/basic-authorization.ts'
import { startedRest } from '../../../support/rest/started-rest.ts'

const password = 'pass wörd: 1'
const hash = '$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$7hWaUB8RCWZx4kkQyGGeVCHLu8hRHe50e4NtOH/IVBI'
const tokens: Readonly<Record<string, string>> = {
  read: 'token-of-the-user-that-only-reads-connectors',
  operate: 'token-of-the-user-that-operates-connectors-',
  admin: 'token-of-the-user-that-changes-connectors---',
  limited: 'token-of-the-user-that-has-some-connectors--',
}
const bearer = (name: string): Record<string, string> => ({ authorization: `Bearer ${tokens[name] ?? name}` })
const file = [
  ...Object.entries(tokens).map(([name, token]) => `${name}.token=${tokenHash(token)}`),
  ...roles.map((role) => `${role}.role=${role}`),
  'limited.role=admin',
  'limited.connectors=a,orders-*',
  'alice.role=operate',
  `alice.password=${hash}`,
].join('\n')

let herder = new MemoryHerder()
let lines = quietLogger()
let server: RestServer
let client: RestClient

async function start(
  options: { users?: string; token?: string; crossOrigin?: CrossOrigin } = { users: file },
): Promise<RestServer> {
  const clock = new ManualClock()
  const { users, token, crossOrigin = null } = options
  return await startedRest({
    herder,
    clock,
    logger: lines,
    metrics: () => 'penstock_up 1\n',
    conditions: () => ['BROKER_DISK_FULL: the disk is full.'],
    crossOrigin,
    ...(users === undefined ? {} : { users: new UserLogins(parseRestUsers(users), clock) }),
    ...(token === undefined ? {} : { token }),
  })
}

const config = { 'connector.class': 'FileStreamSink', topics: 't', file: '/f' }
const post = (name: string): { readonly name: string; readonly config: object } => ({ name, config })

beforeEach(async () => {
  herder = new MemoryHerder()
  lines = quietLogger()
  server = await start()
  client = new RestClient(server.url)
  for (const name of ['a', 'b', 'orders-1']) await client.send('POST', '/connectors', post(name), bearer('admin'))
})
afterEach(() => server.close())

/** What each operation needs; an operation that is not listed is for admins. */
const needed: Readonly<Record<string, Role>> = {
  ...Object.fromEntries(
    allRoutes.filter(({ method }) => method === 'GET').map(({ operationId }) => [operationId, 'read']),
  ),
  pauseConnector: 'operate',
  resumeConnector: 'operate',
  stopConnector: 'operate',
  restartConnector: 'operate',
  restartTask: 'operate',
}

describe('a REST API with users', () => {
  it.each(allRoutes.flatMap((route) => roles.map((role) => [route.operationId, role, route] as const)))(
    'allows %s to the role %s only when it should',
    async (operationId, role, { method, path }) => {
      const target = path.replaceAll('{task}', '0').replaceAll(/\{\w+\}/g, 'a')
      const response = await client.send(method, target, null, bearer(role))
      const need = needed[operationId] ?? 'admin'
      const isAllowed = roles.indexOf(role) >= roles.indexOf(need)
      if (isAllowed) {
        expect([401, 403]).not.toContain(response.status)
        return
      }
      const message = `HTTP 403 Forbidden. ${method} ${path} needs the role ${need}; the user "${role}" has the role ${role}`
      expect(response).toMatchObject({ status: 403, json: { error_code: 403, message } })
    },
  )

  it.each([
    ['none', {}],
    ['a wrong token', bearer('x'.repeat(40))],
    ['a wrong password', basic('alice', 'x')],
    ['an unknown user', basic('bob', password)],
    ['the hash of a password', basic('alice', hash)],
  ])('responds with 401 to %s, whatever the path', async (_what, headers) => {
    for (const path of ['/connectors', '/nothing', '/health/more']) {
      const response = await client.get(path, headers)
      expect(response).toMatchObject({ status: 401, json: { message: expect.stringContaining('rest.users.file') } })
      expect(response.headers['www-authenticate']).toBe('Basic realm="penstock", Bearer realm="penstock"')
    }
  })

  it('takes a user with its password', async () => {
    expect(await client.get('/connectors', basic('alice', password))).toMatchObject({ status: 200 })
    expect(await client.send('PUT', '/connectors/a/pause', null, basic('alice', password))).toMatchObject({
      status: 202,
    })
  })

  it('tells a probe without credentials no details, and a user all of them', async () => {
    const probe = await client.get('/health')
    expect(probe).toMatchObject({ status: 200 })
    expect(probe.body).not.toContain('BROKER')
    expect((await client.get('/health', bearer('read'))).body).toContain('BROKER_DISK_FULL')
    expect(await client.get('/health', bearer('x'.repeat(40)))).toMatchObject({ status: 401 })
  })

  it('lets pages of allowed origins ask for the header Authorization, without credentials', async () => {
    const origin = 'https://console.example.com'
    const open = await start({ users: file, crossOrigin: { origins: [origin], methods: ['GET'] } })
    const rest = new RestClient(open.url)
    const asked = { 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' }
    const preflight = await rest.send('OPTIONS', '/connectors', null, { origin, ...asked })
    expect(preflight).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': origin } })
    expect(preflight.headers['access-control-allow-headers']).toContain('Authorization')
    const refused = await rest.get('/connectors', { origin })
    expect(refused).toMatchObject({ status: 401, headers: { 'access-control-allow-origin': origin } })
    await open.close()
  })

  it('responds with 429 to an address whose log-ins fail too often', async () => {
    for (let i = 0; i < 10; i += 1)
      expect(await client.get('/', bearer(`${i}`.repeat(40)))).toMatchObject({ status: 401 })
    const response = await client.get('/', basic('alice', password))
    expect(response).toMatchObject({ status: 429, json: { message: expect.stringContaining('Retry in 6 s') } })
    expect(response.headers['retry-after']).toBe('6')
    expect(await client.get('/', bearer('read'))).toMatchObject({ status: 200 })
    expect(await client.get('/health')).toMatchObject({ status: 200 })
  })

  it('logs no password and no token', async () => {
    await client.get('/', basic('alice', 'hunter2-hunter2'))
    await client.get('/', bearer('x'.repeat(40)))
    await client.send('DELETE', '/connectors/a', null, basic('alice', password))
    expect(JSON.stringify(lines.lines)).not.toMatch(/hunter2|xxxx|wörd|YWxpY2U6/)
  })
})

describe('a user with patterns of connectors', () => {
  it('sees its connectors in lists', async () => {
    expect((await client.get('/connectors', bearer('limited'))).json).toEqual(['a', 'orders-1'])
    const expanded = await client.get('/connectors?expand=info&expand=status', bearer('limited'))
    expect(Object.keys(expanded.json as object)).toEqual(['a', 'orders-1'])
    expect((await client.get('/connectors', bearer('read'))).json).toEqual(['a', 'b', 'orders-1'])
  })

  it.each(allRoutes.filter(({ path }) => path.includes('{connector}')))(
    'gets 403 from $method $path for another connector, whether there is one or not',
    async ({ method, path }) => {
      for (const connector of ['b', 'nothing', 'A', '%61%2fb']) {
        const target = path.replace('{connector}', connector).replace('{task}', '0')
        const response = await client.send(method, target, null, bearer('limited'))
        const message = expect.stringMatching(
          /^HTTP 403 Forbidden. The user "limited" has no access to connectors of the name/,
        )
        expect(response).toMatchObject({ status: 403, json: { message } })
      }
    },
  )

  it('creates and validates connectors of these names only', async () => {
    expect(await client.send('POST', '/connectors', post('orders-2'), bearer('limited'))).toMatchObject({ status: 201 })
    for (const name of ['c', 'b', ' b '])
      expect(await client.send('POST', '/connectors', post(name), bearer('limited'))).toMatchObject({ status: 403 })
    const validate = '/connector-plugins/FileStreamSink/config/validate'
    const named = (name: string): object => ({ ...config, name })
    expect(await client.send('PUT', validate, named('orders-3'), bearer('limited'))).toMatchObject({ status: 200 })
    expect(await client.send('PUT', validate, named('b'), bearer('limited'))).toMatchObject({ status: 403 })
    expect((await client.get('/connectors', bearer('admin'))).json).toEqual(['a', 'b', 'orders-1', 'orders-2'])
  })

  it('gets 403 from what concerns all connectors', async () => {
    for (const [method, path] of [
      ['GET', '/metrics'],
      ['PUT', '/admin/loggers/root'],
    ] as const) {
      const response = await client.send(method, path, { level: 'INFO' }, bearer('limited'))
      const message = `HTTP 403 Forbidden. ${method} ${path.replace('root', '{logger}')} concerns all connectors; the user "limited" has access to some of them`
      expect(response).toMatchObject({ status: 403, json: { message } })
    }
    expect(await client.get('/metrics', bearer('read'))).toMatchObject({ status: 200 })
    expect(await client.get('/admin/loggers', bearer('limited'))).toMatchObject({ status: 200 })
  })
})

describe('routes', () => {
  it('concern the connector of their path exactly when they have one', () => {
    const odd = allRoutes.filter(({ path, needs }) => path.includes('{connector}') !== (needs.of === 'connector'))
    expect(odd).toEqual([])
  })
})

describe('a request of a user that is forwarded', () => {
  const elsewhere = (url: string): void => {
    herder.stopConnector = () => Promise.reject(new NotLeaderError('not the leader', url))
  }

  it('carries the credentials of the user, which the other worker checks', async () => {
    const seen: (string | undefined)[] = []
    const leader = createServer((message, response) => {
      seen.push(message.headers.authorization)
      response.writeHead(204).end()
    })
    await once(leader.listen(0, '127.0.0.1'), 'listening')
    const address = leader.address()
    elsewhere(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
    const response = await client.send('PUT', '/connectors/a/stop', null, basic('alice', password))
    leader.close()
    expect(response).toMatchObject({ status: 204 })
    expect(seen).toEqual([basic('alice', password).authorization])
  })

  it.each([
    ['does not know', `read.role=admin\nread.token=${tokenHash('x'.repeat(40))}`],
    ['gives another role', `alice.role=read\nalice.password=${hash}`],
    ['gives other connectors', `alice.role=admin\nalice.password=${hash}\nalice.connectors=z`],
  ])('fails with a message that explains it where the other worker %s the user', async (_what, users) => {
    const other = await start({ users })
    elsewhere(other.url)
    const response = await client.send('PUT', '/connectors/a/stop', null, basic('alice', password))
    await other.close()
    const message = expect.stringMatching(/refused this user.*All workers of a group need the same users/)
    expect(response).toMatchObject({ status: 500, json: { message } })
  })

  it('is not refused by this worker when the other one responds with another 403', async () => {
    const leader = createServer((_message, response) => {
      response.writeHead(403, { 'content-type': 'application/json' }).end('{"error_code":403,"message":"Host"}')
    })
    await once(leader.listen(0, '127.0.0.1'), 'listening')
    const address = leader.address()
    elsewhere(`http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`)
    const response = await client.send('PUT', '/connectors/a/stop', null, bearer('admin'))
    leader.close()
    expect(response).toMatchObject({ status: 403, json: { message: 'Host' } })
  })
})

describe('a REST API with users and a token', () => {
  it('takes both', async () => {
    const both = await start({ users: file, token: 'the-token-of-the-worker-itself-in-its-file' })
    const rest = new RestClient(both.url)
    expect(await rest.get('/metrics', bearer('the-token-of-the-worker-itself-in-its-file'))).toMatchObject({
      status: 200,
    })
    expect(await rest.get('/', bearer('read'))).toMatchObject({ status: 200 })
    expect(await rest.get('/', bearer('x'.repeat(40)))).toMatchObject({ status: 401 })
    await both.close()
  })
})
