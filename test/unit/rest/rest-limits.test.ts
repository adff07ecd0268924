import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'

import type { RestLimits } from '../../../src/config/worker/rest/rest-limits.ts'
import type { RestServer } from '../../../src/rest/rest-server.ts'

import { deferred } from '../../../src/foundation/async/deferred.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import { Meters } from '../../../src/foundation/metrics/meters.ts'
import { MemoryHerder } from '../../support/rest/memory-herder.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { until, untilPasses } from '../../support/until.ts'
import { startedRest } from '../../support/rest/started-rest.ts'

const mib = 1024 * 1024
const expanded = '/connectors?expand=status'
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`
const putHead = (bytes: number): string =>
  `PUT /connectors/a/config HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n`

let meters = new Meters()
let server: RestServer | null = null
const lines: Line[] = []

/** A client that writes any bytes. */
interface Line {
  readonly socket: Socket
  /** Everything received. */
  readonly text: () => string
  /** The statuses received. */
  readonly statuses: () => readonly number[]
  readonly isClosed: () => boolean
}

async function start(herder: MemoryHerder, limits: Partial<RestLimits>): Promise<RestClient> {
  meters = new Meters()
  server = await startedRest({ herder, clock: systemClock, meters, limits })
  return new RestClient(server.url)
}

async function open(text = ''): Promise<Line> {
  const socket = connect(Number(new URL(server?.url ?? '').port), '127.0.0.1')
  const parts: string[] = []
  let isClosed = false
  socket.on('data', (data: Buffer) => parts.push(data.toString('latin1')))
  socket.on('error', () => undefined) // 'close' follows.
  socket.on('close', () => {
    isClosed = true
  })
  const connected = deferred<void>()
  socket.once('connect', () => connected.resolve())
  await connected.promise
  if (text !== '') socket.write(text)
  const statuses = (): readonly number[] =>
    [...parts.join('').matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
  const line = { socket, text: () => parts.join(''), statuses, isClosed: () => isClosed }
  lines.push(line)
  return line
}

function sampleOf(name: string, reason?: string): number {
  const found = meters
    .samples()
    .find((sample) => sample.name === name && (reason === undefined || sample.labels?.['reason'] === reason))
  return found !== undefined && 'value' in found ? found.value : 0
}

/** A herder that returns the list of connectors after `release`. */
function stuckHerder(): { herder: MemoryHerder; release: () => void; asked: () => number } {
  const herder = new MemoryHerder()
  const gate = deferred<void>()
  let asked = 0
  herder.connectors = async () => {
    asked += 1
    await gate.promise
    return []
  }
  return { herder, release: () => gate.resolve(), asked: () => asked }
}

afterEach(async () => {
  for (const { socket } of lines.splice(0)) socket.destroy()
  await server?.close(0)
  server = null
})

describe('a REST client that sends requests ahead', () => {
  it('has one request processed at a time, and gets a 503 beyond the limit', async () => {
    const { herder, release, asked } = stuckHerder()
    await start(herder, { maxPipelined: 4 })
    const line = await open(get('/connectors').repeat(500))
    await until('the limit is seen', () => sampleOf('http_refused_total', 'pipelining') === 1)
    expect(asked()).toBe(1)
    release()
    await until('the connection is ended', line.isClosed)
    expect(line.statuses()).toEqual([200, 200, 200, 200, 503])
    expect(line.text()).toContain('Retry-After: 1')
    expect(line.text().endsWith('More than 4 requests were sent ahead of their responses"}')).toBe(true)
    expect(asked()).toBe(4)
  })

  it('gets the responses in the order of its requests, errors included', async () => {
    await start(new MemoryHerder(), {})
    const line = await open(get('/connectors') + get('/nowhere') + get('/') + get('/connectors/x'))
    await until('all have come', () => line.statuses().length === 4)
    expect(line.statuses()).toEqual([200, 404, 200, 404])
  })

  it('gets no error response ready before the response to an earlier request', async () => {
    const { herder, release, asked } = stuckHerder()
    await start(herder, {})
    const line = await open(get('/connectors') + get('/nowhere') + get('/'))
    await until('the first one is processed', () => asked() === 1)
    expect(sampleOf('http_requests_total')).toBe(0)
    release()
    await until('all have come', () => line.statuses().length === 3)
    expect(line.statuses()).toEqual([200, 404, 200])
  })

  it('leaves nothing behind when it disconnects while its requests wait', async () => {
    const { herder, release } = stuckHerder()
    const client = await start(herder, { maxConcurrent: 1 })
    const line = await open(get(expanded).repeat(3))
    const other = await open(get(expanded))
    line.socket.destroy()
    await until('its connection is gone', () => sampleOf('http_connections') === 1)
    release()
    await until('the other gets its response', () => other.statuses().length === 1)
    expect((await client.get(expanded)).status).toBe(200)
  })
})

describe('many requests that take long', () => {
  it('are rejected beyond the limit, while requests for the state of the worker are served', async () => {
    const { herder, release } = stuckHerder()
    const client = await start(herder, { maxConcurrent: 1 })
    const waiting = await Promise.all(Array.from({ length: 9 }, () => open(get(expanded))))
    await until('all of them have come', () => sampleOf('http_connections') === 9)
    const refused = await client.get(expanded)
    expect(refused).toMatchObject({
      status: 503,
      headers: { 'retry-after': '1' },
      json: {
        error_code: 503,
        message: 'The REST API is overloaded: 1 requests are in progress and 8 wait. Retry the request later',
      },
    })
    expect(sampleOf('http_refused_total', 'busy')).toBe(1)
    for (const path of ['/', '/health']) expect((await client.get(path)).status).toBe(200)
    expect((await client.get('/connectors/none/status')).status).toBe(404)
    release()
    await until('those that waited are served', () => waiting.every((line) => line.statuses()[0] === 200))
    expect((await client.get(expanded)).status).toBe(200)
  })

  it('let the event loop run between them', async () => {
    const herder = new MemoryHerder()
    await start(herder, {})
    let rounds = 0
    let isOver = false
    const perRound = new Map<number, number>()
    const turn = (): void => {
      rounds += 1
      if (!isOver) setImmediate(turn)
    }
    herder.connectors = async () => {
      const end = performance.now() + 6
      while (performance.now() < end);
      perRound.set(rounds, (perRound.get(rounds) ?? 0) + 1)
      return []
    }
    turn()
    const all = await Promise.all(Array.from({ length: 30 }, () => open(get('/'))))
    await until('all are taken', () => all.every(({ statuses }) => statuses().length === 1))
    for (const { socket } of all) socket.write(get('/connectors'))
    await until('all are served', () => all.every((line) => line.statuses().length === 2))
    isOver = true
    // The rest of one slice, and the next one.
    expect(Math.max(...perRound.values())).toBeLessThanOrEqual(4)
  })
})

describe('connections to the REST API', () => {
  it('beyond the limit replace the one that was idle for longest', async () => {
    const client = await start(new MemoryHerder(), { maxConnections: 2 })
    const silent = await open()
    const begun = await open('GET / HTTP/1.1\r\nx-')
    await until('both are open', () => sampleOf('http_connections') === 2)
    expect((await client.get('/')).status).toBe(200)
    await until('the first one is closed', silent.isClosed)
    expect(begun.isClosed()).toBe(false)
    expect(sampleOf('http_refused_total', 'connections')).toBe(1)
  })

  it('are rejected with 503 while all others have requests in progress', async () => {
    const { herder, release, asked } = stuckHerder()
    await start(herder, { maxConnections: 2 })
    const [first, second] = [await open(get('/connectors')), await open(get('/connectors'))]
    await until('both are worked for', () => asked() === 2)
    const third = await open()
    await until('it is closed', third.isClosed)
    expect(third.statuses()).toEqual([503])
    release()
    await until('the others get their responses', () => [first, second].every((line) => line.statuses().length === 1))
  })

  it('of one address are rejected beyond its limit', async () => {
    await start(new MemoryHerder(), { maxConnectionsPerIp: 1 })
    const first = await open(get('/'))
    await until('the first one is served', () => first.statuses().length === 1)
    const second = await open()
    await until('the second one is closed', second.isClosed)
    expect(second.statuses()).toEqual([503])
    first.socket.destroy()
    await until('the first one is gone', () => sampleOf('http_connections') === 0)
    const third = await open(get('/'))
    await until('the third one is served', () => third.statuses()[0] === 200)
  })

  it.each([
    ['sends nothing', ''],
    ['does not end its headers', 'GET / HTTP/1.1\r\nx-'],
    ['does not end its body', `${putHead(1000)}{`],
    ['does not end its chunks', `${putHead(1).replace('content-length: 1', 'transfer-encoding: chunked')}1\r\n{\r\n`],
    ['does not end a body that the worker does not read', `${putHead(1000).replace('PUT', 'TRACE')}{`],
  ])('are closed when a client %s', async (_what, text) => {
    await start(new MemoryHerder(), { maxReceiveMs: 200 })
    const line = await open(text)
    await until('it is closed', line.isClosed)
  })

  it('are closed when a client does not read its response', async () => {
    const herder = new MemoryHerder()
    herder.connectors = async () => Array.from({ length: 30 }, (_, i) => String(i).repeat(mib))
    await start(herder, { maxReceiveMs: 200 })
    const line = await open()
    line.socket.pause()
    line.socket.write(get('/connectors'))
    await until('a connection was open', () => sampleOf('http_connections') === 1)
    await until('it is closed', () => sampleOf('http_connections') === 0)
  })

  it('make the worker reject requests while their clients do not read many bytes of responses', async () => {
    const herder = new MemoryHerder()
    herder.connectors = async () => Array.from({ length: 40 }, (_, i) => String(i % 10).repeat(mib))
    const client = await start(herder, {})
    const line = await open()
    line.socket.pause()
    line.socket.write(get('/connectors'))
    await until('the response is ready', () => sampleOf('http_requests_total') === 1)
    const rejected = await client.get(expanded)
    expect(rejected).toMatchObject({
      status: 503,
      json: { message: expect.stringContaining('clients do not read their responses') },
    })
    line.socket.resume()
    await until('the client has read it', () => line.text().length > 40 * mib)
    herder.connectors = async () => []
    await untilPasses(async () => expect((await client.get(expanded)).status).toBe(200))
  })

  it('stay open while the worker processes their request', async () => {
    const { herder, release, asked } = stuckHerder()
    await start(herder, { maxReceiveMs: 100, maxIdleMs: 100 })
    const line = await open(get('/connectors').repeat(2))
    await until('it is worked for', () => asked() === 1)
    const silent = await open()
    await until('the time of a silent client is over', silent.isClosed)
    release()
    await until('both responses have come', () => line.statuses().length === 2)
  })
})

describe('request bodies', () => {
  it('share a budget, beyond which large ones are rejected and small ones pass', async () => {
    const client = await start(new MemoryHerder(), {})
    const part = Buffer.alloc(8 * mib - 10, ' ')
    const holders: Line[] = []
    while (sampleOf('http_refused_total', 'memory') === 0 && holders.length < 20) {
      const line = await open(putHead(8 * mib))
      line.socket.write(part)
      holders.push(line)
      await until('it is sent', () => line.socket.writableLength === 0 || line.isClosed())
    }
    const { status } = await client.put('/connectors/a/config', { 'connector.class': 'FileStreamSource', topic: 't' })
    expect(status).toBe(201)
    const refused = holders.find((line) => line.statuses().length > 0)
    expect(refused?.statuses()).toEqual([503])
    for (const { socket } of holders) socket.destroy()
    await until('they are gone', () => sampleOf('http_connections') === 0)
    const large = { 'connector.class': 'FileStreamSource', topic: 't', note: 'n'.repeat(200_000) }
    expect((await client.put('/connectors/b/config', large)).status).toBe(201)
  })

  it('return their bytes to the budget when their request ends', async () => {
    const client = await start(new MemoryHerder(), {})
    const blank = ' '.repeat(8 * mib)
    const statuses: number[] = []
    for (let sent = 0; sent < 10; sent += 1)
      statuses.push((await client.send('PUT', '/connectors/a/config', blank)).status)
    expect(new Set(statuses)).toEqual(new Set([500]))
    expect(sampleOf('http_refused_total')).toBe(0)
  })

  it.each([
    ['names', 413, `{"name":"a","config":{${Array.from({ length: 300_000 }, (_, i) => `"k${i}":1`).join(',')}}}`],
    ['values', 413, `{"name":"a","config":[${'1,'.repeat(1_000_000)}1]}`],
    ['levels', 500, `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}`],
    ['levels of objects', 500, `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`],
  ])('are rejected before they are parsed when they have too many %s', async (_what, status, body) => {
    const client = await start(new MemoryHerder(), {})
    const refused = await client.send('POST', '/connectors', body)
    expect(refused).toMatchObject({ status, json: { message: expect.stringMatching(/more than (40000|100) /) } })
  })

  it('may contain any of these within a string', async () => {
    const client = await start(new MemoryHerder(), {})
    const note = `${'[{,:\\"'.repeat(50_000)}\\`
    const config = { 'connector.class': 'FileStreamSource', topic: 't', note }
    const created = await client.post('/connectors', { name: 'a', config })
    expect(created).toMatchObject({ status: 201, json: { config: { note } } })
  })

  it('are rejected with 413 beyond their limit', async () => {
    const client = await start(new MemoryHerder(), { maxBodyBytes: 2000 })
    const config = { 'connector.class': 'FileStreamSource', topic: 't', note: 'n'.repeat(2000) }
    expect((await client.put('/connectors/a/config', config)).status).toBe(413)
  })
})
