/** An HTTP proxy between the sink and the cluster. */
export interface Proxy {
  readonly host: string
  readonly port: number
  readonly username: string | null
  readonly password: string | null
}

/** The URL of a proxy, with its credentials. The agent for https addresses opens tunnels through it (CONNECT). */
export function proxyUrl({ host, port, username, password }: Proxy): URL {
  const url = new URL(`http://${host.includes(':') ? `[${host}]` : host}:${port}`)
  if (username !== null) url.username = encodeURIComponent(username)
  if (password !== null) url.password = encodeURIComponent(password)
  return url
}

/** What a request to an http address must contain when a proxy forwards it (RFC 9112, 3.2.2). */
export function throughProxy(node: URL, { host, port, username, password }: Proxy, path: string) {
  const basic = username === null ? null : Buffer.from(`${username}:${password ?? ''}`).toString('base64')
  return {
    hostname: host,
    port,
    path: `${node.origin}${path}`,
    headers: { host: node.host, ...(basic === null ? {} : { 'proxy-authorization': `Basic ${basic}` }) },
  }
}
