import { KafkaError } from './errors.ts'

/** Where a broker listens. */
export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

/** `host:port`, IPv6 hosts in brackets. */
export function formatAddress(address: BrokerAddress): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/**
 * Reads `bootstrap.servers`: `host:port,host:port`, IPv6 hosts in brackets.
 * @throws KafkaError naming the entry that is wrong, or when there is none.
 */
export function parseBootstrapServers(text: string): BrokerAddress[] {
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
