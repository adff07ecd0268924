import { ConfigError, DataError, mapOf, primitive, struct, type ConnectRecord, type ConnectValue } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { plugin as filter } from '../../../plugins/transforms/debezium/scripting/filter.ts'
import { plugin as router } from '../../../plugins/transforms/debezium/scripting/content-based-router.ts'
import { Expression } from '../../../plugins/transforms/expressions/expression.ts'
import type { Language } from '../../../plugins/transforms/expressions/syntax/nodes.ts'

const string = primitive('STRING', { optional: true })
const schema = struct([
  ['op', string],
  ['__proto__', string],
  ['constructor', string],
  ['attrs', mapOf(string, string, { optional: true })],
])

const row: ConnectValue = ['u', 'p', 'c', new Map([['toString', 't']])]

const recordOf = (value: ConnectValue, headers: ConnectRecord['headers'] = []): ConnectRecord => ({
  topic: 'shop.public.orders',
  partition: null,
  keySchema: null,
  key: null,
  valueSchema: value === null || typeof value === 'string' ? null : schema,
  value,
  timestamp: null,
  headers,
})

function result(source: string, language: Language, record = recordOf(row)): unknown {
  return new Expression(source, language).evaluate(record)
}

const steps = /exceeds its budget of \d+ steps/

describe('an expression', () => {
  it.each<[string, string, string, string]>([
    ['value.op == "u', 'line 1, column 13', 'at ""u"', 'the text does not end'],
    ['value.op ==\n  value.op()', 'line 2, column 9', 'at "op()"', 'the method "op" is not supported'],
    ['value.op == 1 +', 'column 16', 'at the end', 'an expression is missing'],
    ['valu.op', 'column 1', 'at "valu.op"', 'there are key, value, keySchema, valueSchema, topic, header'],
    ['value.op ** 2', 'column 10', 'at "** 2"', 'the operator "**" is not supported'],
    ['value.op = 1', 'column 10', 'at "= 1"', '"=" is not supported'],
    ['if (true) { 1 }', 'column 1', 'at "if (true)', '"if" is not supported'],
    ["value.op == 'u'\n-1", 'line 2', 'at "-1"', 'is a statement of its own'],
    ["topic ==~ '(a'", 'column 11', '', 'a ")" is missing'],
    ['topic ==~ topic', 'column 7', '', 'supported with a literal on the right only'],
    ['topic.startsWith()', 'column 7', '', 'does not take 0 arguments'],
  ])('%s is refused with its place', (source, ...parts) => {
    const create = (): unknown => filter.create({ language: 'jsr223.groovy', condition: source }, {})
    expect(create).toThrow(ConfigError)
    for (const part of ['condition: Failed to parse the expression', ...parts]) expect(create).toThrow(part)
  })

  it.each(['wasm.chicory', 'jsr223.jython', 'jsr223.'])('of the language %s is refused', (language) => {
    const create = (): unknown => router.create({ language, 'topic.expression': 'null' }, {})
    expect(create).toThrow('use jsr223.groovy or jsr223.graal.js')
  })

  it('that returns another type fails the record by name', () => {
    const made = filter.create({ language: 'jsr223.groovy', condition: 'value.op' }, {})
    expect(() => made.apply(recordOf(row))).toThrow(
      "Error while evaluating expression 'value.op': the expression returned a string, not a Boolean",
    )
  })
})

describe('the sandbox', () => {
  it.each([
    'System.exit(1)',
    'Runtime.getRuntime().exec("x")',
    'process.exit(1)',
    'globalThis.process',
    'require("fs")',
    'import("fs")',
    'eval("1")',
    'this.constructor',
    'new Date()',
    'value.getClass()',
    'topic.getClass().forName("x")',
    'topic.class.forName("x")',
    'topic.execute()',
    'Function("return 1")()',
    'value.op.constructor("return 1")()',
    'topic.__proto__.x()',
    'topic.valueOf()',
    '[].constructor.constructor("return process")()',
    '({}).x',
    '@groovy.transform.ASTTest(value={assert false}) def x',
    '{ -> 1 }.call()',
    'while (true) {}',
    'for (;;) {}',
    'function f() { return f() }',
    '(() => 1)()',
    'x = 1',
    'value.op++',
  ])('has nothing to run %s with', (source) => {
    for (const language of ['groovy', 'javascript'] as const)
      expect(() => result(source, language)).toThrow(/Failed to parse the expression|Error while evaluating expression/)
  })

  it.each(['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty', '__defineGetter__'])(
    'finds no member %s but those of the record',
    (name) => {
      const own: unknown = name === '__proto__' ? 'p' : name === 'constructor' ? 'c' : undefined
      expect(result(`value.${name}`, 'javascript')).toBe(own)
      expect(result(`value['${name}']`, 'javascript')).toBe(own)
      for (const owner of ['topic', 'header', '[1]', 'valueSchema', '1.5', 'true', '/a/']) {
        expect(result(`${owner}.${name}`, 'javascript')).toBeUndefined()
        expect(result(`${owner}['${name}']`, 'javascript')).toBeUndefined()
      }
      expect(result(`value.attrs.${name}`, 'groovy')).toBe(name === 'toString' ? 't' : null)
      expect(() => result(`topic.${name}`, 'groovy')).toThrow(DataError)
    },
  )

  it.each<[string, string]>([
    ['parentheses', `${'('.repeat(10_000)}1${')'.repeat(10_000)}`],
    ['lists', '['.repeat(10_000)],
    ['signs', `${'- '.repeat(10_000)}1`],
    ['negations', `${'!'.repeat(10_000)}true`],
    ['operators', `1${'+1'.repeat(10_000)}`],
    ['members', `value${'.x'.repeat(10_000)}`],
    ['ternaries', 'true ? '.repeat(5_000)],
    ['closures', '[1].any { '.repeat(5_000)],
    ['texts in texts', '"${'.repeat(5_000)],
    ['templates', '`${'.repeat(5_000)],
  ])('refuses deeply nested %s', (_what, source) => {
    for (const language of ['groovy', 'javascript'] as const)
      expect(() => result(source, language)).toThrow(ConfigError)
  })

  it('refuses an expression of a megabyte', () => {
    expect(() => result('1 '.repeat(500_000), 'groovy')).toThrow('it has 1000000 characters; 65536 are supported')
  })

  it.each<[Language, string]>([
    ['groovy', "'a' * 1000000000"],
    ['groovy', "('a' * 100000) * 100000"],
    ['groovy', "(('a' * 1000000).replace('a', 'b' * 100000)).size()"],
    ['groovy', "('ab' * 1000).tokenize('b').any { x -> ('ab' * 1000).tokenize('b').any { ('b' * 1000) == x } }"],
    ['javascript', "'a'.repeat(1e9)"],
    ['javascript', "'a'.repeat(1e6).split('').map(x => 'b'.repeat(1e6)).join('')"],
    ['javascript', "'aa'.repeat(1e5).split('').some(x => 'aa'.repeat(1e5).split('').some(y => false))"],
  ])('ends %s %s with an error', (language, source) => {
    expect(() => result(source, language)).toThrow(steps)
  })

  it('counts the operators of a closure each time that it is called', () => {
    const body = `1${' + 1'.repeat(100)} == 0`
    const calls = Array.from({ length: 10 }, () => '1').join(', ')
    const nested = `[${calls}].any { [${calls}].any { ${body} } }`
    const expression = new Expression(nested, 'groovy')
    expect(expression.evaluate(recordOf(row))).toBe(false)
    expect(expression.spent).toBeGreaterThan(10 * 10 * 100)
  })

  it('ends numbers that grow with an error', () => {
    const grown = `[12345678.9]${'.collect { it * it }'.repeat(40)}`
    expect(() => result(grown, 'groovy')).toThrow('a number has more than 5000 digits')
    expect(() => result('1e999999999 + 1', 'groovy')).toThrow(ConfigError)
  })
})

describe('a regular expression of an expression', () => {
  it.each([
    ['(a+)+b', 'a'.repeat(50_000)],
    ['(a|a)*b', 'a'.repeat(50_000)],
    ['(a|aa)+$', `${'a'.repeat(50_000)}!`],
    ['(a*)*b', 'a'.repeat(50_000)],
    ['((a?)*|()*)*b', 'a'.repeat(50_000)],
    ['(.*)(.*)(.*)(.*)x', 'a'.repeat(20_000)],
    ['(\\w+\\s?)*:', 'word '.repeat(10_000)],
    ['^(\\b\\w+\\b\\s?)+:$', 'word '.repeat(10_000)],
  ])('%s takes steps in proportion to the text', (pattern, text) => {
    const expression = new Expression(`value =~ /${pattern}/ ? true : false`, 'groovy')
    expect(expression.evaluate(recordOf(text))).toBe(false)
    const whole = expression.spent
    expression.evaluate(recordOf(text.slice(0, text.length / 2)))
    expect(whole / expression.spent).toBeLessThan(2.5)
  })

  it.each([
    '(?=a)',
    '(?<!a)b',
    '(a)\\1',
    '(?>a)',
    'a*+',
    '((a{1000}){1000}){1000}',
    '(((){9999}){9999}){9999}',
    '('.repeat(99),
  ])('%s is refused', (pattern) => {
    expect(() => result(`topic ==~ '${pattern.replaceAll('\\', '\\\\')}'`, 'groovy')).toThrow(/Invalid regex: /)
  })
})
