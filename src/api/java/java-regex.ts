import { errorMessage } from '../../foundation/error-message.ts'
import { characterClass, invalidRegex, quoted, sharedEscape, type Piece } from './java-character-class.ts'

/** How a pattern is to be used. */
export interface JavaRegexOptions {
  /** The whole text must match, as with Java's `matches()`; otherwise a part may, as with `find()`. */
  readonly whole: boolean
  readonly ignoreCase?: boolean
}

/** Escapes that mean something only outside of classes. */
const escapes: Readonly<Record<string, string>> = {
  A: '(?<![^])',
  z: '(?![^])',
  Z: '(?=\\n?(?![^]))',
  R: '(?:\\r\\n|[\\n\\v\\f\\r\\x85\\u2028\\u2029])',
}

/**
 * JavaScript's form of a regular expression in Java's syntax, as configs carry them: `topics.regex`, RegexRouter,
 * include and exclude lists. Inline flags at the start, `\Q…\E`, POSIX classes, Java's escapes, classes within classes
 * and intersections of classes are translated.
 * @throws ConfigError `Invalid regex: …` when the pattern is malformed, or uses what JavaScript has no equal for:
 * possessive quantifiers, atomic groups, flags in the middle. A reference back to a group that took no part in the match
 * is the one difference that is left: it matches nothing at all in Java, and the empty text here.
 */
export function javaRegExp(pattern: string, options: JavaRegexOptions): RegExp {
  const leading = /^\(\?([a-zA-Z]+)\)/.exec(pattern)
  const flags = leading?.[1] ?? ''
  if (/[^imsud]/.test(flags)) throw invalidRegex(pattern, `the flags "${flags}" are not supported`)
  const source = translate(pattern, leading?.[0].length ?? 0)
  const jsFlags = `v${flags.includes('i') || options.ignoreCase === true ? 'i' : ''}${[...new Set(flags.replace(/[^ms]/g, ''))].join('')}`
  try {
    const part = new RegExp(source, jsFlags)
    return options.whole ? new RegExp(`(?<![^])(?:${source})(?![^])`, jsFlags) : part
  } catch (cause) {
    const reason = errorMessage(cause)
    throw invalidRegex(pattern, reason.replace(/^Invalid regular expression: (?:\/.*\/\w*: )?/s, ''))
  }
}

function translate(pattern: string, start: number): string {
  let out = ''
  for (let at = start; at < pattern.length;) {
    const [text, length] = piece(pattern, at)
    out += text
    at += length
  }
  return out
}

function piece(pattern: string, at: number): Piece {
  const first = pattern.charAt(at)
  if (first === '\\') return escape(pattern, at)
  if (first === '[') return characterClass(pattern, at)
  const rest = pattern.slice(at)
  if (rest.startsWith('(?>')) throw invalidRegex(pattern, 'atomic groups are not supported')
  // V8 lets the flags of a group leak into classes after it.
  if (/^\(\?[a-zA-Z-]+[:)]/.test(rest)) throw invalidRegex(pattern, 'flags are supported at the start only')
  if (/^(?:[*+?]|\{\d+(?:,\d*)?\})\+/.test(rest))
    throw invalidRegex(pattern, 'possessive quantifiers are not supported')
  const quantifier = /^\{\d+(?:,\d*)?\}/.exec(rest)
  if (quantifier !== null) return [quantifier[0], quantifier[0].length]
  // Java takes these for themselves where they close nothing.
  if (first === '}' || first === ']') return [`\\${first}`, 1]
  return [first, 1]
}

function escape(pattern: string, at: number): Piece {
  const next = pattern.charAt(at + 1)
  if (next === 'Q') return quoted(pattern, at)
  const shared = sharedEscape(pattern, at)
  if (shared !== null) return shared
  return [escapes[next] ?? `\\${next}`, 2]
}
