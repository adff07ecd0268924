import type { ConnectValue } from '../../api/schema.ts'
import type { Herder } from '../../herder/herder.ts'
import type { Method, Route } from '../route.ts'

import { param, quick } from '../route.ts'

/** What is asked of the herder about one connector. */
type Operation<T> = (herder: Herder, connector: string, signal: AbortSignal) => Promise<T>

/** A route below `/connectors/{connector}` that shows what `read` answers. */
export function shows(path: string, read: Operation<ConnectValue>): Route {
  return {
    method: 'GET',
    path: `/connectors/{connector}${path}`,
    isQuick: quick,
    async handle(request, { herder }) {
      return { status: 200, json: await read(herder, param(request, 'connector'), request.signal) }
    },
  }
}

export interface Command {
  readonly method: Method
  /** Below `/connectors/{connector}`. */
  readonly path: string
  /** Of success, which has no body. */
  readonly status: 202 | 204
  readonly forwardable: boolean
  readonly run: Operation<void>
}

/** A route below `/connectors/{connector}` that has something done. */
export function commands({ method, path, status, forwardable, run }: Command): Route {
  return {
    method,
    path: `/connectors/{connector}${path}`,
    forwardable,
    async handle(request, { herder }) {
      await run(herder, param(request, 'connector'), request.signal)
      return { status }
    },
  }
}
