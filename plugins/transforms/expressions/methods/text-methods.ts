import { DataError } from 'penstock/api'

import type { Scope } from '../scope.ts'
import { decimalOf, Floating, integerOf } from '../values/numbers.ts'
import { listOf, type Value } from '../values/values.ts'
import { method, numberAt, regexAt, textAt, type Argument, type Method } from './method.ts'

type TextCall = (self: string, args: readonly Argument[], scope: Scope) => Value

/** A method that reads a text: it costs little for each character. */
function reads(least: number, most: number, call: TextCall): Method {
  return method<string>(least, most, (self, args, scope) => {
    scope.budget.spend(1 + (self.length >> 4))
    return call(self, args, scope)
  })
}

/** A method that makes a text of about the size of the text. */
function makes(least: number, most: number, call: TextCall): Method {
  return method<string>(least, most, (self, args, scope) => {
    scope.budget.spend(1 + self.length)
    return call(self, args, scope)
  })
}

function between(self: string, from: number, to: number): string {
  if (from < 0 || to > self.length || from > to)
    throw new DataError(`a string of ${self.length} characters has no part from ${from} to ${to}`)
  return self.slice(from, to)
}

/** Replaces each occurrence. The result is counted before it is made. */
function replaced(self: string, args: readonly Argument[], scope: Scope): string {
  const [from, to] = [textAt(args, 0), textAt(args, 1)]
  scope.budget.spend((self.length + 1) * Math.max(to.length, 1))
  return self.replaceAll(from, () => to)
}

/** Joins the parts of a text that are not empty. */
function tokens(self: string, delimiters: string): Value {
  const all = new Set(delimiters)
  const found: string[] = []
  let token = ''
  for (const character of self) {
    if (!all.has(character)) token += character
    else if (token !== '') {
      found.push(token)
      token = ''
    }
  }
  return listOf(token === '' ? found : [...found, token])
}

/** Returns the text of a regular expression without operators; null for others. */
function literalOf(pattern: string): string | null {
  if (pattern === '') return null
  const unescaped = pattern.replaceAll(/\\([^A-Za-z0-9])/g, '')
  return /[\\^$.|?*+()[\]{}]/.test(unescaped) ? null : pattern.replaceAll(/\\([^A-Za-z0-9])/g, '$1')
}

function javaSplit(self: string, pattern: string): Value {
  const literal = literalOf(pattern)
  if (literal === null) throw new DataError(`split is supported with a text only, not with the expression "${pattern}"`)
  const parts = self.split(literal)
  while (parts.length > 1 && parts.at(-1) === '') parts.pop()
  return listOf(parts)
}

function whole(self: string, bits: 32 | 64): Value {
  const text = self.trim()
  const digits = /^[+-]?\d{1,19}$/.test(text) ? BigInt(text) : null
  if (digits === null || BigInt.asIntN(bits, digits) !== digits)
    throw new DataError(`"${self.slice(0, 100)}" is no integer`)
  return bits === 32 ? Number(digits) : digits
}

const decimalText = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/

function parsed(self: string): string {
  const text = self.trim()
  if (text.length > 1000 || !decimalText.test(text)) throw new DataError(`"${self.slice(0, 100)}" is no number`)
  return text
}

const both: readonly (readonly [string, Method])[] = [
  ['startsWith', reads(1, 1, (self, args) => self.startsWith(textAt(args, 0)))],
  ['endsWith', reads(1, 1, (self, args) => self.endsWith(textAt(args, 0)))],
  ['indexOf', reads(1, 2, (self, args) => self.indexOf(textAt(args, 0), args.length > 1 ? numberAt(args, 1) : 0))],
  ['lastIndexOf', reads(1, 1, (self, args) => self.lastIndexOf(textAt(args, 0)))],
  ['toLowerCase', makes(0, 0, (self) => self.toLowerCase())],
  ['toUpperCase', makes(0, 0, (self) => self.toUpperCase())],
  [
    'concat',
    makes(1, 1, (self, args, scope) => {
      scope.budget.spend(textAt(args, 0).length)
      return self + textAt(args, 0)
    }),
  ],
]

/** The methods of texts in Groovy. */
export const groovyText: ReadonlyMap<string, Method> = new Map([
  ...both,
  ['contains', reads(1, 1, (self, args) => self.includes(textAt(args, 0)))],
  ['length', reads(0, 0, (self) => self.length)],
  ['size', reads(0, 0, (self) => self.length)],
  ['isEmpty', reads(0, 0, (self) => self === '')],
  ['isBlank', reads(0, 0, (self) => self.trim() === '')],
  [
    'equalsIgnoreCase',
    makes(1, 1, (self, args) => typeof args[0] === 'string' && self.toLowerCase() === args[0].toLowerCase()),
  ],
  ['matches', method<string>(1, 1, (self, args, { budget }) => regexAt(args, 0).regex.matches(self, budget), true)],
  // eslint-disable-next-line no-control-regex -- these are the characters that Java's trim removes
  ['trim', makes(0, 0, (self) => self.replace(/^[\u0000-\u0020]+/, '').replace(/[\u0000-\u0020]+$/, ''))],
  ['strip', makes(0, 0, (self) => self.trim())],
  [
    'substring',
    makes(1, 2, (self, args) => between(self, numberAt(args, 0), args.length > 1 ? numberAt(args, 1) : self.length)),
  ],
  ['charAt', reads(1, 1, (self, args) => between(self, numberAt(args, 0), numberAt(args, 0) + 1))],
  ['replace', makes(2, 2, replaced)],
  ['split', makes(1, 1, (self, args) => javaSplit(self, textAt(args, 0)))],
  ['tokenize', makes(0, 1, (self, args) => tokens(self, args.length > 0 ? textAt(args, 0) : ' \t\n\r\f'))],
  ['reverse', makes(0, 0, (self) => Array.from(self).toReversed().join(''))],
  ['capitalize', makes(0, 0, (self) => self.charAt(0).toUpperCase() + self.slice(1))],
  ['take', makes(1, 1, (self, args) => self.slice(0, Math.max(numberAt(args, 0), 0)))],
  ['drop', makes(1, 1, (self, args) => self.slice(Math.max(numberAt(args, 0), 0)))],
  ['toInteger', reads(0, 0, (self) => whole(self, 32))],
  ['toLong', reads(0, 0, (self) => whole(self, 64))],
  ['toBigDecimal', reads(0, 0, (self) => decimalOf(parsed(self)))],
  ['toDouble', reads(0, 0, (self) => new Floating(Number(parsed(self)), 64))],
  ['isNumber', reads(0, 0, (self) => decimalText.test(self.trim().slice(0, 1000)))],
  ['isInteger', reads(0, 0, (self) => /^[+-]?\d{1,10}$/.test(self.trim()) && fits(self.trim(), 32))],
  ['isLong', reads(0, 0, (self) => /^[+-]?\d{1,19}$/.test(self.trim()) && fits(self.trim(), 64))],
])

const fits = (text: string, bits: 32 | 64): boolean =>
  BigInt(integerOf(BigInt.asIntN(64, BigInt(text)), bits)) === BigInt(text)

/** The methods of strings in JavaScript. */
export const javascriptText: ReadonlyMap<string, Method> = new Map([
  ...both,
  ['includes', reads(1, 1, (self, args) => self.includes(textAt(args, 0)))],
  ['trim', makes(0, 0, (self) => self.trim())],
  [
    'substring',
    makes(1, 2, (self, args) => self.substring(numberAt(args, 0), args.length > 1 ? numberAt(args, 1) : undefined)),
  ],
  [
    'slice',
    makes(1, 2, (self, args) => self.slice(numberAt(args, 0), args.length > 1 ? numberAt(args, 1) : undefined)),
  ],
  ['charAt', reads(1, 1, (self, args) => self.charAt(numberAt(args, 0)))],
  [
    'replace',
    makes(2, 2, (self, args, scope) => {
      scope.budget.spend(textAt(args, 1).length)
      return self.replace(textAt(args, 0), () => textAt(args, 1))
    }),
  ],
  ['replaceAll', makes(2, 2, replaced)],
  ['split', makes(1, 1, (self, args) => listOf(self.split(textAt(args, 0))))],
  [
    'repeat',
    reads(1, 1, (self, args, scope) => {
      const times = numberAt(args, 0)
      if (!(times >= 0)) throw new DataError(`cannot repeat a string ${times} times`)
      scope.budget.spend(self.length * times)
      return self.repeat(times)
    }),
  ],
])
