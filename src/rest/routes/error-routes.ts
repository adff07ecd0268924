import type { ConnectValue, PlainMap } from '../../api/schema.ts'
import type { ConnectorErrors, ErrorCause, LetterExample } from '../../herder/entities/connector-errors.ts'

import { BadRequestError } from '../../herder/herder-errors.ts'
import { asNumber, parseBody } from '../request/json-body.ts'
import { param, type RestRequest, type Route } from '../route.ts'

const defaultLimit = 10_000
const maxLimit = 100_000
/** Beyond this, a header with a place is not shown. */
const maxPlaceLength = 10_000

/** The records that connectors have failed on, by cause. */
export const errorRoutes: readonly Route[] = [
  {
    operationId: 'getConnectorErrors',
    method: 'GET',
    path: '/connectors/{connector}/errors',
    needs: { role: 'read', of: 'connector' },
    async handle(request, { herder }) {
      const asked = { limit: limitOf(request), before: request.query.get('before') }
      const errors = await herder.connectorErrors(param(request, 'connector'), asked, request.signal)
      return { status: 200, json: errorsJson(errors) }
    },
  },
]

/** @throws BadRequestError */
function limitOf({ query }: RestRequest): number {
  const text = query.get('limit')
  if (text === null) return defaultLimit
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (limit < 1 || limit > maxLimit)
    throw new BadRequestError(`"limit" is not a number of records from 1 to ${maxLimit}`)
  return limit
}

function errorsJson(errors: ConnectorErrors): PlainMap {
  const { topic, causes, unlisted, records, own, withoutContext, next, note } = errors
  return {
    topic,
    causes: causes.map(causeJson),
    unlisted,
    read: { records, own, without_context: withoutContext, complete: next === null },
    next,
    note,
  }
}

function causeJson({ id, stage, className, exception, message, count, first, last, example }: ErrorCause): PlainMap {
  return {
    cause: id,
    stage,
    class: className,
    exception,
    message,
    count,
    first_time: timeJson(first),
    last_time: timeJson(last),
    example: exampleJson(example),
  }
}

function exampleJson({ partition, offset, message, place }: LetterExample): PlainMap {
  const { topic, sourcePartition, sourceOffset } = place
  const of =
    place.offset === null && sourceOffset !== null
      ? { topic, source_partition: parsed(sourcePartition), source_offset: parsed(sourceOffset) }
      : { topic, partition: place.partition, offset: place.offset }
  return { message, dead_letter: { partition, offset }, record: of }
}

/** Null for a time that no date has. */
function timeJson(ms: number | null): string | null {
  const date = new Date(ms ?? Number.NaN)
  return Number.isNaN(date.getTime()) ? null : date.toISOString()
}

/** What a header says in JSON; null when it is none. */
function parsed(json: string | null): ConnectValue {
  if (json === null || json.length > maxPlaceLength) return null
  try {
    return parseBody(json, asNumber) as ConnectValue
  } catch {
    return null
  }
}
