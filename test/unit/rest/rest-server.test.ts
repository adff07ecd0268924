import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import type { RestServer } from '../../../src/rest/rest-server.ts'

import { Meters } from '../../../src/foundation/metrics/meters.ts'
import { ConnectError } from '../../../src/api/errors.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { ForbiddenError, RebalanceNeededError } from '../../../src/herder/herder-errors.ts'
import { startRest } from '../../../src/rest/rest-server.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { MemoryHerder } from '../../support/rest/memory-herder.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { untilPasses } from '../../support/until.ts'
import { startedRest } from '../../support/rest/started-rest.ts'

const source = { 'connector.class': 'FileStreamSource', topic: 't' }
const sink = { 'connector.class': 'FileStreamSink', topics: 't', 'tasks.max': '2' }

let herder = new MemoryHerder()
let server: RestServer
let client: RestClient
let lines = quietLogger()

async function start(clock = systemClock): Promise<void> {
  herder = new MemoryHerder()
  lines = quietLogger()
  server = await startedRest({ herder, clock, logger: lines, metrics: () => 'penstock_up 1\n' })
  client = new RestClient(server.url)
}

const create = (name: string, config: Record<string, unknown>): ReturnType<RestClient['post']> =>
  client.post('/connectors', { name, config })
const connectedSocket = (): Socket => connect(Number(new URL(server.url).port), '127.0.0.1')
const messages = (wanted: string): readonly string[] =>
  lines.lines.flatMap(({ level, message }) => (level === wanted ? [message] : []))
const error = (status: number, message: unknown): object => ({ status, json: { error_code: status, message } })

describe('the REST API', () => {
  beforeEach(() => start())
  afterEach(() => server.close())

  it('identifies the worker', async () => {
    expect(await client.get('/')).toMatchObject({
      status: 200,
      body: '{"version":"3.9.1","commit":"f745dfdcee2b9851","kafka_cluster_id":"AWfKAj4MQ5yVi_-_d_bcfg"}',
    })
  })

  it('shows metrics to Prometheus', async () => {
    const response = await client.get('/metrics', { accept: 'application/openmetrics-text' })
    expect(response).toMatchObject({ status: 200, body: 'penstock_up 1\n' })
    expect(response.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
  })

  it.each([
    [{ status: 'healthy' } as const, 200, 'Worker has completed startup and is ready to handle requests.'],
    [{ status: 'starting', stage: 'Reading.' } as const, 503, 'Worker is still starting up. Reading.'],
    [
      { status: 'unhealthy', stage: 'Hangs.' } as const,
      500,
      'Worker was unable to handle this request and may be unable to handle other requests. Hangs.',
    ],
  ])('reports the health %j with %i', async (health, status, message) => {
    herder.healthAnswer = health
    expect(await client.get('/health')).toMatchObject({ status, json: { status: health.status, message } })
  })

  it('reports conditions of the embedded broker in the health, which make no worker unhealthy', async () => {
    const listeners = [{ host: '127.0.0.1', port: 0 }]
    const conditions = (): readonly string[] => ['BROKER_DISK_FULL: the disk is full.']
    const meters = new Meters()
    const options = { herder, listeners, clock: systemClock, logger: lines, meters, metrics: () => '', conditions }
    const second = await startRest(options)
    const response = await new RestClient(second.url).get('/health')
    await second.close()
    expect(response).toMatchObject({
      status: 200,
      json: { status: 'healthy', message: expect.stringMatching(/requests\. BROKER_DISK_FULL: the disk is full\.$/) },
    })
  })

  it('creates a connector and returns its address', async () => {
    const response = await create('a', { ...source, 'tasks.max': 1, 'batch.size': 10.0, flag: true })
    expect(response).toMatchObject({
      status: 201,
      json: {
        name: 'a',
        config: { ...source, 'tasks.max': '1', 'batch.size': '10', flag: 'true', name: 'a' },
        tasks: [],
        type: 'source',
      },
    })
    expect(response.headers['location']).toBe(`${server.url}/connectors/a`)
    expect(await client.get('/connectors')).toMatchObject({ json: ['a'] })
    expect(await client.get('/connectors/a')).toMatchObject({ json: { tasks: [{ connector: 'a', task: 0 }] } })
  })

  it('keeps numbers as they are written', async () => {
    const body = `{"name":"a","config":{"connector.class":"FileStreamSource","topic":"t","x":12345678901234567890,"y":1.50}}`
    const { json } = await client.send('POST', '/connectors', body)
    expect(json).toMatchObject({ config: { x: '12345678901234567890', y: '1.50' } })
  })

  it('trims the name of a new connector and encodes it in its address', async () => {
    const response = await create(' sp/ ace ', source)
    expect(response).toMatchObject({ status: 201, json: { name: 'sp/ ace', config: { name: 'sp/ ace' } } })
    expect(response.headers['location']).toBe(`${server.url}/connectors/sp%2F%20ace`)
    expect(await client.get('/connectors/sp%2F%20ace/config')).toMatchObject({ status: 200 })
  })

  it.each([
    ['RUNNING', 'RUNNING'],
    ['paused', 'PAUSED'],
    ['Stopped', 'STOPPED'],
  ])('creates a connector in the initial state %s', async (initial, state) => {
    await client.post('/connectors', { name: 'a', config: source, initial_state: initial })
    expect(await client.get('/connectors/a/status')).toMatchObject({ json: { connector: { state } } })
  })

  it('rejects an invalid config with the texts of Connect', async () => {
    expect(await create('', source)).toMatchObject(
      error(
        400,
        'Connector configuration is invalid and contains the following 1 error(s):\nInvalid value  for configuration name: String may not be empty\nYou can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`',
      ),
    )
    expect(await create('a', { ...source, name: 'b' })).toMatchObject(
      error(400, "Connector name configuration (b) doesn't match connector name in the URL (a)"),
    )
    expect(await create('a', { topic: 't' })).toMatchObject(error(400, expect.stringMatching(/no connector type$/)))
    expect(await create('a', { 'connector.class': 'Nope' })).toMatchObject(error(500, expect.stringMatching(/Nope/)))
    await create('a', source)
    expect(await create('a', source)).toMatchObject(error(409, 'Connector a already exists'))
  })

  it.each([
    ['{bad', 'The request body is not valid JSON: line 1, column 2'],
    ['', 'The request has no body with "name" and "config"'],
    ['null', 'The request has no body with "name" and "config"'],
    ['[]', 'The body with "name" and "config" is not a JSON object'],
    ['{"name":"a"}', 'The request has no config'],
    ['{"name":"a","config":[]}', 'The config is not a JSON object'],
    ['{"name":"a","config":{"x":{"y":1}}}', '"x" is not a string'],
    ['{"name":["a"],"config":{}}', '"name" is not a string'],
    ['{"name":"a","type":"sink","config":{}}', expect.stringMatching(/^Unrecognized field "type"/)],
    ['{"name":"a","config":{},"initial_state":"NOPE"}', expect.stringMatching(/^"initial_state" is NOPE/)],
  ])('responds with 500 to the malformed request %j', async (body, message) => {
    expect(await client.send('POST', '/connectors', body)).toMatchObject(error(500, message))
  })

  it('accepts a byte order mark, and rejects bytes and escapes that are not text', async () => {
    const post = async (body: string | Uint8Array): Promise<readonly [number, string]> => {
      const headers = { 'content-type': 'application/json' }
      const response = await fetch(`${server.url}/connectors`, { method: 'POST', headers, body })
      return [response.status, await response.text()]
    }
    const request = (name: string): string => JSON.stringify({ name, config: source })
    expect((await post(`\ufeff${request('bom')}`))[0]).toBe(201)
    expect(await post(Buffer.from(request('ü'), 'latin1'))).toEqual([500, expect.stringContaining('not valid UTF-8')])
    for (const body of [request('x\ud800'), '{"name":"a","config":{"\\udc00":"x"}}']) {
      expect(await post(body)).toEqual([500, expect.stringContaining('unpaired surrogate')])
    }
    expect(await client.get('/connectors')).toMatchObject({ json: ['bom'] })
  })

  it.each([
    ['a:b,c=d+e@f&g$h', 'a:b,c=d+e@f&g$h'],
    ['m;v/w?x#y%z', 'm%3Bv%2Fw%3Fx%23y%25z'],
    ['n'.repeat(512), 'n'.repeat(512)],
  ])('encodes %s in its address', async (name, path) => {
    const { headers } = await create(name, source)
    expect(headers['location']).toBe(`${server.url}/connectors/${path}`)
    expect(await client.get(`/connectors/${path}`)).toMatchObject({ json: { name } })
  })

  it('shows nothing of a body that is not JSON', async () => {
    const { body } = await client.send('POST', '/connectors', '{"database.password":"hunter2",}')
    expect(body).not.toContain('hunter')
  })

  it('creates or replaces a config with PUT', async () => {
    const created = await client.put('/connectors/a/config', source)
    expect(created).toMatchObject({ status: 201, json: { tasks: [] } })
    expect(created.headers['location']).toBe(`${server.url}/connectors/a`)
    const replaced = await client.put('/connectors/a/config', { ...source, topic: 'u' })
    expect(replaced).toMatchObject({ status: 200, json: { config: { topic: 'u' }, tasks: [{ task: 0 }] } })
    expect(replaced.headers['location']).toBeUndefined()
    expect(await client.put('/connectors/a/config')).toMatchObject(error(500, 'The request has no config'))
    expect(await client.put('/connectors/a/config', { ...source, name: 'b' })).toMatchObject({ status: 400 })
  })

  it('expands the list as requested, and leaves out connectors without status', async () => {
    await create('a', source)
    expect(await client.get('/connectors?expand=status&expand=info')).toMatchObject({
      json: { a: { status: { name: 'a', type: 'source' }, info: { name: 'a', config: { name: 'a' } } } },
    })
    expect(await client.get('/connectors?expand=nope')).toMatchObject({ body: '{"a":{}}' })
    herder.connectorStatus = () => Promise.reject(new ForbiddenError('no'))
    expect(await client.get('/connectors?expand=status')).toMatchObject({ status: 403 })
  })

  it('pauses, resumes, stops and deletes', async () => {
    await create('a', sink)
    const state = async (): Promise<unknown> => (await client.get('/connectors/a/status')).json
    expect(await client.put('/connectors/a/pause')).toMatchObject({ status: 202, body: '' })
    expect(await state()).toMatchObject({ connector: { state: 'PAUSED' }, tasks: [{ id: 0 }, { id: 1 }] })
    expect(await client.put('/connectors/a/resume', {})).toMatchObject({ status: 202, body: '' })
    expect(await client.put('/connectors/a/stop')).toMatchObject({ status: 204, body: '' })
    expect(await state()).toEqual({
      name: 'a',
      connector: { state: 'STOPPED', worker_id: '127.0.0.1:8083' },
      tasks: [],
      type: 'sink',
    })
    expect(await client.delete('/connectors/a')).toMatchObject({ status: 204, body: '' })
    expect(await client.delete('/connectors/a')).toMatchObject(error(404, 'Connector a not found'))
  })

  it('restarts the connector alone, or a plan according to the flags', async () => {
    await create('a', sink)
    herder.failedTasks.set('a-1', 'Error: broken\n\tat here')
    const plan = (flags: string): ReturnType<RestClient['post']> => client.post(`/connectors/a/restart?${flags}`)
    expect(await plan('')).toMatchObject({ status: 204, body: '' })
    expect(await plan('includeTasks=banana')).toMatchObject({ status: 204 })
    expect(await plan('includeTasks=TRUE')).toMatchObject({
      status: 202,
      json: { connector: { state: 'RESTARTING' }, tasks: [{ state: 'RESTARTING' }, { state: 'RESTARTING' }] },
    })
    expect(await plan('includeTasks=true&onlyFailed=true')).toMatchObject({
      json: { connector: { state: 'RUNNING' }, tasks: [{ state: 'RUNNING' }, { state: 'RESTARTING' }] },
    })
    expect(await plan('onlyFailed=true')).toMatchObject({ json: { tasks: [{}, { state: 'FAILED' }] } })
  })

  it('shows tasks, their configs and states, and restarts one', async () => {
    await create('a', sink)
    herder.failedTasks.set('a-1', 'Error: broken')
    const config = { ...sink, name: 'a' }
    const tasks = [0, 1].map((task) => ({ id: { connector: 'a', task }, config }))
    expect((await client.get('/connectors/a/tasks')).json).toEqual(tasks)
    expect((await client.get('/connectors/a/tasks-config')).json).toEqual({ 'a-0': config, 'a-1': config })
    expect((await client.get('/connectors/a/tasks/1/status')).json).toEqual({
      id: 1,
      state: 'FAILED',
      worker_id: '127.0.0.1:8083',
      trace: 'Error: broken',
    })
    expect(await client.post('/connectors/a/tasks/1/restart')).toMatchObject({ status: 204 })
    expect(await client.get('/connectors/a/tasks/7/status')).toMatchObject(error(404, 'No status found for task a-7'))
    expect(await client.post('/connectors/a/tasks/7/restart')).toMatchObject(error(404, 'Unknown task: a-7'))
    expect(await client.get('/connectors/a/tasks/x/status')).toMatchObject(error(404, 'HTTP 404 Not Found'))
  })

  it('shows topics and offsets without losing a digit', async () => {
    await create('a', source)
    herder.topics.set('a', ['t'])
    herder.offsets.set('a', [{ partition: { server: 'x' }, offset: { lsn: 2n ** 62n, ok: true } }])
    expect(await client.get('/connectors/a/topics')).toMatchObject({ body: '{"a":{"topics":["t"]}}' })
    expect(await client.get('/connectors/nope/topics')).toMatchObject({ body: '{"nope":{"topics":[]}}' })
    expect(await client.get('/connectors/a/offsets')).toMatchObject({
      body: '{"offsets":[{"partition":{"server":"x"},"offset":{"lsn":4611686018427387904,"ok":true}}]}',
    })
  })

  it('lists connectors, or all plugins', async () => {
    const connectors = (await client.get('/connector-plugins')).json as { type: string }[]
    expect(new Set(connectors.map(({ type }) => type))).toEqual(new Set(['sink', 'source']))
    const all = (await client.get('/connector-plugins?connectorsOnly=false')).json as { class: string }[]
    expect(all.length).toBeGreaterThan(connectors.length)
    expect(await client.get('/connector-plugins?connectorsOnly=x')).toMatchObject({ json: all })
    expect(await client.get('/connector-plugins/nope/config')).toMatchObject(error(404, 'Unknown plugin nope.'))
  })

  it('returns the config of the installed version of a plugin, and refuses others', async () => {
    const path = '/connector-plugins/FileStreamSource/config'
    const latest = await client.get(path)
    const listed = (await client.get('/connector-plugins')).json as { class: string; version: string }[]
    const version = listed.find((plugin) => plugin.class.endsWith('FileStreamSourceConnector'))?.version ?? ''
    for (const same of ['latest', version])
      expect(await client.get(`${path}?version=${same}`)).toMatchObject({ status: 200, json: latest.json })
    for (const other of ['', '[0.0.1,)', `${version}1`])
      expect(await client.get(`${path}?version=${encodeURIComponent(other)}`)).toMatchObject({ status: 400 })
  })

  it('validates by class name or alias, and returns the errors in the response', async () => {
    const validate = (plugin: string, body: unknown): ReturnType<RestClient['put']> =>
      client.put(`/connector-plugins/${plugin}/config/validate`, body)
    for (const plugin of ['FileStreamSource', 'FileStreamSourceConnector', 'Source']) {
      expect(await validate(plugin, { ...source, name: 'v' })).toMatchObject({ status: 200, json: { error_count: 0 } })
    }
    expect(await validate('FileStreamSource', source)).toMatchObject({ status: 200, json: { error_count: 1 } })
    expect(await validate('FileStreamSource', sink)).toMatchObject(
      error(400, 'Included connector type FileStreamSink does not match request type FileStreamSource'),
    )
    expect(await validate('FileStreamSource', {})).toMatchObject(error(500, expect.stringMatching(/no connector type/)))
    expect(await validate('Nope', { 'connector.class': 'Nope' })).toMatchObject(
      error(500, expect.stringMatching(/^Failed to find any class/)),
    )
  })

  it('fences the tasks of a source, and of nothing else', async () => {
    await client.post('/connectors', { name: 'a', config: source })
    await client.post('/connectors', { name: 'b', config: sink })
    expect(await client.send('PUT', '/connectors/a/fence')).toMatchObject({ status: 204, body: '' })
    expect(await client.send('PUT', '/connectors/b/fence')).toMatchObject(
      error(400, 'Connector b is not a source connector'),
    )
    expect(await client.send('PUT', '/connectors/c/fence')).toMatchObject(error(404, 'Connector c not found'))
  })

  it.each([
    ['GET', '/nope', 404],
    ['GET', '/connectors/', 200],
    ['GET', '/connectors//status', 404],
    ['GET', '/connectors/a/b/c/d', 404],
    ['GET', '/connectors/%zz', 400],
    ['PUT', '/connectors', 405],
    ['POST', '/', 405],
    ['GET', '/connectors/nope/restart', 405],
    ['TRACE', '/connectors', 405],
  ])('responds to %s %s with %i', async (method, path, status) => {
    expect(await client.send(method, path)).toMatchObject({ status })
  })

  it('lists the methods of a path', async () => {
    const options = await client.send('OPTIONS', '/connectors')
    expect(options).toMatchObject({ status: 200, body: 'HEAD, POST, GET, OPTIONS' })
    expect(options.headers).toMatchObject({ allow: 'HEAD,POST,GET,OPTIONS', 'content-type': 'text/plain' })
    expect((await client.send('PUT', '/connectors')).headers['allow']).toBe('HEAD, POST, GET, OPTIONS')
  })

  it('responds to HEAD as to GET, without a body', async () => {
    const head = await client.send('HEAD', '/connectors')
    expect(head).toMatchObject({ status: 200, body: '' })
    expect(head.headers).toMatchObject({ 'content-type': 'application/json', 'content-length': '2' })
  })

  it.each([
    [{ 'content-type': 'text/plain' }, 415, 'HTTP 415 Unsupported Media Type'],
    [{ 'content-type': '' }, 415, 'HTTP 415 Unsupported Media Type'],
    [{ accept: 'text/html' }, 406, 'HTTP 406 Not Acceptable'],
    [{ accept: 'application/json;q=0' }, 406, 'HTTP 406 Not Acceptable'],
  ])('responds to the headers %j with %i', async (headers, status, message) => {
    const response = await client.send('POST', '/connectors', { name: 'a', config: source }, headers)
    expect(response).toMatchObject(error(status, message))
  })

  it('rejects a body of another type with DELETE, too', async () => {
    const response = await client.send('DELETE', '/connectors/a', '{}', { 'content-type': 'text/plain' })
    expect(response).toMatchObject(error(415, 'HTTP 415 Unsupported Media Type'))
  })

  it.each(['*/*', 'text/html, application/*;q=0.5', 'application/json; charset=utf-8'])(
    'responds to a client that accepts %s',
    async (accept) => {
      expect(await client.get('/connectors', { accept })).toMatchObject({ status: 200 })
    },
  )

  it('rejects a body that is too long, and continues to serve', async () => {
    const response = await client.send('POST', '/connectors', JSON.stringify({ x: 'y'.repeat(9 * 1024 * 1024) }))
    expect(response).toMatchObject(error(413, 'The request body is longer than 8388608 bytes'))
    expect(await client.get('/connectors')).toMatchObject({ status: 200 })
  })

  it.each([
    [{ host: 'evil.example' }, /must name it as 127.0.0.1 or localhost, not "evil.example"/],
    [{ host: '127.0.0.1.evil.example:8083' }, /not "127.0.0.1.evil.example"/],
    [{ origin: 'http://evil.example' }, /pages of other origins are refused: "http:\/\/evil.example"/],
    [{ origin: 'http://localhost:1' }, /pages of other origins/],
    [{ origin: 'null' }, /pages of other origins/],
  ])('rejects the headers %j on loopback', async (headers, message) => {
    expect(await client.get('/connectors', headers as never)).toMatchObject(error(403, expect.stringMatching(message)))
  })

  describe('on a listener that other machines can reach', () => {
    let open: RestServer
    let caller: RestClient

    beforeAll(async () => {
      const meters = new Meters()
      const listeners = [{ host: '0.0.0.0', port: 0 }]
      const hosts = ['connect.example.com']
      const options = { herder, listeners, hosts, clock: systemClock, logger: lines, meters, metrics: () => '' }
      open = await startRest(options)
      caller = new RestClient(open.url)
    })

    afterAll(() => open.close())

    it.each([
      [{ host: 'evil.example:8083' }, /an address or a name without dots, not "evil.example".*"listeners.hosts"/],
      [{ host: 'localhost.evil.example' }, /not "localhost.evil.example"/],
      [{ host: '127.1.evil.example' }, /not "127.1.evil.example"/],
      [{ origin: 'http://evil.example' }, /pages of other origins are refused/],
      [{ origin: 'http://connect.example.com.evil.example' }, /pages of other origins are refused/],
      [{ origin: 'null' }, /pages of other origins are refused/],
    ])('rejects the headers %j', async (headers, message) => {
      expect(await caller.get('/connectors', headers as never)).toMatchObject(
        error(403, expect.stringMatching(message)),
      )
    })

    it.each([
      { host: '192.0.2.7:8083' },
      { host: '[2001:db8::7]:8083' },
      { host: 'penstock:8083' },
      { host: 'localhost.' },
      { host: 'Connect.Example.com' },
      { host: 'connect.example.com:8083', origin: 'https://connect.example.com' },
      { host: 'penstock:8083', origin: 'http://penstock:8083' },
    ])('accepts the headers %j', async (headers) => {
      expect(await caller.get('/connectors', headers as never)).toMatchObject({ status: 200 })
    })
  })

  it('accepts a whole URL in the request line, whose host takes precedence', async () => {
    const responseTo = async (target: string): Promise<string> => {
      const socket = connectedSocket()
      socket.write(
        `PUT ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\n`,
      )
      socket.end(`Content-Length: ${JSON.stringify(source).length}\r\n\r\n${JSON.stringify(source)}`)
      return await text(socket)
    }
    const created = await responseTo('http://LocalHost:1/connectors/a/config')
    expect(created).toContain('HTTP/1.1 201 Created')
    expect(created).toContain('Location: http://LocalHost:1/connectors/a\r\n')
    expect(await responseTo('http://127.0.0.1?x=1')).toContain('HTTP 405')
    expect(await responseTo('http://evil.example/connectors/a/config')).toContain('HTTP/1.1 403')
  })

  it('logs no error when a client disconnects in the middle of its request', async () => {
    const socket = connectedSocket()
    const head =
      'POST /connectors HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{}'
    socket.write(head, () => socket.destroy())
    await untilPasses(() =>
      expect(messages('debug')).toContainEqual(expect.stringContaining('The client disconnected')),
    )
    expect(messages('error')).toEqual([])
  })

  it('accepts its own names and its own pages on loopback', async () => {
    const port = new URL(server.url).port
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, 'localhost']) {
      expect(await client.get('/', { host, origin: `http://${host}` })).toMatchObject({ status: 200 })
    }
  })

  it('reports a pending rebalance with 500 on reads and with 409 on writes', async () => {
    herder.failure = new RebalanceNeededError()
    expect(await client.get('/connectors/a')).toMatchObject(
      error(500, 'Request cannot be completed because a rebalance is expected'),
    )
    expect(await client.delete('/connectors/a')).toMatchObject(
      error(409, expect.stringMatching(/due to stale configuration/)),
    )
  })

  it('responds with 500 and the message of any other error, and logs unexpected ones', async () => {
    herder.failure = new ConnectError('the log is full')
    expect(await client.delete('/connectors/a')).toMatchObject(error(500, 'the log is full'))
    expect(messages('error')).toEqual([])
    herder.failure = new TypeError('x is undefined')
    expect(await client.delete('/connectors/a')).toMatchObject(error(500, 'x is undefined'))
    expect(lines.lines.at(-1)).toMatchObject({
      level: 'error',
      message: 'DELETE /connectors/{connector} failed unexpectedly',
    })
  })

  it('names the address that it cannot bind, and what to do', async () => {
    const { port } = new URL(server.url)
    const listeners = [{ host: '127.0.0.1', port: Number(port) }]
    const second = startRest({
      herder,
      listeners,
      clock: systemClock,
      logger: lines,
      meters: new Meters(),
      metrics: () => '',
    })
    await expect(second).rejects.toThrow(
      new RegExp(`^REST_LISTEN: The REST API cannot listen on 127.0.0.1:${port}: another process uses the port`),
    )
  })
})

describe('a request that takes too long', () => {
  const clock = new ManualClock()
  beforeAll(() => start(clock))
  afterAll(() => server.close(0))

  it('gets a response that says what the herder is doing', async () => {
    herder.deleteConnector = () => new Promise(() => {})
    const waiting = clock.pending
    const response = client.delete('/connectors/a')
    await untilPasses(() => expect(clock.pending).toBe(waiting + 2))
    clock.advance(91_000)
    expect(await response).toMatchObject(error(500, 'Request timed out. The worker is currently polling the group.'))
  })

  it('lets the health report where the herder hangs', async () => {
    herder.healthAnswer = null
    const waiting = clock.pending
    const response = client.get('/health')
    await untilPasses(() => expect(clock.pending).toBe(waiting + 2))
    clock.advance(10_000)
    expect(await response).toMatchObject({ status: 500, json: { status: 'unhealthy' } })
  })
})
