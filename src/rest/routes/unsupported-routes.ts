import type { Method, Route } from '../route.ts'

import { RestError } from '../rest-error.ts'

/** An operation of Connect that is known and not served. */
export interface UnsupportedOperation {
  readonly operationId: string
  readonly method: Method
  readonly path: string
  /** What to do instead, or why there is nothing to do. */
  readonly instead: string
}

/** `src/rest/UNSUPPORTED.md` lists the same ones. */
export const unsupported: readonly UnsupportedOperation[] = [
  {
    operationId: 'fenceZombies',
    method: 'PUT',
    path: '/connectors/{connector}/fence',
    instead: 'it belongs to exactly-once delivery of sources',
  },
]

/** Each responds with 501 and its name. */
export const unsupportedRoutes: readonly Route[] = unsupported.map(({ operationId, method, path, instead }): Route => ({
  operationId,
  method,
  path,
  needs: { role: 'admin', of: 'connector' },
  handle: () => Promise.reject(new RestError(501, `${method} ${path} is not served: ${instead}`)),
}))
