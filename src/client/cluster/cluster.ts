import type { Backoff } from '../../foundation/async/backoff.ts'
import { backoffMs } from '../../foundation/async/backoff.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { errorCodes } from '../../protocol/error-codes.ts'
import { findCoordinator } from '../../protocol/messages/find-coordinator.ts'
import { metadata } from '../../protocol/messages/metadata.ts'
import type { Api, RequestValue, ResponseOf } from '../../protocol/schema.ts'
import { zeroUuid } from '../../protocol/schema.ts'
import {
  formatAddress,
  isSocketPath,
  parseBootstrapServers,
  type BrokerAddress,
} from '../connection/bootstrap-servers.ts'
import { BrokerConnection, type SendOptions } from '../connection/broker-connection.ts'
import { BrokerError, ClientClosedError, ConnectionError } from '../errors.ts'
import { MetadataCache } from './metadata-cache.ts'
import { retrying } from '../retry.ts'
import type { Security } from '../connection/security.ts'

/** How a client reaches its cluster. */
export interface ClusterOptions {
  readonly bootstrapServers: string
  readonly clientId: string
  readonly clock: Clock
  readonly logger: Logger
  readonly security?: Security | null
  /** Milliseconds for one answer (`request.timeout.ms`). */
  readonly requestTimeoutMs?: number
  /** Milliseconds for dialling and authenticating. */
  readonly connectTimeoutMs?: number
  /** Wait after failures (`retry.backoff.ms`, `reconnect.backoff.ms`). */
  readonly backoff?: Backoff
}

const defaultBackoff: Backoff = { initialMs: 50, maxMs: 1_000 }
/** The lane of short requests, which wait for nothing. */
const controlLane = 'control'

interface Lane {
  readonly address: BrokerAddress
  opening: Promise<BrokerConnection> | null
  open: BrokerConnection | null
  failures: number
  /** Monotonic time before which no attempt is made. */
  retryAt: number
}

/**
 * The brokers, their topics, and the connections to them. A connection is known by node and lane: requests of one lane answer
 * in order, so whoever parks requests (fetches, joins) or sends large ones has a lane of their own.
 */
export class Cluster {
  readonly clock: Clock
  readonly logger: Logger
  readonly backoff: Backoff
  readonly metadata: MetadataCache
  readonly #options: ClusterOptions
  readonly #bootstrap: readonly BrokerAddress[]
  readonly #lanes = new Map<string, Lane>()
  readonly #coordinators = new Map<string, number>()
  readonly #closing = new AbortController()
  #nextBootstrap = 0
  #nextLane = 0

  /** @throws KafkaError when `bootstrapServers` is malformed. */
  constructor(options: ClusterOptions) {
    this.#options = options
    this.clock = options.clock
    this.logger = options.logger
    this.backoff = options.backoff ?? defaultBackoff
    this.#bootstrap = parseBootstrapServers(options.bootstrapServers)
    this.metadata = new MetadataCache(this.#bootstrap.find(isSocketPath) ?? null)
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  /** A name for a lane that nobody else uses. */
  newLane(purpose: string): string {
    this.#nextLane += 1
    return `${purpose}-${this.#nextLane}`
  }

  /**
   * The connection of a lane to a node, dialled when there is none. After failures the next attempt waits, with back-off.
   * @throws ConnectionError, AuthenticationError, ClientClosedError, or the signal's reason.
   */
  async connection(nodeId: number, lane: string, signal?: AbortSignal): Promise<BrokerConnection> {
    const address = this.metadata.brokers.get(nodeId)
    if (address === undefined) throw new ConnectionError(`broker ${nodeId} is not in the cluster's metadata`)
    return this.#connect(`${nodeId}/${lane}`, address, signal)
  }

  /** Closes a lane's connections to all nodes. Requests that wait in it fail. */
  closeLane(lane: string): void {
    for (const [key, entry] of this.#lanes) {
      if (!key.endsWith(`/${lane}`)) continue
      entry.open?.close()
      void entry.opening?.then((connection) => connection.close()).catch(() => undefined)
      this.#lanes.delete(key)
    }
  }

  /** Sends a short request to any broker. @throws as the connection does. */
  async sendToAny<A extends Api>(api: A, value: RequestValue<A>, options: SendOptions = {}): Promise<ResponseOf<A>> {
    const connection = await this.#any(options.signal)
    return connection.send(api, value, this.#bounded(options))
  }

  /** Sends a short request to a node. @throws as the connection does. */
  async sendTo<A extends Api>(
    nodeId: number,
    api: A,
    value: RequestValue<A>,
    options: SendOptions = {},
  ): Promise<ResponseOf<A>> {
    const connection = await this.connection(nodeId, controlLane, options.signal)
    return connection.send(api, value, this.#bounded(options))
  }

  /**
   * Asks for topics, or for all of them (null), and remembers the answer. One attempt.
   * @throws ConnectionError and its like; errors of single topics are in the cache.
   */
  async refreshMetadata(
    topics: readonly string[] | null,
    options: { readonly allowAutoTopicCreation?: boolean; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const request = {
      topics: topics === null ? null : topics.map((name) => ({ topicId: zeroUuid, name })),
      allowAutoTopicCreation: options.allowAutoTopicCreation ?? false,
      includeClusterAuthorizedOperations: false,
      includeTopicAuthorizedOperations: false,
    }
    const answer = await this.sendToAny(metadata, request, { signal: options.signal })
    this.metadata.update(answer, topics === null)
    this.#adoptBootstrapLanes()
  }

  /** Waits until some broker answers. @throws the error that is not worth another try, or the signal's reason. */
  async reach(signal?: AbortSignal, withinMs?: number): Promise<void> {
    await this.retrying('reach the brokers', { signal, withinMs }, () => this.refreshMetadata([], { signal }))
  }

  /** The node that coordinates a group, looked up once. One attempt. @throws BrokerError, ConnectionError. */
  async coordinatorOf(groupId: string, signal?: AbortSignal): Promise<number> {
    const known = this.#coordinators.get(groupId)
    if (known !== undefined) return known
    const request = { key: groupId, keyType: 0, coordinatorKeys: [groupId] }
    const answer = await this.sendToAny(findCoordinator, request, { signal })
    const found = answer.coordinators[0] ?? answer
    if (found.errorCode !== errorCodes.NONE)
      throw new BrokerError(found.errorCode, `finding the coordinator of group ${groupId}`, found.errorMessage)
    if (!this.metadata.brokers.has(found.nodeId)) await this.refreshMetadata([], { signal })
    this.#coordinators.set(groupId, found.nodeId)
    return found.nodeId
  }

  /** Forgets who coordinates a group: it has moved, or cannot be reached. */
  forgetCoordinator(groupId: string): void {
    this.#coordinators.delete(groupId)
  }

  /** Tries with the cluster's clock, log and back-off; also ends when the client closes. */
  async retrying<T>(
    what: string,
    options: { readonly signal?: AbortSignal | undefined; readonly withinMs?: number | undefined },
    action: () => Promise<T>,
  ): Promise<T> {
    const { clock, logger, backoff } = this
    const signal = this.#bounded(options).signal
    return retrying({ clock, logger, backoff, what, signal, withinMs: options.withinMs }, action)
  }

  /** Ends every connection; what waits fails with a ClientClosedError. */
  close(): void {
    if (this.isClosed) return
    this.#closing.abort(new ClientClosedError('the client was closed'))
    for (const lane of this.#lanes.values()) lane.open?.close()
    this.#lanes.clear()
  }

  #bounded(options: SendOptions): SendOptions {
    const closing = this.#closing.signal
    return { ...options, signal: options.signal === undefined ? closing : AbortSignal.any([options.signal, closing]) }
  }

  /** A control connection: one that is open, else to any node, else to the next bootstrap server. */
  async #any(signal: AbortSignal | undefined): Promise<BrokerConnection> {
    for (const [key, lane] of this.#lanes) {
      if (lane.open?.isOpen === true && key.endsWith(`/${controlLane}`)) return lane.open
    }
    const now = this.clock.monotonic()
    for (const nodeId of this.metadata.brokers.keys()) {
      const lane = this.#lanes.get(`${nodeId}/${controlLane}`)
      if (lane === undefined || lane.retryAt <= now) {
        try {
          return await this.connection(nodeId, controlLane, signal)
        } catch (error) {
          if (!(error instanceof ConnectionError)) throw error
          this.logger.debug(error.message)
        }
      }
    }
    const address = this.#bootstrap[this.#nextBootstrap % this.#bootstrap.length]
    this.#nextBootstrap += 1
    if (address === undefined) throw new ConnectionError('there is no bootstrap server')
    return this.#connect(`${formatAddress(address)}/${controlLane}`, address, signal)
  }

  /** A connection that was made to a bootstrap address goes on as the control connection of the node that listens there. */
  #adoptBootstrapLanes(): void {
    for (const [nodeId, address] of this.metadata.brokers) {
      const from = `${formatAddress(address)}/${controlLane}`
      const to = `${nodeId}/${controlLane}`
      const lane = this.#lanes.get(from)
      if (lane?.open?.isOpen !== true || this.#lanes.has(to)) continue
      this.#lanes.delete(from)
      this.#lanes.set(to, lane)
    }
  }

  async #connect(key: string, address: BrokerAddress, signal?: AbortSignal): Promise<BrokerConnection> {
    this.#closing.signal.throwIfAborted()
    const lane = this.#laneAt(key, address)
    if (lane.open?.isOpen === true) return lane.open
    const waitMs = lane.retryAt - this.clock.monotonic()
    if (waitMs > 0) await this.clock.sleep(waitMs, this.#bounded({ signal }).signal)
    lane.opening ??= this.#open(key, lane).finally(() => {
      lane.opening = null
    })
    return lane.opening
  }

  #laneAt(key: string, address: BrokerAddress): Lane {
    const known = this.#lanes.get(key)
    if (known !== undefined && known.address.host === address.host && known.address.port === address.port) return known
    known?.open?.close('the broker has moved')
    const lane: Lane = { address, opening: null, open: null, failures: 0, retryAt: 0 }
    this.#lanes.set(key, lane)
    return lane
  }

  async #open(key: string, lane: Lane): Promise<BrokerConnection> {
    if (lane.open?.isOpen === true) return lane.open
    const { clientId, security = null, clock, connectTimeoutMs = 10_000, requestTimeoutMs = 30_000 } = this.#options
    const options = { address: lane.address, clientId, security, clock, connectTimeoutMs, requestTimeoutMs }
    try {
      const connection = await BrokerConnection.open(options, this.#closing.signal)
      if (this.#lanes.get(key) !== lane) {
        connection.close()
        throw new ConnectionError('the connection is not needed any more')
      }
      lane.failures = 0
      lane.open = connection
      return connection
    } catch (error) {
      lane.failures += 1
      lane.retryAt = clock.monotonic() + backoffMs(this.backoff, lane.failures)
      throw error
    }
  }
}
