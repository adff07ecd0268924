import { httpError, RestError } from '../rest-error.ts'

/** The host and the resource that a request names. */
export interface RequestTarget {
  /** `host:port`. A request line with a whole URL, as sent through a proxy, takes precedence over the Host header. */
  readonly host: string | undefined
  /** As received, still encoded. */
  readonly path: string
  /** As received, without the question mark. */
  readonly query: string
}

/** Splits the request line's target: `/path?query`, or a whole URL. */
export function targetOf(url: string, hostHeader: string | undefined): RequestTarget {
  const [, authority, rest = ''] = /^https?:\/\/([^/?#]*)(.*)$/is.exec(url) ?? [null, undefined, url]
  const target = rest.startsWith('/') || authority === undefined ? rest : `/${rest}`
  const at = target.indexOf('?')
  return {
    host: authority ?? hostHeader,
    path: at < 0 ? target : target.slice(0, at),
    query: at < 0 ? '' : target.slice(at + 1),
  }
}

/** The path without a trailing slash, which makes no difference. */
export function withoutTrailingSlash(path: string): string {
  return path.length > 2 && path.endsWith('/') ? path.slice(0, -1) : path
}

/**
 * The URL by which fastify finds the route. Its router would decode the whole path, so that `/%63onnectors` became another
 * name of `/connectors`, and would end a path at `#`. Here both characters are plain: parameters arrive as the client sent them.
 */
export function routedUrl({ path, query }: RequestTarget): string {
  const trimmed = withoutTrailingSlash(path)
  const rooted = trimmed.startsWith('/') ? trimmed : `/${trimmed}`
  return `${rooted.replaceAll(/[%#]/g, encodeURIComponent)}?${query}`
}

/**
 * The parameters of a path, decoded.
 * @throws RestError 404 when one is empty, 400 when one is not encoded correctly
 */
export function decodedParams(encoded: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(encoded).map(([name, segment]) => [name, decodedSegment(segment)]))
}

/** @throws RestError as {@link decodedParams} does */
export function decodedSegment(segment: string): string {
  if (segment === '') throw httpError(404)
  try {
    return decodeURIComponent(segment)
  } catch {
    throw new RestError(400, `The path is not encoded correctly: "${segment}"`)
  }
}
