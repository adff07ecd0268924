import { type ListenAddress, isLoopback } from '../../../foundation/network/listen-address.ts'
import { ConfigError } from '../../../api/errors.ts'
import type { ListenerTls } from './listener-tls.ts'

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

/** An address on which the REST API listens. */
export interface RestListener extends ListenAddress {
  /** Absent: it serves http. */
  readonly tls?: ListenerTls
}

export type RestProtocol = 'http' | 'https'

export function protocolOf({ tls }: RestListener): RestProtocol {
  return tls === undefined ? 'http' : 'https'
}

/**
 * Parses REST listeners such as `http://127.0.0.1:8083`, `https://:8443` or `http://[::1]:8083`.
 * @param key the setting that lists them
 * @param tls the TLS of those with https
 * @throws ConfigError if one is malformed, or the settings of its TLS are
 */
export function parseListeners(
  listeners: readonly string[],
  key: string,
  tls: () => ListenerTls,
): readonly RestListener[] {
  return listeners.map((text) => {
    const match = /^(https?):\/\/\[?([0-9a-zA-Z\-%._:]*?)\]?:(\d+)$/i.exec(text)
    const port = Number(match?.[3])
    if (match === null || port > 65_535)
      throw new ConfigError(
        `Listener "${text}" is not of the form http://host:port or https://host:port. Correct "${key}".`,
      )
    const address = { host: match[2] ?? '', port }
    return match[1]?.toLowerCase() === 'https' ? { ...address, tls: tls() } : address
  })
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
  /** The settings that would guard it: each names a file with credentials. */
  readonly guardKeys: readonly string[]
  /** Whether clients need a token, or a certificate. */
  readonly isGuarded: boolean
  readonly isEncrypted: boolean
}

/** @throws ConfigError if other machines can reach the listener without authentication and that is not allowed explicitly */
export function checkReachable({ address, key, guardKeys, isGuarded }: GuardedListener, allowed: boolean): void {
  if (allowed || isGuarded || isLoopback(address.host)) return
  throw new ConfigError(
    `"${key}" listens on ${placeOf(address)}, without authentication: any client that can reach it can run connectors and read their data. ` +
      `Listen on 127.0.0.1, set ${guardKeys.join(' or ')}, or allow it with the line ${allowUnauthenticatedKey}=true`,
    { code: 'LISTENER_UNAUTHENTICATED' },
  )
}

/** Returns a warning for a listener that sends its token over the network in clear text. */
export function clearTextWarnings({ address, key, isGuarded, isEncrypted }: GuardedListener): readonly string[] {
  if (!isGuarded || isEncrypted || isLoopback(address.host)) return []
  return [
    `"${key}" listens on ${placeOf(address)}, without TLS: anyone who can read the traffic of that network obtains the credentials and the data. ${remedyOf(key)}`,
  ]
}

function remedyOf(key: string): string {
  return key === 'embedded.broker.listener' ? 'Put a TLS proxy in front of it' : 'Use https: docs/guides/https.md'
}

/**
 * Returns a warning if only one of the REST API and the embedded broker is guarded.
 * @param restKey the setting that guards the REST API; null: none does
 */
export function halfGuardedWarnings(restKey: string | null, isBrokerGuarded: boolean): readonly string[] {
  if ((restKey !== null) === isBrokerGuarded) return []
  return restKey !== null
    ? [
        `${restKey} is set, ${brokerTokenKey} is not: any client that can reach the embedded broker can change connectors in the config topic and read all data. Set both`,
      ]
    : [
        `${brokerTokenKey} is set, ${restTokenKey} is not: any client that can reach the REST API can run connectors that read all data. Set both`,
      ]
}

function placeOf({ host, port }: ListenAddress): string {
  return `${host === '' ? 'all addresses' : host}, port ${port}`
}
