import { ConfigError } from './errors.ts'

/** How a pattern is to be used. */
export interface JavaRegexOptions {
  /** The whole text must match, as with Java's `matches()`; otherwise a part may, as with `find()`. */
  readonly whole: boolean
  readonly ignoreCase?: boolean
}

const posixClasses: Readonly<Record<string, string>> = {
  Lower: 'a-z',
  Upper: 'A-Z',
  ASCII: '\\x00-\\x7f',
  Alpha: 'a-zA-Z',
  Digit: '0-9',
  Alnum: 'a-zA-Z0-9',
  Punct: '!-\\/:-@\\[-`\\{-~',
  Graph: '!-~',
  Print: ' -~',
  Blank: ' \\t',
  Cntrl: '\\x00-\\x1f\\x7f',
  XDigit: '0-9a-fA-F',
  Space: ' \\t\\n\\v\\f\\r',
}

const escapes: Readonly<Record<string, string>> = {
  A: '(?<![^])',
  z: '(?![^])',
  Z: '(?=\\n?(?![^]))',
  a: '\\x07',
  e: '\\x1b',
  h: '[ \\t\\xa0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000]',
  R: '(?:\\r\\n|[\\n\\v\\f\\r\\x85\\u2028\\u2029])',
}

/**
 * JavaScript's form of a regular expression in Java's syntax, as configs carry them: `topics.regex`, RegexRouter,
 * include and exclude lists. Inline flags at the start, `\Q…\E`, POSIX classes and Java's escapes are translated.
 * @throws ConfigError `Invalid regex: …` when the pattern is malformed, or uses what JavaScript has no equal for:
 * possessive quantifiers, atomic groups, class intersections, flags in the middle.
 */
export function javaRegExp(pattern: string, options: JavaRegexOptions): RegExp {
  const leading = /^\(\?([a-zA-Z]+)\)/.exec(pattern)
  const flags = leading?.[1] ?? ''
  if (/[^imsud]/.test(flags)) throw invalid(pattern, `the flags "${flags}" are not supported`)
  const source = translate(pattern, leading?.[0].length ?? 0)
  const jsFlags = `u${flags.includes('i') || options.ignoreCase === true ? 'i' : ''}${flags.replace(/[^ms]/g, '')}`
  try {
    const part = new RegExp(source, jsFlags)
    return options.whole ? new RegExp(`(?<![^])(?:${source})(?![^])`, jsFlags) : part
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw invalid(pattern, reason.replace(/^Invalid regular expression: (?:\/.*\/\w*: )?/s, ''))
  }
}

function invalid(pattern: string, reason: string): ConfigError {
  return new ConfigError(`Invalid regex: ${reason} in "${pattern}"`)
}

function translate(pattern: string, start: number): string {
  let out = ''
  let inClass = false
  for (let at = start; at < pattern.length;) {
    const [text, length] = pattern[at] === '\\' ? escape(pattern, at, inClass) : plain(pattern, at, inClass)
    if (text === '[' && !inClass) inClass = true
    else if (text === ']' && inClass) inClass = false
    out += text
    at += length
  }
  return out
}

type Piece = readonly [text: string, length: number]

function plain(pattern: string, at: number, inClass: boolean): Piece {
  const rest = pattern.slice(at)
  if (inClass) {
    if (rest.startsWith('&&')) throw invalid(pattern, 'class intersections are not supported')
    if (rest.startsWith('[')) throw invalid(pattern, 'classes within classes are not supported')
    return [rest.charAt(0), 1]
  }
  if (rest.startsWith('(?>')) throw invalid(pattern, 'atomic groups are not supported')
  if (/^\(\?[a-zA-Z-]+\)/.test(rest)) throw invalid(pattern, 'flags are supported at the start only')
  if (/^(?:[*+?]|\{\d+(?:,\d*)?\})\+/.test(rest)) throw invalid(pattern, 'possessive quantifiers are not supported')
  const quantifier = /^\{\d+(?:,\d*)?\}/.exec(rest)
  if (quantifier !== null) return [quantifier[0], quantifier[0].length]
  // Java takes these for themselves where they close nothing.
  if (rest.startsWith('}') || rest.startsWith(']')) return [`\\${rest.charAt(0)}`, 1]
  return [rest.charAt(0), 1]
}

function escape(pattern: string, at: number, inClass: boolean): Piece {
  const rest = pattern.slice(at + 1)
  const next = rest.charAt(0)
  if (next === 'Q') return quoted(rest)
  const braced = /^([pPx])\{(\^?\w+)\}/.exec(rest)
  if (braced !== null) return [bracedEscape(braced, inClass), braced[0].length + 1]
  const octal = /^0([0-3]?[0-7]{1,2})/.exec(rest)
  if (octal !== null) return [`\\u{${Number.parseInt(octal[1] ?? '0', 8).toString(16)}}`, octal[0].length + 1]
  if (/[GX]/.test(next)) throw invalid(pattern, `\\${next} is not supported`)
  const known = escapes[next]
  if (known !== undefined) return [inClass ? known.replace(/^\[|\]$/g, '') : known, 2]
  // In Java any character but letters and digits may be escaped.
  if (/^[^A-Za-z0-9]/.test(next)) return [/[$()*+./?[\\\]^{|}-]/.test(next) ? literal(next) : next, 2]
  return [`\\${next}`, 2]
}

function literal(character: string): string {
  return character === '-' ? '\\x2d' : `\\${character}`
}

function quoted(rest: string): Piece {
  const end = rest.indexOf('\\E', 1)
  const text = end < 0 ? rest.slice(1) : rest.slice(1, end)
  return [text.replace(/[$()*+./?[\\\]^{|}]/g, '\\$&').replaceAll('-', '\\x2d'), (end < 0 ? rest.length : end + 2) + 1]
}

function bracedEscape(match: RegExpExecArray, inClass: boolean): string {
  const [, kind = '', name = ''] = match
  if (kind === 'x') return `\\u{${name}}`
  const posix = posixClasses[name]
  if (posix === undefined) return `\\${kind}{${name.replace(/^Is/, '')}}`
  if (inClass && kind === 'p') return posix
  return kind === 'p' ? `[${posix}]` : `[^${posix}]`
}
