import { systemClock } from '../../foundation/clock.ts'
import { ByteReader } from '../../protocol/bytes/byte-reader.ts'
import { decodeRequest, isFlexible } from '../../protocol/codec.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { encodeResponseFrame, readRequestHeader, skipTaggedFields, type RequestHeader } from '../../protocol/frame.ts'
import { apiVersions } from '../../protocol/messages/api-versions.ts'
import { ProtocolError } from '../../protocol/protocol-error.ts'
import { BrokerMeters } from '../metrics/broker-meters.ts'
import type { Handler, RequestContext } from './handler.ts'

/** Maximum elements of all arrays of a request. A consumer of 10,000 partitions sends about as many. */
const maxRequestElements = 100_000
/** Maximum bytes of a request without records: it is decoded into objects, some of which a group keeps. */
const maxRequestBytesWithoutRecords = 8 * 1024 * 1024

/** A request whose header was read: its handler, and a reader at its body. */
export interface RoutedRequest {
  readonly header: RequestHeader
  readonly handler: Handler
  readonly reader: ByteReader
  /** All of the request, without its length. */
  readonly frame: Buffer
  readonly sizeInBytes: number
}

/** The part of the context that all requests of a connection share. */
export type ConnectionContext = Pick<RequestContext, 'clientHost' | 'signal' | 'memory' | 'session'>

/** Finds the handler of a request and encodes its response. */
export class Router {
  readonly #handlers: ReadonlyMap<number, Handler>
  readonly #beforeEach: () => void
  readonly #meters: BrokerMeters

  /** @param options.beforeEach called before each request; if it throws, the request is not handled. */
  constructor(
    handlers: readonly Handler[],
    options: { readonly beforeEach?: () => void; readonly meters?: BrokerMeters } = {},
  ) {
    this.#beforeEach = options.beforeEach ?? (() => undefined)
    this.#meters = options.meters ?? new BrokerMeters(systemClock)
    this.#handlers = new Map(handlers.map((handler) => [handler.api.key, handler]))
  }

  /** Reads the header. @throws ProtocolError when the API or version is not served: Kafka closes the connection then. */
  route(frame: Buffer): RoutedRequest {
    const reader = new ByteReader(frame, 0, maxRequestElements)
    const header = readRequestHeader(reader)
    const handler = this.#handlers.get(header.apiKey)
    if (handler === undefined) throw new ProtocolError(`API ${header.apiKey} is not served`)
    if (frame.length > maxRequestBytesWithoutRecords && !handler.carriesRecords)
      throw new ProtocolError(
        `a ${handler.api.name} of ${frame.length} bytes is larger than ${maxRequestBytesWithoutRecords}`,
      )
    return { header, handler, reader, frame, sizeInBytes: frame.length }
  }

  /** Returns the parts of the response frame; null when the request has no response. @throws what decoding and the handler throw. */
  async responseFor(request: RoutedRequest, connection: ConnectionContext): Promise<Buffer[] | null> {
    const { name } = request.handler.api
    const ended = this.#meters.begun(name, request.sizeInBytes)
    try {
      const parts = await this.#handle(request, connection)
      ended(parts)
      return parts
    } catch (error) {
      this.#meters.failed(name)
      throw error
    }
  }

  async #handle(request: RoutedRequest, connection: ConnectionContext): Promise<Buffer[] | null> {
    const { handler, header, reader } = request
    const { api } = handler
    const version = header.apiVersion
    connection.session?.check(api)
    if (version < api.versions[0] || version > api.versions[1]) return versionRefusal(request)
    if (isFlexible(api, version)) skipTaggedFields(reader)
    const body = decodeRequest(api, version, reader)
    const context: RequestContext = {
      apiVersion: version,
      clientId: header.clientId,
      clientHost: connection.clientHost,
      signal: connection.signal,
      memory: connection.memory,
      session: connection.session,
    }
    this.#beforeEach()
    const response = await handler.handle(body, context)
    return response === null ? null : encodeResponseFrame(api, version, header.correlationId, response)
  }
}

/**
 * Returns the response to ApiVersions of a later version: in version 0, with the supported versions, so that the client can retry
 * with one of them (KIP-511). @throws ProtocolError for other APIs: there is no response that the client would understand.
 */
function versionRefusal({ handler: { api, advertised }, header }: RoutedRequest): Buffer[] {
  if (api.key !== apiVersions.key) {
    const [first, last] = api.versions
    throw new ProtocolError(`${api.name} v${header.apiVersion} is not served (v${first} to v${last} are)`)
  }
  return encodeResponseFrame(apiVersions, 0, header.correlationId, {
    errorCode: errorCodes.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: api.key, minVersion: advertised[0], maxVersion: advertised[1] }],
  })
}
