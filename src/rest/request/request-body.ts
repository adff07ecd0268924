import type { IncomingMessage } from 'node:http'
import type { ByteBudget } from '../limits/byte-budget.ts'

import { malformed, OverloadedError, RestError } from '../rest-error.ts'

/** Every body may have this many bytes, even while other bodies use up the shared budget. Connector configs are a few kB. */
const alwaysBytes = 64 * 1024

/** How large a body may be, and the bytes that all bodies share. */
export interface BodyLimits {
  readonly maxBytes: number
  readonly budget: ByteBudget
}

/** A body. It counts against the shared budget until it is released. */
export interface RequestBody {
  readonly text: string
  readonly release: () => void
}

export const noBody: RequestBody = { text: '', release: () => undefined }

/** Whether the request has a body. */
export function hasBody(message: IncomingMessage): boolean {
  const length = message.headers['content-length']
  return message.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0')
}

/**
 * The body's text, without a byte order mark.
 * @throws RestError 413 when it is too long, 500 when it is not UTF-8, 400 when the client disconnects before its end;
 *   OverloadedError when the bodies of all requests use up their budget
 */
export async function readBody(message: IncomingMessage, { maxBytes, budget }: BodyLimits): Promise<RequestBody> {
  const parts: Buffer[] = []
  let size = 0
  let held = 0
  const release = (): void => {
    budget.take(-held)
    held = 0
  }
  try {
    // Leaving the loop must not destroy the connection: the client still gets a response.
    for await (const part of message.iterator({ destroyOnReturn: false })) {
      const bytes = part as Buffer
      size += bytes.length
      if (size > maxBytes) throw new RestError(413, `The request body is longer than ${maxBytes} bytes`)
      if (size > alwaysBytes) {
        if (budget.isExhausted) throw new OverloadedError('memory', 'the bodies of other requests use up its memory')
        budget.take(size - held)
        held = size
      }
      parts.push(bytes)
    }
    return { text: decoded(Buffer.concat(parts)), release }
  } catch (cause) {
    release()
    if (cause instanceof RestError) throw cause
    throw new RestError(400, 'The client disconnected before the end of its request', { cause })
  }
}

function decoded(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch (cause) {
    throw new RestError(malformed, 'The request body is not valid UTF-8', { cause })
  }
}
