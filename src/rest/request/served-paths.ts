import { httpError } from '../rest-error.ts'

/** The part of the API that a listener serves: `/admin`, all else, or both. */
export type ServedPaths = 'all' | 'admin' | 'all but admin'

/** @throws RestError 404 when a listener that serves this part does not serve the path */
export function checkServed(path: string, serves: ServedPaths): void {
  const isAdmin = path === '/admin' || path.startsWith('/admin/')
  if (serves !== 'all' && isAdmin !== (serves === 'admin')) throw httpError(404)
}
