import { maxLength, refused, type Language } from './nodes.ts'
import { readQuoted, readRegex } from './quoted.ts'
import type { Token, TokenReader, Tokens } from './token.ts'

/** The longer ones first, as a token is the longest operator at its place. */
const operators: Readonly<Record<Language, readonly string[]>> = {
  groovy: '=== !== <=> ==~ ?[ ?. ?: .. -> == != =~ <= >= && || + - * / % < > ! ? : . , ( ) [ ] { } ;'.split(' '),
  javascript: '=== !== ?. ?? => == != <= >= && || + - * / % < > ! ? : . , ( ) [ ] ;'.split(' '),
}

/** Combinations that would be read as two of the operators. */
const unsupported = ['++', '--', '**', '+=', '-=', '*=', '/=', '%=', '<<', '>>', '*.', '.&', '..<', '?=']

/** Returns the tokens of an expression; the last one is the end. @throws ConfigError at what is none */
export function tokenize(source: string, language: Language): readonly Token[] {
  if (source.length > maxLength)
    throw refused(source.slice(0, 20), 0, `it has ${source.length} characters; ${maxLength} are supported`)
  return new Tokenizer(source, language).read(0, false, 0).tokens
}

/** Reads the tokens of an expression, and of those in its texts. */
class Tokenizer implements TokenReader {
  readonly source: string
  readonly language: Language

  constructor(source: string, language: Language) {
    this.source = source
    this.language = language
  }

  /** @param braced whether the tokens end at an unmatched `}` */
  read(from: number, braced: boolean, depth: number): Tokens {
    if (depth > 8) throw refused(this.source, from, 'texts in texts are nested too deeply')
    const tokens: Token[] = []
    let braces = 0
    for (let at = from; ;) {
      const start = this.#afterBlanks(at)
      const newline = this.source.slice(at, start).includes('\n')
      if (start >= this.source.length) {
        if (braced) throw refused(this.source, start, 'a "}" is missing')
        tokens.push({ kind: 'end', text: '', at: start, newline })
        return { tokens, end: start }
      }
      const { token, end } = this.#token(start, newline, tokens.at(-1), depth)
      if (token.kind === 'operator' && token.text === '{') braces += 1
      if (token.kind === 'operator' && token.text === '}') {
        if (braced && braces === 0) return { tokens: [...tokens, { kind: 'end', text: '', at: start, newline }], end }
        braces -= 1
      }
      tokens.push(token)
      at = end
    }
  }

  #afterBlanks(from: number): number {
    const blanks = /(?:\s|\/\/[^\n]*|\/\*(?:[^*]|\*(?!\/))*\*\/)*/y
    blanks.lastIndex = from
    return from + (blanks.exec(this.source)?.[0].length ?? 0)
  }

  #token(at: number, newline: boolean, previous: Token | undefined, depth: number): { token: Token; end: number } {
    const first = this.source.charAt(at)
    const place = { at, newline }
    if (first === "'" || first === '"' || (first === '`' && this.language === 'javascript')) {
      const { quoted, end } = readQuoted(this, at, depth)
      return { token: { kind: 'quoted', text: first, ...quoted, ...place }, end }
    }
    if (first === '/' && !isOperand(previous)) {
      const { pattern, flags, end } = readRegex(this.source, at, this.language)
      return { token: { kind: 'regex', text: pattern, flags, ...place }, end }
    }
    const name = matchAt(/[\p{L}_$][\p{L}\p{N}_$]*/uy, this.source, at)
    if (name !== null) return { token: { kind: 'name', text: name, ...place }, end: at + name.length }
    if (/\d/.test(first) || (this.language === 'javascript' && /^\.\d/.test(this.source.slice(at, at + 2)))) {
      const { text, suffix, end } = this.#number(at)
      return { token: { kind: 'number', text, suffix, ...place }, end }
    }
    if (first === '}' && depth > 0) return { token: { kind: 'operator', text: '}', ...place }, end: at + 1 }
    const wrong = unsupported.find((one) => this.source.startsWith(one, at))
    if (wrong !== undefined) throw refused(this.source, at, `the operator "${wrong}" is not supported`)
    const operator = operators[this.language].find((one) => this.source.startsWith(one, at))
    if (operator === undefined) throw refused(this.source, at, `"${first}" is not supported`)
    return { token: { kind: 'operator', text: operator, ...place }, end: at + operator.length }
  }

  #number(at: number): { text: string; suffix: string; end: number } {
    const digits =
      /(?:0[xX][\da-fA-F][\da-fA-F_]*|0[bB][01][01_]*|\d[\d_]*(?:\.\d[\d_]*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)/y
    const text = matchAt(digits, this.source, at) ?? ''
    const suffix = matchAt(/[\p{L}\p{N}_$]+/uy, this.source, at + text.length) ?? ''
    const allowed = this.language === 'groovy' ? /^[iIlLfFdDgG]?$/ : /^$/
    const isOctal = /^0[\d_]/.test(text) && !/[.eE]/.test(text)
    const exponent = Number(/[eE]([+-]?\d+)$/.exec(text)?.[1] ?? 0)
    if (!allowed.test(suffix) || text.endsWith('_') || isOctal || Math.abs(exponent) > 400 || text.length > 400)
      throw refused(this.source, at, `the number "${(text + suffix).slice(0, 40)}" is not supported`)
    return { text: text.replaceAll('_', ''), suffix: suffix.toLowerCase(), end: at + text.length + suffix.length }
  }
}

function isOperand(token: Token | undefined): boolean {
  if (token === undefined) return false
  if (token.kind !== 'operator') return !['return', 'in', 'typeof'].includes(token.text)
  return token.text === ')' || token.text === ']' || token.text === '}'
}

function matchAt(pattern: RegExp, source: string, at: number): string | null {
  pattern.lastIndex = at
  return pattern.exec(source)?.[0] ?? null
}
