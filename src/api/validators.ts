import { errorMessage } from '../foundation/error-message.ts'
import type { ConfigValue, Validator } from './config-def.ts'

import { javaRegExp } from './java/java-regex.ts'

/**
 * Kafka's validators with Kafka's messages. A validator receives the parsed value, which is null if it is missing or does not
 * parse, and returns the text after `Invalid value X for configuration key: `.
 */
function validator(describe: string, check: (value: ConfigValue) => string | null): Validator {
  return Object.assign((_key: string, value: ConfigValue) => check(value), { describe })
}

/** Accepts numbers of at least `min`. Rejects null as Kafka does: use {@link nullOr} for an optional number. */
export function atLeast(min: number): Validator {
  return validator(`[${min},...]`, (value) => rangeProblem(value, min, Infinity))
}

/** Accepts numbers from `min` to `max`, inclusive. Rejects null. */
export function between(min: number, max: number): Validator {
  return validator(`[${min},...,${max}]`, (value) => rangeProblem(value, min, max))
}

function rangeProblem(value: ConfigValue, min: number, max: number): string | null {
  if (typeof value !== 'number') return 'Value must be non-null'
  if (value < min) return `Value must be at least ${min}`
  return value > max ? `Value must be no more than ${max}` : null
}

/** Accepts exactly one of the strings. */
export function oneOf(...allowed: readonly string[]): Validator {
  return validator(`[${allowed.join(', ')}]`, (value) =>
    typeof value === 'string' && allowed.includes(value) ? null : `String must be one of: ${allowed.join(', ')}`,
  )
}

/** Accepts one of the strings in any case. */
export function oneOfIgnoringCase(...allowed: readonly string[]): Validator {
  const upper = allowed.map((text) => text.toUpperCase())
  return validator(`(case insensitive) [${upper.join(', ')}]`, (value) =>
    typeof value === 'string' && upper.includes(value.toUpperCase())
      ? null
      : `String must be one of (case insensitive): ${upper.join(', ')}`,
  )
}

/** Accepts lists of these strings. */
export function listOf(...allowed: readonly string[]): Validator {
  return validator(`[${allowed.join(', ')}]`, (value) =>
    listItems(value).every((item) => allowed.includes(item)) ? null : `String must be one of: ${allowed.join(', ')}`,
  )
}

/** Accepts lists without duplicates. @param problem the message for a duplicate. */
export function uniqueList(problem = 'Duplicate alias provided.'): Validator {
  return validator('unique list', (value) => {
    const items = listItems(value)
    return new Set(items).size === items.length ? null : problem
  })
}

/** Accepts lists with at least one item. */
export const nonEmptyList: Validator = validator('non-empty list', (value) =>
  listItems(value).length > 0 ? null : 'List must contain at least one value',
)

/** Accepts non-empty strings, and null. */
export const nonEmptyString: Validator = validator('non-empty string', (value) =>
  value === '' ? 'String must be non-empty' : null,
)

/** Accepts a connector's name: not empty, without control characters. Accepts null: a missing name is another error. */
export const nonEmptyWithoutControlChars: Validator = validator(
  'non-empty string without ISO control characters',
  (value) => {
    if (typeof value !== 'string') return null
    if (value === '') return 'String may not be empty'
    const found = Array.from(value, (c) => c.charCodeAt(0)).filter((c) => c < 0x20 || (c >= 0x7f && c <= 0x9f))
    return found.length === 0
      ? null
      : `String may not contain control sequences but had the following ASCII chars: ${found.join(', ')}`
  },
)

/** Rejects null. */
export const nonNull: Validator = validator('non-null string', (value) =>
  value === null ? 'entry must be non null' : null,
)

/** Accepts null and what `inner` accepts. */
export function nullOr(inner: Validator): Validator {
  return Object.assign((key: string, value: ConfigValue) => (value === null ? null : inner(key, value)), {
    describe: inner.describe ?? '',
  })
}

/** Accepts what all of them accept; returns the first problem. */
export function allOf(...inner: readonly Validator[]): Validator {
  const check = (key: string, value: ConfigValue): string | null => {
    for (const one of inner) {
      const problem = one(key, value)
      if (problem !== null) return problem
    }
    return null
  }
  return Object.assign(check, { describe: inner.map((one) => one.describe ?? '').join(', ') })
}

function listItems(value: ConfigValue): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}

/** Accepts regular expressions in Java's syntax. */
export const javaRegex: Validator = validator('valid regex', (value) => {
  try {
    javaRegExp(String(value), { whole: true })
    return null
  } catch (error) {
    return errorMessage(error)
  }
})
