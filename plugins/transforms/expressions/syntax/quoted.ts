import { refused, type Language } from './nodes.ts'
import type { Quoted, Token, TokenReader, Tokens } from './token.ts'

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' }

/** Reads the text that begins at a quote. @throws ConfigError if it does not end, or has an unknown escape */
export function readQuoted(
  tokenizer: TokenReader,
  from: number,
  depth: number,
): { readonly quoted: Quoted; readonly end: number } {
  const { source, language } = tokenizer
  const quote = source.charAt(from)
  if (language === 'groovy' && source.startsWith(quote.repeat(3), from))
    throw refused(source, from, 'texts in three quotes are not supported')
  const parts: (string | readonly Token[])[] = []
  let text = ''
  for (let at = from + 1; at < source.length;) {
    const character = source.charAt(at)
    if (character === quote) return { quoted: { parts: [...parts, text] }, end: at + 1 }
    if (character === '\n' && quote !== '`') break
    if (character === '\\') {
      const escaped = escape(source, at, language)
      text += escaped.text
      at = escaped.end
    } else if (character === '$' && interpolates(quote, language)) {
      const inner = expressionIn(tokenizer, at, depth)
      if (inner === null) {
        if (language === 'groovy') throw refused(source, at, 'a "$" in such a text is written "\\$"')
        text += character
        at += 1
        continue
      }
      parts.push(text, inner.tokens)
      text = ''
      at = inner.end
    } else {
      text += character
      at += 1
    }
  }
  throw refused(source, from, 'the text does not end')
}

const interpolates = (quote: string, language: Language): boolean => quote === (language === 'groovy' ? '"' : '`')

/** Returns the tokens of `${…}`, or of Groovy's `$name.name`. */
function expressionIn(tokenizer: TokenReader, at: number, depth: number): Tokens | null {
  const { source, language } = tokenizer
  if (source.charAt(at + 1) === '{') return tokenizer.read(at + 2, true, depth + 1)
  const path = language === 'groovy' ? /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*/.exec(source.slice(at + 1, at + 1000)) : null
  if (path === null) return null
  const tokens: Token[] = []
  let start = at + 1
  for (const name of path[0].split('.')) {
    if (tokens.length > 0) tokens.push({ kind: 'operator', text: '.', at: start - 1, newline: false })
    tokens.push({ kind: 'name', text: name, at: start, newline: false })
    start += name.length + 1
  }
  const end = at + 1 + path[0].length
  return { tokens: [...tokens, { kind: 'end', text: '', at: end, newline: false }], end }
}

function escape(source: string, at: number, language: Language): { readonly text: string; readonly end: number } {
  const code = /^u([\da-fA-F]{4})/.exec(source.slice(at + 1, at + 6))?.[1]
  if (code !== undefined) return { text: String.fromCharCode(Number.parseInt(code, 16)), end: at + 6 }
  const next = source.charAt(at + 1)
  const known = escapes[next]
  if (known !== undefined) return { text: known, end: at + 2 }
  if (language === 'groovy' ? !/[\\'"$]/.test(next) : !/[^a-zA-Z0-9\n]/.test(next))
    throw refused(source, at, `the escape "\\${next}" is not supported`)
  return { text: next, end: at + 2 }
}

/** Reads a regular expression between slashes, or Groovy's text between slashes. */
export function readRegex(
  source: string,
  from: number,
  language: Language,
): { readonly pattern: string; readonly flags: string; readonly end: number } {
  let pattern = ''
  let inClass = false
  for (let at = from + 1; at < source.length && source.charAt(at) !== '\n'; at += 1) {
    const character = source.charAt(at)
    if (character === '\\') {
      const next = source.charAt(at + 1)
      pattern += next === '/' ? '/' : `\\${next}`
      at += 1
      continue
    }
    if (language === 'groovy' && character === '$' && /[\w{]/.test(source.charAt(at + 1)))
      throw refused(source, at, 'expressions in a text between slashes are not supported')
    if (character === '[') inClass = true
    if (character === ']') inClass = false
    if (character === '/' && !(inClass && language === 'javascript')) {
      const flags = language === 'javascript' ? (/^[a-z]*/.exec(source.slice(at + 1, at + 20))?.[0] ?? '') : ''
      if (/[^is]/.test(flags)) throw refused(source, at, `the flags "${flags}" are not supported`)
      return { pattern, flags, end: at + 1 + flags.length }
    }
    pattern += character
  }
  throw refused(source, from, 'the regular expression does not end')
}
