import type { IncomingMessage } from 'node:http'

import { httpError } from '../rest-error.ts'
import { hasBody } from './request-body.ts'

/** @throws RestError 415 for a body that is not declared as JSON, 406 for a client that does not accept JSON */
export function checkMediaTypes(message: IncomingMessage): void {
  const type = message.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (hasBody(message) && type !== 'application/json') throw httpError(415)
  const accept = message.headers.accept
  if (accept !== undefined && !acceptsJson(accept)) throw httpError(406)
}

function acceptsJson(accept: string): boolean {
  return accept.split(',').some((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const refused = parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))
    return !refused && ['*/*', 'application/*', 'application/json'].includes(type)
  })
}
