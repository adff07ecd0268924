import { DataError } from 'penstock/api'

/** A few requests to a real Elasticsearch, as a test reads it from outside. */
export class ElasticsearchClient {
  readonly #url: string

  constructor(url: string) {
    this.#url = url.replace(/\/$/, '')
  }

  /** The documents of an index by id, after a refresh, at one point in time; `_source` as its raw text. */
  async documents(index: string): Promise<ReadonlyMap<string, string>> {
    await this.json('POST', `/${index}/_refresh`)
    const { id } = (await this.json('POST', `/${index}/_pit?keep_alive=2m`)) as { id: string }
    const documents = new Map<string, string>()
    let after: unknown = undefined
    for (;;) {
      const body = {
        size: 5000,
        pit: { id, keep_alive: '2m' },
        sort: [{ _shard_doc: 'asc' }],
        ...(after === undefined ? {} : { search_after: after }),
      }
      const path = '/_search?filter_path=hits.hits._id,hits.hits._source,hits.hits.sort'
      const page = JSON.parse(await this.text('POST', path, body), keepNumbers) as {
        hits?: { hits: { _id: string; _source: unknown; sort: unknown }[] }
      }
      const hits = page.hits?.hits ?? []
      for (const hit of hits) documents.set(hit._id, JSON.stringify(hit._source))
      if (hits.length < 5000) break
      after = hits.at(-1)?.sort
    }
    await this.json('DELETE', '/_pit', { id })
    return documents
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

interface RawJson {
  rawJSON(text: string): unknown
}

function keepNumbers(this: unknown, key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || key === 'sort' || context?.source === undefined) return value
  return String(value) === context.source ? value : (JSON as unknown as RawJson).rawJSON(context.source)
}
