import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ByteBudget } from '../limits/byte-budget.ts'
import type { Answer } from '../route.ts'

import { plainJson } from '../../api/json/json-text.ts'
import { httpError, malformed, OverloadedError, RestError } from '../rest-error.ts'

/** What each body may have, however much others hold. Connector configs are a few kB. */
const alwaysBytes = 64 * 1024

/** How large a body may be, and what all of them share. */
export interface BodyLimits {
  readonly maxBytes: number
  readonly budget: ByteBudget
}

/** A body, with what it holds of the memory for all of them until it is released. */
export interface Body {
  readonly text: string
  readonly release: () => void
}

/** Whether the request brings a body. */
export function hasBody(message: IncomingMessage): boolean {
  const length = message.headers['content-length']
  return message.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/**
 * The body's text, without a byte order mark.
 * @throws RestError 413 when it is too long, 500 when it is no UTF-8, 400 when the client leaves before its end; OverloadedError
 *   when the bodies of all requests take too much
 */
export async function readBody(message: IncomingMessage, { maxBytes, budget }: BodyLimits): Promise<Body> {
  const parts: Buffer[] = []
  let size = 0
  let held = 0
  const release = (): void => {
    budget.take(-held)
    held = 0
  }
  try {
    // Leaving the loop must not cut the connection: the client is still to be told.
    for await (const part of message.iterator({ destroyOnReturn: false })) {
      const bytes = part as Buffer
      size += bytes.length
      if (size > maxBytes) throw new RestError(413, `The request body is longer than ${maxBytes} bytes`)
      if (size > alwaysBytes) {
        if (budget.isExhausted)
          throw new OverloadedError('memory', 'the bodies of other requests take all of its memory')
        budget.take(size - held)
        held = size
      }
      parts.push(bytes)
    }
    return { text: decoded(Buffer.concat(parts)), release }
  } catch (cause) {
    release()
    if (cause instanceof RestError) throw cause
    throw new RestError(400, 'The client left before the end of its request', { cause })
  }
}

function decoded(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch (cause) {
    throw new RestError(malformed, 'The request body is not valid UTF-8', { cause })
  }
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

/** Sends an answer; its bytes count as unsent until the client has taken them. HEAD gets the headers alone. */
export function writeAnswer(
  answer: Answer,
  method: string | undefined,
  response: ServerResponse,
  unsent: ByteBudget,
): void {
  const text = answer.json === undefined ? (answer.text ?? '') : plainJson(answer.json)
  const bytes = Buffer.from(text, 'utf8')
  response.writeHead(answer.status, {
    ...(answer.json === undefined ? {} : { 'Content-Type': 'application/json' }),
    // A 204 has no body and must not say how long it is.
    ...(answer.status === 204 ? {} : { 'Content-Length': bytes.length }),
    ...answer.headers,
  })
  if (method === 'HEAD' || answer.status === 204) return void response.end()
  unsent.take(bytes.length)
  const { promise, resolve } = Promise.withResolvers<void>()
  void promise.then(() => unsent.take(-bytes.length))
  response.once('close', resolve)
  if (response.destroyed) resolve()
  response.end(bytes)
}
