import type { Agent, ClientRequest, IncomingMessage } from 'node:http'

// An import of `node:http` evaluates its lazy members for the sake of named imports, a WebSocket client among them: that
// costs a thread 14 MB. Asking for the module does not.
const modules = {
  http: () => process.getBuiltinModule('node:http'),
  https: () => process.getBuiltinModule('node:https'),
}

/** One request, signed and ready. */
export interface HttpRequest {
  readonly method: string
  /** Path and query, encoded. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: readonly Uint8Array[]
  /** Of an answer that is longer the rest is left out. */
  readonly maxAnswerBytes?: number
}

export interface HttpAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** The body as it came. */
  readonly bytes: Buffer
}

const usualAnswerBytes = 1024 * 1024
const maxConnections = 16

/** Sends requests to one host over connections that stay open. */
export class HttpExchange {
  readonly #origin: URL
  readonly #timeoutMs: number
  readonly #agent: Agent

  constructor(origin: URL, timeoutMs: number) {
    this.#origin = origin
    this.#timeoutMs = timeoutMs
    const options = { keepAlive: true, maxSockets: maxConnections, scheduling: 'lifo' } as const
    this.#agent = isSecure(origin) ? new (modules.https().Agent)(options) : new (modules.http().Agent)(options)
  }

  /** @throws what the socket threw, a timeout among it, or the signal's reason. */
  send(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = this.#origin
      const options = {
        method: request.method,
        hostname: hostname.replace(/^\[|\]$/g, ''),
        port: port === '' ? undefined : Number(port),
        path: request.path,
        headers: request.headers,
        agent: this.#agent,
        signal,
      }
      const outgoing = isSecure(this.#origin) ? modules.https().request(options) : modules.http().request(options)
      outgoing.setTimeout(this.#timeoutMs, () => {
        outgoing.destroy(new HttpTimeoutError(`no byte moved for ${this.#timeoutMs} ms`))
      })
      // More than one may come: the socket's own error after the one it was destroyed with.
      outgoing.on('error', (error) => reject(signal.aborted ? reasonOf(signal) : error))
      outgoing.once('response', (incoming) =>
        collect(incoming, request.maxAnswerBytes ?? usualAnswerBytes, resolve, reject),
      )
      write(outgoing, request.body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}

/** Nothing moved on a connection for too long. */
export class HttpTimeoutError extends Error {
  override readonly name = 'HttpTimeoutError'
}

function isSecure(origin: URL): boolean {
  return origin.protocol === 'https:'
}

function write(outgoing: ClientRequest, body: readonly Uint8Array[]): void {
  for (const piece of body) outgoing.write(piece)
  outgoing.end()
}

function collect(
  incoming: IncomingMessage,
  maxBytes: number,
  resolve: (answer: HttpAnswer) => void,
  reject: (error: unknown) => void,
): void {
  const pieces: Buffer[] = []
  let bytes = 0
  incoming.on('data', (piece: Buffer) => {
    bytes += piece.length
    if (bytes <= maxBytes) pieces.push(piece)
  })
  incoming.on('error', reject)
  incoming.once('end', () => {
    const headers: Record<string, string> = {}
    for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value)
    const body = Buffer.concat(pieces)
    resolve({ status: incoming.statusCode ?? 0, headers, body: body.toString('utf8'), bytes: body })
  })
}

function reasonOf(signal: AbortSignal): unknown {
  return signal.reason
}
