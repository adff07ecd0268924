import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { systemClock, type RawConfig } from 'penstock/api'
import { afterEach, expect, it } from 'vitest'

import { openCluster } from '../../../../connectors/elasticsearch-sink/client/cluster.ts'
import { configDef } from '../../../../connectors/elasticsearch-sink/config/config.ts'
import { settingsOf } from '../../../../connectors/elasticsearch-sink/config/settings.ts'
import { plugin } from '../../../../connectors/elasticsearch-sink/index.ts'
import { parseConfig } from '../../../../src/config/definition/parse-config.ts'
import { selfSigned } from '../../../support/tls/self-signed.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

async function portOf(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

interface Seen {
  readonly target: string
  readonly headers: IncomingHttpHeaders
}

/** A proxy that notes what it is asked for, forwards nothing, and opens tunnels. */
async function proxyServer(respond: RequestListener): Promise<{ port: number; seen: Seen[] }> {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    seen.push({ target: `${request.method} ${request.url}`, headers: request.headers })
    respond(request, response)
  })
  server.on('connect', (request, socket: Socket) => {
    seen.push({ target: `CONNECT ${request.url}`, headers: request.headers })
    const [host, port] = (request.url ?? '').split(':')
    const onward = connect({ host: host ?? '', port: Number(port) }, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(onward).pipe(socket)
    })
    closing.push(() => onward.destroy())
    socket.on('error', () => onward.destroy())
    onward.on('error', () => socket.destroy())
  })
  return { port: await portOf(server), seen }
}

async function info(config: RawConfig): Promise<number> {
  const cluster = await openCluster(settingsOf(parseConfig(configDef, config)), systemClock)
  closing.push(() => cluster.close())
  const response = await cluster.request((client, options) => client.info({}, options), new AbortController().signal)
  return response.status
}

const credentials = { 'proxy.username': 'me', 'proxy.password': 's:ö' }
const basic = `Basic ${Buffer.from('me:s:ö').toString('base64')}`

it('requests to http addresses are sent to the proxy, with the address and the credentials', async () => {
  const proxy = await proxyServer((_request, response) =>
    response.setHeader('content-type', 'application/json').end('{}'),
  )
  const config = {
    'connection.url': 'http://search.test:9200',
    'proxy.host': '127.0.0.1',
    'proxy.port': String(proxy.port),
  }
  expect(await info({ ...config, ...credentials })).toBe(200)
  expect(proxy.seen).toMatchObject([
    { target: 'GET http://search.test:9200/', headers: { host: 'search.test:9200', 'proxy-authorization': basic } },
  ])
  expect(await info(config)).toBe(200)
  expect(proxy.seen[1]?.headers['proxy-authorization']).toBeUndefined()
})

it('a tunnel through the proxy leads to https addresses, and only the proxy gets its credentials', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-proxy-'))
  closing.push(() => rmSync(directory, { recursive: true, force: true }))
  const { certificate, key } = selfSigned(directory, 'node', 'IP:127.0.0.1')
  const received: IncomingHttpHeaders[] = []
  const node = createTlsServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
    received.push(request.headers)
    response.setHeader('content-type', 'application/json').end('{}')
  })
  const port = await portOf(node)
  const proxy = await proxyServer((_request, response) => response.writeHead(500).end())
  const status = await info({
    'connection.url': `https://127.0.0.1:${port}`,
    'elastic.https.ssl.truststore.location': certificate,
    'proxy.host': '127.0.0.1',
    'proxy.port': String(proxy.port),
    ...credentials,
  })
  expect(status).toBe(200)
  expect(proxy.seen).toMatchObject([{ target: `CONNECT 127.0.0.1:${port}`, headers: { 'proxy-authorization': basic } }])
  expect(received).toHaveLength(1)
  expect(received[0]?.['proxy-authorization']).toBeUndefined()
})

it('a validation names the credentials that the proxy rejects', async () => {
  const proxy = await proxyServer((_request, response) => response.writeHead(407).end('who are you?'))
  const raw = {
    topics: 't',
    'connection.url': 'http://search.test',
    'proxy.host': '127.0.0.1',
    'proxy.port': String(proxy.port),
  }
  const problems = await plugin.check?.(parseConfig(configDef, raw), raw, new AbortController().signal)
  expect(problems).toMatchObject([{ key: 'proxy.username', message: /HTTP 407/ }])
})

it('a validation names existing resources that do not exist', async () => {
  const node = createServer((request, response) => {
    response.writeHead(request.url === '/missing' ? 404 : 200, { 'content-type': 'application/json' })
    response.end(request.method === 'HEAD' ? undefined : '{}')
  })
  const raw = {
    topics: 'a,b',
    'connection.url': `http://127.0.0.1:${await portOf(node)}`,
    'external.resource.usage': 'DATASTREAM',
    'topic.to.external.resource.mapping': 'a:there,b:missing',
  }
  const problems = await plugin.check?.(parseConfig(configDef, raw), raw, new AbortController().signal)
  expect(problems).toEqual([
    {
      key: 'topic.to.external.resource.mapping',
      message: "the index or data stream 'missing' of topic 'b' does not exist. Create it, or correct the name.",
    },
  ])
})
