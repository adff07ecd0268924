import type { IncomingHttpHeaders, ServerResponse } from 'node:http'

import type { FastifyRequest } from 'fastify'
import type { EnteredRequest } from '../limits/rest-connections.ts'
import type { RestConnection } from '../limits/rest-connection.ts'
import type { Operation } from '../route.ts'

import { Caller } from '../access/caller.ts'
import { noBody, type RequestBody } from './request-body.ts'
import { targetOf, type RequestTarget } from './request-target.ts'

/** A request in flight, and the connection to which it belongs. */
export class Exchange {
  readonly beganMs: number
  readonly target: RequestTarget
  readonly query: URLSearchParams
  readonly headers: Readonly<IncomingHttpHeaders>
  /** The header of that name. */
  readonly authorization: string | undefined
  readonly connection: RestConnection
  /** Resolves when the responses to earlier requests have left the connection, or the client has. */
  readonly turn: Promise<void>
  /** The client's address. */
  readonly remote: string | undefined
  /** Whether the client has authenticated, or need not. */
  isTrusted = false
  /** Whether it asks for a page of an allowed origin which requests the page may send. */
  isAllowedPreflight = false
  caller = Caller.stranger()
  /** Null until the request is known to have one. */
  route: Operation | null = null
  params: Readonly<Record<string, string>> = {}
  /** The connector that its body names; null: none, or it was not read yet. */
  namedConnector: string | null = null
  body: RequestBody = noBody
  readonly response: ServerResponse
  #finish: (() => void) | null = null

  constructor(
    request: FastifyRequest,
    response: ServerResponse,
    { connection, turn }: EnteredRequest,
    beganMs: number,
  ) {
    this.response = response
    this.beganMs = beganMs
    this.target = targetOf(request.originalUrl, request.raw.headers.host)
    this.query = new URLSearchParams(this.target.query)
    this.headers = request.raw.headers
    this.authorization = request.raw.headers.authorization
    this.connection = connection
    this.turn = turn
    this.remote = request.raw.socket.remoteAddress
  }

  /** From here on the worker owes the client a response, and the client's timeouts stand still. */
  async begin(): Promise<void> {
    await this.turn
    this.#finish ??= this.connection.working()
  }

  /** The response is ready. Ends what {@link begin} has begun, once. */
  finish(): void {
    this.#finish?.()
    this.#finish = null
  }
}

/** The property of fastify's request that holds its {@link Exchange}. */
export const exchangeKey = 'exchange'

export function exchangeOf(request: FastifyRequest): Exchange {
  return request.getDecorator<Exchange>(exchangeKey)
}
