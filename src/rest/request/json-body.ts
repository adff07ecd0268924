import type { SubmittedConfig } from '../../config/definition/config-infos.ts'

import { malformed, RestError } from '../rest-error.ts'

/** The limits of names and values, and of nesting. Each costs the main thread time; a large config has a thousand. */
const maxWords = 40_000
const maxDepth = 100

/** What becomes of a number of a body. */
type NumberReader = (text: string) => unknown

/** Config values are text: their numbers become the text in which they were written. */
const asText: NumberReader = (text) => text
/** Numbers of offsets stay numbers: an integer that a double cannot hold becomes a bigint. */
export const asNumber: NumberReader = (text) => {
  const number = Number(text)
  return /^-?\d+$/.test(text) && !Number.isSafeInteger(number) ? BigInt(text) : number
}

/**
 * Parses a JSON body. Numbers become the text in which they were written, unless `numbers` reads them otherwise. A missing body
 * is null.
 * @throws RestError when it is not JSON, is nested too deep, or has too many values. The message contains nothing of the body,
 *   which may hold a secret.
 */
export function parseBody(body: string, numbers: NumberReader = asText): unknown {
  if (body.trim() === '') return null
  checkShape(body)
  try {
    return JSON.parse(body, (key, value: unknown, context?: { readonly source?: string }) => {
      checkText(key)
      if (typeof value === 'string') checkText(value)
      return typeof value === 'number' ? numbers(context?.source ?? String(value)) : value
    })
  } catch (error) {
    if (error instanceof RestError) throw error
    const place = /line (\d+) column (\d+)/.exec(error instanceof Error ? error.message : '')
    const where = place === null ? '' : `: line ${place[1]}, column ${place[2]}`
    throw new RestError(malformed, `The request body is not valid JSON${where}`)
  }
}

/** Counts what the parser would create, in a fraction of its time. */
function checkShape(body: string): void {
  let words = 0
  let depth = 0
  for (let at = 0; at < body.length; at += 1) {
    switch (body.charCodeAt(at)) {
      case 0x22: // "
        at = endOfString(body, at)
        break
      case 0x2c: // ,
      case 0x3a: // :
        words += 1
        break
      case 0x5b: // [
      case 0x7b: // {
        words += 1
        depth += 1
        break
      case 0x5d: // ]
      case 0x7d: // }
        depth -= 1
        break
    }
    if (words > maxWords) throw new RestError(413, `The request body has more than ${maxWords} names and values`)
    if (depth > maxDepth) throw new RestError(malformed, `The request body is nested more than ${maxDepth} deep`)
  }
}

/** The end of the string that begins at `at`: its closing quote, or the end of the text. */
function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let escapes = 0
    while (text.charCodeAt(end - 1 - escapes) === 0x5c) escapes += 1
    if (escapes % 2 === 0) return end
  }
  return text.length
}

/** An unpaired surrogate, which JSON can escape, would come back from the config topic as another character. */
function checkText(text: string): void {
  if (!text.isWellFormed()) throw new RestError(malformed, 'The request body contains an unpaired surrogate')
}

/** An object of the body. @throws RestError when the value is anything else */
export function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (value === null || value === undefined) throw new RestError(malformed, `The request has no ${what}`)
  if (typeof value !== 'object' || Array.isArray(value))
    throw new RestError(malformed, `The ${what} is not a JSON object`)
  return { ...value }
}

/** As {@link objectOf}, of an object that has no other fields than these. */
export function objectWith(value: unknown, what: string, fields: readonly string[]): Readonly<Record<string, unknown>> {
  const object = objectOf(value, what)
  const unknown = Object.keys(object).find((field) => !fields.includes(field))
  if (unknown === undefined) return object
  throw new RestError(malformed, `Unrecognized field "${unknown}"; the known fields are: ${fields.join(', ')}`)
}

/** A string of the body; null when it is missing. @throws RestError when it is an object or an array */
export function textOf(value: unknown, what: string): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'boolean') return String(value)
  throw new RestError(malformed, `"${what}" is not a string`)
}

/** A connector config: numbers and booleans become text, null stays for validation to report. */
export function configOf(value: unknown, what: string): SubmittedConfig {
  const entries = Object.entries(objectOf(value, what))
  return Object.fromEntries(entries.map(([key, item]) => [key, textOf(item, key)]))
}
