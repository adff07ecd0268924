import { errorMessage } from '../../foundation/error-message.ts'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { BrokerAddress } from './bootstrap-servers.ts'
import { AuthenticationError, ConnectionError } from '../errors.ts'
import { formatAddress } from './bootstrap-servers.ts'
import type { Security } from './security.ts'

/*
 * All internal symbols of kafkajs that are used; no other module imports it. kafkajs 2.2.4 opens TLS connections and
 * authenticates with SASL. After that, the socket is detached from it and used for our own requests. It is loaded with the
 * first protected connection, because it costs a thread about 10 MB and 30 ms.
 */

/** The logger of kafkajs. */
export interface KafkajsLogger {
  namespace(): KafkajsLogger
  info(message: string): void
  warn(message: string): void
  error(message: string): void
  debug(message: string): void
}

/** `kafkajs/src/network/connection`. */
export interface KafkajsConnection {
  socket: Socket
  readonly requestQueue: { destroy(): void; scheduleCheckPendingRequests(): void }
  readonly sessionLifetime: { toString(): string }
  isConnected(): boolean
}

/** `kafkajs/src/network/connectionPool`: connection 0 is for all requests except Fetch. */
export interface KafkajsConnectionPool {
  readonly pool: readonly KafkajsConnection[]
  destroy(): Promise<void>
}

/** `kafkajs/src/broker`: `connect` opens connection 0, requests the API versions and authenticates. */
export interface KafkajsBroker {
  connect(): Promise<void>
}

/** The modules of kafkajs that are used. */
export interface KafkajsModules {
  readonly Broker: new (options: { connectionPool: KafkajsConnectionPool; logger: KafkajsLogger }) => KafkajsBroker
  readonly ConnectionPool: new (options: Record<string, unknown>) => KafkajsConnectionPool
  readonly socketFactory: () => unknown
}

/** Node's error codes for an invalid certificate, which are not retriable; others are network errors. */
const certificateRefused = /^(?:CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(?:GET|VERIFY)|ERR_TLS_CERT)/
const trustAdvice = 'set ssl.truststore.location (PEM) to its authority, or fix its host names.'

let modules: KafkajsModules | null = null

/** Loads the modules on the first call. */
export function loadKafkajs(): KafkajsModules {
  if (modules === null) {
    const require = createRequire(import.meta.url)
    modules = {
      Broker: require('kafkajs/src/broker') as KafkajsModules['Broker'],
      ConnectionPool: require('kafkajs/src/network/connectionPool') as KafkajsModules['ConnectionPool'],
      socketFactory: require('kafkajs/src/network/socketFactory') as KafkajsModules['socketFactory'],
    }
  }
  return modules
}

// Its messages repeat our errors, and may contain bytes of requests (I8).
const silentLogger: KafkajsLogger = {
  namespace: () => silentLogger,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  debug: () => undefined,
}

/** An authenticated socket without listeners. */
export interface SecureSocket {
  readonly socket: Socket
  /** Milliseconds after which the broker requires reauthentication; null is never. */
  readonly sessionLifetimeMs: number | null
}

/**
 * Connects to a broker with TLS, SASL or both.
 * @throws AuthenticationError if the broker rejects the client, ConnectionError if it cannot be reached.
 */
export async function openSecureSocket(
  address: BrokerAddress,
  security: Security,
  options: { readonly clientId: string; readonly timeoutMs: number },
): Promise<SecureSocket> {
  const { Broker, ConnectionPool, socketFactory } = loadKafkajs()
  const pool = new ConnectionPool({
    host: address.host,
    port: address.port,
    ssl: tlsOf(security),
    sasl: saslOf(security),
    clientId: options.clientId,
    socketFactory: socketFactory(),
    connectionTimeout: options.timeoutMs,
    requestTimeout: options.timeoutMs,
    enforceRequestTimeout: true,
    logger: silentLogger,
  })
  // Its queue checks for throttled requests every millisecond, with a negative delay that Node warns about.
  for (const { requestQueue } of pool.pool) requestQueue.scheduleCheckPendingRequests = () => undefined
  try {
    await new Broker({ connectionPool: pool, logger: silentLogger }).connect()
  } catch (error) {
    await pool.destroy()
    throw asClientError(error, address)
  }
  const [connection] = pool.pool
  if (connection === undefined || !connection.isConnected())
    throw new ConnectionError(`${formatAddress(address)} closed the connection after the client had authenticated`)
  return { socket: release(connection), sessionLifetimeMs: Number(connection.sessionLifetime.toString()) || null }
}

function release(connection: KafkajsConnection): Socket {
  const { socket } = connection
  connection.requestQueue.destroy()
  for (const event of ['data', 'end', 'error', 'timeout']) socket.removeAllListeners(event)
  return socket
}

function tlsOf(security: Security): Record<string, unknown> | null {
  if (security.tls === null) return null
  const { verifyHost, ...certificates } = security.tls
  return verifyHost === false ? { ...certificates, checkServerIdentity: () => undefined } : { ...certificates }
}

function saslOf(security: Security): Record<string, unknown> | null {
  const { sasl } = security
  if (sasl === null) return null
  if (sasl.mechanism !== 'OAUTHBEARER') {
    return { mechanism: sasl.mechanism.toLowerCase(), username: sasl.username, password: sasl.password }
  }
  return { mechanism: 'oauthbearer', oauthBearerProvider: async () => ({ value: await sasl.token() }) }
}

function asClientError(error: unknown, address: BrokerAddress): Error {
  const message = errorMessage(error)
  const name = error instanceof Error ? error.name : ''
  const type = (error as { readonly type?: unknown } | null)?.type
  const where = formatAddress(address)
  const code = String((error as { readonly code?: unknown } | null)?.code ?? '')
  if (certificateRefused.test(code))
    return new AuthenticationError(`the certificate of ${where} is not trusted (${code}): ${trustAdvice}`, {
      cause: error,
    })
  if (name === 'KafkaJSSASLAuthenticationError' || type === 'SASL_AUTHENTICATION_FAILED')
    return new AuthenticationError(`${where} rejected the credentials: ${message}`, { cause: error })
  return new ConnectionError(`cannot connect to ${where}: ${message}`, error)
}
