import { type ListenAddress, isLoopback } from '../../foundation/network/listen-address.ts'
import { ConfigError } from '../../api/errors.ts'

/** The setting that allows access from other machines without authentication. */
export const allowUnauthenticatedKey = 'listeners.allow.unauthenticated'

/** The setting of the listeners that serve only `/admin`. */
export const adminListenersKey = 'admin.listeners'

/** The setting of the file with the token for the REST API. */
export const restTokenKey = 'rest.token.file'

/** The setting of the file with the password of the embedded broker. */
export const brokerTokenKey = 'embedded.broker.token.file'

/** The setting of the host names of the REST API, in addition to addresses and names without dots. */
export const hostsKey = 'listeners.hosts'

/**
 * Parses a REST listener such as `http://127.0.0.1:8083`, `http://:8083` or `http://[::1]:8083`.
 * @throws ConfigError if it is malformed or requires TLS
 */
export function parseListener(text: string, key: string): ListenAddress {
  const match = /^(.*):\/\/\[?([0-9a-zA-Z\-%._:]*?)\]?:(\d+)$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw new ConfigError(`Listener "${text}" is not of the form http://host:port. Correct "${key}".`)
  }
  if (match[1]?.toLowerCase() !== 'http') {
    throw new ConfigError(
      `Listener "${text}": only http is supported. Use http on 127.0.0.1 and put a TLS proxy in front of it.`,
    )
  }
  return { host: match[2] ?? '', port }
}

/** Parses `host:port`. @throws ConfigError naming the key */
export function parseHostAndPort(text: string, key: string): ListenAddress {
  const match = /^(?:PLAINTEXT:\/\/)?(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]\s/]*)):(\d+)$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw new ConfigError(`Invalid value ${text} for configuration ${key}: Must be host:port, such as 127.0.0.1:9092`)
  }
  return { host: match[1] ?? match[2] ?? '', port }
}

/** A listener and its protection. */
export interface GuardedListener {
  readonly address: ListenAddress
  /** The setting of the listener. */
  readonly key: string
  /** The setting of the file with its token. */
  readonly tokenKey: string
  /** Whether clients need a token. */
  readonly hasToken: boolean
}

/** @throws ConfigError if other machines can reach the listener without a token and that is not allowed explicitly */
export function checkReachable({ address, key, tokenKey, hasToken }: GuardedListener, allowed: boolean): void {
  if (allowed || hasToken || isLoopback(address.host)) return
  throw new ConfigError(
    `"${key}" listens on ${placeOf(address)}, without authentication: any client that can reach it can run connectors and read their data. ` +
      `Listen on 127.0.0.1, set ${tokenKey} to the file of a token, or allow it with the line ${allowUnauthenticatedKey}=true`,
    { code: 'LISTENER_UNAUTHENTICATED' },
  )
}

/** Returns a warning for a listener that sends its token over the network in clear text. */
export function clearTextWarnings({ address, key, hasToken }: GuardedListener): readonly string[] {
  if (!hasToken || isLoopback(address.host)) return []
  return [
    `"${key}" listens on ${placeOf(address)}, without TLS: anyone who can read the traffic of that network obtains the credentials and the data. Put a TLS proxy in front of it`,
  ]
}

function placeOf({ host, port }: ListenAddress): string {
  return `${host === '' ? 'all addresses' : host}, port ${port}`
}
