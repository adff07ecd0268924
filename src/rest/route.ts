import type { ConnectValue } from '../api/schema.ts'
import type { Herder } from '../herder/herder.ts'

/** The methods that routes have. HEAD and OPTIONS answer by themselves. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** A request as a route sees it. */
export interface RestRequest {
  /** The path's parameters, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** The body's text; empty when there is none. */
  readonly body: string
  /** `http://host:port` as the client called it, for absolute addresses in answers. */
  readonly base: string
  /** Whether the client has shown the token, or none is asked for. A {@link Route.probe} gives details to no other. */
  readonly isTrusted: boolean
  /** Fires when the request has taken its time. */
  readonly signal: AbortSignal
}

/** What a route answers. `json` and `text` exclude each other; neither is an empty body. */
export interface Answer {
  readonly status: number
  readonly json?: ConnectValue
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** What routes work with. */
export interface RestContext {
  readonly herder: Herder
  /** The page for Prometheus. */
  readonly metrics: () => string | Promise<string>
  /** What stands of the worker and of the embedded log, as `CODE: text`; `/health` tells. */
  readonly conditions?: () => readonly string[]
}

/** One operation of the API. The path is written as in openapi.yaml: `/connectors/{connector}/status`. */
export interface Route {
  readonly method: Method
  readonly path: string
  /** How long it may take, in ms; 90 s unless told otherwise. */
  readonly timeoutMs?: number
  /** Done by the leader or the owner: a worker that is neither passes the request on. */
  readonly forwardable?: boolean
  /** Whether it only looks into memory: it is served while others wait their turn. Absent: it does more. */
  readonly isQuick?: (query: URLSearchParams) => boolean
  /** Answers requests that carry no token, too. */
  readonly probe?: boolean
  handle(request: RestRequest, context: RestContext): Promise<Answer>
}

/** A path parameter, which the router guarantees. */
export function param(request: RestRequest, name: string): string {
  return request.params[name] ?? ''
}

/** A boolean of the query: anything but `true` in any case is false; absent is `otherwise`. */
export function flag(request: RestRequest, name: string, otherwise = false): boolean {
  const value = request.query.get(name)
  return value === null ? otherwise : value.toLowerCase() === 'true'
}

/** A route that always only looks into memory. */
export const quick = (): boolean => true
