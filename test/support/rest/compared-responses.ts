import type { ReceivedResponse } from './rest-client.ts'

/** A response without what is another one's by nature: addresses, ids, Java's traces, times. */
export interface ComparableResponse {
  readonly status: number
  readonly location: string
  readonly body: unknown
}

const masks: readonly (readonly [RegExp, string])[] = [
  [/127\.0\.0\.1:\d+/g, '<worker>'],
  [/"trace":"(?:[^"\\]|\\.)*"/g, '"trace":"<trace>"'],
  [/"last_modified":\d+/g, '"last_modified":0'],
  [/"commit":"[^"]*"/g, '"commit":"<commit>"'],
  [/"(kafka_cluster_id|kafkaClusterId)":"[^"]*"/g, '"$1":"<id>"'],
]

export function comparable({ status, headers, body }: ReceivedResponse): ComparableResponse {
  const location = String(headers['location'] ?? '').replace(/^\w+:\/\/[^/]+/, '')
  return { status, location, body: maskedJson(body) }
}

/** The value of a JSON text, or the text, without such parts. */
export function maskedJson(text: string): unknown {
  return parsed(masks.reduce((masked, [pattern, by]) => masked.replace(pattern, by), text))
}

/** Order means nothing in lists of names or tasks, and in the keys of an object. */
function parsed(text: string): unknown {
  if (!/^[[{]/.test(text)) return text
  return JSON.parse(text, (_key, value: unknown) => {
    if (Array.isArray(value)) return value.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** A group that rebalances refuses requests for a moment. */
export function isRebalancing({ status, body }: ReceivedResponse): boolean {
  return (status === 409 || status === 500) && /rebalance|stale configuration|momentarily/.test(body)
}
