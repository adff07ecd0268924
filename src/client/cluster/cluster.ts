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
import type { Dial } from '../connection/plain-socket.ts'
import { BrokerError, ClientClosedError, ConnectionError } from '../errors.ts'
import { MetadataCache } from './metadata-cache.ts'
import { retrying } from '../retry.ts'
import type { Security } from '../connection/security.ts'

/** How to connect to a cluster. */
export interface ClusterOptions {
  readonly bootstrapServers: string
  readonly clientId: string
  /** Whether producers may write now; they retry until they may. */
  readonly mayWrite?: () => boolean
  readonly clock: Clock
  readonly logger: Logger
  readonly security?: Security | null
  /** Milliseconds for one response (`request.timeout.ms`). */
  readonly requestTimeoutMs?: number
  /** Milliseconds for connecting and authenticating. */
  readonly connectTimeoutMs?: number
  /** The network of connections without TLS and SASL; that of the machine by default. */
  readonly dial?: Dial
  /** Back-off after failures (`retry.backoff.ms`, `reconnect.backoff.ms`). */
  readonly backoff?: Backoff
}

const defaultBackoff: Backoff = { initialMs: 50, maxMs: 1_000 }
/** What FindCoordinator looks for. */
const coordinatorKeys = { group: 0, transaction: 1 } as const
/** The purpose of the connections for short requests, to which brokers respond immediately. */
const controlPurpose = 'control'

interface ConnectionSlot {
  readonly address: BrokerAddress
  opening: Promise<BrokerConnection> | null
  open: BrokerConnection | null
  failures: number
  /** Monotonic milliseconds before which no attempt to connect is made. */
  retryAt: number
}

/**
 * The brokers, their topics, and the connections to them. Connections are shared by node and purpose. A broker responds to the
 * requests of a connection in order, so callers with requests that wait (fetches, joins) or are large have their own purpose.
 */
export class Cluster {
  readonly clock: Clock
  readonly logger: Logger
  readonly backoff: Backoff
  readonly metadata: MetadataCache
  readonly #options: ClusterOptions
  readonly #bootstrap: readonly BrokerAddress[]
  readonly #slots = new Map<string, ConnectionSlot>()
  readonly #coordinators = new Map<string, number>()
  readonly #closing = new AbortController()
  #nextBootstrap = 0
  #nextPurpose = 0

  /** @throws KafkaError if `bootstrapServers` is malformed. */
  constructor(options: ClusterOptions) {
    this.#options = options
    this.clock = options.clock
    this.logger = options.logger
    this.backoff = options.backoff ?? defaultBackoff
    this.#bootstrap = parseBootstrapServers(options.bootstrapServers)
    this.metadata = new MetadataCache(this.#bootstrap.find(isSocketPath) ?? null)
  }

  get mayWrite(): boolean {
    return this.#options.mayWrite?.() ?? true
  }

  get isClosed(): boolean {
    return this.#closing.signal.aborted
  }

  /** Returns a purpose that no other caller has. */
  newPurpose(purpose: string): string {
    this.#nextPurpose += 1
    return `${purpose}-${this.#nextPurpose}`
  }

  /**
   * Returns the connection to a node for a purpose, and connects if there is none. Attempts after a failure wait, with back-off.
   * @throws ConnectionError, AuthenticationError, ClientClosedError, or the signal's reason.
   */
  async connection(nodeId: number, purpose: string, signal?: AbortSignal): Promise<BrokerConnection> {
    const address = this.metadata.brokers.get(nodeId)
    if (address === undefined) throw new ConnectionError(`broker ${nodeId} is not in the cluster's metadata`)
    return this.#connect(`${nodeId}/${purpose}`, address, signal)
  }

  /** Closes the connections of a purpose to all nodes. Their requests in flight fail. */
  closePurpose(purpose: string): void {
    for (const [key, entry] of this.#slots) {
      if (!key.endsWith(`/${purpose}`)) continue
      entry.open?.close()
      void entry.opening?.then((connection) => connection.close()).catch(() => undefined)
      this.#slots.delete(key)
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
    const connection = await this.connection(nodeId, controlPurpose, options.signal)
    return connection.send(api, value, this.#bounded(options))
  }

  /**
   * Requests the metadata of topics, or of all topics (null), and caches it. One attempt.
   * @throws ConnectionError and other errors of the connection. Errors of single topics are in the cache.
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
    const response = await this.sendToAny(metadata, request, { signal: options.signal })
    this.metadata.update(response, topics === null)
    this.#adoptBootstrapConnections()
  }

  /** Waits until a broker responds. @throws an error that is not retriable, or the signal's reason. */
  async reach(signal?: AbortSignal, withinMs?: number): Promise<void> {
    await this.retrying('reach the brokers', { signal, withinMs }, () => this.refreshMetadata([], { signal }))
  }

  /** Returns the node that coordinates a group, and caches it. One attempt. @throws BrokerError, ConnectionError. */
  async coordinatorOf(groupId: string, signal?: AbortSignal): Promise<number> {
    const known = this.#coordinators.get(groupId)
    if (known !== undefined) return known
    const nodeId = await this.#findCoordinator(coordinatorKeys.group, groupId, `group ${groupId}`, signal)
    this.#coordinators.set(groupId, nodeId)
    return nodeId
  }

  /** Returns the node that coordinates the transactions of an id. One attempt. @throws BrokerError, ConnectionError. */
  async transactionCoordinatorOf(transactionalId: string, signal?: AbortSignal): Promise<number> {
    return await this.#findCoordinator(coordinatorKeys.transaction, transactionalId, transactionalId, signal)
  }

  async #findCoordinator(keyType: number, key: string, what: string, signal: AbortSignal | undefined): Promise<number> {
    const response = await this.sendToAny(findCoordinator, { key, keyType, coordinatorKeys: [key] }, { signal })
    const found = response.coordinators[0] ?? response
    if (found.errorCode !== errorCodes.NONE)
      throw new BrokerError(found.errorCode, `finding the coordinator of ${what}`, found.errorMessage)
    if (!this.metadata.brokers.has(found.nodeId)) await this.refreshMetadata([], { signal })
    return found.nodeId
  }

  /** Removes the coordinator of a group from the cache, because it has moved or cannot be reached. */
  forgetCoordinator(groupId: string): void {
    this.#coordinators.delete(groupId)
  }

  /** Retries with the cluster's clock, logger and back-off. Ends when the client is closed. */
  async retrying<T>(
    what: string,
    options: { readonly signal?: AbortSignal | undefined; readonly withinMs?: number | undefined },
    action: () => Promise<T>,
  ): Promise<T> {
    const { clock, logger, backoff } = this
    const signal = this.#bounded(options).signal
    return retrying({ clock, logger, backoff, what, signal, withinMs: options.withinMs }, action)
  }

  /** Closes all connections. Calls in progress fail with a ClientClosedError. */
  close(): void {
    if (this.isClosed) return
    this.#closing.abort(new ClientClosedError('the client was closed'))
    for (const slot of this.#slots.values()) slot.open?.close()
    this.#slots.clear()
  }

  #bounded(options: SendOptions): SendOptions {
    const closing = this.#closing.signal
    return { ...options, signal: options.signal === undefined ? closing : AbortSignal.any([options.signal, closing]) }
  }

  /** Returns a control connection: an open one, or one to any node, or one to the next bootstrap server. */
  async #any(signal: AbortSignal | undefined): Promise<BrokerConnection> {
    for (const [key, slot] of this.#slots) {
      if (slot.open?.isOpen === true && key.endsWith(`/${controlPurpose}`)) return slot.open
    }
    const now = this.clock.monotonic()
    for (const nodeId of this.metadata.brokers.keys()) {
      const slot = this.#slots.get(`${nodeId}/${controlPurpose}`)
      if (slot === undefined || slot.retryAt <= now) {
        try {
          return await this.connection(nodeId, controlPurpose, signal)
        } catch (error) {
          if (!(error instanceof ConnectionError)) throw error
          this.logger.debug(error.message)
        }
      }
    }
    const address = this.#bootstrap[this.#nextBootstrap % this.#bootstrap.length]
    this.#nextBootstrap += 1
    if (address === undefined) throw new ConnectionError('there is no bootstrap server')
    return this.#connect(`${formatAddress(address)}/${controlPurpose}`, address, signal)
  }

  /** Turns a connection to a bootstrap address into the control connection of the node at that address. */
  #adoptBootstrapConnections(): void {
    for (const [nodeId, address] of this.metadata.brokers) {
      const from = `${formatAddress(address)}/${controlPurpose}`
      const to = `${nodeId}/${controlPurpose}`
      const slot = this.#slots.get(from)
      if (slot?.open?.isOpen !== true || this.#slots.has(to)) continue
      this.#slots.delete(from)
      this.#slots.set(to, slot)
    }
  }

  async #connect(key: string, address: BrokerAddress, signal?: AbortSignal): Promise<BrokerConnection> {
    this.#closing.signal.throwIfAborted()
    const slot = this.#slotAt(key, address)
    if (slot.open?.isOpen === true) return slot.open
    const waitMs = slot.retryAt - this.clock.monotonic()
    if (waitMs > 0) await this.clock.sleep(waitMs, this.#bounded({ signal }).signal)
    slot.opening ??= this.#open(key, slot).finally(() => {
      slot.opening = null
    })
    return slot.opening
  }

  #slotAt(key: string, address: BrokerAddress): ConnectionSlot {
    const known = this.#slots.get(key)
    if (known !== undefined && known.address.host === address.host && known.address.port === address.port) return known
    known?.open?.close('the broker has moved')
    const slot: ConnectionSlot = { address, opening: null, open: null, failures: 0, retryAt: 0 }
    this.#slots.set(key, slot)
    return slot
  }

  async #open(key: string, slot: ConnectionSlot): Promise<BrokerConnection> {
    if (slot.open?.isOpen === true) return slot.open
    const {
      clientId,
      security = null,
      clock,
      connectTimeoutMs = 10_000,
      requestTimeoutMs = 30_000,
      dial,
    } = this.#options
    const options = { address: slot.address, clientId, security, clock, connectTimeoutMs, requestTimeoutMs, dial }
    try {
      const connection = await BrokerConnection.open(options, this.#closing.signal)
      if (this.#slots.get(key) !== slot) {
        connection.close()
        throw new ConnectionError('the connection is no longer needed')
      }
      slot.failures = 0
      slot.open = connection
      return connection
    } catch (error) {
      slot.failures += 1
      slot.retryAt = clock.monotonic() + backoffMs(this.backoff, slot.failures)
      throw error
    }
  }
}
