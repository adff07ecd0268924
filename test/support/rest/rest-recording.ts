import { readFileSync } from 'node:fs'

/** One exchange with Kafka Connect 3.9.1, as `test/golden/rest-3.9.1` keeps it. */
export interface RecordedExchange {
  readonly index: number
  readonly step: string
  readonly note: string | null
  readonly method: string
  readonly path: string
  readonly request_headers: Readonly<Record<string, string>>
  readonly request_body: string | null
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** All recorded exchanges, in the order they were made. */
export function recordedExchanges(): readonly RecordedExchange[] {
  const file = new URL('../../golden/rest-3.9.1/rest.jsonl', import.meta.url)
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  return lines.map((line, index) => Object.assign(JSON.parse(line) as Omit<RecordedExchange, 'index'>, { index }))
}

/** The recorded exchange of a method and path; the `nth` of several, from 0. */
export function recordedExchange(method: string, path: string, nth = 0): RecordedExchange {
  const found = recordedExchanges().filter((exchange) => exchange.method === method && exchange.path === path)[nth]
  if (found === undefined) throw new Error(`no exchange ${method} ${path} number ${nth} was recorded`)
  return found
}
