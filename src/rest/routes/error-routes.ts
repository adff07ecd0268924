import type { ConnectValue, PlainMap } from '../../api/schema.ts'
import type {
  ConnectorErrors,
  ErrorCause,
  ErrorsReplay,
  LetterExample,
  ReplayRequest,
} from '../../herder/entities/connector-errors.ts'

import { BadRequestError } from '../../herder/herder-errors.ts'
import { asNumber, objectWith, parseBody, textOf } from '../request/json-body.ts'
import { malformed, RestError } from '../rest-error.ts'
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
  {
    operationId: 'replayConnectorErrors',
    method: 'POST',
    path: '/connectors/{connector}/errors/replay',
    needs: { role: 'admin', of: 'connector' },
    forwardable: true,
    async handle(request, { herder }) {
      const replay = await herder.replayConnectorErrors(
        param(request, 'connector'),
        replayRequest(request.body),
        request.signal,
      )
      return { status: 200, json: replayJson(replay) }
    },
  },
]

/** `{"cause", "limit", "key"}`, or with `key_base64`; without a body, all letters are meant. @throws RestError, BadRequestError */
function replayRequest(body: string): ReplayRequest {
  const parsed = body.trim() === '' ? null : parseBody(body, asNumber)
  const fields = ['cause', 'key', 'key_base64', 'limit']
  const object = parsed === null ? {} : objectWith(parsed, 'body', fields)
  const cause = textOf(object['cause'], 'cause')
  const limit = replayLimit(object['limit'])
  const [hasText, hasBytes] = [Object.hasOwn(object, 'key'), Object.hasOwn(object, 'key_base64')]
  if (hasText && hasBytes) throw new RestError(malformed, 'Only one of "key" and "key_base64" can be given')
  if (hasText) {
    const text = textOf(object['key'], 'key')
    return { cause, limit, key: text === null ? null : Buffer.from(text) }
  }
  return hasBytes ? { cause, limit, key: bytesOf(textOf(object['key_base64'], 'key_base64')) } : { cause, limit }
}

/** @throws BadRequestError */
function replayLimit(limit: unknown): number | null {
  if (limit === undefined || limit === null) return null
  if (typeof limit === 'number' && Number.isInteger(limit) && limit >= 1 && limit <= maxLimit) return limit
  throw new BadRequestError(`"limit" is not a number of dead letters from 1 to ${maxLimit}`)
}

/** Node decodes what is no base64 as far as it can. */
function bytesOf(text: string | null): Buffer | null {
  if (text === null) return null
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) throw new RestError(malformed, '"key_base64" is not in base64 with padding')
  return bytes
}

function replayJson({ topic, partitions, gone, unread, more, message }: ErrorsReplay): PlainMap {
  const records = partitions.reduce((sum, one) => sum + one.records, 0)
  return { topic, records, gone, unread, more, partitions: partitions.map((one) => ({ ...one })), message }
}

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

function causeJson({
  id,
  stage,
  className,
  exception,
  message,
  count,
  first,
  last,
  example,
  replayed,
}: ErrorCause): PlainMap {
  return {
    cause: id,
    stage,
    class: className,
    exception,
    message,
    count,
    replayed,
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
