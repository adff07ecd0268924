import type { Operation, RestResponse } from './route.ts'

import { errorResponse } from './error-response.ts'
import { decodedSegment, withoutTrailingSlash } from './request/request-target.ts'
import { httpError } from './rest-error.ts'
import { httpMethods } from './route.ts'

/** A path of the API, and the methods that it supports. */
interface Resource {
  readonly pattern: RegExp
  readonly methods: readonly string[]
}

/** The responses to requests that have no route: OPTIONS, a method that the path does not support, an unknown path. */
export class UnroutedRequests {
  readonly #resources: readonly Resource[]

  constructor(routes: readonly Operation[]) {
    const byPath = Map.groupBy(routes, ({ path }) => path)
    this.#resources = [...byPath].map(([path, ofPath]) => {
      const methods = new Set<string>(['OPTIONS', ...ofPath.map(({ method }) => method)])
      if (methods.has('GET')) methods.add('HEAD')
      const pattern = new RegExp(`^${path.replaceAll(/\{\w+\}/g, '([^/]+)')}$`)
      return { pattern, methods: httpMethods.filter((method) => methods.has(method)) }
    })
  }

  /** @throws RestError 404 when the path is unknown, 400 when it is not encoded correctly */
  respond(method: string, encodedPath: string): RestResponse {
    const path = withoutTrailingSlash(encodedPath)
    for (const { pattern, methods } of this.#resources) {
      const match = pattern.exec(path)
      if (match === null) continue
      for (const segment of match.slice(1)) decodedSegment(segment)
      if (method === 'OPTIONS') return optionsResponse(methods)
      return { ...errorResponse(httpError(405), null), headers: { Allow: methods.join(', ') } }
    }
    throw httpError(404)
  }
}

/** As Jersey writes it: the body with blanks, the header without. */
function optionsResponse(methods: readonly string[]): RestResponse {
  return { status: 200, text: methods.join(', '), headers: { 'Content-Type': 'text/plain', Allow: methods.join(',') } }
}
