import { createServer, type IncomingHttpHeaders } from 'node:http'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { NotLeaderError } from '../../../../src/herder/herder-errors.ts'
import type { RestServer } from '../../../../src/rest/rest-server.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { MemoryHerder } from '../../../support/rest/memory-herder.ts'
import { contractOperations } from '../../../support/rest/openapi.ts'
import { quietLogger } from '../../../support/quiet-logger.ts'
import { RestClient } from '../../../support/rest/rest-client.ts'
import { basic } from '../../../support/rest/basic-authorization.ts'
import { startedRest } from '../../../support/rest/started-rest.ts'

const token = 'bXktdG9rZW4tb2YtMjU2LWJpdHMtb3Itc28tbG9uZw'
const bearer = { authorization: `Bearer ${token}` }

let herder = new MemoryHerder()
let lines = quietLogger()
let clock = new ManualClock()
let server: RestServer
let client: RestClient

async function start(own?: string): Promise<RestServer> {
  return await startedRest({
    herder,
    clock,
    logger: lines,
    metrics: () => 'penstock_up 1\n',
    conditions: () => ['BROKER_DISK_FULL: the disk is full.'],
    ...(own === undefined ? {} : { token: own }),
  })
}

beforeEach(async () => {
  herder = new MemoryHerder()
  lines = quietLogger()
  clock = new ManualClock()
  server = await start(token)
  client = new RestClient(server.url)
})
afterEach(() => server.close())

const refusal = { status: 401, json: { error_code: 401, message: expect.stringContaining('rest.token.file') } }

describe('a REST API with a token', () => {
  it.each(contractOperations().filter((operation) => operation !== 'GET /health getHealth'))(
    'rejects %s without it',
    async (operation) => {
      const [method = '', template = ''] = operation.split(' ')
      const path = template.replaceAll('{task}', '0').replaceAll(/\{\w+\}/g, 'a')
      const response = await client.send(method, path)
      expect(response).toMatchObject(refusal)
      expect(response.headers['www-authenticate']).toBe('Basic realm="penstock", Bearer realm="penstock"')
    },
  )

  it.each(['/nothing/here', '/connectors/%', '/health/more', '//health'])(
    'does not tell what there is: %s',
    async (path) => {
      for (const method of ['GET', 'OPTIONS', 'TRACE', 'HEAD'])
        expect(await client.send(method, path), method).toMatchObject({ status: 401 })
    },
  )

  it.each([
    ['Bearer', `Bearer ${token}`],
    ['a scheme in lower case', `bearer ${token}`],
    ['Basic, by curl --user', basic('', token).authorization],
    ['Basic, with a name', basic('connect', token).authorization],
  ])('takes %s', async (_what, authorization) => {
    expect(await client.get('/connectors', { authorization })).toMatchObject({ status: 200 })
    expect(await client.get('/metrics', { authorization })).toMatchObject({ status: 200 })
  })

  it.each([
    ['nothing', ''],
    ['no scheme', token],
    ['another scheme', `Digest ${token}`],
    ['no token', 'Bearer'],
    ['a part of it', `Bearer ${token.slice(0, -1)}`],
    ['more than it', `Bearer ${token}x`],
    ['two', `Bearer ${token} ${token}`],
    ['it as user name', basic(token, '').authorization],
    ['Basic without a colon', `Basic ${Buffer.from(token).toString('base64')}`],
    ['an empty password', basic('a', '').authorization],
  ])('refuses %s', async (_what, authorization) => {
    expect(await client.get('/connectors', { authorization })).toMatchObject(refusal)
    expect(await client.get('/health', { authorization })).toMatchObject(refusal)
  })

  it.each([
    [{ status: 'healthy' } as const, 200],
    [{ status: 'starting', stage: 'Reading connect-configs.' } as const, 503],
    [{ status: 'unhealthy', stage: 'Reading connect-configs.' } as const, 500],
  ])('tells a probe without token whether it is %j, and no more', async (health, status) => {
    herder.healthAnswer = health
    const response = await client.get('/health')
    expect(response).toMatchObject({ status, json: { status: health.status } })
    expect(response.body).not.toMatch(/connect-configs|BROKER/)
    expect(await client.get('/health/')).toMatchObject({ status })
    expect((await client.get('/health', bearer)).body).toContain('BROKER_DISK_FULL')
  })

  it('repeats no token, in responses and log lines', async () => {
    const wrong = token.split('').toReversed().join('')
    const response = await client.get('/connectors', { authorization: `Bearer ${wrong}` })
    const all = response.body + JSON.stringify(response.headers) + JSON.stringify(lines.lines)
    expect(all).not.toContain(wrong)
    expect(all).not.toContain(token)
  })

  it('logs the first refusals of a streak, and then their number', async () => {
    const warnings = (): unknown[] => lines.lines.filter(({ level }) => level === 'warn')
    for (let i = 0; i < 5; i += 1) await client.get('/connectors')
    expect(warnings()).toHaveLength(3)
    expect(warnings()[0]).toMatchObject({ message: expect.stringContaining('no token (rest.token.file)') })
    clock.advance(60_000)
    expect(warnings().slice(3)).toMatchObject([{ fields: { linesLikeThis: 2 } }])
    await client.get('/connectors', { authorization: 'Bearer x' })
    clock.advance(60_000)
    expect(warnings().slice(4)).toMatchObject([{ message: expect.stringContaining('a wrong token') }])
  })
})

describe('a request that is forwarded to another worker', () => {
  it('carries the token of the worker that forwards it', async () => {
    const seen: IncomingHttpHeaders[] = []
    const leader = createServer((message, response) => {
      seen.push(message.headers)
      response.writeHead(204).end()
    })
    await once(leader.listen(0, '127.0.0.1'), 'listening')
    const address = leader.address()
    const port = typeof address === 'object' ? address?.port : 0
    herder.stopConnector = () => Promise.reject(new NotLeaderError('not the leader', `http://127.0.0.1:${port}`))
    const response = await client.send('PUT', '/connectors/a/stop', null, basic('me', token))
    leader.close()
    expect(response).toMatchObject({ status: 204 })
    expect(seen).toMatchObject([{ authorization: `Bearer ${token}` }])
  })

  it('fails with a message that explains it where the workers have different tokens, as the client has shown a valid one', async () => {
    const other = await start('another-token-of-another-worker-of-it')
    herder.stopConnector = () => Promise.reject(new NotLeaderError('not the leader', other.url))
    const response = await client.send('PUT', '/connectors/a/stop', null, bearer)
    await other.close()
    expect(response).toMatchObject({ status: 500, json: { message: expect.stringContaining('need the same token') } })
  })

  it('returns 401 where this worker has no token and the client shows none', async () => {
    const open = await start()
    herder.stopConnector = () => Promise.reject(new NotLeaderError('not the leader', server.url))
    const response = await new RestClient(open.url).put('/connectors/a/stop')
    await open.close()
    expect(response).toMatchObject(refusal)
    expect(response.headers['www-authenticate']).toContain('Bearer')
  })
})
