import { errorMessage } from '../../foundation/error-message.ts'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { BrokerAddress } from './bootstrap-servers.ts'
import { AuthenticationError, ConnectionError } from '../errors.ts'
import { formatAddress } from './bootstrap-servers.ts'
import type { Security } from './security.ts'

/*
 * Every internal symbol of kafkajs that is used, and nothing else imports it. kafkajs 2.2.4 opens TLS connections and speaks
 * SASL; once the broker has accepted the client, the socket is taken from it and carries our own requests. It is loaded when
 * the first protected connection is made: it costs a thread about 10 MB and 30 ms.
 */

/** What kafkajs logs through. */
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

/** `kafkajs/src/network/connectionPool`: connection 0 carries everything but Fetch. */
export interface KafkajsConnectionPool {
  readonly pool: readonly KafkajsConnection[]
  destroy(): Promise<void>
}

/** `kafkajs/src/broker`: `connect` dials connection 0, asks for the API versions and authenticates. */
export interface KafkajsBroker {
  connect(): Promise<void>
}

/** The modules of kafkajs that are used. */
export interface KafkajsModules {
  readonly Broker: new (options: { connectionPool: KafkajsConnectionPool; logger: KafkajsLogger }) => KafkajsBroker
  readonly ConnectionPool: new (options: Record<string, unknown>) => KafkajsConnectionPool
  readonly socketFactory: () => unknown
}

/** Codes of Node for a certificate that does not hold; others tell of a network that may be better later. */
const certificateRefused = /^(?:CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_(?:GET|VERIFY)|ERR_TLS_CERT)/
const trustAdvice = 'name its authority in ssl.truststore.location (PEM), or mend its host names.'

let modules: KafkajsModules | null = null

/** Loads them on the first call. */
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

// Its messages repeat what our errors say; they may also hold bytes of the wire.
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
  /** Milliseconds after which the broker wants to see the credentials again; null: never. */
  readonly sessionLifetimeMs: number | null
}

/**
 * Dials a broker with TLS, SASL or both.
 * @throws AuthenticationError when the broker refuses the client, ConnectionError when it cannot be reached.
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
  // Its queue looks for throttled requests every millisecond, with a timer whose negative time Node warns about.
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
    return new AuthenticationError(`${where} refused the credentials: ${message}`, { cause: error })
  return new ConnectionError(`cannot connect to ${where}: ${message}`, error)
}
