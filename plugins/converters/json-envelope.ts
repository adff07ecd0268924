import { isUtf8 } from 'node:buffer'

import { DataError, isJsonObject, parseJson, type JsonValue, errorMessage } from 'penstock/api'

/** A message with schema and payload. */
interface Envelope {
  readonly schema: JsonValue
  readonly payload: JsonValue
}

/** Returns whether the JSON has exactly the two members of an envelope. */
export function isEnvelope(json: JsonValue | Envelope): json is Envelope {
  if (!isJsonObject(json as JsonValue)) return false
  return (
    Object.keys(json as object).length === 2 &&
    Object.hasOwn(json as object, 'schema') &&
    Object.hasOwn(json as object, 'payload')
  )
}

const failed = 'Converting byte[] to Kafka Connect data failed due to serialization error'

/** Decoding would replace invalid bytes by U+FFFD and so change the text (I11). @throws DataError, as Jackson does. */
export function checkUtf8(bytes: Uint8Array): void {
  if (!isUtf8(bytes)) throw new DataError(`${failed}: the bytes are not UTF-8`)
}

/** @throws DataError if the text is not JSON. */
export function parse(text: string, exactFractions: boolean): JsonValue {
  try {
    return parseJson(text, exactFractions)
  } catch (error) {
    throw new DataError(`${failed}: ${errorMessage(error)}`, { cause: error })
  }
}

/** Returns null if the text is not a single JSON value: the message only begins like an envelope. */
export function parseOrNull(text: string, exactFractions: boolean): { readonly json: JsonValue } | null {
  try {
    return { json: parseJson(text, exactFractions) }
  } catch {
    return null
  }
}

const envelopeStart = '{"schema":'
const payloadStart = ',"payload":'

/** Returns where the payload begins in a message with the layout of Kafka's converter; null for any other layout. */
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
