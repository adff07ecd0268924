import type { ForwardTls } from '../../config/worker/rest/listener-tls.ts'
import type { NotAssignedError, NotLeaderError } from '../../herder/herder-errors.ts'
import type { Method, RestRequest, RestResponse } from '../route.ts'

import { NotLeaderError as NotLeader } from '../../herder/herder-errors.ts'
import { type AccessSetting, insufficient } from '../access/access-errors.ts'
import { workerTarget } from './worker-call.ts'
import { failureOf, isUnsent, workerFetch, type WorkerRequest, type WorkerResponse } from './worker-fetch.ts'
import { RestError } from '../rest-error.ts'

/** A request that another worker has to carry out. */
export interface ForwardedRequest {
  readonly method: Method
  /** As received, still encoded. */
  readonly path: string
  readonly request: RestRequest
  /** This worker's token or that of the client, or a user with its password. */
  readonly authorization: string | undefined
  /** The setting by which this worker has accepted the client; null: it requires nothing. */
  readonly setting: AccessSetting | null
  /** Null: that of the system. */
  readonly tls: ForwardTls | null
}

/** The request has reached no worker that can carry it out: which one that is changes, or is not known. It can be sent again. */
export class UnreachedWorkerError extends RestError {
  override readonly name = 'UnreachedWorkerError'
}

/**
 * Forwards a request to the leader or the owner. `forward` in the query limits it to two hops: absent becomes true, true becomes
 * false, and false is not forwarded. Authorization is the only header that is sent along.
 * @throws UnreachedWorkerError 409 when no such worker is known, 500 when nothing listens there; RestError 500 when it cannot be
 * reached otherwise, or refuses a client that this worker accepts
 */
export async function forward(error: NotLeaderError | NotAssignedError, to: ForwardedRequest): Promise<RestResponse> {
  const { method, path, request, authorization, setting } = to
  const hop = request.query.get('forward')
  if (hop !== null && hop.toLowerCase() !== 'true') {
    throw new UnreachedWorkerError(
      409,
      'Cannot complete request because of a conflicting operation (e.g. worker rebalance)',
    )
  }
  const url = error instanceof NotLeader ? error.leaderUrl : error.ownerUrl
  if (url === null) {
    throw new UnreachedWorkerError(
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
  const init = { method, headers, signal: request.signal, ...(request.body === '' ? {} : { body: request.body }) }
  const response = await exchanged(workerTarget(url, `${path}?${query.toString()}`), init, to)
  if (setting !== null && isRefusal(response)) throw new RestError(500, refusalText[setting](url))
  return response
}

const refusalText: Readonly<Record<AccessSetting, (url: string) => string>> = {
  'rest.token.file': (url) =>
    `The worker at ${url} rejected the token of this worker. All workers of a group need the same token: copy the file that rest.token.file names, and restart the worker`,
  'rest.users.file': (url) =>
    `The worker at ${url} refused this user, which this worker allows the request. All workers of a group need the same users: copy the file that rest.users.file names`,
}

/** Other responses with 403, such as that of a Host that is not allowed, do not concern the user. */
function isRefusal({ status, headers }: RestResponse): boolean {
  return status === 401 || (status === 403 && headers?.['WWW-Authenticate'] === insufficient)
}

async function exchanged(
  target: string,
  init: WorkerRequest,
  { request, tls }: Pick<ForwardedRequest, 'request' | 'tls'>,
): Promise<RestResponse> {
  try {
    return await restResponse(await workerFetch(target, init, tls), request.base)
  } catch (error) {
    const text = `IO Error trying to forward REST request: ${failureOf(error, target)}`
    throw isUnsent(error) ? new UnreachedWorkerError(500, text) : new RestError(500, text)
  }
}

/** Headers that the client gets as the other worker has sent them. */
const passedHeaders = ['Content-Type', 'Warning', 'WWW-Authenticate', 'Retry-After']

async function restResponse(response: WorkerResponse, base: string): Promise<RestResponse> {
  const text = await response.text()
  const location = response.headers.get('Location')
  const headers = passedHeaders.flatMap((name) => {
    const value = response.headers.get(name)
    return value === null ? [] : [[name, value] as const]
  })
  return {
    status: response.status,
    ...(text === '' ? {} : { text }),
    headers: {
      ...Object.fromEntries(headers),
      ...(location === null ? {} : { Location: base + new URL(location, base).pathname }),
    },
  }
}
