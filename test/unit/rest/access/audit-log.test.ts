import { createServer } from 'node:http'
import { once } from 'node:events'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { parseRestUsers } from '../../../../src/config/worker/rest/rest-users.ts'
import { LogLevels } from '../../../../src/foundation/logging/log-levels.ts'
import { NamedLogger } from '../../../../src/foundation/logging/named-logger.ts'
import { PinoSink, readableLines } from '../../../../src/foundation/logging/pino-logger.ts'
import { tokenHash } from '../../../../src/foundation/network/token-hash.ts'
import { ForbiddenError, NotLeaderError } from '../../../../src/herder/herder-errors.ts'
import { UserLogins } from '../../../../src/rest/access/user-logins.ts'
import type { RestServer } from '../../../../src/rest/rest-server.ts'
import { allRoutes } from '../../../../src/rest/routes/all-routes.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'
import { MemoryHerder } from '../../../support/rest/memory-herder.ts'
import { RestClient } from '../../../support/rest/rest-client.ts'
import { basic } from '../../../support/rest/basic-authorization.ts'
import { startedRest } from '../../../support/rest/started-rest.ts'

const tokens: Readonly<Record<string, string>> = {
  anna: 'token-of-the-user-that-changes-connectors---',
  ruth: 'token-of-the-user-that-only-reads-connectors',
}
const hash = '$scrypt$ln=14,r=8,p=1$AAECAwQFBgcICQoLDA0ODw$7hWaUB8RCWZx4kkQyGGeVCHLu8hRHe50e4NtOH/IVBI'
const bearer = (name: string): Record<string, string> => ({ authorization: `Bearer ${tokens[name] ?? name}` })
const users = [
  'anna.role=admin',
  `anna.token=${tokenHash(tokens['anna'] ?? '')}`,
  'ruth.role=read',
  `ruth.token=${tokenHash(tokens['ruth'] ?? '')}`,
  'paul.role=admin',
  `paul.password=${hash}`,
].join('\n')
const config = { 'connector.class': 'FileStreamSink', topics: 't', file: '/f' }

let herder = new MemoryHerder()
let audit = quietLogger('connect.audit')
let clock = new ManualClock()
const servers: RestServer[] = []
let client: RestClient

async function start(access: { readonly users?: string; readonly token?: string }): Promise<RestClient> {
  const server = await startedRest({
    herder,
    clock,
    audit,
    ...(access.users === undefined ? {} : { users: new UserLogins(parseRestUsers(access.users), clock) }),
    ...(access.token === undefined ? {} : { token: access.token }),
  })
  servers.push(server)
  return new RestClient(server.url)
}

beforeEach(async () => {
  herder = new MemoryHerder()
  audit = quietLogger('connect.audit')
  clock = new ManualClock()
  client = await start({ users })
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

const messages = (): readonly string[] => audit.lines.map(({ message }) => message)

describe('the audit log', () => {
  it('has who did what, from where, and how it ended', async () => {
    await client.send('POST', '/connectors', { name: 'orders', config }, bearer('anna'))
    await client.send('PUT', '/connectors/orders/pause', null, bearer('ruth'))
    await client.send('POST', '/connectors/orders/tasks/0/restart?includeTasks=true', null, bearer('anna'))
    await client.send('DELETE', '/connectors/nothing', null, bearer('anna'))
    herder.failure = new Error('disk')
    await client.send('DELETE', '/connectors/orders', null, bearer('anna'))
    expect(messages()).toEqual([
      'createConnector connector "orders" by user "anna" from 127.0.0.1: 201',
      'pauseConnector connector "orders" by user "ruth" from 127.0.0.1: 403',
      'restartTask connector "orders" task "0" by user "anna" from 127.0.0.1: 204',
      'deleteConnector connector "nothing" by user "anna" from 127.0.0.1: 404',
      'deleteConnector connector "orders" by user "anna" from 127.0.0.1: 500',
    ])
    const common = { user: 'anna', proof: 'user token', remote: '127.0.0.1' }
    const results = ['done', 'refused', 'done', 'refused', 'failed']
    expect(audit.lines.map(({ fields }) => fields?.['result'])).toEqual(results)
    expect(audit.lines[0]).toEqual({
      level: 'info',
      name: 'connect.audit',
      message: expect.any(String),
      fields: { operation: 'createConnector', connector: 'orders', ...common, status: 201, result: 'done' },
    })
  })

  it.each(allRoutes.map((route) => [route.operationId, route] as const))(
    'has %s exactly when it is no GET',
    async (operationId, { method, path }) => {
      const target = path.replaceAll('{task}', '0').replaceAll(/\{\w+\}/g, 'a')
      await client.send(method, target, null, bearer('anna'))
      const operations = audit.lines.map(({ fields }) => fields?.['operation'])
      expect(operations).toEqual(method === 'GET' ? [] : [operationId])
    },
  )

  it('has no GET, HEAD, OPTIONS or unknown path', async () => {
    for (const [method, path] of [
      ['GET', '/connectors'],
      ['HEAD', '/connectors'],
      ['OPTIONS', '/connectors'],
      ['DELETE', '/nothing'],
      ['GET', '/connectors/x/config'],
    ] as const)
      await client.send(method, path, null, bearer('anna'))
    expect(messages()).toEqual([])
  })

  it('names the connector of a create and a validation that were refused', async () => {
    await client.send('POST', '/connectors', { name: 'bad', config: {} }, bearer('anna'))
    const validate = '/connector-plugins/FileStreamSink/config/validate'
    await client.send('PUT', validate, { ...config, name: 'tried' }, bearer('anna'))
    expect(messages()).toEqual([
      'createConnector connector "bad" by user "anna" from 127.0.0.1: 400',
      'validateConfig plugin "FileStreamSink" connector "tried" by user "anna" from 127.0.0.1: 200',
    ])
  })

  it('has each refused log-in, with the name of a user that exists only', async () => {
    await client.get('/connectors', basic('paul', 'hunter2'))
    await client.get('/connectors', basic('hunter2', 'x'))
    await client.get('/connectors', bearer('hunter2'.repeat(6)))
    await client.get('/connectors')
    expect(messages()).toEqual([
      'a log-in by "paul" from 127.0.0.1 was refused: 401',
      'a log-in by an unknown user from 127.0.0.1 was refused: 401',
      'a log-in by an unknown user from 127.0.0.1 was refused: 401',
    ])
    expect(audit.lines[0]).toMatchObject({ level: 'warn', fields: { operation: 'login', user: 'paul', status: 401 } })
  })

  it('sums up log-ins beyond the limit', async () => {
    for (let i = 0; i < 30; i += 1) await client.get('/', bearer('x'.repeat(40)))
    expect(messages().filter((message) => message.endsWith('401'))).toHaveLength(10)
    expect(messages().filter((message) => message.endsWith('429'))).toHaveLength(3)
    clock.advance(60_000)
    expect(audit.lines.at(-1)).toMatchObject({ fields: { status: 429, linesLikeThis: 17 } })
  })

  it('has every change of a user, however many', async () => {
    for (let i = 0; i < 50; i += 1) await client.send('PUT', '/connectors/none/pause', null, bearer('anna'))
    expect(messages()).toHaveLength(50)
  })

  it('tells the token of the worker from users, and both from anyone', async () => {
    const withToken = await start({ token: 'the-token-of-the-worker-itself-in-its-file' })
    const bare = await start({})
    const token = bearer('the-token-of-the-worker-itself-in-its-file')
    await withToken.send('POST', '/connectors', { name: 'a', config }, token)
    await bare.post('/connectors', { name: 'b', config })
    expect(messages()).toEqual([
      'createConnector connector "a" by the token of rest.token.file from 127.0.0.1: 201',
      'createConnector connector "b" by anyone from 127.0.0.1: 201',
    ])
    expect(audit.lines.map(({ fields }) => [fields?.['user'], fields?.['proof']])).toEqual([
      [null, 'token'],
      [null, 'none'],
    ])
    for (let i = 0; i < 20; i += 1) await bare.put('/connectors/none/pause')
    for (let i = 0; i < 20; i += 1) await withToken.get('/', bearer('wrong'))
    expect(audit.lines).toHaveLength(2 + 3 + 3)
  })

  it('says that another worker has sent a request', async () => {
    const leader = createServer((_message, response) => void response.writeHead(204).end())
    await once(leader.listen(0, '127.0.0.1'), 'listening')
    const address = leader.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    await client.send('PUT', '/connectors/a/stop?forward=true', null, bearer('anna'))
    herder.stopConnector = () => Promise.reject(new NotLeaderError('not the leader', url))
    await client.send('PUT', '/connectors/a/stop', null, bearer('anna'))
    leader.close()
    expect(audit.lines).toMatchObject([{ fields: { forwarded: true, status: 404 } }, { fields: { status: 204 } }])
    expect(audit.lines[1]?.fields).not.toHaveProperty('forwarded')
  })

  it.each([
    ['putTaskConfigs', 'POST', '/connectors/a/tasks', []],
    ['fenceZombies', 'PUT', '/connectors/a/fence', null],
  ] as const)('tells a request that a worker of the group has signed: %s', async (operation, method, path, body) => {
    herder[operation] = async () => undefined
    const signed = { 'x-connect-authorization': 'c2ln', 'x-connect-request-signature-algorithm': 'HmacSHA256' }
    await client.send(method, path, body, signed)
    herder[operation] = () => Promise.reject(new ForbiddenError('no'))
    await client.send(method, path, body, signed)
    expect(messages()).toEqual([
      `${operation} connector "a" by a worker of the group from 127.0.0.1: 204`,
      `${operation} connector "a" by anyone from 127.0.0.1: 403`,
    ])
    expect(audit.lines.map(({ fields }) => fields?.['proof'])).toEqual(['signature', 'none'])
  })

  it('holds no password, token, query or body', async () => {
    const body = { name: 'a', config: { ...config, password: 'hunter2' } }
    await client.send('POST', '/connectors?x=hunter2', body, { ...bearer('anna'), 'x-secret': 'hunter2' })
    await client.send('PUT', '/connectors/a/config', '{"hunter2', basic('paul', 'pass wörd: 1'))
    expect(audit.lines).toHaveLength(2)
    expect(JSON.stringify(audit.lines)).not.toMatch(/hunter2|wörd|-that-/)
  })

  it('cannot be forged by names', async () => {
    const lines: string[] = []
    const shown: string[] = []
    const levels = LogLevels.startingAt('info')
    const sinks = [
      new PinoSink(levels, { write: (line) => void lines.push(line) }),
      new PinoSink(
        levels,
        readableLines((line) => void shown.push(line)),
      ),
    ]
    const both = new NamedLogger('connect.audit', {
      write: (...line) => sinks.forEach((sink) => sink.write(...line)),
    })
    audit = Object.assign(both, { lines: [] })
    const hostile = await start({ users })
    const name = '"a" by user "root" from 1.1.1.1: 201\n14:03:07 INFO  connect.audit  x  user=root\u001b[2K\u202e\u2028'
    await hostile.send('PUT', `/connectors/${encodeURIComponent(name)}/pause`, null, bearer('anna'))
    await hostile.send(
      'PUT',
      `/admin/loggers/${encodeURIComponent('connect.other')}`,
      { level: 'INFO' },
      bearer('anna'),
    )
    expect(lines).toHaveLength(2)
    expect(lines.map((line) => (JSON.parse(line) as { logger: string }).logger)).toEqual([
      'connect.audit',
      'connect.audit',
    ])
    expect(lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true)
    expect(shown.map((line) => line.trimEnd().split('\n').length)).toEqual([1, 1])
    expect(shown[0]).toContain(
      String.raw`pauseConnector connector "\"a\" by user \"root\" from 1.1.1.1: 201\n14:03:07 INFO  connect.audit  x  user=root\u001b[2K\u202e\u2028" by user "anna" from 127.0.0.1: 404`,
    )
    expect(shown[0]).toMatch(/ {2}connector="\\"a\\" by .*\\u2028" {2}user=anna /)
    for (const hidden of ['\u001b', '\u202e', '\u2028']) expect(shown.join('')).not.toContain(hidden)
  })
})
