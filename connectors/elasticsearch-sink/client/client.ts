import type { ClientRequestArgs, IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { constants } from 'node:buffer'
import { promisify } from 'node:util'
import { gzip, unzip } from 'node:zlib'
import type * as Elasticsearch from '@elastic/elasticsearch'
import { errorMessage, type Clock } from 'penstock/api'
import { throughProxy, type Proxy } from './proxy.ts'

const require = createRequire(import.meta.url)
// Not `import`: the client's ES modules import `node:http`, which evaluates all its lazy members, 14 MB a thread.
const { Client, ClusterConnectionPool, errors, HttpConnection, Serializer, Transport } =
  require('@elastic/elasticsearch') as typeof Elasticsearch

/** How requests are sent and their responses read. */
export interface Wire {
  /** Compress the bodies of requests, and ask for compressed responses. */
  readonly compression: boolean
  /** How long the body of a response may take, in milliseconds. */
  readonly requestTimeoutMs: number
  readonly clock: Clock
  readonly proxy: Proxy | null
}

/** The client's options that depend on the settings of the sink. */
export type Target = Pick<Elasticsearch.ClientOptions, 'nodes' | 'auth' | 'tls' | 'agent' | 'proxy' | 'requestTimeout'>

/**
 * Elasticsearch's client for Elasticsearch 7.17 to 9 and OpenSearch 2 and 3 alike: no product check, plain media types (each major
 * version of the client names its own, which the other servers reject), no retries, no sniffing, no telemetry (ADR 23).
 */
export function createClient(target: Target, wire: Wire): Elasticsearch.Client {
  return new Client({
    ...target,
    Connection: connectionClass(wire),
    ConnectionPool: NodePool,
    Serializer: TextSerializer,
    Transport: PlainTransport,
    maxRetries: 0,
    enableMetaHeader: false,
    headers: { 'user-agent': 'penstock', ...(wire.compression ? { 'accept-encoding': 'gzip' } : {}) },
    // To redact an error, the client copies the request with a property for each byte of its body: 1 GB for 5 MB.
    redaction: { type: 'off' },
  })
}

export function isClientError(error: unknown): error is Elasticsearch.errors.ElasticsearchClientError {
  return error instanceof errors.ElasticsearchClientError
}

/** Replaces what the constructor of the client sets, whatever its options say. */
class PlainTransport extends Transport {
  constructor(given: Elasticsearch.TransportOptions) {
    const options: Elasticsearch.TransportOptions = {
      ...given,
      vendoredHeaders: {
        jsonContentType: 'application/json',
        ndjsonContentType: 'application/x-ndjson',
        accept: 'application/json',
      },
      openTelemetry: { enabled: false },
    }
    delete options.productCheck
    super(options)
  }
}

/** Leaves bodies as text: a bulk response that reports success is not parsed, and stored documents keep all their digits. */
class TextSerializer extends Serializer {
  override deserialize<T>(text: string): T {
    return text as T
  }
}

// A node that failed gets no requests for this long, and is then pinged. When all have failed, requests go to any.
const deadMs = 5000

class NodePool extends ClusterConnectionPool {
  constructor(options: Elasticsearch.ConnectionPoolOptions) {
    super(options)
    this.resurrectTimeout = deadMs
    this.resurrectTimeoutCutoff = 0
  }
}

const compress = promisify(gzip)
const decompress = promisify(unzip)

/**
 * A connection that reads the body of a response under the signal and a timeout (the client's own watches them up to the
 * response's header), decompresses it (when the transport cannot, it neither names the request nor marks the node dead), and
 * compresses at level 1 (the client's level 6 takes 2.5 times the CPU for a tenth of the bytes).
 */
function connectionClass({ compression, requestTimeoutMs, clock, proxy }: Wire): typeof HttpConnection {
  class SinkConnection extends HttpConnection {
    constructor(options: Elasticsearch.ConnectionOptions) {
      const { proxy: _, ...direct } = options
      // The client opens tunnels to http addresses too, which many proxies refuse. They forward such requests.
      super(options.url.protocol === 'http:' ? direct : options)
    }

    override buildRequestObject(
      params: Elasticsearch.ConnectionRequestParams,
      options: Elasticsearch.ConnectionRequestOptions,
    ): ClientRequestArgs {
      const request = super.buildRequestObject(params, options)
      if (proxy === null || this.url.protocol !== 'http:') return request
      const { headers, ...target } = throughProxy(this.url, proxy, request.path ?? '/')
      return { ...request, ...target, headers: { ...(request.headers as OutgoingHttpHeaders), ...headers } }
    }

    override request(
      params: Elasticsearch.ConnectionRequestParams,
      options: Elasticsearch.ConnectionRequestOptions,
    ): Promise<Elasticsearch.ConnectionRequestResponse>
    override request(
      params: Elasticsearch.ConnectionRequestParams,
      options: Elasticsearch.ConnectionRequestOptionsAsStream,
    ): Promise<never>
    override async request(
      params: Elasticsearch.ConnectionRequestParams,
      options: Elasticsearch.ConnectionRequestOptions,
    ): Promise<Elasticsearch.ConnectionRequestResponse> {
      const sent = compression ? await compressed(params) : params
      // The client listens to the signal, and does not look whether it has fired.
      if (options.signal?.aborted === true) throw new errors.RequestAbortedError('Request aborted')
      const { statusCode, headers: received, body } = await super.request(sent, { ...options, asStream: true })
      const { 'content-encoding': encoding = '', ...headers } = received
      const response = body as IncomingMessage
      const cancel = clock.after(requestTimeoutMs, () => response.destroy(new errors.TimeoutError('Request timed out')))
      try {
        const bytes = await bodyOf(response, options)
        // A response to HEAD names the encoding of a body that it does not have.
        const isPacked = params.method !== 'HEAD' && /gzip|deflate/i.test(encoding)
        return { statusCode, headers, body: isPacked ? await decompressed(bytes, options) : bytes }
      } finally {
        cancel()
      }
    }

    /** The sink has aborted its requests by then. The client's own method polls once a second until they are done. */
    override async close(): Promise<void> {
      this.agent?.destroy()
    }
  }
  return SinkConnection
}

async function compressed(
  params: Elasticsearch.ConnectionRequestParams,
): Promise<Elasticsearch.ConnectionRequestParams> {
  const { body, headers } = params
  if (typeof body !== 'string' && !Buffer.isBuffer(body)) return params
  const packed = await compress(body, { level: 1 })
  return {
    ...params,
    body: packed,
    headers: { ...headers, 'content-encoding': 'gzip', 'content-length': String(packed.length) },
  }
}

async function decompressed(body: Buffer, options: Elasticsearch.ConnectionRequestOptions): Promise<Buffer> {
  const { maxResponseSize = constants.MAX_STRING_LENGTH } = options
  try {
    return await decompress(body, { maxOutputLength: maxResponseSize })
  } catch (error) {
    throw new errors.ConnectionError(`the response cannot be decompressed: ${errorMessage(error)}`)
  }
}

async function bodyOf(response: IncomingMessage, options: Elasticsearch.ConnectionRequestOptions): Promise<Buffer> {
  const { signal, maxResponseSize = constants.MAX_STRING_LENGTH } = options
  const abort = (): void => void response.destroy(new errors.RequestAbortedError('Request aborted'))
  signal?.addEventListener('abort', abort)
  const chunks: Buffer[] = []
  let length = 0
  try {
    if (signal?.aborted === true) abort()
    for await (const chunk of response as AsyncIterable<Buffer>) {
      length += chunk.length
      if (length > maxResponseSize)
        throw new errors.ConnectionError(`the response is larger than ${maxResponseSize} bytes`)
      chunks.push(chunk)
    }
  } catch (error) {
    if (isClientError(error)) throw error
    throw new errors.ConnectionError(`the response is cut: ${errorMessage(error)}`)
  } finally {
    signal?.removeEventListener('abort', abort)
  }
  // Node detaches the socket once the request was sent completely. The rest must not be sent: its memory is reused.
  const socket = response.socket as Socket | null
  socket?.destroy()
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)
}
