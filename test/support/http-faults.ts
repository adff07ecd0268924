import { createServer, request as httpRequest, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * What happens to one request on its way: `pass` it, answer with a status, cut the answer in half, drop the connection, or
 * never answer (`hang`).
 */
export type Fault =
  | { readonly kind: 'pass' | 'cut' | 'drop' | 'drop-after' | 'hang' }
  | { readonly kind: 'answer'; readonly status: number; readonly body?: string }

/** A proxy before a real HTTP server that breaks what it is told to break. */
export class HttpFaults {
  readonly #server: Server
  readonly #target: URL
  readonly #keepsHost: boolean
  /** Asked for every request, with the length of its body; `pass` by default. */
  decide: (method: string, path: string, bytes: number) => Fault = () => ({ kind: 'pass' })
  /** Requests seen, `METHOD /path`. */
  readonly seen: string[] = []

  private constructor(target: URL, keepsHost: boolean) {
    this.#target = target
    this.#keepsHost = keepsHost
    this.#server = createServer((incoming, outgoing) => this.#serve(incoming, outgoing))
  }

  /** @param keepsHost passes the Host header as it comes, for servers that check signatures over it. */
  static async before(target: string, keepsHost = false): Promise<HttpFaults> {
    const faults = new HttpFaults(new URL(target), keepsHost)
    await new Promise<void>((resolve) => faults.#server.listen(0, '127.0.0.1', resolve))
    return faults
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(incoming: IncomingMessage, outgoing: ServerResponse): void {
    const { method = 'GET', url = '/' } = incoming
    this.seen.push(`${method} ${url}`)
    const fault = this.decide(method, url, Number(incoming.headers['content-length'] ?? 0))
    if (fault.kind === 'hang') return
    if (fault.kind === 'drop') return void incoming.socket.destroy()
    if (fault.kind === 'answer') {
      incoming.resume()
      incoming.on('end', () =>
        outgoing.writeHead(fault.status, { 'content-type': 'application/json' }).end(fault.body ?? '{}'),
      )
      return
    }
    const headers = this.#keepsHost ? incoming.headers : { ...incoming.headers, host: this.#target.host }
    const forward = httpRequest(
      new URL(url, this.#target),
      // The server may close a kept connection just when a request is sent on it: a fault that no test asked for.
      { method, headers, agent: false },
      (answer) => {
        if (fault.kind === 'drop-after') {
          answer.resume()
          answer.on('end', () => incoming.socket.destroy())
        } else if (fault.kind === 'cut') {
          outgoing.writeHead(answer.statusCode ?? 500, { 'content-type': 'application/json' })
          answer.once('data', (data: Buffer) => outgoing.end(data.subarray(0, data.length >> 1)))
        } else {
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers)
          answer.pipe(outgoing)
        }
      },
    )
    forward.on('error', () => incoming.socket.destroy())
    incoming.pipe(forward)
  }
}
