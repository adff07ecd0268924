import type { FastifyCorsOptions } from '@fastify/cors'
import type { IncomingHttpHeaders } from 'node:http'
import type { CrossOrigin } from '../../config/worker/rest/cross-origin.ts'

/** Headers that a page may send: those of Jetty's CrossOriginFilter, with which Connect serves other origins. */
const requestHeaders = ['X-Requested-With', 'Content-Type', 'Accept', 'Origin']
/** How long a browser may keep the response to a preflight request, in seconds. */
const maxAgeS = 1800

/** A request as far as the rules see it. */
export interface CalledRequest {
  readonly method: string
  readonly headers: IncomingHttpHeaders
}

/**
 * Decides which headers of cross-origin resource sharing a response gets, as Jetty's CrossOriginFilter does. A preflight request
 * for what is not allowed gets none of them, which a browser takes for a refusal.
 */
export class CrossOriginRules {
  readonly #origins: RegExp
  readonly #methods: readonly string[]
  readonly #headers: readonly string[]

  /** @param needsToken whether requests need a token: pages may then send it */
  constructor({ origins, methods }: CrossOrigin, needsToken: boolean) {
    this.#origins = new RegExp(`^(?:${origins.map(patternOf).join('|')})$`)
    this.#methods = methods
    this.#headers = needsToken ? [...requestHeaders, 'Authorization'] : requestHeaders
  }

  allows(origin: string): boolean {
    return this.#origins.test(origin)
  }

  /** The options of @fastify/cors for this request. */
  optionsOf(request: CalledRequest): FastifyCorsOptions {
    const { origin } = request.headers
    if (origin === undefined || !this.allows(origin)) return { origin: false }
    if (!isPreflight(request)) return { origin, credentials: true, preflight: false }
    if (!this.#allowsPreflight(request)) return { origin: false }
    return {
      origin,
      credentials: true,
      methods: this.#methods.join(','),
      allowedHeaders: this.#headers.join(','),
      maxAge: maxAgeS,
      preflightContinue: true,
    }
  }

  #allowsPreflight({ headers }: CalledRequest): boolean {
    if (!this.#methods.includes(headers['access-control-request-method'] ?? '')) return false
    const asked = (headers['access-control-request-headers'] ?? '').split(',').map((name) => name.trim().toLowerCase())
    const allowed = new Set(this.#headers.map((name) => name.toLowerCase()))
    return asked.every((name) => name === '' || allowed.has(name))
  }
}

/** Whether a browser asks with it if a page may send another request. It never carries a token. */
export function isPreflight({ method, headers }: CalledRequest): boolean {
  return method === 'OPTIONS' && headers['access-control-request-method'] !== undefined
}

function patternOf(origin: string): string {
  return origin.replaceAll(/[^\w*]/g, '\\$&').replaceAll('*', '\\S*')
}
