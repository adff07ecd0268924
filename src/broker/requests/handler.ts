import type { Session } from '../server/authentication.ts'
import type { Api, RequestOf, ResponseValue } from '../../protocol/schema.ts'

/** The memory for records in responses, which all connections share (I10). */
export interface ResponseMemory {
  /** Bytes of records that may still be added to this response. */
  readonly room: number
  /** Counts bytes that were added to the response. */
  hold(bytes: number): void
}

/** A request, apart from its body. */
export interface RequestContext {
  readonly apiVersion: number
  readonly clientId: string | null
  /** Address of the client as Kafka shows it: `/127.0.0.1`. */
  readonly clientHost: string
  /** Fires when the connection is gone or the broker stops: parked requests end with it. */
  readonly signal: AbortSignal
  readonly memory: ResponseMemory
  /** The authentication of the client; null when the broker requires none. */
  readonly session: Session | null
}

/** The response; null for a request that has none (Produce with acks 0). */
export type HandlerResponse<A extends Api> = ResponseValue<A> | null

/**
 * Serves one API. It receives the decoded body: `bytes` are copies, `records` are views of the frame. An exception closes the
 * connection, so every failure that a client can cause is an error code in the response.
 */
export interface Handler<A extends Api = Api> {
  readonly api: A
  /** The versions that ApiVersions lists; those of the message table by default. */
  readonly advertised: readonly [number, number]
  /** Whether consecutive requests of a connection may be in flight together. Their responses stay in order. */
  readonly overlaps: boolean
  /** Whether the request contains record batches, and may be as large as they are. */
  readonly carriesRecords: boolean
  /** Whether the response contains record batches, so that the request waits until there is memory for it. */
  readonly respondsWithRecords: boolean
  handle(request: RequestOf<A>, context: RequestContext): HandlerResponse<A> | Promise<HandlerResponse<A>>
}

/** Handles one request of an API. */
export type Handle<A extends Api> = (
  request: RequestOf<A>,
  context: RequestContext,
) => HandlerResponse<A> | Promise<HandlerResponse<A>>

/** What a handler may state about its requests and responses. */
export type HandlerOptions = Partial<
  Pick<Handler, 'advertised' | 'overlaps' | 'carriesRecords' | 'respondsWithRecords'>
>

/** A handler that the router can hold beside others. */
export function defineHandler<A extends Api>(api: A, handle: Handle<A>, options: HandlerOptions = {}): Handler {
  const handler: Handler<A> = {
    api,
    advertised: options.advertised ?? api.versions,
    overlaps: options.overlaps ?? false,
    carriesRecords: options.carriesRecords ?? false,
    respondsWithRecords: options.respondsWithRecords ?? false,
    handle,
  }
  return handler
}
