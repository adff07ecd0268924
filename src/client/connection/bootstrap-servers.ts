import { isAbsolute } from 'node:path'

import { formatListenAddress } from '../../foundation/network/listen-address.ts'
import { KafkaError } from '../errors.ts'

/** The address of a broker. */
export interface BrokerAddress {
  /** A host, or the path of a Unix domain socket, with port 0. */
  readonly host: string
  readonly port: number
}

/** Returns `host:port`, with IPv6 hosts in brackets. */
export function formatAddress(address: BrokerAddress): string {
  if (isSocketPath(address)) return address.host
  return formatListenAddress(address)
}

/** Returns whether the address is a Unix domain socket: that of an embedded broker, which is a cluster of one. */
export function isSocketPath({ host, port }: BrokerAddress): boolean {
  return port === 0 && isAbsolute(host)
}

/**
 * Parses `bootstrap.servers`: `host:port,host:port` with IPv6 hosts in brackets, or the absolute path of a socket.
 * @throws KafkaError if it is empty, or naming the malformed entry.
 */
export function parseBootstrapServers(text: string): BrokerAddress[] {
  if (isAbsolute(text)) return [{ host: text, port: 0 }]
  const entries = text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  if (entries.length === 0) throw new KafkaError('bootstrap.servers is empty; it needs host:port')
  return entries.map((entry) => {
    const match = /^(?:[A-Za-z_]+:\/\/)?(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(entry)
    const port = Number(match?.[3])
    const host = match?.[1] ?? match?.[2]
    if (host === undefined || port < 1 || port > 65535)
      throw new KafkaError(`bootstrap.servers has the entry "${entry}", which is not host:port`)
    return { host, port }
  })
}
