import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a path, with or without its query, returns: JSON, or with `text/event-stream` the events of one stream. */
export type Responses = Readonly<Record<string, unknown>>

/** A server that returns JSON by path. Everything else is 404 as in Kafka Connect. It keeps the requests that it received. */
export class JsonServer {
  readonly url: string
  readonly requests: {
    readonly method: string
    readonly url: string
    readonly body: string
    readonly lastEvent: string
  }[] = []
  readonly #server: Server

  private constructor(server: Server, port: number) {
    this.#server = server
    this.url = `http://127.0.0.1:${port}`
  }

  /** @param streams the texts of event streams by path, each for one request; the last one stays open */
  static async start(
    responses: Responses,
    streams: Readonly<Record<string, readonly string[]>> = {},
  ): Promise<JsonServer> {
    const http = createServer()
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    const server = new JsonServer(http, (http.address() as AddressInfo).port)
    const opened = new Map<string, number>()
    const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      const [path = ''] = (request.url ?? '').split('?')
      const lastEvent = String(request.headers['last-event-id'] ?? '')
      server.requests.push({ method: request.method ?? '', url: request.url ?? '', body, lastEvent })
      const texts = streams[path]
      if (request.headers.accept === 'text/event-stream' && texts !== undefined) {
        const count = opened.get(path) ?? 0
        opened.set(path, count + 1)
        response.writeHead(200, { 'Content-Type': 'text/event-stream' })
        if (count < texts.length - 1) response.end(texts[count])
        else response.write(texts[count] ?? ': open\n\n')
        return
      }
      const found = responses[`${request.method} ${path}`] ?? responses[request.url ?? ''] ?? responses[path]
      response.writeHead(found === undefined ? 404 : 200, { 'Content-Type': 'application/json' })
      response.end(JSON.stringify(found ?? { error_code: 404, message: 'HTTP 404 Not Found' }))
    }
    http.on('request', (request, response) => void respond(request, response))
    return server
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}
