import { errorMessage } from '../../foundation/error-message.ts'
import { characterClass, invalidRegex, quoted, sharedEscape, type Piece } from './java-character-class.ts'

/** How to use a pattern. */
export interface JavaRegexOptions {
  /** Whether the whole text must match, as with Java's `matches()`, or any part of it, as with `find()`. */
  readonly whole: boolean
  readonly ignoreCase?: boolean
}

/** Escapes that have a meaning only outside of character classes. */
const escapes: Readonly<Record<string, string>> = {
  A: '(?<![^])',
  z: '(?![^])',
  Z: '(?=\\n?(?![^]))',
  R: '(?:\\r\\n|[\\n\\v\\f\\r\\x85\\u2028\\u2029])',
}

/**
 * Translates a regular expression from [Java's syntax](https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/util/regex/Pattern.html),
 * as in `topics.regex`, RegexRouter, include and exclude lists. Supports inline flags at the start, `\Q…\E`, POSIX classes,
 * Java's escapes, nested classes and intersections. One difference remains: a back reference to a group that did not
 * participate in the match fails in Java, and matches the empty string here.
 * @throws ConfigError `Invalid regex: …` if the pattern is malformed, or has no equivalent in JavaScript: possessive
 * quantifiers, atomic groups, flags in the middle.
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
  // V8 applies the flags of a group to classes after it.
  if (/^\(\?[a-zA-Z-]+[:)]/.test(rest)) throw invalidRegex(pattern, 'flags are supported at the start only')
  if (/^(?:[*+?]|\{\d+(?:,\d*)?\})\+/.test(rest))
    throw invalidRegex(pattern, 'possessive quantifiers are not supported')
  const quantifier = /^\{\d+(?:,\d*)?\}/.exec(rest)
  if (quantifier !== null) return [quantifier[0], quantifier[0].length]
  // Java treats these as literals if they close nothing.
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
