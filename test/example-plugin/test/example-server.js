import { once } from 'node:events'
import { createServer } from 'node:http'

/** A feed at `/feed` and a store at `/store`, in memory. */
export class ExampleServer {
  /** @type {{ id: number, text: string }[]} */
  entries = []
  /** @type {Map<string, string | null>} */
  stored = new Map()
  isBusy = false
  #server = createServer((request, response) => void this.#serve(request, response))

  async start() {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get url() {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : ''
  }

  /**
   * Adds entries to the feed, and returns their texts.
   * @param {number} count
   */
  add(count) {
    const added = Array.from({ length: count }, (_, i) => this.entries.length + i + 1)
    this.entries.push(...added.map((id) => ({ id, text: `entry ${id}` })))
    return added.map((id) => `entry ${id}`)
  }

  async close() {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {import('node:http').ServerResponse} response
   */
  async #serve(request, response) {
    const body = Buffer.concat(await request.toArray()).toString()
    const url = new URL(request.url ?? '/', 'http://localhost')
    if (this.isBusy) return void response.writeHead(503).end()
    if (url.pathname === '/feed') return void response.end(JSON.stringify(this.#after(url.searchParams)))
    if (url.pathname !== '/store') return void response.writeHead(404).end()
    for (const { name, value } of JSON.parse(body)) this.stored.set(name, value)
    response.end()
  }

  /** @param {URLSearchParams} query */
  #after(query) {
    return this.entries.filter(({ id }) => id > Number(query.get('after'))).slice(0, Number(query.get('limit')))
  }
}
