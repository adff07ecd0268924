import { errorMessage } from '../../foundation/error-message.ts'
import type { Socket } from 'node:net'
import { present } from '../../foundation/assert.ts'
import { ByteReader } from '../../protocol/bytes/byte-reader.ts'
import { decodeResponse } from '../../protocol/codec.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { decodeResponseFrame, encodeRequestFrame } from '../../protocol/frame.ts'
import { apiVersions } from '../../protocol/messages/api-versions.ts'
import type { Api, RequestValue, ResponseOf } from '../../protocol/schema.ts'
import { formatAddress, type BrokerAddress } from './bootstrap-servers.ts'
import {
  AuthenticationError,
  BrokerError,
  ConnectionError,
  RequestTimeoutError,
  UnsupportedApiError,
} from '../errors.ts'
import { ResponseFrames, openPlainSocket, type DialOptions } from './plain-socket.ts'
import type { Security } from './security.ts'

const clientSoftware = { clientSoftwareName: 'penstock', clientSoftwareVersion: '0.1.0' }
const keepAliveMs = 60_000
const reauthenticateBeforeMs = 10_000
/** The maximum size of a response (I10), above any fetch: those have smaller limits of their own. */
const maxResponseBytes = 512 * 1024 * 1024

/** How to connect. */
export interface ConnectionOptions extends DialOptions {
  readonly clientId: string
  readonly security: Security | null
  readonly requestTimeoutMs: number
}

/** Options of one request. */
export interface SendOptions {
  /** How long the response may take; the connection's request timeout by default. */
  readonly timeoutMs?: number
  /** Ends the wait. The request itself cannot be cancelled. */
  readonly signal?: AbortSignal | undefined
  /** The highest version to use. */
  readonly maxVersion?: number
}

interface Pending {
  readonly what: string
  readonly correlationId: number
  readonly deadline: number
  readonly resolve: (frame: Buffer) => void
  readonly reject: (error: Error) => void
}

interface VersionRange {
  readonly min: number
  readonly max: number
}

function isProtected(security: Security | null): security is Security {
  return security !== null && (security.tls !== null || security.sasl !== null)
}

/**
 * A connection to a broker. Requests may be sent before the responses to earlier ones. A broker responds in order, so a request
 * that waits in the broker (a long poll, a join) delays those behind it.
 */
export class BrokerConnection {
  readonly address: BrokerAddress
  readonly #options: ConnectionOptions
  #socket: Socket | null = null
  #pending: Pending[] = []
  #versions: ReadonlyMap<number, VersionRange> = new Map()
  #correlationId = 0
  #closed: Error | null = null
  /** Whether the broker has responded to a request after the negotiation. */
  #hasResponded = false
  #timer: { readonly at: number; readonly cancel: () => void } | null = null
  #cancelLifetime: () => void = () => undefined

  private constructor(options: ConnectionOptions) {
    this.address = options.address
    this.#options = options
  }

  /**
   * Connects, authenticates and requests the broker's API versions.
   * @throws ConnectionError, AuthenticationError, or the signal's reason.
   */
  static async open(options: ConnectionOptions, signal?: AbortSignal): Promise<BrokerConnection> {
    const connection = new BrokerConnection(options)
    const frames = new ResponseFrames(maxResponseBytes, (cut) => connection.#receive(cut))
    if (isProtected(options.security)) await connection.#dialSecure(options.security, frames)
    else connection.#use(await openPlainSocket(options, frames, signal))
    return connection.#negotiated(signal)
  }

  get isOpen(): boolean {
    return this.#closed === null
  }

  /**
   * Returns the highest common version of an API.
   * @throws UnsupportedApiError if there is none.
   */
  versionOf(api: Api, maxVersion = Number.POSITIVE_INFINITY): number {
    const theirs = this.#versions.get(api.key)
    const [first, last] = api.versions
    const version = Math.min(last, maxVersion, theirs?.max ?? -1)
    if (theirs === undefined || version < first || version < theirs.min) {
      const served = theirs === undefined ? 'not at all' : `v${theirs.min} to v${theirs.max}`
      throw new UnsupportedApiError(
        `${formatAddress(this.address)} supports ${api.name} ${served}; v${first} to v${last} is required`,
      )
    }
    return version
  }

  /**
   * Sends a request and returns the decoded response. The caller checks its error codes.
   * @throws ConnectionError, RequestTimeoutError, UnsupportedApiError, or the signal's reason.
   */
  async send<A extends Api>(api: A, value: RequestValue<A>, options: SendOptions = {}): Promise<ResponseOf<A>> {
    const version = this.versionOf(api, options.maxVersion)
    const frame = await this.#exchange(api, version, value, options)
    this.#hasResponded = true
    return decodeResponseFrame(api, version, frame).body
  }

  /** Closes the connection. Requests in flight fail with a ConnectionError. */
  close(reason = 'closed by the client'): void {
    this.#end(reason)
  }

  async #dialSecure(security: Security, frames: ResponseFrames): Promise<void> {
    const { address, clientId, connectTimeoutMs: timeoutMs } = this.#options
    const { openSecureSocket } = await import('./kafkajs-internals.ts')
    const { socket, sessionLifetimeMs } = await openSecureSocket(address, security, { clientId, timeoutMs })
    socket.on('data', (chunk: Buffer) => frames.push(chunk))
    this.#use(socket)
    if (sessionLifetimeMs !== null) this.#retireAfter(sessionLifetimeMs)
  }

  #use(socket: Socket): void {
    this.#socket = socket
    socket.setKeepAlive(true, keepAliveMs)
    socket.setNoDelay(true)
    socket.on('error', (error) => this.#end(error.message, error))
    socket.on('close', () => this.#end(this.#closedByBroker()))
    socket.on('end', () => this.#end(this.#closedByBroker()))
  }

  async #negotiated(signal: AbortSignal | undefined): Promise<this> {
    const { connectTimeoutMs: timeoutMs } = this.#options
    try {
      const wait = { timeoutMs, signal }
      let version = 3
      let frame = await this.#exchange(apiVersions, version, clientSoftware, wait)
      if (frame.length >= 6 && frame.readInt16BE(4) === errorCodes.UNSUPPORTED_VERSION) {
        version = 0
        frame = await this.#exchange(apiVersions, version, clientSoftware, wait)
      }
      const body = decodeResponse(apiVersions, version, new ByteReader(frame, 4))
      if (body.errorCode !== errorCodes.NONE) throw new BrokerError(body.errorCode, 'ApiVersions')
      this.#versions = new Map(
        body.apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, { min: minVersion, max: maxVersion }]),
      )
      return this
    } catch (error) {
      this.#end('the API versions could not be read')
      if (!(error instanceof BrokerError) || error.codeName !== 'ILLEGAL_SASL_STATE') throw error
      throw new AuthenticationError(`${formatAddress(this.address)} requires SASL. Set security.protocol and sasl.*`)
    }
  }

  #exchange<A extends Api>(
    api: A,
    version: number,
    value: RequestValue<A>,
    { timeoutMs, signal }: SendOptions,
  ): Promise<Buffer> {
    signal?.throwIfAborted()
    if (this.#closed !== null) throw this.#closed
    const correlationId = this.#correlationId
    this.#correlationId = (correlationId + 1) & 0x7fff_ffff
    const { clientId, clock, requestTimeoutMs } = this.#options
    const parts = encodeRequestFrame(api, { apiVersion: version, correlationId, clientId }, value)
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
    const deadline = clock.monotonic() + (timeoutMs ?? requestTimeoutMs)
    this.#pending.push({ what: `${api.name} v${version}`, correlationId, deadline, resolve, reject })
    this.#watchDeadline(deadline)
    this.#write(parts)
    if (signal === undefined) return promise
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    return promise.finally(() => signal.removeEventListener('abort', onAbort))
  }

  #write(parts: readonly Buffer[]): void {
    const socket = present(this.#socket, 'the socket of a connection')
    socket.cork()
    for (const part of parts) socket.write(part)
    socket.uncork()
  }

  #receive(cut: () => Buffer[]): void {
    try {
      for (const frame of cut()) this.#respond(frame)
    } catch (error) {
      this.#end(`its response cannot be decoded: ${errorMessage(error)}`, error)
    }
  }

  #respond(frame: Buffer): void {
    const pending = this.#pending.shift()
    const correlationId = frame.length >= 4 ? frame.readInt32BE(0) : -1
    if (pending === undefined || pending.correlationId !== correlationId) {
      const expected = pending === undefined ? 'but no response was expected' : `instead of ${pending.correlationId}`
      pending?.reject(new ConnectionError(`${formatAddress(this.address)} responded out of order`))
      this.#end(`it responded to request ${correlationId}, ${expected}`)
      return
    }
    pending.resolve(frame)
    if (this.#pending.length === 0) this.#stopWatching()
  }

  /** One timer per connection, for the earliest deadline. */
  #watchDeadline(deadline: number): void {
    if (this.#timer !== null && this.#timer.at <= deadline) return
    this.#timer?.cancel()
    const { clock } = this.#options
    const cancel = clock.after(Math.max(1, Math.ceil(deadline - clock.monotonic())), () => this.#checkDeadlines())
    this.#timer = { at: deadline, cancel }
  }

  #stopWatching(): void {
    this.#timer?.cancel()
    this.#timer = null
  }

  #checkDeadlines(): void {
    this.#timer = null
    const now = this.#options.clock.monotonic()
    const late = this.#pending.find((pending) => pending.deadline <= now)
    if (late !== undefined) {
      const error = new RequestTimeoutError(`${formatAddress(this.address)} did not respond to ${late.what} in time`)
      this.#end(error.message, error)
      return
    }
    const earliest = Math.min(...this.#pending.map((pending) => pending.deadline))
    if (Number.isFinite(earliest)) this.#watchDeadline(earliest)
  }

  /** Closes the connection before its SASL session expires. The connection that replaces it authenticates again (KIP-368). */
  #retireAfter(lifetimeMs: number): void {
    const ms = Math.max(lifetimeMs / 2, lifetimeMs - reauthenticateBeforeMs)
    this.#cancelLifetime = this.#options.clock.after(ms, () => this.#end('the SASL session ends'))
  }

  /** A listener with TLS or SASL closes the connection at the first request that it cannot decode or does not allow. */
  #closedByBroker(): string {
    const hint = !isProtected(this.#options.security) && !this.#hasResponded
    return `the broker closed the connection${hint ? ' (if it requires TLS or SASL, set security.protocol)' : ''}`
  }

  #end(reason: string, cause?: unknown): void {
    if (this.#closed !== null) return
    this.#closed = new ConnectionError(`connection to ${formatAddress(this.address)} ended: ${reason}`, cause)
    const error = cause instanceof RequestTimeoutError ? cause : this.#closed
    this.#stopWatching()
    this.#cancelLifetime()
    this.#socket?.destroy()
    const pending = this.#pending
    this.#pending = []
    for (const { reject } of pending) reject(error)
  }
}
