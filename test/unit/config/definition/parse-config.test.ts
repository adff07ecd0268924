import { describe, expect, it } from 'vitest'

import type { ConfigDef, ConfigType, ConfigValue } from '../../../../src/api/config-def.ts'

import { ConfigError } from '../../../../src/api/errors.ts'
import { atLeast, oneOf } from '../../../../src/api/validators.ts'
import { checkConfig, parseConfig } from '../../../../src/config/definition/parse-config.ts'
import { parseValue, valueText, withoutCredentials } from '../../../../src/config/definition/parse-value.ts'

describe('a value', () => {
  it.each([
    ['http://user:secret@host:9200', '[hidden]@host:9200'],
    ['user:se@cret@host', '[hidden]@host'],
    ['http://a:1, https://u:secret@b', 'http://a:1, [hidden]@b'],
    ['someone@example.com', 'someone@example.com'],
    ['a:b', 'a:b'],
    [`${':'.repeat(1_000_000)}@h`, '[hidden]@h'],
  ])('is shown without the credentials of an address', (text, shown) => {
    expect(withoutCredentials(text)).toBe(shown)
    expect(valueText(text, 'STRING')).toBe(shown)
  })

  it('that is invalid is shown without credentials (I8)', () => {
    const def: ConfigDef = {
      port: { type: 'INT', importance: 'LOW', doc: '', defaultValue: 1 },
      url: { type: 'STRING', importance: 'LOW', doc: '', validator: () => 'It is wrong' },
    }
    const { problems } = checkConfig(def, { port: 'http://u:secret@h', url: 'http://u:secret@h' })
    expect(JSON.stringify(problems)).not.toContain('secret')
  })

  it.each<[ConfigType, string, ConfigValue]>([
    ['BOOLEAN', ' TRUE ', true],
    ['BOOLEAN', 'false', false],
    ['STRING', '  a b ', 'a b'],
    ['PASSWORD', ' secret ', 'secret'],
    ['INT', '+2147483647', 2_147_483_647],
    ['SHORT', '-32768', -32_768],
    ['LONG', '9007199254740991', 9_007_199_254_740_991],
    ['DOUBLE', '1.5e3', 1500],
    ['DOUBLE', '2d', 2],
    ['LIST', 'a , b,c', ['a', 'b', 'c']],
    ['LIST', '  ', []],
    ['LIST', 'a,,b', ['a', '', 'b']],
  ])('of type %s reads %j as %j', (type, raw, value) => {
    expect(parseValue(raw, type)).toEqual({ value })
  })

  it.each<[ConfigType, string, string]>([
    ['BOOLEAN', 'yes', 'Expected value to be either true or false'],
    ['INT', 'x', 'Not a number of type INT'],
    ['INT', '2147483648', 'Not a number of type INT'],
    ['INT', '1.0', 'Not a number of type INT'],
    ['SHORT', '32768', 'Not a number of type SHORT'],
    ['LONG', '9223372036854775808', 'Not a number of type LONG'],
    ['LONG', '', 'Not a number of type LONG'],
    ['DOUBLE', 'x', 'Not a number of type DOUBLE'],
  ])('of type %s refuses %j: %s', (type, raw, problem) => {
    expect(parseValue(raw, type)).toEqual({ problem })
  })

  it.each<[ConfigType, ConfigValue, string | null]>([
    ['PASSWORD', 'secret', '[hidden]'],
    ['LIST', ['a', 'b'], 'a,b'],
    ['DOUBLE', 1, '1.0'],
    ['LONG', 2 ** 63, '9223372036854775807'],
    ['STRING', null, null],
  ])('of type %s is shown as text: %j as %j', (type, value, text) => {
    expect(valueText(value, type)).toBe(text)
  })
})

const def: ConfigDef = {
  topic: { type: 'STRING', importance: 'HIGH', doc: '' },
  size: { type: 'INT', defaultValue: 2000, importance: 'LOW', doc: '', validator: atLeast(1) },
  mode: {
    type: 'STRING',
    defaultValue: 'plain',
    importance: 'LOW',
    doc: '',
    validator: oneOf('plain', 'fast', 'old'),
    unsupportedValues: { OLD: 'the old mode is not served; use plain' },
  },
  secret: { type: 'PASSWORD', defaultValue: null, importance: 'LOW', doc: '', validator: atLeast(1) },
  proxy: { type: 'STRING', defaultValue: '', importance: 'LOW', doc: '', unsupported: 'no proxies' },
}
const good = { topic: 't', secret: '1' }
const messages = (raw: Record<string, string | null>): string[] =>
  checkConfig(def, { ...good, ...raw })
    .problems.map((problem) => problem.message)
    .filter((message) => !message.includes('secret'))

describe('a config', () => {
  it('parses with the defaults of its table and leaves unknown keys out', () => {
    const { secret, ...open } = def
    expect(secret?.type).toBe('PASSWORD')
    expect(parseConfig(open, { topic: ' t ', size: '7', other: 'x' })).toEqual({
      topic: 't',
      size: 7,
      mode: 'plain',
      proxy: '',
    })
  })

  it('reports missing values with the message of Kafka', () => {
    expect(messages({})).toEqual([])
    const { problems } = checkConfig(def, { secret: '1' })
    expect(problems[0]).toEqual({
      key: 'topic',
      message: 'Missing required configuration "topic" which has no default value.',
    })
  })

  it('reports a value that does not parse, and the message of the validator for null', () => {
    expect(messages({ size: 'x' })).toEqual([
      'Invalid value x for configuration size: Not a number of type INT',
      'Invalid value null for configuration size: Value must be non-null',
    ])
    expect(messages({ size: '0' })).toEqual(['Invalid value 0 for configuration size: Value must be at least 1'])
    expect(messages({ size: null })).toEqual(['Invalid value null for configuration size: Value must be non-null'])
  })

  it('never shows a password in a message (I8)', () => {
    const { problems } = checkConfig(def, { topic: 't', secret: 'hunter2' })
    expect(JSON.stringify(problems)).toContain('Invalid value [hidden] for configuration secret')
    expect(JSON.stringify(problems)).not.toContain('hunter2')
  })

  it('rejects an unsupported setting unless it has its default', () => {
    expect(messages({ proxy: '' })).toEqual([])
    expect(messages({ proxy: 'p:80' })).toEqual(['Configuration "proxy" is not supported: no proxies'])
    expect(messages({ mode: 'old' })).toEqual([
      'Invalid value old for configuration mode: Not supported: the old mode is not served; use plain',
    ])
  })

  it('throws all problems in one error', () => {
    const { secret: _, ...open } = def
    const parse = (): unknown => parseConfig(open, { size: '0' })
    expect(parse).toThrow(ConfigError)
    expect(parse).toThrow(
      'Missing required configuration "topic" which has no default value.\nInvalid value 0 for configuration size: Value must be at least 1',
    )
  })
})
