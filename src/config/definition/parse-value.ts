import type { ConfigType, ConfigValue } from '../../api/config-def.ts'

import { parseJavaFloating } from '../../api/java/java-floating.ts'
import { javaDoubleText } from '../../api/java/java-number.ts'

/** A parsed value, or the text after `Invalid value X for configuration key: `. */
export type Parsed = { readonly value: ConfigValue } | { readonly problem: string }

const integer = /^[+-]?\d+$/

const bounds = {
  SHORT: [-0x8000n, 0x7fffn],
  INT: [-0x8000_0000n, 0x7fff_ffffn],
  LONG: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
} as const

/** Parses a text as Kafka's ConfigDef does: it is trimmed, lists are split at commas, integers are checked against their range. */
export function parseValue(raw: string, type: ConfigType): Parsed {
  const text = raw.trim()
  switch (type) {
    case 'BOOLEAN':
      if (/^true$/i.test(text)) return { value: true }
      return /^false$/i.test(text) ? { value: false } : { problem: 'Expected value to be either true or false' }
    case 'SHORT':
    case 'INT':
    case 'LONG':
      return parseInteger(text, type)
    case 'DOUBLE':
      return parseDouble(text)
    case 'LIST':
      return { value: text === '' ? [] : text.split(/\s*,\s*/) }
    case 'STRING':
    case 'CLASS':
    case 'PASSWORD':
      return { value: text }
  }
}

function parseDouble(text: string): Parsed {
  const value = parseJavaFloating(text, false)
  return value === null ? { problem: 'Not a number of type DOUBLE' } : { value }
}

function parseInteger(text: string, type: 'SHORT' | 'INT' | 'LONG'): Parsed {
  const [min, max] = bounds[type]
  if (!integer.test(text)) return { problem: `Not a number of type ${type}` }
  const value = BigInt(text.replace('+', ''))
  return value < min || value > max ? { problem: `Not a number of type ${type}` } : { value: Number(value) }
}

/** Returns the text with the credentials of URLs such as `http://user:password@host` hidden (I8). */
export function withoutCredentials(text: string): string {
  if (!text.includes('@')) return text
  return text.replaceAll(/[^\s,]+/g, (word) => {
    const at = word.lastIndexOf('@')
    return word.slice(0, Math.max(0, at)).includes(':') ? `[hidden]${word.slice(at)}` : word
  })
}

/** Returns a value as REST shows it. Passwords are hidden, also in URLs (I8). */
export function valueText(value: ConfigValue, type: ConfigType): string | null {
  if (value === null) return null
  if (type === 'PASSWORD') return '[hidden]'
  if (typeof value === 'object') return withoutCredentials(value.join(','))
  if (typeof value !== 'number') return withoutCredentials(String(value))
  if (type === 'DOUBLE') return javaDoubleText(value)
  if (Number.isSafeInteger(value)) return String(value)
  const [min, max] = bounds.LONG
  const exact = BigInt(value)
  return String(exact > max ? max : exact < min ? min : exact)
}

/** Returns a value as Kafka writes it in messages: lists in brackets, passwords hidden (I8). */
export function messageText(value: ConfigValue, type: ConfigType): string {
  return type === 'LIST' && Array.isArray(value)
    ? withoutCredentials(`[${value.join(', ')}]`)
    : String(valueText(value, type))
}
