import { ConfigError } from '../errors.ts'

/** A construct of a Java expression in JavaScript's `v` syntax, and its length in the Java expression. */
export type Piece = readonly [text: string, length: number]

/** @throws ConfigError `Invalid regex: …` */
export function invalidRegex(pattern: string, reason: string): ConfigError {
  return new ConfigError(`Invalid regex: ${reason} in "${pattern}"`)
}

const posixClasses: Readonly<Record<string, string>> = {
  Lower: '[a-z]',
  Upper: '[A-Z]',
  ASCII: '[\\x00-\\x7f]',
  Alpha: '[a-zA-Z]',
  Digit: '[0-9]',
  Alnum: '[a-zA-Z0-9]',
  Punct: '[!-\\x2f:-@\\x5b-`\\x7b-~]',
  Graph: '[!-~]',
  Print: '[ -~]',
  Blank: '[ \\t]',
  Cntrl: '[\\x00-\\x1f\\x7f]',
  XDigit: '[0-9a-fA-F]',
  Space: '[ \\t\\n\\v\\f\\r]',
}

/** Java's predefined classes that JavaScript does not have, or has with other characters. */
const shorthands: Readonly<Record<string, string>> = {
  h: ' \\t\\xa0\\u1680\\u180e\\u2000-\\u200a\\u202f\\u205f\\u3000',
  s: ' \\t\\n\\v\\f\\r',
  v: '\\n\\v\\f\\r\\x85\\u2028\\u2029',
}

/** Escapes of single characters, inside and outside of classes. */
const characters: Readonly<Record<string, string>> = { a: '\\x07', e: '\\x1b' }

/** Returns a pattern that matches a character, inside and outside of classes. */
export function literal(character: string): string {
  if (/[A-Za-z0-9_\s]|\P{ASCII}/v.test(character)) return character
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
}

/** Translates a quotation `\Q…\E` at its start. */
export function quoted(pattern: string, at: number): Piece {
  const end = pattern.indexOf('\\E', at + 2)
  const text = pattern.slice(at + 2, end < 0 ? undefined : end)
  return [Array.from(text, literal).join(''), (end < 0 ? pattern.length : end + 2) - at]
}

/** Translates an escape with the same meaning inside and outside of classes, at its backslash; null for other escapes. */
export function sharedEscape(pattern: string, at: number): Piece | null {
  const rest = pattern.slice(at + 1)
  const next = rest.charAt(0)
  const property = /^([pP])(?:\{(\^?[\w=]+)\}|([A-Z]))/.exec(rest)
  if (property !== null) return [propertyOf(property), property[0].length + 1]
  const code = /^x\{([0-9A-Fa-f]+)\}/.exec(rest)
  if (code !== null) return [`\\u{${code[1] ?? ''}}`, code[0].length + 1]
  const octal = /^0([0-3]?[0-7]{1,2})/.exec(rest)
  if (octal !== null) return [`\\u{${Number.parseInt(octal[1] ?? '0', 8).toString(16)}}`, octal[0].length + 1]
  const shorthand = shorthands[next.toLowerCase()]
  if (shorthand !== undefined) return [`[${next === next.toLowerCase() ? '' : '^'}${shorthand}]`, 2]
  const character = characters[next]
  if (character !== undefined) return [character, 2]
  if (/^[GNX]/.test(next)) throw invalidRegex(pattern, `\\${next} is not supported`)
  if (next === '') throw invalidRegex(pattern, 'a backslash at the end')
  // In Java any character except letters and digits may be escaped.
  return /^[A-Za-z0-9]/.test(next) ? null : [literal(next), 2]
}

function propertyOf([, kind = '', braced, letter]: RegExpExecArray): string {
  const name = braced ?? letter ?? ''
  const posix = posixClasses[name]
  if (posix === undefined) return `\\${kind}{${name.replace(/^Is/, '')}}`
  return kind === 'p' ? posix : `[^${posix}]`
}

/** Translates the class at the `[` at `at`: unions, ranges, nested classes, intersections. */
export function characterClass(pattern: string, at: number): Piece {
  const negated = pattern.charAt(at + 1) === '^'
  const operands: string[] = []
  let operand = ''
  let next = at + (negated ? 2 : 1)
  for (let first = true; first || pattern.charAt(next) !== ']'; first = false) {
    if (next >= pattern.length) throw invalidRegex(pattern, 'Unterminated character class')
    if (pattern.startsWith('&&&', next)) throw invalidRegex(pattern, '"&&&" is not supported')
    if (pattern.startsWith('&&', next)) {
      operands.push(operand)
      operand = ''
      next += 2
      continue
    }
    const [text, length] = classItem(pattern, next)
    operand += text
    next += length
  }
  operands.push(operand)
  const inner = operands.length === 1 ? operand : operands.map((part) => intersected(pattern, part)).join('&&')
  return [`[${negated ? '^' : ''}${inner}]`, next + 1 - at]
}

function intersected(pattern: string, operand: string): string {
  // The meaning of an empty operand differs between Java versions.
  if (operand === '') throw invalidRegex(pattern, 'an intersection with nothing is not supported')
  return `[${operand}]`
}

/** Translates a nested class, an escape, a range or a character. */
function classItem(pattern: string, at: number): Piece {
  if (pattern.charAt(at) === '[') return characterClass(pattern, at)
  const [from, length] = classCharacter(pattern, at)
  const range = pattern.charAt(at + length) === '-' && !/^(?:[[\]]|$)/.test(pattern.slice(at + length + 1))
  if (!range || from.startsWith('[') || /^\\[pPdDwW]/.test(from)) return [from, length]
  const [to, toLength] = classCharacter(pattern, at + length + 1)
  return [`${from}-${to}`, length + 1 + toLength]
}

function classCharacter(pattern: string, at: number): Piece {
  if (pattern.charAt(at) !== '\\') {
    const character = String.fromCodePoint(pattern.codePointAt(at) ?? 0)
    return [literal(character), character.length]
  }
  if (pattern.charAt(at + 1) === 'Q') return quoted(pattern, at)
  const shared = sharedEscape(pattern, at)
  if (shared !== null) return shared
  const code = /^\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|c[A-Za-z])/.exec(pattern.slice(at))
  if (code !== null) return [code[0], code[0].length]
  if (pattern.charAt(at + 1) === 'b') throw invalidRegex(pattern, '\\b in a class is not supported')
  return [pattern.slice(at, at + 2), 2]
}
