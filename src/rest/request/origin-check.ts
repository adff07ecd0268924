import { isLoopback } from '../../foundation/network/listen-address.ts'
import { isIP } from 'node:net'

import { hostsKey } from '../../config/worker/listener.ts'
import { RestError } from '../rest-error.ts'

/** The listener that a request came in by, and the names under which the worker may be called besides. */
export interface CalledListener {
  /** Bound to the machine itself. */
  readonly loopback: boolean
  /** Names without port: `connect.example.com`. */
  readonly hosts: readonly string[]
}

/** 403: the Host or Origin of a request is none that the listener serves. */
export class RefusedCallerError extends RestError {
  override readonly name = 'RefusedCallerError'
}

/**
 * A page of any site, opened in a browser that reaches the worker, could call the API: under a name of its own that resolves to
 * the worker's address (DNS rebinding), or across origins. Neither gets through (D11), on any listener: the port of a container
 * is published on its host's loopback. An address, and a name without dots, which public DNS does not have, are no such name.
 * @throws RefusedCallerError
 */
export function checkOrigin(
  host: string | undefined,
  origin: string | undefined,
  { loopback, hosts }: CalledListener,
): void {
  const called = hostOf(host ?? '')
  const isListed = (name: string): boolean => hosts.some((listed) => listed.toLowerCase() === name.toLowerCase())
  if (!isLoopback(called) && !isListed(called) && (loopback || mayBeForeign(called))) {
    const names = loopback ? '127.0.0.1 or localhost' : 'an address or a name without dots'
    throw new RefusedCallerError(
      403,
      `Requests to this listener must name it as ${names}, not "${called}". Other names are listed in "${hostsKey}"`,
    )
  }
  if (origin === undefined || originOf(origin)?.host === (host ?? '').toLowerCase()) return
  if (isListed(originOf(origin)?.hostname ?? '')) return
  throw new RefusedCallerError(403, `Requests from pages of other origins are refused: "${origin}"`)
}

function mayBeForeign(name: string): boolean {
  return name.replace(/\.$/, '').includes('.') && isIP(name) === 0
}

function hostOf(hostAndPort: string): string {
  return hostAndPort.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1')
}

function originOf(origin: string): { readonly host: string; readonly hostname: string } | null {
  if (!URL.canParse(origin)) return null
  const { host, hostname } = new URL(origin)
  return { host: host.toLowerCase(), hostname: hostname.toLowerCase() }
}
