import type { Route } from './route.ts'

import { RestError } from './rest-error.ts'

/** What a path leads to: the routes of its template by method, and its parameters. */
export interface Match {
  readonly routes: ReadonlyMap<string, Route>
  readonly params: Readonly<Record<string, string>>
}

interface Resource {
  readonly segments: readonly string[]
  readonly routes: Map<string, Route>
}

/** Finds the routes of a path. A trailing slash makes no difference. */
export class Router {
  readonly #resources: Resource[] = []

  constructor(routes: readonly Route[]) {
    const byPath = new Map<string, Resource>()
    for (const route of routes) {
      let resource = byPath.get(route.path)
      if (resource === undefined) {
        resource = { segments: segmentsOf(route.path), routes: new Map() }
        byPath.set(route.path, resource)
        this.#resources.push(resource)
      }
      resource.routes.set(route.method, route)
    }
  }

  /** Null when the path leads nowhere. @throws RestError 400 when it is not encoded rightly */
  match(path: string): Match | null {
    const segments = segmentsOf(path)
    for (const resource of this.#resources) {
      const params = matchSegments(resource.segments, segments)
      if (params !== null) return { routes: resource.routes, params }
    }
    return null
  }
}

function segmentsOf(path: string): readonly string[] {
  const trimmed = path.length > 2 && path.endsWith('/') ? path.slice(0, -1) : path
  return trimmed.split('/').slice(1)
}

function matchSegments(template: readonly string[], segments: readonly string[]): Record<string, string> | null {
  if (template.length !== segments.length) return null
  const params: Record<string, string> = {}
  for (const [i, part] of template.entries()) {
    const segment = segments[i] ?? ''
    if (!part.startsWith('{')) {
      if (part !== segment) return null
    } else if (segment === '') return null
    else params[part.slice(1, -1)] = decode(segment)
  }
  return params
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new RestError(400, `The path is not encoded rightly: "${segment}"`)
  }
}
