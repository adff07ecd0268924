import type { ForwardTls } from '../../config/worker/rest/listener-tls.ts'

import { ConnectError } from '../../api/errors.ts'
import { AccessToken } from '../request/access-token.ts'
import { failureOf, workerFetch, type WorkerRequest } from './worker-fetch.ts'

/** A request of this worker itself to another one. */
export interface WorkerCallRequest extends Omit<WorkerRequest, 'headers'> {
  /** What the request does, for errors. */
  readonly what: string
  /** The other worker's REST URL. */
  readonly url: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
}

/** @throws ConnectError for a request without a response */
export type WorkerCall = (request: WorkerCallRequest) => Promise<{ readonly status: number; readonly text: string }>

/**
 * @param token that of the API; null: it needs none
 * @param tls null: that of the system
 */
export function workerCall(token: string | null, tls: ForwardTls | null): WorkerCall {
  const authorization = token === null ? {} : { Authorization: new AccessToken(token).authorization }
  return async ({ what, url, path, headers, ...init }) => {
    const target = workerTarget(url, path)
    const request = { ...init, headers: { ...headers, ...authorization } }
    const response = await workerFetch(target, request, tls).catch((error: unknown) => {
      throw new ConnectError(`${what} failed: ${failureOf(error, target)}`, { cause: error })
    })
    return { status: response.status, text: await response.text() }
  }
}

/** The URL of a path on a worker, whose own URL may end with a slash. */
export function workerTarget(url: string, path: string): string {
  return url.replace(/\/$/, '') + path
}
