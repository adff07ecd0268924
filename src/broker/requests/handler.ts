import type { Session } from '../server/authentication.ts'
import type { Api, RequestOf, ResponseValue } from '../../protocol/schema.ts'

/** The memory that all answers share. */
export interface AnswerMemory {
  /** Bytes of records that this answer may still have. */
  readonly room: number
  /** Says that the answer has so many more. */
  hold(bytes: number): void
}

/** What a handler may know about a request besides its body. */
export interface RequestContext {
  readonly apiVersion: number
  readonly clientId: string | null
  /** Address of the client as Kafka shows it: `/127.0.0.1`. */
  readonly clientHost: string
  /** Fires when the connection is gone or the broker stops: parked requests end with it. */
  readonly signal: AbortSignal
  readonly memory: AnswerMemory
  /** What the client has shown of itself; null where the broker does not ask. */
  readonly session: Session | null
}

/** An answer: the response, or null for a request that has none (Produce with acks 0). */
export type Answer<A extends Api> = ResponseValue<A> | null

/**
 * Serves one API. It gets the decoded body: `bytes` are copies, `records` are views of the frame. What it throws closes the
 * connection, so everything a client can cause is an error code in the answer.
 */
export interface Handler<A extends Api = Api> {
  readonly api: A
  /** The versions that ApiVersions lists; those of the API unless told otherwise. */
  readonly advertised: readonly [number, number]
  /** Whether consecutive requests of a connection may be under way together. Their answers stay in order. */
  readonly overlaps: boolean
  /** Whether a request may be as large as the batches that are in it. */
  readonly carriesRecords: boolean
  /** Whether the answer may be as large as the batches that are in it: then it waits until there is memory for it. */
  readonly answersRecords: boolean
  handle(request: RequestOf<A>, context: RequestContext): Answer<A> | Promise<Answer<A>>
}

/** Handles one request of an API. */
export type Handle<A extends Api> = (request: RequestOf<A>, context: RequestContext) => Answer<A> | Promise<Answer<A>>

/** What a handler may state about its requests and responses. */
export type HandlerOptions = Partial<Pick<Handler, 'advertised' | 'overlaps' | 'carriesRecords' | 'answersRecords'>>

/** A handler that the router can hold beside others. */
export function defineHandler<A extends Api>(api: A, handle: Handle<A>, options: HandlerOptions = {}): Handler {
  const handler: Handler<A> = {
    api,
    advertised: options.advertised ?? api.versions,
    overlaps: options.overlaps ?? false,
    carriesRecords: options.carriesRecords ?? false,
    answersRecords: options.answersRecords ?? false,
    handle,
  }
  return handler
}
