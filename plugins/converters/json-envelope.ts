import { isUtf8 } from 'node:buffer'

import { DataError, isJsonObject, parseJson, type JsonValue, errorMessage } from 'penstock/api'

/** A message of schema and payload. */
interface Envelope {
  readonly schema: JsonValue
  readonly payload: JsonValue
}

/** Whether JSON has exactly the two members of an envelope. */
export function isEnvelope(json: JsonValue | Envelope): json is Envelope {
  if (!isJsonObject(json as JsonValue)) return false
  return (
    Object.keys(json as object).length === 2 &&
    Object.hasOwn(json as object, 'schema') &&
    Object.hasOwn(json as object, 'payload')
  )
}

const failed = 'Converting byte[] to Kafka Connect data failed due to serialization error'

/** Decoded as they are, wrong bytes would become U+FFFD: other text than was written. @throws DataError, as Jackson does. */
export function checkUtf8(bytes: Uint8Array): void {
  if (!isUtf8(bytes)) throw new DataError(`${failed}: the bytes are not UTF-8`)
}

/** @throws DataError when the text is no JSON. */
export function parse(text: string, exactFractions: boolean): JsonValue {
  try {
    return parseJson(text, exactFractions)
  } catch (error) {
    throw new DataError(`${failed}: ${errorMessage(error)}`, { cause: error })
  }
}

/** Null when the text is not one JSON value by itself: then the message is not what its first bytes promised. */
export function parseOrNull(text: string, exactFractions: boolean): { readonly json: JsonValue } | null {
  try {
    return { json: parseJson(text, exactFractions) }
  } catch {
    return null
  }
}

const envelopeStart = '{"schema":'
const payloadStart = ',"payload":'

/** Where the payload begins in a message laid out as Kafka's own converter does it; null for any other layout. */
export function endOfSchema(text: string): number | null {
  if (!text.startsWith(`${envelopeStart}{`)) return null
  let depth = 0
  for (let i = envelopeStart.length; i < text.length; i += 1) {
    const character = text[i]
    if (character === '"') i = endOfString(text, i)
    else if (character === '{') depth += 1
    else if (character === '}' && (depth -= 1) === 0) {
      return text.startsWith(payloadStart, i + 1) ? i + 1 + payloadStart.length : null
    }
  }
  return null
}

function endOfString(text: string, start: number): number {
  let i = start + 1
  while (i < text.length && text[i] !== '"') i += text[i] === '\\' ? 2 : 1
  return i
}
