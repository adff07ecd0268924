import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { gzip, unzip } from 'node:zlib'
import type * as ConnectionModule from '@elastic/transport/connection/HttpConnection'
import { ConfigError, present, RetriableError, type Clock, errorMessage } from 'penstock/api'
import { Key } from '../config/config.ts'
import type { SinkSettings } from '../config/settings.ts'

/** An answer of the server. `body` is text: JSON, unless a proxy speaks. */
export interface Answer {
  readonly status: number
  readonly body: string
}

export interface Request {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT'
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  /** JSON text. */
  readonly body?: string
  /** Newline-delimited JSON of a bulk request; left as it is until the answer is there. */
  readonly bulk?: Buffer
  readonly signal: AbortSignal
}

/** HTTP to the cluster: spreads requests over its nodes, never retries by itself. */
export interface Transport {
  /** Any status is an answer. @throws RetriableError when no answer came. */
  request(request: Request): Promise<Answer>
  close(): Promise<void>
}

type Settings = Pick<
  SinkSettings,
  | 'urls'
  | 'username'
  | 'password'
  | 'apiKey'
  | 'caText'
  | 'caFile'
  | 'compression'
  | 'requestTimeoutMs'
  | 'maxInFlight'
  | 'idleTimeMs'
>

// Plain media types and no product check: Elasticsearch 7.17 to 9 and OpenSearch take them alike, while each client's own
// vendored types are refused by the others.
const json = 'application/json'
const ndjson = 'application/x-ndjson'

const compress = promisify(gzip)
const expand = promisify(unzip)

// A node that failed is left alone for so long, unless all of them have failed.
const deadMs = 5000

type HttpConnection = InstanceType<typeof ConnectionModule.default.default>

interface Node {
  readonly connection: HttpConnection
  deadUntil: number
}

/**
 * Opens the transport on the client's HTTP connections. Its pool and all above it are not loaded: they cost a thread 14 MB
 * and more, check the product, and retry where retrying is ours to decide.
 */
export function openTransport(settings: Settings, clock: Clock): Transport {
  // CommonJS with an ES default inside: required, so that every loader sees the same shape.
  const require = createRequire(import.meta.url)
  const { default: Connection } =
    require('@elastic/transport/connection/HttpConnection') as typeof ConnectionModule.default
  const options = {
    ...authOf(settings),
    ...tlsOf(settings),
    agent: { keepAlive: true, maxSockets: settings.maxInFlight + 2, scheduling: 'fifo' as const, ...idleOf(settings) },
  }
  const nodes: readonly Node[] = settings.urls.map((url) => ({
    connection: new Connection({ url: new URL(url.origin), ...options }),
    deadUntil: 0,
  }))
  let requests = 0

  /** The next node in turn that is not left alone; when all are, the one whose time is up first. */
  const choose = (): Node => {
    const now = clock.monotonic()
    requests += 1
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[(requests + i) % nodes.length]
      if (node !== undefined && node.deadUntil <= now) return node
    }
    return present(nodes.toSorted((a, b) => a.deadUntil - b.deadUntil)[0], 'a node of connection.url')
  }

  return {
    async request(request) {
      const node = choose()
      const { connection } = node
      try {
        const response = await connection.request(await paramsOf(request, settings.compression), {
          requestId: requests,
          name: 'penstock',
          context: null,
          timeout: settings.requestTimeoutMs,
          signal: request.signal,
        })
        const { statusCode: status } = response
        node.deadUntil = status >= 502 && status <= 504 ? clock.monotonic() + deadMs : 0
        return { status, body: await textOf(response.body, response.headers['content-encoding']) }
      } catch (error) {
        if (request.signal.aborted) throw request.signal.reason
        node.deadUntil = clock.monotonic() + deadMs
        const reason = errorMessage(error)
        throw new RetriableError(`${request.method} ${connection.url.origin}${request.path}: ${reason}`, {
          cause: error,
        })
      }
    },
    async close() {
      for (const { connection } of nodes) await connection.close()
    },
  }
}

/** @throws ConfigError when the file is missing or holds no PEM. */
function tlsOf(settings: Settings): { tls?: { ca: string } } {
  if (settings.caText !== null) return { tls: { ca: settings.caText } }
  if (settings.caFile === null) return {}
  let ca: string
  try {
    ca = readFileSync(settings.caFile, 'latin1')
  } catch (error) {
    throw new ConfigError(`${Key.caFile} '${settings.caFile}' cannot be read`, { cause: error })
  }
  if (ca.includes('-----BEGIN CERTIFICATE-----')) return { tls: { ca } }
  throw new ConfigError(
    `${Key.caFile} '${settings.caFile}' holds no PEM certificate. Export it from a key store with: keytool -exportcert -rfc`,
  )
}

/** A connection in use is idle too while it waits for an answer, so it is given at least the time of a request. */
function idleOf(settings: Settings): { timeout?: number } {
  return settings.idleTimeMs < 0 ? {} : { timeout: Math.max(settings.idleTimeMs, settings.requestTimeoutMs) }
}

function authOf(settings: Settings): { auth?: { apiKey: string } | { username: string; password: string } } {
  if (settings.apiKey !== null) return { auth: { apiKey: settings.apiKey } }
  if (settings.username === null || settings.password === null) return {}
  return { auth: { username: settings.username, password: settings.password } }
}

interface ConnectionParams {
  method: string
  path: string
  querystring?: string
  headers: Record<string, string>
  body?: Buffer
}

async function paramsOf(request: Request, compression: boolean): Promise<ConnectionParams> {
  const headers: Record<string, string> = { accept: json }
  if (compression) headers['accept-encoding'] = 'gzip'
  const params: ConnectionParams = { method: request.method, path: request.path, headers }
  if (request.query !== undefined) params.querystring = new URLSearchParams(request.query).toString()
  if (request.bulk === undefined && request.body === undefined) return params
  let body: Buffer = request.bulk ?? Buffer.from(request.body ?? '')
  if (compression) {
    body = await compress(body, { level: 1 })
    headers['content-encoding'] = 'gzip'
  }
  headers['content-type'] = request.bulk === undefined ? json : ndjson
  headers['content-length'] = String(body.length)
  return { ...params, body }
}

async function textOf(body: string | Buffer, encoding: string | undefined): Promise<string> {
  if (encoding !== undefined && /gzip|deflate/.test(encoding)) return String(await expand(body))
  return String(body)
}
