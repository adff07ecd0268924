import type { RecordsRequest } from '../../herder/entities/topic-info.ts'

import { BadRequestError } from '../../herder/herder-errors.ts'
import { accepts, eventsType } from '../request/media-types.ts'
import type { RestRequest } from '../route.ts'

const defaultLimit = 50
const maxLimit = 1000
const maxFilterLength = 1000

/** @throws BadRequestError, AccessDeniedError */
export function recordsRequest({ query, headers, reach }: RestRequest): RecordsRequest {
  const [connector, filter] = [query.get('connector'), query.get('filter')]
  if (connector !== null) reach(connector)
  if (filter !== null && (filter === '' || filter.length > maxFilterLength))
    throw new BadRequestError(`"filter" is not a text of 1 to ${maxFilterLength} characters`)
  // What a browser sends when it connects again.
  const last = headers['last-event-id']
  const from = typeof last === 'string' && last !== '' ? last : (query.get('from') ?? 'latest')
  return { from, partition: partitionOf(query), filter, connector }
}

function partitionOf(query: URLSearchParams): number | null {
  const text = query.get('partition')
  if (text === null) return null
  if (!/^\d{1,9}$/.test(text)) throw new BadRequestError('"partition" is not the number of a partition')
  return Number(text)
}

/** @throws BadRequestError */
export function recordsLimit({ query }: RestRequest): number {
  const text = query.get('limit')
  if (text === null) return defaultLimit
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > maxLimit)
    throw new BadRequestError(`"limit" is not a number of records from 1 to ${maxLimit}`)
  return limit
}

/** Whether the client asks for a stream. */
export function wantsEvents({ headers }: RestRequest): boolean {
  return accepts(headers.accept ?? '', [eventsType])
}
