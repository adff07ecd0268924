import type { Method, Route } from '../route.ts'

import { RestError } from '../rest-error.ts'

const javaOnly = 'the workers of a Java cluster use it among themselves'

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
  { operationId: 'putTaskConfigs', method: 'POST', path: '/connectors/{connector}/tasks', instead: javaOnly },
  { operationId: 'fenceZombies', method: 'PUT', path: '/connectors/{connector}/fence', instead: javaOnly },
]

/** Each responds with 501 and its name. */
export const unsupportedRoutes: readonly Route[] = unsupported.map(({ operationId, method, path, instead }): Route => ({
  operationId,
  method,
  path,
  needs: { role: 'admin', of: 'connector' },
  handle: () => Promise.reject(new RestError(501, `${method} ${path} is not served: ${instead}`)),
}))
