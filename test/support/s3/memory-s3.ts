import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

interface StoredObject {
  readonly body: Buffer
  readonly tag: string
  readonly type: string | null
  readonly metadata: Readonly<Record<string, string>>
  /** The headers of the request that put it. */
  readonly headers?: IncomingMessage['headers']
}

/**
 * The part of S3 that sinks of small objects and sources need, in memory, with conditional writes. Each life of a task signs with an
 * access key of its own, by which it can be cut off: nothing that it sends arrives any more.
 */
export class MemoryS3 {
  readonly objects = new Map<string, StoredObject>()
  /** Of objects, as the store got them. */
  readonly tags = new Map<string, string>()
  readonly #server: Server
  readonly #dead = new Set<string>()
  #puts = 0
  /** The number of objects in a page of a listing. */
  pageSize = 1000
  /** Asked for every request of a life; true cuts the life off, after the request was served when `reached`. */
  dies: (life: string) => { readonly reached: boolean } | null = () => null
  /** Whether the credentials may not tag objects. */
  refusesTags: () => boolean = () => false
  /** Asked for every request, such as `PUT /bucket/key`; true: it gets no response. */
  holds: (request: string) => boolean = () => false

  private constructor() {
    this.#server = createServer((incoming, outgoing) => void this.#serve(incoming, outgoing))
  }

  static async start(): Promise<MemoryS3> {
    const store = new MemoryS3()
    await new Promise<void>((resolve) => store.#server.listen(0, '127.0.0.1', resolve))
    return store
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  cutOff(life: string): void {
    this.#dead.add(life)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const pieces: Buffer[] = []
    for await (const piece of incoming) pieces.push(piece as Buffer)
    if (this.holds(`${incoming.method} ${incoming.url}`)) return
    const life = /Credential=([^/]+)\//.exec(incoming.headers.authorization ?? '')?.[1] ?? ''
    const end = this.#dead.has(life) ? { reached: false } : this.dies(life)
    if (end !== null) this.#dead.add(life)
    if (end === null || end.reached) this.#respond(incoming, Buffer.concat(pieces), end === null ? outgoing : null)
    if (end !== null) incoming.socket.destroy()
  }

  #respond({ method, url = '/', headers }: IncomingMessage, body: Buffer, outgoing: ServerResponse | null): void {
    const { pathname, searchParams } = new URL(url, 'http://store')
    // The SDK names the operation in the query.
    searchParams.delete('x-id')
    const key = decodeURIComponent(pathname.split('/').slice(2).join('/'))
    const found = this.objects.get(key)
    if (key === '' && searchParams.has('list-type')) {
      outgoing?.writeHead(200).end(this.#listing(searchParams))
    } else if (method === 'PUT' && searchParams.has('tagging')) {
      const isRefused = this.refusesTags()
      if (!isRefused) this.tags.set(key, body.toString())
      outgoing?.writeHead(isRefused ? 403 : 200).end(isRefused ? '<Error><Code>AccessDenied</Code></Error>' : '')
    } else if (key === '' || searchParams.size > 0) {
      outgoing?.writeHead(200).end('<LocationConstraint/>')
    } else if (method === 'PUT') {
      const refused =
        (headers['if-none-match'] === '*' && found !== undefined) ||
        (headers['if-match'] !== undefined && headers['if-match'] !== found?.tag)
      if (refused) {
        outgoing?.writeHead(412).end('<Error><Code>PreconditionFailed</Code></Error>')
        return
      }
      this.#puts += 1
      const metadata = Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-')))
      const tag = `"${this.#puts}"`
      const type = headers['content-type'] ?? null
      this.objects.set(key, { body, tag, type, metadata: metadata as Record<string, string>, headers })
      outgoing?.writeHead(200, { etag: tag }).end()
    } else if (method === 'DELETE') {
      this.objects.delete(key)
      outgoing?.writeHead(204).end()
    } else if (found === undefined)
      outgoing?.writeHead(404, { 'x-amz-request-id': '1' }).end('<Error><Code>NoSuchKey</Code></Error>')
    else {
      const { tag, metadata } = found
      if (headers['if-match'] !== undefined && headers['if-match'] !== tag) {
        outgoing?.writeHead(412).end('<Error><Code>PreconditionFailed</Code></Error>')
        return
      }
      const [, start = '0', end = ''] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
      const content = found.body.subarray(Number(start), end === '' ? undefined : Number(end) + 1)
      outgoing?.writeHead(headers.range === undefined ? 200 : 206, {
        ...metadata,
        etag: tag,
        'content-length': String(content.length),
      })
      outgoing?.end(method === 'HEAD' ? undefined : content)
    }
  }

  /** A page of the objects behind a key, of at most {@link pageSize}. */
  #listing(query: URLSearchParams): string {
    const after = query.get('continuation-token') ?? query.get('start-after') ?? ''
    const keys = [...this.objects.keys()].filter((key) => key.startsWith(query.get('prefix') ?? '') && key > after)
    const page = keys.toSorted().slice(0, Math.min(this.pageSize, Number(query.get('max-keys') ?? this.pageSize)))
    const contents = page.map((key) => {
      const { body, tag } = this.objects.get(key) ?? { body: '', tag: '' }
      return `<Contents><Key>${key}</Key><ETag>${tag}</ETag><Size>${body.length}</Size><LastModified>2026-01-01T00:00:00Z</LastModified></Contents>`
    })
    const next = page.length < keys.length ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : ''
    return `<ListBucketResult><KeyCount>${page.length}</KeyCount>${next}${contents.join('')}</ListBucketResult>`
  }

  /** Puts an object as another program would. */
  put(key: string, body: Buffer): void {
    this.#puts += 1
    this.objects.set(key, { body, tag: `"${this.#puts}"`, type: null, metadata: {} })
  }
}
