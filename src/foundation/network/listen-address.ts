/** The address of a listener. An empty host means all addresses of the machine; port 0 means any free port. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
}

/** Returns `host:port`, with IPv6 hosts in brackets. */
export function formatListenAddress({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** Returns whether a host stands for all addresses of the machine. */
export function isAnyAddress(host: string): boolean {
  return host === '' || host === '0.0.0.0' || host === '::'
}

/** Returns whether a host or an address is that of this machine's loopback interface. */
export function isLoopback(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/i.test(host)
}
