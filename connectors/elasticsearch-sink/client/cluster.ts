import type { Client, TransportRequestOptionsWithMeta, TransportResult } from '@elastic/elasticsearch'
import { ConfigError, errorMessage, RetriableError, type Clock } from 'penstock/api'
import { apiKeyProblem } from '../config/check-config.ts'
import type { SinkSettings } from '../config/settings.ts'
import { proxyUrl } from './proxy.ts'
import { tlsOptions, type TlsSettings } from './tls.ts'

/** A response to one request. `body` is text: JSON, unless a proxy responds. */
export interface Response {
  readonly status: number
  readonly body: string
  readonly method: string
  readonly path: string
}

/** One call of the client. It passes `options` on as they are. */
export type Call = (client: Client, options: TransportRequestOptionsWithMeta) => Promise<TransportResult>

/** No whole response came in time. */
export class TimedOutError extends RetriableError {}

/** The cluster that the sink writes to: spreads requests over its nodes, and never retries one. */
export interface Cluster {
  /**
   * Sends one request. Every status is a response.
   * @throws RetriableError when no whole response came, the signal's reason when it fires.
   */
  request(call: Call, signal: AbortSignal): Promise<Response>
  /** Drops the connections. Requests in flight fail. */
  close(): Promise<void>
}

export type ClusterSettings = TlsSettings &
  Pick<
    SinkSettings,
    | 'urls'
    | 'username'
    | 'password'
    | 'apiKey'
    | 'proxy'
    | 'compression'
    | 'requestTimeoutMs'
    | 'maxInFlight'
    | 'idleTimeMs'
  >

/** @throws ConfigError when a certificate cannot be read, or no header can carry the API key. */
export async function openCluster(settings: ClusterSettings, clock: Clock): Promise<Cluster> {
  const { requestTimeoutMs, compression, maxInFlight } = settings
  const options = {
    nodes: settings.urls.map(({ origin }) => origin),
    ...authOf(settings),
    tls: tlsOptions(settings),
    ...(settings.proxy === null ? {} : { proxy: proxyUrl(settings.proxy) }),
    agent: { keepAlive: true, maxSockets: maxInFlight + 2, scheduling: 'fifo' as const, ...idleOf(settings) },
    requestTimeout: requestTimeoutMs,
  }
  // Loaded on first use: the plugin thread lists this connector without it.
  const { createClient, isClientError } = await import('./client.ts')
  const client = createClient(options, { compression, requestTimeoutMs, clock, proxy: settings.proxy })
  return {
    async request(call, signal) {
      try {
        return responseOf(await call(client, { meta: true, signal }))
      } catch (error) {
        if (signal.aborted) throw signal.reason
        // A programming error is not retried.
        if (!isClientError(error)) throw error
        const result = (error as { meta?: TransportResult }).meta
        // The client throws on statuses from 400.
        if (error.name === 'ResponseError' && result !== undefined) return responseOf(result)
        throw unreachable(error, result ?? null)
      }
    },
    close: () => client.close(),
  }
}

function responseOf({ statusCode, body, meta }: TransportResult): Response {
  const { method, path } = meta.request.params
  // For HEAD the client returns true or false as the body.
  return { status: statusCode ?? 0, body: typeof body === 'string' ? body : '', method, path }
}

/** The client's error is not kept as the cause: it holds the body and the credentials of the request (I8). */
function unreachable(error: unknown, result: TransportResult | null): RetriableError {
  const reason = errorMessage(error)
  const Kind = error instanceof Error && error.name === 'TimeoutError' ? TimedOutError : RetriableError
  if (result === null) return new Kind(reason)
  const { connection, request } = result.meta
  const { method, path } = request.params
  return new Kind(`${method} ${connection?.url.origin ?? ''}${path}: ${reason}`)
}

/** A connection that waits for a response counts as idle, so its idle timeout is at least that of a request. */
function idleOf(settings: ClusterSettings): { timeout?: number } {
  return settings.idleTimeMs < 0 ? {} : { timeout: Math.max(settings.idleTimeMs, settings.requestTimeoutMs) }
}

/** @throws ConfigError */
function authOf(settings: ClusterSettings): { auth?: { apiKey: string } | { username: string; password: string } } {
  const problem = apiKeyProblem(settings.apiKey)
  if (problem !== null) throw new ConfigError(problem, { code: 'ES_API_KEY' })
  if (settings.apiKey !== null) return { auth: { apiKey: settings.apiKey } }
  if (settings.username === null || settings.password === null) return {}
  return { auth: { username: settings.username, password: settings.password } }
}
