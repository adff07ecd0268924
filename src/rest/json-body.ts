import type { SubmittedConfig } from '../config/config-infos.ts'

import { malformed, RestError } from './rest-error.ts'

/**
 * A JSON body. Numbers come as the text they were written in: all that takes numbers here are config values, which
 * are text. A missing body is null.
 * @throws RestError when it is no JSON. The message shows nothing of the body, which may hold a secret.
 */
export function parseBody(body: string): unknown {
  if (body.trim() === '') return null
  try {
    return JSON.parse(body, (key, value: unknown, context?: { readonly source?: string }) => {
      checkText(key)
      if (typeof value === 'string') checkText(value)
      return typeof value === 'number' ? (context?.source ?? String(value)) : value
    })
  } catch (error) {
    if (error instanceof RestError) throw error
    const place = /line (\d+) column (\d+)/.exec(error instanceof Error ? error.message : '')
    const where = place === null ? '' : `: line ${place[1]}, column ${place[2]}`
    throw new RestError(malformed, `The request body is not valid JSON${where}`)
  }
}

/** Half of a character, which JSON can escape, would come back from the config topic as another one. */
function checkText(text: string): void {
  if (!text.isWellFormed()) throw new RestError(malformed, 'The request body holds half of a surrogate pair')
}

/** An object of the body. @throws RestError when it is something else */
export function objectOf(value: unknown, what: string): Readonly<Record<string, unknown>> {
  if (value === null || value === undefined) throw new RestError(malformed, `The request has no ${what}`)
  if (typeof value !== 'object' || Array.isArray(value)) throw new RestError(malformed, `The ${what} is no JSON object`)
  return { ...value }
}

/** A text of the body; null when it is missing. @throws RestError when it is an object or array */
export function textOf(value: unknown, what: string): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string' || typeof value === 'boolean') return String(value)
  throw new RestError(malformed, `"${what}" is no text`)
}

/** A connector config: numbers and booleans become text, null stays for validation to report. */
export function configOf(value: unknown, what: string): SubmittedConfig {
  const entries = Object.entries(objectOf(value, what))
  return Object.fromEntries(entries.map(([key, item]) => [key, textOf(item, key)]))
}
