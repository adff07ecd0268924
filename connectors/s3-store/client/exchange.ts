import { errorMessage } from 'penstock/api'

/** A request got no whole response: the connection failed, or no byte moved for too long. */
export class ExchangeError extends Error {
  override readonly name = 'ExchangeError'
  /** Why, in words. The SDK appends to `message`. */
  readonly why: string

  constructor(cause: unknown) {
    const why = reasonOf(cause)
    super(why, { cause })
    this.why = why
  }
}

/**
 * Reads a body. What is longer than `maxBytes` is dropped, but read to the end, so that other requests can use the connection.
 * @throws ExchangeError
 */
export async function collect(stream: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const piece of stream) {
      bytes += piece.length
      if (bytes <= maxBytes) pieces.push(piece)
    }
  } catch (error) {
    throw new ExchangeError(error)
  }
  return Buffer.concat(pieces)
}

function reasonOf(cause: unknown): string {
  // A host name with several addresses: each of them failed.
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0])
  // The SDK calls its own timeouts so, with a text about its package, and some errors of the socket, which have a code.
  const isTimeout = cause instanceof Error && cause.name === 'TimeoutError' && !('code' in cause)
  return isTimeout ? timeoutText(cause.message) : errorMessage(cause)
}

/** @param text of the SDK, such as `… the request socket timed out after 60000 ms of inactivity …`. */
function timeoutText(text: string): string {
  const [, ms] = /(\d+) ms/.exec(text) ?? []
  const time = ms === undefined ? 's3.request.timeout.ms' : `${ms} ms (s3.request.timeout.ms)`
  return text.includes('establish a connection')
    ? `the connection was not established within ${time}`
    : `no byte was transferred for ${time}`
}
