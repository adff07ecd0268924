import type { IncomingHttpHeaders } from 'node:http'

import type { ConnectValue } from '../api/schema.ts'
import type { LabelledSample } from '../foundation/metrics/meters.ts'
import type { Role } from '../config/worker/rest/rest-users.ts'
import type { Herder } from '../herder/herder.ts'
import type { TopicBrowser } from '../herder/topics/topic-browser.ts'
import type { SchemaRegistry } from '../registry/schema-registry.ts'
import type { Caller } from './access/caller.ts'
import type { ActivityHistory } from './dashboard/activity-history.ts'

/** The methods that routes have. HEAD follows from GET, OPTIONS from all of a path. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** All methods that some path supports, in the order in which Connect lists them. */
export const httpMethods: readonly string[] = ['HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'GET', 'OPTIONS']

/** A request as a route sees it. */
export interface RestRequest {
  /** The path's parameters, decoded. */
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  /** By their names in lower case. */
  readonly headers: Readonly<IncomingHttpHeaders>
  /** The body's text; empty when there is none. */
  readonly body: string
  /** `http://host:port` as the client named it, for absolute addresses in responses. */
  readonly base: string
  /** Whether the client has authenticated, or need not. A {@link Route.probe} gives details to no other client. */
  readonly isTrusted: boolean
  readonly caller: Caller
  /** For a connector that is named in the body. @throws AccessDeniedError when the caller does not reach it */
  readonly reach: (connector: string) => void
  /** Fires when the request has used up its time. */
  readonly signal: AbortSignal
  /** Opens a stream as the response. Returns the signal that ends it. @throws OverloadedError when there are too many */
  readonly openStream: () => AbortSignal
}

/** The response of a route. `json`, `text` and `stream` exclude each other; without any the body is empty. */
export interface RestResponse {
  readonly status: number
  readonly json?: ConnectValue
  readonly text?: string
  /** Parts of the body as they come. */
  readonly stream?: AsyncIterable<string>
  readonly headers?: Readonly<Record<string, string>>
}

/** The worker that serves the API. */
export interface ServingWorker {
  /** `host:port`, as status records name it. */
  readonly id: string
  /** Metrics of this process and of the tasks that run in it, by their labels. */
  readonly samples: () => readonly LabelledSample[]
}
/** What a {@link TopicBrowser} does. */
export type TopicReads = Pick<TopicBrowser, 'users' | 'list' | 'describe' | 'records' | 'follow' | 'journey'>

/** What routes work with. */
export interface RestContext {
  readonly herder: Herder
  /** The page for Prometheus. */
  readonly metrics: () => string | Promise<string>
  /** Conditions of the worker and of the embedded broker, as `CODE: text`; `/health` reports them. */
  readonly conditions?: () => readonly string[]
  readonly worker: ServingWorker
  /** In ms of the epoch. */
  readonly now: () => number
  /** The recent past of what connectors do. */
  readonly history: ActivityHistory
  /** Topics and their records. Absent: there are none to show. */
  readonly topics?: TopicReads
  /** Opens the schema registry, once. Absent: there is none. */
  readonly registry?: () => Promise<SchemaRegistry>
}

/** What a caller needs for an operation. */
export interface Needs {
  readonly role: Role
  /**
   * What the operation shows or changes, for callers that do not reach all connectors:
   * the connector of its path; connectors for each of which the handler asks the caller; all connectors at once, which such
   * callers may not; or only what no connector owns.
   */
  readonly of: 'connector' | 'asked connectors' | 'all connectors' | 'worker'
}

/** What the routes of the schema registry work with, which a broker without a worker serves, too. */
export type RegistryContext = Pick<RestContext, 'registry'>

/** One operation of the API, without what carries it out. */
export interface Operation {
  /** The operation of openapi.yaml. */
  readonly operationId: string
  readonly method: Method
  /** As in openapi.yaml: `/connectors/{connector}/status`. */
  readonly path: string
  readonly needs: Needs
  /** The time limit in ms; 90 s unless given. */
  readonly timeoutMs?: number
  /** Carried out by the leader or the owner: any other worker forwards the request. */
  readonly forwardable?: boolean
  /** Whether it only reads memory, and is served while others wait for their turn. Absent: it does more. */
  readonly isQuick?: (query: URLSearchParams) => boolean
  /** Absent: JSON, which clients then have to accept. */
  readonly respondsWith?: 'text'
  /** Whether it can respond with a stream of events: clients may accept only that. */
  readonly streams?: boolean
  /** Absent: the media types of Connect; those of the schema registry have names of their own. */
  readonly speaks?: 'registry'
  /** Whether it changes nothing although its method is not GET. */
  readonly onlyReads?: boolean
  /** Responds to requests without credentials, too. */
  readonly probe?: boolean
}

/** One operation of the API. */
export interface Route<C = RestContext> extends Operation {
  handle(request: RestRequest, context: C): Promise<RestResponse>
}

/** A path parameter, which the router guarantees. */
export function param(request: RestRequest, name: string): string {
  return request.params[name] ?? ''
}

/** A boolean of the query: `true` in any case is true, any other text is false; absent is `otherwise`. */
export function flag(request: RestRequest, name: string, otherwise = false): boolean {
  const value = request.query.get(name)
  return value === null ? otherwise : value.toLowerCase() === 'true'
}

/** A route that always only reads memory. */
export const quick = (): boolean => true
