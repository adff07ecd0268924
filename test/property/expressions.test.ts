import fc from 'fast-check'
import { ConfigError, DataError } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { Expression } from '../../plugins/transforms/expressions/expression.ts'
import type { Language } from '../../plugins/transforms/expressions/syntax/nodes.ts'
import { recordFrom } from '../oracle/oracle-json.ts'
import { scriptRecords } from '../oracle/debezium/scripting.ts'
import {
  groovyConditions,
  groovyTexts,
  javascriptConditions,
  javascriptTexts,
} from '../oracle/debezium/scripting-expressions.ts'

const records = Object.values(scriptRecords).map(recordFrom)
const limit = 4_000_000

/** Evaluates an expression for all records. Returns whether it is one. */
function evaluateAll(source: string, language: Language): boolean {
  let expression: Expression
  try {
    expression = new Expression(source, language)
  } catch (error) {
    if (error instanceof ConfigError) return false
    throw error
  }
  for (const record of records) {
    try {
      expression.evaluate(record)
      expect(expression.spent).toBeLessThanOrEqual(limit)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      // An error of the code itself would be one of these.
      expect(error.cause, `${language}: ${source}`).toBeInstanceOf(DataError)
    }
  }
  return true
}

const names = ['value', 'key', 'topic', 'header', 'valueSchema', 'keySchema', 'it', 'x', 'undefined', 'nothing']
const fields = [
  'op',
  'after',
  'before',
  'source',
  'h',
  'tags',
  'attrs',
  'price',
  'long',
  'missing',
  '__proto__',
  'value',
]
const literals = [
  '1',
  '2.5',
  '0',
  '3L',
  '1.5f',
  "'a'",
  '"b${topic}"',
  '`c${topic}`',
  'null',
  'true',
  '/a+/',
  '[1, 2]',
  '[]',
  "''",
]
const methods =
  'size length toString equals contains includes startsWith any some every find collect map join split tokenize replace substring get name type field toLowerCase matches test first last repeat intdiv toInteger indexOf keySet getClass constructor'.split(
    ' ',
  )
const operators = '+ - * / % == != === < <= > >= <=> && || ?? in !in =~ ==~ ?: .. ** = ,'.split(' ')

const { expression: grammar } = fc.letrec<{ readonly expression: string; readonly argument: string }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 6, depthSize: 'large' },
    fc.constantFrom(...names, ...literals),
    fc.tuple(tie('expression'), fc.constantFrom('.', '?.'), fc.constantFrom(...fields)).map((parts) => parts.join('')),
    fc.tuple(tie('expression'), tie('expression')).map(([owner, index]) => `${owner}[${index}]`),
    fc
      .tuple(
        tie('expression'),
        fc.constantFrom('.', '?.'),
        fc.constantFrom(...methods),
        fc.array(tie('argument'), { maxLength: 2 }),
      )
      .map(([owner, dot, method, args]) => `${owner}${dot}${method}(${args.join(', ')})`),
    fc.tuple(tie('expression'), fc.constantFrom(...operators), tie('expression')).map((parts) => parts.join(' ')),
    fc.tuple(tie('expression'), tie('expression'), tie('expression')).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    fc.tuple(fc.constantFrom('!', '-', '+', 'typeof '), tie('expression')).map((parts) => parts.join('')),
    fc.array(tie('expression'), { maxLength: 3 }).map((items) => `[${items.join(', ')}]`),
  ),
  argument: fc.oneof(
    tie('expression'),
    tie('expression').map((body) => `{ ${body} }`),
    tie('expression').map((body) => `{ x -> ${body} }`),
    tie('expression').map((body) => `x => ${body}`),
  ),
}))

const languages: readonly Language[] = ['groovy', 'javascript']

describe.each(languages)('an expression of %s', (language) => {
  it('is refused by name, or evaluated within its budget, whatever the grammar makes', () => {
    let valid = 0
    fc.assert(
      fc.property(grammar, (source) => {
        if (evaluateAll(source, language)) valid += 1
      }),
      { numRuns: 3000 },
    )
    expect(valid).toBeGreaterThan(300)
  })

  it('is refused by name, or evaluated within its budget, whatever its characters are', () => {
    const piece = fc.oneof(
      fc.constantFrom(...names, ...fields, ...literals, ...operators, ...Array.from('()[]{}.,;:?!$`"\'/\\\n ->=>')),
      fc.string({ unit: 'binary', maxLength: 3 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => void evaluateAll(pieces.join(''), language)),
      { numRuns: 3000 },
    )
  })

  it('is refused by name, or evaluated within its budget, when a valid one is changed', () => {
    const all = language === 'groovy' ? [groovyConditions, groovyTexts] : [javascriptConditions, javascriptTexts]
    const sources = all.flatMap((expressions) => Object.values(expressions).flat())
    const change = fc.record({
      source: fc.constantFrom(...sources),
      at: fc.nat(200),
      length: fc.nat(3),
      text: fc.oneof(fc.constantFrom(...names, ...operators, ...literals, ''), fc.string({ maxLength: 3 })),
    })
    fc.assert(
      fc.property(change, ({ source, at, length, text }) => {
        const place = at % (source.length + 1)
        evaluateAll(source.slice(0, place) + text + source.slice(place + length), language)
      }),
      { numRuns: 3000 },
    )
  })
})
