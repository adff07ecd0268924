import { DataError } from 'penstock/api'

/** A few requests to a real Elasticsearch, as a test reads it from outside. */
export class ElasticsearchClient {
  readonly #url: string

  constructor(url: string) {
    this.#url = url.replace(/\/$/, '')
  }

  /** The documents of an index by id, after a refresh, at one point in time; `_source` as its raw text. */
  async documents(index: string): Promise<ReadonlyMap<string, string>> {
    const documents = new Map<string, string>()
    for await (const page of this.documentPages(index)) for (const [id, source] of page) documents.set(id, source)
    return documents
  }

  /** The same a page at a time, for an index that is larger than memory: an id and the raw text for each document. */
  async *documentPages(index: string): AsyncGenerator<readonly [id: string, source: string][]> {
    await this.json('POST', `/${index}/_refresh`)
    // A scroll, and not a point in time: OpenSearch has that under another path.
    let page = await this.#page(`/${index}/_search?scroll=2m&filter_path=${fields}`, { size: 2000, sort: ['_doc'] })
    try {
      for (; page.hits !== undefined; page = await this.#page(`/_search/scroll?filter_path=${fields}`, next(page)))
        yield page.hits.hits.map((hit) => [hit._id, JSON.stringify(hit._source)])
    } finally {
      await this.json('DELETE', '/_search/scroll', { scroll_id: page._scroll_id })
    }
  }

  async #page(path: string, body: unknown): Promise<Page> {
    return JSON.parse(await this.text('POST', path, body), keepNumbers) as Page
  }

  async count(index: string): Promise<number> {
    await this.json('POST', `/${index}/_refresh`)
    return ((await this.json('GET', `/${index}/_count`)) as { count: number }).count
  }

  async json(method: string, path: string, body?: unknown): Promise<unknown> {
    return JSON.parse(await this.text(method, path, body))
  }

  async text(method: string, path: string, body?: unknown): Promise<string> {
    const answer = await fetch(this.#url + path, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new DataError(`${method} ${path}: ${answer.status} ${text.slice(0, 500)}`)
    return text
  }
}

const fields = '_scroll_id,hits.hits._id,hits.hits._source'
const next = ({ _scroll_id }: Page): object => ({ scroll: '2m', scroll_id: _scroll_id })

interface Page {
  readonly _scroll_id: string
  /** Absent on the last page: a filter leaves empty lists out. */
  readonly hits?: { readonly hits: readonly { readonly _id: string; readonly _source: unknown }[] }
}

interface RawJson {
  rawJSON(text: string): unknown
}

function keepNumbers(this: unknown, _key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || context?.source === undefined) return value
  return String(value) === context.source ? value : (JSON as unknown as RawJson).rawJSON(context.source)
}
