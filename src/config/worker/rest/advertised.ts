import { hostname } from 'node:os'

import type { ConfigValue, ParsedConfig } from '../../../api/config-def.ts'
import type { ListenAddress } from '../../../foundation/network/listen-address.ts'

import { ConfigError } from '../../../api/errors.ts'
import { isAnyAddress } from '../../../foundation/network/listen-address.ts'
import { protocolOf, type RestListener, type RestProtocol } from './listener.ts'

/** What the configuration says of the address of the REST API for other workers. */
export interface Advertised {
  readonly parsed: ParsedConfig
  readonly advertisedProtocol: RestProtocol
}

export const advertisedHostKey = 'rest.advertised.host.name'
export const advertisedPortKey = 'rest.advertised.port'
export const advertisedListenerKey = 'rest.advertised.listener'

/**
 * Returns the address of the REST API for other workers and status records.
 * @param listeners with their bound ports
 */
export function advertisedAddress(
  { parsed, advertisedProtocol }: Advertised,
  listeners: readonly RestListener[],
): ListenAddress {
  const called = listeners.find((listener) => protocolOf(listener) === advertisedProtocol) ?? listeners[0]
  const { host: bound, port } = called ?? { host: '', port: 0 }
  const host = text(parsed[advertisedHostKey])
  const ownHost = isAnyAddress(bound) ? hostname() : bound
  return {
    host: host === '' ? ownHost : host,
    port: parsed[advertisedPortKey] === null ? port : Number(parsed[advertisedPortKey]),
  }
}

/**
 * Returns the protocol with which other workers call this one, as in Connect: http if any listener has it. A proxy may serve the other protocol under an
 * address of its own.
 * @throws ConfigError if nothing serves the one that is set
 */
export function advertisedProtocolOf(parsed: ParsedConfig, listeners: readonly RestListener[]): RestProtocol {
  const protocols = new Set(listeners.map(protocolOf))
  const set = text(parsed[advertisedListenerKey]).toLowerCase()
  if (set === '') return protocols.has('http') ? 'http' : 'https'
  const protocol = set === 'https' ? 'https' : 'http'
  const isElsewhere = [advertisedHostKey, advertisedPortKey].some((key) => parsed[key] !== null)
  if (protocols.has(protocol) || isElsewhere) return protocol
  throw new ConfigError(
    `"${advertisedListenerKey}" is ${protocol}, but "listeners" has none with ${protocol}. Add one, or set ${advertisedHostKey} and ${advertisedPortKey} to the address of the proxy that serves it`,
  )
}

function text(value: ConfigValue | undefined): string {
  return String(value ?? '')
}
