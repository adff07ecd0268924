import { isLoopback } from '../../foundation/network/listen-address.ts'
import { isIP } from 'node:net'

import { allowedOriginsKey } from '../../config/worker/rest/cross-origin.ts'
import { hostsKey } from '../../config/worker/rest/listener.ts'
import { RestError } from '../rest-error.ts'

/** The listener that received a request, and further names under which clients may call the worker. */
export interface CalledListener {
  /** Bound to the machine itself. */
  readonly loopback: boolean
  /** Names without port: `connect.example.com`. */
  readonly hosts: readonly string[]
}

/** 403: the listener does not serve the Host or Origin of the request. */
export class RefusedCallerError extends RestError {
  override readonly name = 'RefusedCallerError'
}

/** The names by which a request calls the worker, and its origin. */
export interface Caller {
  /** The header, or the host of a whole URL in the request line. */
  readonly host: string | undefined
  /** Undefined: no browser sent the request for a page of another origin. */
  readonly origin: string | undefined
  /** Whether `access.control.allow.origin` lists the origin. */
  readonly isAllowedOrigin: boolean
}

/**
 * Protects the API from web pages. A page of any site, opened in a browser that reaches the worker, could call the API across
 * origins, or under a name of its own that resolves to the worker's address (DNS rebinding). Neither is allowed on any listener
 * (docs/decisions/0011-secure-by-default.md): the port of a container is published on its host's loopback. Addresses, and names
 * without dots, which public DNS does not have, cannot be such names. A page of an origin that the configuration allows may call
 * the API, under one of the worker's names.
 * @throws RefusedCallerError
 */
export function checkOrigin({ host, origin, isAllowedOrigin }: Caller, { loopback, hosts }: CalledListener): void {
  const called = hostOf(host ?? '')
  const isListed = (name: string): boolean => hosts.some((listed) => listed.toLowerCase() === name.toLowerCase())
  if (!isLoopback(called) && !isListed(called) && (loopback || mayBeForeign(called))) {
    const names = loopback ? '127.0.0.1 or localhost' : 'an address or a name without dots'
    throw new RefusedCallerError(
      403,
      `Requests to this listener must name it as ${names}, not "${called}". To allow other names, list them in "${hostsKey}"`,
    )
  }
  if (origin === undefined || isAllowedOrigin || originOf(origin)?.host === (host ?? '').toLowerCase()) return
  if (isListed(originOf(origin)?.hostname ?? '')) return
  throw new RefusedCallerError(
    403,
    `Requests from pages of other origins are refused: "${origin}". To allow an origin, list it in "${allowedOriginsKey}"`,
  )
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
