import type { IncomingMessage } from 'node:http'

import { httpError } from '../rest-error.ts'
import { hasBody } from './request-body.ts'

const jsonTypes = ['*/*', 'application/*', 'application/json']
/** That of Server-Sent Events. */
export const eventsType = 'text/event-stream'

/**
 * @param streams whether events will do as well
 * @throws RestError 415 for a body that is not declared as JSON, 406 for a client that does not accept JSON
 */
export function checkMediaTypes(message: IncomingMessage, streams = false): void {
  if (hasBody(message) && bodyTypeOf(message) !== 'application/json') throw httpError(415)
  const accept = message.headers.accept
  const accepted = streams ? [...jsonTypes, eventsType] : jsonTypes
  if (accept !== undefined && !accepts(accept, accepted)) throw httpError(406)
}

/** The media type of a body, in lower case and without parameters; undefined when it has none. */
export function bodyTypeOf({ headers }: IncomingMessage): string | undefined {
  return headers['content-type']?.split(';')[0]?.trim().toLowerCase()
}

/** The types that an Accept header lists, with their parameters, in lower case. */
export function acceptedTypes(
  accept: string,
): readonly { readonly type: string; readonly parameters: readonly string[] }[] {
  return accept.split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    return { type, parameters }
  })
}

/** Returns whether an Accept header has one of these types, and does not refuse it. */
export function accepts(accept: string, types: readonly string[]): boolean {
  return acceptedTypes(accept).some(({ type, parameters }) => {
    const refused = parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))
    return !refused && types.includes(type)
  })
}
