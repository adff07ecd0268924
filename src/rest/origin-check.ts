import { isLoopback } from '../config/listener.ts'
import { RestError } from './rest-error.ts'

/**
 * On a loopback listener a page of any site, opened in a browser of the same machine, could call the API: under a
 * name of its own that resolves to 127.0.0.1, or across origins. Neither gets through (D11).
 * @throws RestError 403
 */
export function checkOrigin(host: string | undefined, origin: string | undefined): void {
  const called = hostOf(host ?? '')
  if (!isLoopback(called)) {
    throw new RestError(403, `Requests to this listener must name it as 127.0.0.1 or localhost, not "${called}"`)
  }
  if (origin === undefined) return
  if (originHost(origin) === (host ?? '').toLowerCase()) return
  throw new RestError(403, `Requests from pages of other origins are refused: "${origin}"`)
}

function hostOf(hostAndPort: string): string {
  return hostAndPort.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1')
}

function originHost(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host.toLowerCase() : null
}
