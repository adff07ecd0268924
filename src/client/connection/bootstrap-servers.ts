import { isAbsolute } from 'node:path'

import { KafkaError } from '../errors.ts'

/** Where a broker listens. */
export interface BrokerAddress {
  /** A host; or the path of a socket in the file system, for which the port is 0. */
  readonly host: string
  readonly port: number
}

/** `host:port`, IPv6 hosts in brackets. */
export function formatAddress(address: BrokerAddress): string {
  if (isSocketPath(address)) return address.host
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/** Whether it is a socket of the file system: the one of an embedded log, which is a cluster of one broker. */
export function isSocketPath({ host, port }: BrokerAddress): boolean {
  return port === 0 && isAbsolute(host)
}

/**
 * Reads `bootstrap.servers`: `host:port,host:port`, IPv6 hosts in brackets; or the absolute path of a socket.
 * @throws KafkaError naming the entry that is wrong, or when there is none.
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
