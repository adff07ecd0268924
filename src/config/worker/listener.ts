import { type ListenAddress, isLoopback } from '../../foundation/network/listen-address.ts'
import { ConfigError } from '../../api/errors.ts'

/** The one setting that lets the worker be reached from other machines without authentication. */
export const allowUnauthenticatedKey = 'listeners.allow.unauthenticated'

/** The file of the token that requests to the REST API carry. */
export const restTokenKey = 'rest.token.file'

/** The file of the password that clients of the embedded log show. */
export const brokerTokenKey = 'embedded.broker.token.file'

/** The names under which the REST API may be called, besides addresses and names without dots. */
export const hostsKey = 'listeners.hosts'

/**
 * Reads a REST listener such as `http://127.0.0.1:8083`, `http://:8083` or `http://[::1]:8083`.
 * @throws ConfigError when it is no listener or asks for TLS
 */
export function parseListener(text: string): ListenAddress {
  const match = /^(.*):\/\/\[?([0-9a-zA-Z\-%._:]*?)\]?:(\d+)$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw new ConfigError(`Listener "${text}" is not of the form http://host:port. Correct "listeners".`)
  }
  if (match[1]?.toLowerCase() !== 'http') {
    throw new ConfigError(
      `Listener "${text}": only http is served. Use http on 127.0.0.1 and put a proxy that speaks TLS in front of it.`,
    )
  }
  return { host: match[2] ?? '', port }
}

/** Reads `host:port`. @throws ConfigError naming the key */
export function parseHostAndPort(text: string, key: string): ListenAddress {
  const match = /^(?:PLAINTEXT:\/\/)?(?:\[([0-9a-fA-F:.%]+)\]|([^:[\]\s/]*)):(\d+)$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw new ConfigError(`Invalid value ${text} for configuration ${key}: Must be host:port, such as 127.0.0.1:9092`)
  }
  return { host: match[1] ?? match[2] ?? '', port }
}

/** A listener, and what protects it. */
export interface GuardedListener {
  readonly address: ListenAddress
  /** The setting that names it. */
  readonly key: string
  /** The setting of its token's file. */
  readonly tokenKey: string
  /** Whether clients have to show a token. */
  readonly hasToken: boolean
}

/** @throws ConfigError when other machines can reach it without a token and nobody said that they may */
export function checkReachable({ address, key, tokenKey, hasToken }: GuardedListener, allowed: boolean): void {
  if (allowed || hasToken || isLoopback(address.host)) return
  throw new ConfigError(
    `"${key}" listens on ${placeOf(address)}, without authentication: whoever reaches it can run connectors and read their data. ` +
      `Listen on 127.0.0.1, name the file of a token with ${tokenKey}, or allow it with the line ${allowUnauthenticatedKey}=true`,
    { code: 'LISTENER_UNAUTHENTICATED' },
  )
}

/** What an operator should know of a listener that others reach with a token: the token crosses the network as it is. */
export function clearTextWarnings({ address, key, hasToken }: GuardedListener): readonly string[] {
  if (!hasToken || isLoopback(address.host)) return []
  return [
    `"${key}" listens on ${placeOf(address)}, without TLS: whoever can listen to that network reads the token and the data. Put a proxy that speaks TLS in front of it`,
  ]
}

function placeOf({ host, port }: ListenAddress): string {
  return `${host === '' ? 'all addresses' : host}, port ${port}`
}
