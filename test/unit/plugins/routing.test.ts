import { DataError, primitive, struct, type ConnectRecord } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { plugin as hasHeaderKey } from '../../../plugins/predicates/has-header-key.ts'
import { plugin as recordIsTombstone } from '../../../plugins/predicates/record-is-tombstone.ts'
import { plugin as topicNameMatches } from '../../../plugins/predicates/topic-name-matches.ts'
import { plugin as byLogicalTableRouter } from '../../../plugins/transforms/debezium/routing/by-logical-table-router.ts'
import { plugin as regexRouter } from '../../../plugins/transforms/routing/regex-router.ts'

const record = (topic: string): ConnectRecord => ({
  topic,
  partition: null,
  keySchema: null,
  key: null,
  valueSchema: null,
  value: 1,
  timestamp: null,
  headers: [{ key: 'h', schema: null, value: null }],
})

describe('RegexRouter', () => {
  it.each([
    ['shop.public.(.*)', '$1', 'shop.public.orders', 'orders'],
    ['public', 'x', 'shop.public.orders', 'shop.public.orders'],
    ['(.*)', 'es-$1', 'orders', 'es-orders'],
    ['(?<name>o.*)', '${name}-\\$1', 'orders', 'orders-$1'],
    ['(o)(r)(.*)', '$3$10', 'orders', 'derso0'],
    ['\\Qshop.\\E([a-z&&[^x]]+)', '$1', 'shop.orders', 'orders'],
    ['(?i)SHOP\\.(\\p{Alpha}+)', '$1', 'shop.orders', 'orders'],
  ])('%s → %s turns %s into %s', (regex, replacement, topic, routed) => {
    const router = regexRouter.create({ regex, replacement }, {})
    for (let time = 0; time < 2; time += 1) expect(router.apply(record(topic))?.topic).toBe(routed)
  })

  it('keeps the record object when the topic stays', () => {
    const same = record('orders')
    expect(regexRouter.create({ regex: 'x', replacement: 'y' }, {}).apply(same)).toBe(same)
  })

  it('reports an invalid expression or replacement', () => {
    expect(regexRouter.configDef['regex']?.validator?.('regex', '(')).toContain('Invalid regex')
    expect(regexRouter.configDef['regex']?.validator?.('regex', 'a++')).toBe(
      'Invalid regex: possessive quantifiers are not supported in "a++"',
    )
    expect(regexRouter.configDef['regex']?.validator?.('regex', '(a)')).toBeNull()
    expect(() => regexRouter.create({ regex: 'a', replacement: '$2' }, {}).apply(record('a'))).toThrow(DataError)
    expect(() => regexRouter.create({ regex: 'a', replacement: '$x' }, {}).apply(record('a'))).toThrow(DataError)
    expect(() => regexRouter.create({ regex: 'a', replacement: '${n}' }, {}).apply(record('a'))).toThrow(DataError)
  })
})

describe('predicates', () => {
  it('TopicNameMatches wants the whole topic', () => {
    const matches = topicNameMatches.create({ pattern: 'shop\\..*' }, {})
    expect([matches.test(record('shop.orders')), matches.test(record('my.shop.orders'))]).toEqual([true, false])
    const validator = topicNameMatches.configDef['pattern']?.validator
    expect(validator?.('pattern', '[')).toContain('Invalid regex')
    expect(validator?.('pattern', '')).toBe('String must be non-empty')
    expect(validator?.('pattern', 'a|b')).toBeNull()
  })

  it('HasHeaderKey looks for a header', () => {
    expect(hasHeaderKey.create({ name: 'h' }, {}).test(record('t'))).toBe(true)
    expect(hasHeaderKey.create({ name: 'i' }, {}).test(record('t'))).toBe(false)
  })

  it('RecordIsTombstone looks for a null value', () => {
    const tombstone = recordIsTombstone.create({}, {})
    expect([tombstone.test(record('t')), tombstone.test({ ...record('t'), value: null })]).toEqual([false, true])
  })
})

describe('ByLogicalTableRouter', () => {
  it('remembers the schemas of 1,000 topics for each schema', () => {
    const router = byLogicalTableRouter.create({ 'topic.regex': '(.*)', 'topic.replacement': 'all.$1' }, {})
    const keySchema = struct([['id', primitive('INT32')]])
    const schemaOf = (topic: string) => router.apply({ ...record(topic), keySchema, key: [1] })?.keySchema
    const first = schemaOf('t0')
    for (let i = 1; i < 1000; i += 1) schemaOf(`t${i}`)
    expect(schemaOf('t0')).toBe(first)
    schemaOf('t1000')
    expect(schemaOf('t0')).not.toBe(first)
    expect(schemaOf('t0')).toEqual(first)
  })
})
