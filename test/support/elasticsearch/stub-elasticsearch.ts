import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

type Action = Readonly<Record<string, { readonly _id?: string }>>

const misfit = { status: 400, error: { type: 'mapper_parsing_exception', reason: 'it does not fit' } }
const conflict = {
  status: 409,
  error: { type: 'version_conflict_engine_exception', reason: 'version conflict, current version [7] is higher' },
}

/** The part of Elasticsearch that a sink with plain indices needs: settings of indices, and bulk requests without versions. */
export class StubElasticsearch {
  /** The documents that were applied, in order: action, id and text. */
  readonly applied: string[] = []
  /** Every request with its query, such as `POST /_bulk?filter_path=errors`. */
  readonly queries: string[] = []
  /** The bodies of requests that create indices. */
  readonly created: string[] = []
  /** The most bytes of a bulk request. */
  largestBody = 0
  /** Asked for every request, such as `POST /_bulk`; true: it gets no response. */
  holds: (request: string) => boolean = () => false
  /** Asked for every document; true: it does not fit its index. */
  rejects: (text: string) => boolean = () => false
  /** Asked for every document; true: one of a higher version is stored. */
  conflicts: (text: string) => boolean = () => false
  readonly #server: Server

  private constructor() {
    this.#server = createServer((incoming, outgoing) => {
      void this.#response(incoming).then((body) => {
        if (body !== null) outgoing.setHeader('content-type', 'application/json').end(body)
      })
    })
  }

  static async start(): Promise<StubElasticsearch> {
    const stub = new StubElasticsearch()
    stub.#server.listen(0, '127.0.0.1')
    await once(stub.#server, 'listening')
    return stub
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** Requests without a response fail. */
  dropRequests(): void {
    this.#server.closeAllConnections()
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #response(incoming: IncomingMessage): Promise<string | null> {
    const pieces: Buffer[] = []
    for await (const piece of incoming) pieces.push(piece as Buffer)
    const { method, url = '/' } = incoming
    const [path = '/'] = url.split('?')
    this.queries.push(`${method} ${url}`)
    if (this.holds(`${method} ${path}`)) return null
    const body = Buffer.concat(pieces)
    if (path.includes('_bulk')) {
      this.largestBody = Math.max(this.largestBody, body.length)
      return this.#bulk(body.toString())
    }
    if (method === 'PUT') this.created.push(body.toString())
    return JSON.stringify({ [path.split('/')[1] ?? '']: { settings: { index: { uuid: 'u' } } } })
  }

  #bulk(body: string): string {
    const lines = body.split('\n')
    const items: unknown[] = []
    let hasErrors = false
    while (lines.length > 1) {
      const [[kind, { _id = '' }] = ['', {}]] = Object.entries(JSON.parse(lines.shift() ?? '') as Action)
      const text = kind === 'delete' ? '' : (lines.shift() ?? '')
      const refusal = this.rejects(text) ? misfit : this.conflicts(text) ? conflict : null
      if (refusal !== null) {
        hasErrors = true
        items.push({ [kind]: refusal })
        continue
      }
      this.applied.push(`${kind} ${_id} ${text}`)
      items.push({ [kind]: { _seq_no: this.applied.length, status: 200 } })
    }
    return JSON.stringify({ errors: hasErrors, items })
  }
}

/** The settings of a sink that writes one topic to the stub, into the index of its name. */
export function stubConfig(stub: StubElasticsearch, topic: string): Record<string, string> {
  return {
    name: 'es',
    topics: topic,
    'connection.url': stub.url,
    'key.ignore': 'true',
    'schema.ignore': 'true',
    'external.resource.usage': 'INDEX',
    'topic.to.external.resource.mapping': `${topic}:${topic}`,
  }
}
