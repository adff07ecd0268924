import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Answer } from './route.ts'

import { plainJson } from '../api/json-text.ts'
import { httpError, malformed, RestError } from './rest-error.ts'

/** Bytes a request body may have. Connector configs are a few kB. */
const maxBodyBytes = 8 * 1024 * 1024

/** Whether the request brings a body. */
export function hasBody(message: IncomingMessage): boolean {
  const length = message.headers['content-length']
  return message.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/**
 * The body's text, without a byte order mark.
 * @throws RestError 413 when it is too long, 500 when it is no UTF-8, 400 when the client leaves before its end
 */
export async function readBody(message: IncomingMessage): Promise<string> {
  const body = await readBytes(message)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch (cause) {
    throw new RestError(malformed, 'The request body is not valid UTF-8', { cause })
  }
}

async function readBytes(message: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  try {
    // Leaving the loop must not cut the connection: the client is still to be told.
    for await (const part of message.iterator({ destroyOnReturn: false })) {
      const bytes = part as Buffer
      size += bytes.length
      if (size > maxBodyBytes) throw new RestError(413, `The request body is longer than ${maxBodyBytes} bytes`)
      parts.push(bytes)
    }
  } catch (cause) {
    if (cause instanceof RestError) throw cause
    throw new RestError(400, 'The client left before the end of its request', { cause })
  }
  return Buffer.concat(parts)
}

/** @throws RestError 415 for a body that is not declared as JSON, 406 when the client takes no JSON */
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

/** Sends an answer. HEAD gets the headers alone. */
export function writeAnswer(answer: Answer, method: string | undefined, response: ServerResponse): void {
  const text = answer.json === undefined ? (answer.text ?? '') : plainJson(answer.json)
  const bytes = Buffer.from(text, 'utf8')
  response.writeHead(answer.status, {
    ...(answer.json === undefined ? {} : { 'Content-Type': 'application/json' }),
    // A 204 has no body and must not say how long it is.
    ...(answer.status === 204 ? {} : { 'Content-Length': bytes.length }),
    ...answer.headers,
  })
  response.end(method === 'HEAD' || answer.status === 204 ? undefined : bytes)
}
