import { errorMessage } from '../foundation/error-message.ts'
import type { NotAssignedError, NotLeaderError } from '../herder/herder-errors.ts'
import type { Method, RestRequest, RestResponse } from './route.ts'

import { NotLeaderError as NotLeader } from '../herder/herder-errors.ts'
import { RestError } from './rest-error.ts'

/** A request that another worker has to answer. */
export interface ForwardedRequest {
  readonly method: Method
  /** As it came in, still encoded. */
  readonly path: string
  readonly request: RestRequest
  readonly authorization: string | undefined
  /** Whether that is this worker's own token, which the client has shown. */
  readonly isOwn: boolean
}

/**
 * Passes a request on to the leader or owner. `forward` in the query bounds the way to two hops: absent, it becomes
 * true; true becomes false; false is the end. Of the headers only Authorization goes along: this worker's token, or the client's.
 * @throws RestError 409 when nobody is known who could answer, 500 when that worker cannot be reached
 */
export async function forward(error: NotLeaderError | NotAssignedError, to: ForwardedRequest): Promise<RestResponse> {
  const { method, path, request, authorization, isOwn } = to
  const hop = request.query.get('forward')
  if (hop !== null && hop.toLowerCase() !== 'true') {
    throw new RestError(409, 'Cannot complete request because of a conflicting operation (e.g. worker rebalance)')
  }
  const url = error instanceof NotLeader ? error.leaderUrl : error.ownerUrl
  if (url === null) {
    throw new RestError(
      409,
      'Cannot complete request momentarily due to no known leader URL, likely because a rebalance was underway.',
    )
  }
  const query = new URLSearchParams(request.query)
  query.set('forward', String(hop === null))
  const headers = {
    Accept: 'application/json',
    'User-Agent': 'kafka-connect',
    ...(authorization === undefined ? {} : { Authorization: authorization }),
    ...(request.body === '' ? {} : { 'Content-Type': 'application/json' }),
  }
  const init = { method, headers, signal: request.signal, redirect: 'manual' as const }
  const answer = await answered(
    `${url.replace(/\/$/, '')}${path}?${query.toString()}`,
    request.body === '' ? init : { ...init, body: request.body },
    request.base,
  )
  if (answer.status !== 401 || !isOwn) return answer
  throw new RestError(
    500,
    `The worker at ${url} refused the token of this one. The workers of a group need the same token: copy the file that rest.token.file names, and restart the worker`,
  )
}

async function answered(target: string, init: RequestInit, base: string): Promise<RestResponse> {
  try {
    return await answerOf(await fetch(target, init), base)
  } catch (cause) {
    throw new RestError(500, `IO Error trying to forward REST request: ${messageOf(cause)}`)
  }
}

async function answerOf(response: Response, base: string): Promise<RestResponse> {
  const text = await response.text()
  const location = response.headers.get('Location')
  const type = response.headers.get('Content-Type')
  const warning = response.headers.get('Warning')
  const challenge = response.headers.get('WWW-Authenticate')
  return {
    status: response.status,
    ...(text === '' ? {} : { text }),
    headers: {
      ...(type === null ? {} : { 'Content-Type': type }),
      ...(warning === null ? {} : { Warning: warning }),
      ...(challenge === null ? {} : { 'WWW-Authenticate': challenge }),
      ...(location === null ? {} : { Location: base + new URL(location, base).pathname }),
    },
  }
}

/** `fetch` hides what happened behind "fetch failed". */
function messageOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return errorMessage(cause)
}
