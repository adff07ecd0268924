import type { ConnectValue } from '../../api/schema.ts'
import type { Role } from '../../config/worker/rest/rest-users.ts'
import type { Herder } from '../../herder/herder.ts'
import type { Method, Route } from '../route.ts'

import { param, quick } from '../route.ts'

/** What the herder does with one connector. */
type Operation<T> = (herder: Herder, connector: string, signal: AbortSignal) => Promise<T>

/** `operationId`, and the path below `/connectors/{connector}`. */
type Name = readonly [operationId: string, path: string]

/** A route that responds with what `read` returns. */
export function shows([operationId, path]: Name, read: Operation<ConnectValue>): Route {
  return {
    operationId,
    method: 'GET',
    path: `/connectors/{connector}${path}`,
    needs: { role: 'read', of: 'connector' },
    isQuick: quick,
    async handle(request, { herder }) {
      return { status: 200, json: await read(herder, param(request, 'connector'), request.signal) }
    },
  }
}

export interface Command {
  readonly role: Role
  readonly method: Method
  /** Of a success, which has no body. */
  readonly status: 202 | 204
  readonly forwardable: boolean
  readonly run: Operation<void>
}

/** A route that has the herder do something. */
export function commands([operationId, path]: Name, { role, method, status, forwardable, run }: Command): Route {
  return {
    operationId,
    method,
    path: `/connectors/{connector}${path}`,
    needs: { role, of: 'connector' },
    forwardable,
    async handle(request, { herder }) {
      await run(herder, param(request, 'connector'), request.signal)
      return { status }
    },
  }
}
