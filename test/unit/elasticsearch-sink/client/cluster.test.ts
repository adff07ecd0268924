import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { ConfigError, RetriableError, systemClock, type Clock, type RawConfig } from 'penstock/api'
import { afterEach, describe, expect, it } from 'vitest'
import { openCluster, type Call, type Cluster } from '../../../../connectors/elasticsearch-sink/client/cluster.ts'
import { configDef } from '../../../../connectors/elasticsearch-sink/config/config.ts'
import { settingsOf } from '../../../../connectors/elasticsearch-sink/config/settings.ts'
import { parseConfig } from '../../../../src/config/definition/parse-config.ts'
import { selfSigned } from '../../../support/tls/self-signed.ts'
import { until } from '../../../support/until.ts'

const opened: { close(): unknown }[] = []
const never = new AbortController().signal
const success = '{"errors":false,"items":[{"index":{"_seq_no":1,"status":201}}]}'
const lines = Buffer.from('{"index":{"_index":"a"}}\n{}\n')
const bulk =
  (body = lines): Call =>
  (client, options) =>
    client.bulk({ operations: body as unknown as object[], filter_path: 'errors,items.*.status' }, options)

afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

async function listening(server: Server): Promise<number> {
  // The server closes nothing by itself.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  opened.push({
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  })
  return (server.address() as AddressInfo).port
}

/** The whole body of a request. */
async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

async function opening(config: RawConfig, clock: Clock = systemClock): Promise<Cluster> {
  const cluster = await openCluster(settingsOf(parseConfig(configDef, { topics: 't', ...config })), clock)
  opened.push(cluster)
  return cluster
}

async function clusterBehind(respond: RequestListener, config: RawConfig = {}, clock?: Clock): Promise<Cluster> {
  const port = await listening(createServer(respond))
  return opening({ 'connection.url': `http://127.0.0.1:${port}`, ...config }, clock)
}

const afterBody =
  (respond: (response: ServerResponse, request: IncomingMessage, body: Buffer) => void): RequestListener =>
  (request, response) =>
    void bodyOf(request).then((body) => respond(response, request, body))

describe('requests to a cluster', () => {
  it('carry plain media types and nothing of the client’s own, and leave the response as text', async () => {
    let seen: IncomingMessage | null = null
    let sent: Buffer = Buffer.alloc(0)
    const cluster = await clusterBehind(
      afterBody((response, request, body) => {
        seen = request
        sent = body
        response.writeHead(200, { 'content-type': 'application/json' }).end(success)
      }),
    )
    const response = await cluster.request(bulk(), never)
    expect(response).toEqual({ status: 200, body: success, method: 'POST', path: '/_bulk' })
    expect(sent).toEqual(lines)
    const { headers = {}, url } = seen ?? ({} as Partial<IncomingMessage>)
    expect(headers).toMatchObject({ 'content-type': 'application/x-ndjson', accept: 'application/json' })
    expect(headers['user-agent']).toBe('penstock')
    expect(headers['x-elastic-client-meta']).toBeUndefined()
    expect(headers['accept-encoding']).toBeUndefined()
    expect(url).toBe('/_bulk?filter_path=errors%2Citems.*.status')
  })

  it('are compressed, and ask for compressed responses, where connection.compression is set', async () => {
    let sent: Buffer = Buffer.alloc(0)
    const cluster = await clusterBehind(
      afterBody((response, request, body) => {
        sent = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
        const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' }
        response.writeHead(200, headers).end(gzipSync(request.headers['accept-encoding'] === 'gzip' ? success : '{}'))
      }),
      { 'connection.compression': 'true' },
    )
    expect((await cluster.request(bulk(), never)).body).toBe(success)
    expect(sent).toEqual(lines)
  })

  it.each([
    [200, 'text/html', '<html>log in</html>'],
    [413, 'text/html', '<html>too large</html>'],
    [429, 'application/json', '{"error":{"type":"es_rejected_execution_exception"},"status":429}'],
    [503, 'text/plain', ''],
  ])('are sent once, and get status %i with its body as it is', async (status, type, body) => {
    let requests = 0
    const cluster = await clusterBehind(
      afterBody((response) => {
        requests += 1
        response.writeHead(status, { 'content-type': type }).end(body)
      }),
    )
    expect(await cluster.request(bulk(), never)).toMatchObject({ status, body })
    expect(requests).toBe(1)
  })

  it('fail where the response is cut, and where its compression is broken', async () => {
    const cut = await clusterBehind(
      afterBody((response, { socket }) => {
        response.writeHead(200, { 'content-length': success.length }).write(success.slice(0, 20))
        setImmediate(() => socket.destroy())
      }),
    )
    await expect(cut.request(bulk(), never)).rejects.toThrow(/POST http:.*_bulk: the response is cut/)
    const broken = await clusterBehind(
      afterBody((response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(success)),
    )
    await expect(broken.request(bulk(), never)).rejects.toBeInstanceOf(RetriableError)
  })

  it('name the request and its node, and leave the node out, where the compression of a response is broken', async () => {
    const [first, second] = [gzipSync(success).subarray(0, 20), Buffer.from(success)]
    for (const body of [first, second]) {
      let broken = 0
      const wrong = await listening(
        createServer(
          afterBody((response) => {
            broken += 1
            response.writeHead(200, { 'content-encoding': 'gzip' }).end(body)
          }),
        ),
      )
      const right = await listening(createServer(afterBody((response) => void response.end(success))))
      const cluster = await opening({ 'connection.url': `http://127.0.0.1:${wrong},http://127.0.0.1:${right}` })
      const outcomes: string[] = []
      for (let i = 0; i < 10; i++)
        outcomes.push(
          await cluster.request(bulk(), never).then(
            () => 'sent',
            (error: unknown) => (error instanceof RetriableError ? error.message : String(error)),
          ),
        )
      const failed = outcomes.filter((one) => one !== 'sent')
      expect(failed).toHaveLength(1)
      expect(failed[0]).toContain(`POST http://127.0.0.1:${wrong}/_bulk: the response cannot be decompressed: `)
      expect(broken).toBe(1)
    }
  })

  it('need no body in a response to HEAD that names a compression', async () => {
    const cluster = await clusterBehind(
      afterBody((response) => void response.writeHead(404, { 'content-encoding': 'gzip' }).end()),
    )
    const response = await cluster.request((client, options) => client.indices.exists({ index: 'a' }, options), never)
    expect(response).toEqual({ status: 404, body: '', method: 'HEAD', path: '/a' })
  })

  it('are not retried after a programming error', async () => {
    const cluster = await opening({ 'connection.url': 'http://127.0.0.1:1' })
    for (const error of [new TypeError('x is not a function'), new Error('a bug')])
      await expect(cluster.request(() => Promise.reject(error), never)).rejects.toBe(error)
  })

  it('carry a user name and a password with any characters', async () => {
    let authorization = ''
    const cluster = await clusterBehind(
      afterBody((response, { headers }) => {
        authorization = headers.authorization ?? ''
        response.end(success)
      }),
      { 'connection.username': 'żółw', 'connection.password': 'pass\nword→' },
    )
    await cluster.request(bulk(), never)
    expect(authorization).toBe(`Basic ${Buffer.from('żółw:pass\nword→').toString('base64')}`)
  })

  it.each([
    ['a line break', 'first\nsecond'],
    ['a character outside Latin-1', 'key→'],
    ['a null character', 'key\u0000'],
  ])('are not possible with an API key that contains %s (I8)', async (_name, key) => {
    const failure = await opening({ 'connection.url': 'http://127.0.0.1:1', 'connection.api.key': key }).then(
      async (cluster) => await cluster.request(bulk(), never),
      (error: unknown) => error,
    )
    expect(failure).toBeInstanceOf(ConfigError)
    expect(failure).toMatchObject({ code: 'ES_API_KEY' })
    expect((failure as ConfigError).message).toContain('connection.api.key')
    expect((failure as ConfigError).message).not.toContain(key)
  })

  it('fail where the body of the response stops coming', async () => {
    const cluster = await clusterBehind(
      afterBody((response) => void response.writeHead(200, { 'content-length': 100 }).write('{"errors"')),
      { 'read.timeout.ms': '100', 'connection.timeout.ms': '0' },
    )
    await expect(cluster.request(bulk(), never)).rejects.toThrow(/timed out/)
  })

  it('fail where the connection is reset in the middle of a bulk request, and hold on to nothing of it', async () => {
    const cluster = await clusterBehind((request) => void request.once('data', () => request.socket.resetAndDestroy()))
    const failure = await cluster.request(bulk(Buffer.alloc(5_000_000, 'x')), never).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(RetriableError)
    expect((failure as RetriableError).cause).toBeUndefined()
  })

  it('do not send the rest of their body when the response came before it was read', async () => {
    const sockets: IncomingMessage['socket'][] = []
    const cluster = await clusterBehind((request, response) => {
      sockets.push(request.socket)
      request.once('data', () => response.writeHead(413).end('too large'))
    })
    const body = Buffer.alloc(40_000_000, 'x')
    expect((await cluster.request(bulk(body), never)).status).toBe(413)
    await until('the connection is closed', () => sockets.every(({ destroyed }) => destroyed))
    expect(sockets.map(({ bytesRead }) => bytesRead < body.length)).toEqual([true])
  })

  it('end with the signal before the header of the response comes', async () => {
    const stop = new AbortController()
    const reason = new Error('stopped')
    const cluster = await clusterBehind((request) => void request.once('data', () => stop.abort(reason)))
    await expect(cluster.request(bulk(), stop.signal)).rejects.toBe(reason)
  })

  it('are not sent after the signal fires while their body is compressed', async () => {
    let requests = 0
    const stop = new AbortController()
    const reason = new Error('stopped')
    const cluster = await clusterBehind(() => void (requests += 1), {
      'connection.compression': 'true',
      'read.timeout.ms': '200',
      'connection.timeout.ms': '0',
    })
    const call: Call = (client, options) => {
      // The client emits this event before it calls the connection.
      client.diagnostic.once('request', () => queueMicrotask(() => stop.abort(reason)))
      return bulk()(client, options)
    }
    await expect(cluster.request(call, stop.signal)).rejects.toBe(reason)
    expect(requests).toBe(0)
  })

  it('end with the signal while the body of the response is read', async () => {
    const stop = new AbortController()
    const reason = new Error('stopped')
    // The timeout of the body begins when it is read.
    const after = (ms: number, action: () => void): (() => void) => {
      setImmediate(() => stop.abort(reason))
      return systemClock.after(ms, action)
    }
    const clock = { ...systemClock, after }
    const cluster = await clusterBehind(
      afterBody((response) => void response.writeHead(200).write('{')),
      {},
      clock,
    )
    await expect(cluster.request(bulk(), stop.signal)).rejects.toBe(reason)
  })

  it('keep no connection when the signal fires between the header and the body of the response', async () => {
    const stop = new AbortController()
    const reason = new Error('stopped')
    const sockets: IncomingMessage['socket'][] = []
    // The timeout of the body begins before the body is read.
    const after = (ms: number, action: () => void): (() => void) => {
      stop.abort(reason)
      return systemClock.after(ms, action)
    }
    const cluster = await clusterBehind(
      afterBody((response, { socket }) => {
        sockets.push(socket)
        response.writeHead(200).write('{')
      }),
      {},
      { ...systemClock, after },
    )
    await expect(cluster.request(bulk(), stop.signal)).rejects.toBe(reason)
    await until('the connection is closed', () => sockets.every(({ destroyed }) => destroyed))
    expect(sockets).toHaveLength(1)
  })

  it('go to the other host while one is dead', async () => {
    let requests = 0
    const alive = await listening(
      createServer(
        afterBody((response) => {
          requests += 1
          response.end(success)
        }),
      ),
    )
    const dead = createServer()
    const port = await listening(dead)
    dead.close()
    const cluster = await opening({ 'connection.url': `http://127.0.0.1:${port},http://127.0.0.1:${alive}` })
    const outcomes: string[] = []
    for (let i = 0; i < 100; i++)
      outcomes.push(
        await cluster.request(bulk(), never).then(
          () => 'sent',
          () => 'failed',
        ),
      )
    expect(outcomes.filter((one) => one === 'failed')).toHaveLength(1)
    expect(requests).toBe(99)
  })

  it('are sent to a server with the certificate of the given authority, and to no other', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-es-tls-'))
    opened.push({ close: () => rmSync(directory, { recursive: true }) })
    const make = (name: string): { cert: string; key: string } => {
      const { certificate, key } = selfSigned(directory, name, 'IP:127.0.0.1')
      return { cert: readFileSync(certificate, 'utf8'), key: readFileSync(key, 'utf8') }
    }
    const [own, other] = [make('own'), make('other')]
    const port = await listening(
      createTlsServer(
        own,
        afterBody((response) => void response.end(success)),
      ),
    )
    const url = { 'connection.url': `https://127.0.0.1:${port}` }
    const right = await opening({ ...url, 'elastic.https.ssl.truststore.certificates': own.cert })
    expect((await right.request(bulk(), never)).body).toBe(success)
    const wrong = await opening({ ...url, 'elastic.https.ssl.truststore.certificates': other.cert })
    await expect(wrong.request(bulk(), never)).rejects.toThrow(/self-signed certificate/)
    const both = await opening({ ...url, 'elastic.https.ssl.truststore.certificates': `${other.cert}\n${own.cert}` })
    expect((await both.request(bulk(), never)).body).toBe(success)
    const oneLine = own.cert.replaceAll('\n', ' ')
    await expect(opening({ ...url, 'elastic.https.ssl.truststore.certificates': oneLine })).rejects.toThrow(
      /truststore.certificates' holds no certificates that can be read/,
    )
  })

  it('leave no connection open when the cluster is closed', async () => {
    const sockets: IncomingMessage['socket'][] = []
    const cluster = await clusterBehind(
      afterBody((response, { socket }) => {
        sockets.push(socket)
        response.end(success)
      }),
    )
    await cluster.request(bulk(), never)
    await cluster.close()
    await until('the connection is closed', () => sockets.every(({ destroyed }) => destroyed))
    expect(sockets).toHaveLength(1)
  })
})
