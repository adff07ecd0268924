import {
  ConfigError,
  DataError,
  mapOf,
  primitive,
  struct,
  type ConnectRecord,
  type ConnectValue,
  type RawConfig,
  type Schema,
  type TransformPlugin,
} from 'penstock/api'
import { describe, expect, it } from 'vitest'

import * as drop from '../../../plugins/transforms/confluent/drop.ts'
import * as extract from '../../../plugins/transforms/confluent/extract-topic.ts'
import { plugin as timestampRouter } from '../../../plugins/transforms/confluent/message-timestamp-router.ts'
import { plugin as tombstones } from '../../../plugins/transforms/confluent/tombstone-handler.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'

// There is no original to record from: these tables are written from Confluent's documentation, whose examples they contain.

const create = (plugin: TransformPlugin, raw: RawConfig) => plugin.create(parseConfig(plugin.configDef, raw), raw)
const [string, integer] = [primitive('STRING'), primitive('INT32')]

const record = (more: Partial<ConnectRecord> = {}): ConnectRecord => ({
  topic: 'bar',
  partition: 1,
  keySchema: string,
  key: 'k',
  valueSchema: null,
  value: { id: 1 },
  timestamp: 5,
  headers: [],
  ...more,
})

const inner = struct([
  ['f3', primitive('STRING', { optional: true })],
  ['list', primitive('INT64')],
])
const nested: Schema = struct([
  ['f1', inner],
  ['f2', string],
  ['__proto__', string],
  ['n', primitive('FLOAT64')],
  ['d', primitive('STRING', { optional: true, defaultValue: 'по-умолчанию' })],
  ['m', mapOf(string, string)],
])
const nestedValue = [['deep', 9_007_199_254_740_993n], 'two', 'p', Number.NaN, null, new Map([['a b', 'mapped']])]
const plain: ConnectValue = {
  f1: { f3: 'deep' },
  f2: 'two',
  'f.2': 'dotted',
  list: ['zero', { x: 'one' }],
  n: 9_007_199_254_740_993n,
  empty: '',
  none: null,
}

const valueOf = (schema: Schema | null, value: ConnectValue) => record({ valueSchema: schema, value })

describe('ExtractTopic', () => {
  it.each<[field: string, format: string, from: 'struct' | 'map', topic: string]>([
    ['f2', 'PLAIN', 'struct', 'two'],
    ['f2', '', 'map', 'two'],
    ['f.2', 'PLAIN', 'map', 'dotted'],
    ['__proto__', 'plain', 'struct', 'p'],
    ['d', 'PLAIN', 'struct', 'по-умолчанию'],
    ['$["f1"]["f3"]', 'JSON_PATH', 'struct', 'deep'],
    ["$['f1']['f3']", 'JSON_PATH', 'map', 'deep'],
    ['$.f1.f3', 'JSON_PATH', 'map', 'deep'],
    ['f1.f3', 'json_path', 'map', 'deep'],
    ['$["m"]["a b"]', 'JSON_PATH', 'struct', 'mapped'],
    ['$.list[0]', 'JSON_PATH', 'map', 'zero'],
    ['$.list[1].x', 'JSON_PATH', 'map', 'one'],
    ['$["f.2"]', 'JSON_PATH', 'map', 'dotted'],
  ])('takes %s (%s) of a %s', (field, format, from, topic) => {
    const given = from === 'struct' ? valueOf(nested, nestedValue) : valueOf(null, plain)
    const made = create(extract.valuePlugin, { field, 'field.format': format })
    expect(made.apply(given)).toEqual({ ...given, topic })
  })

  it.each<[field: string, format: string]>([
    ['nothing', 'PLAIN'],
    ['toString', 'PLAIN'],
    ['none', 'PLAIN'],
    ['$.f1.nothing', 'JSON_PATH'],
    ['$.f2.x', 'JSON_PATH'],
    ['$.list[7]', 'JSON_PATH'],
    ['$.f1[0]', 'JSON_PATH'],
  ])('rejects a record without %s, or skips it', (field, format) => {
    const raw = { field, 'field.format': format }
    expect(() => create(extract.valuePlugin, raw).apply(valueOf(null, plain))).toThrow(
      new DataError(`ExtractTopic$Value: "${field}" of the value has to be the name of a topic, found null or nothing`),
    )
    const skipping = create(extract.valuePlugin, { ...raw, 'skip.missing.or.null': 'true' })
    const given = valueOf(null, plain)
    expect(skipping.apply(given)).toBe(given)
  })

  it.each(['n', 'empty', 'list', 'f1'])('rejects %s, which is no name', (field) => {
    const raw = { field, 'skip.missing.or.null': 'true' }
    expect(() => create(extract.valuePlugin, raw).apply(valueOf(null, plain))).toThrow(DataError)
  })

  it('takes no field of a struct by its place', () => {
    const made = create(extract.valuePlugin, { field: '$.f1[0]', 'field.format': 'JSON_PATH' })
    expect(() => made.apply(valueOf(nested, nestedValue))).toThrow('found null or nothing')
  })

  it('takes the key or the value itself', () => {
    expect(create(extract.keyPlugin, {}).apply(record())?.topic).toBe('k')
    expect(create(extract.valuePlugin, {}).apply(valueOf(string, 'v'))?.topic).toBe('v')
    expect(() => create(extract.keyPlugin, {}).apply(record({ keySchema: integer, key: 24 }))).toThrow(
      'ExtractTopic$Key: the key has to be the name of a topic, found a number without a schema',
    )
    const keyless = record({ keySchema: null, key: null })
    expect(() => create(extract.keyPlugin, {}).apply(keyless)).toThrow(DataError)
    expect(create(extract.keyPlugin, { 'skip.missing.or.null': 'true' }).apply(keyless)).toBe(keyless)
  })

  it('takes a header', () => {
    const given = record({ headers: [{ key: 'to', schema: string, value: 'there' }] })
    expect(create(extract.headerPlugin, { field: 'to' }).apply(given)?.topic).toBe('there')
    expect(() => create(extract.headerPlugin, { field: 'from' }).apply(given)).toThrow(DataError)
    expect(create(extract.headerPlugin, { field: 'from', 'skip.missing.or.null': 'true' }).apply(given)).toBe(given)
  })

  it.each([
    ['a header without a name', extract.headerPlugin, {}],
    ['a path to a header', extract.headerPlugin, { field: '$.h', 'field.format': 'JSON_PATH' }],
    ['another format', extract.valuePlugin, { field: 'a', 'field.format': 'XPATH' }],
    ['several values', extract.valuePlugin, { field: '$.a[*]', 'field.format': 'JSON_PATH' }],
    ['a search', extract.valuePlugin, { field: '$..a', 'field.format': 'JSON_PATH' }],
    ['a filter', extract.valuePlugin, { field: '$.a[?(@.b)]', 'field.format': 'JSON_PATH' }],
    ['no name', extract.valuePlugin, { field: '$', 'field.format': 'JSON_PATH' }],
    ['an open bracket', extract.valuePlugin, { field: "$['a'", 'field.format': 'JSON_PATH' }],
  ] as const)('refuses %s', (_what, plugin, raw) => {
    expect(() => create(plugin, raw)).toThrow(ConfigError)
  })
})

describe('TombstoneHandler', () => {
  const tombs = [record({ value: null }), record({ valueSchema: primitive('STRING', { optional: true }), value: null })]

  it.each([{}, { behavior: 'warn' }, { behavior: 'ignore' }])(
    'drops tombstones with %j, with and without schema',
    (raw) => {
      for (const tomb of tombs) expect(create(tombstones, raw).apply(tomb)).toBeNull()
      const other = record()
      expect(create(tombstones, raw).apply(other)).toBe(other)
    },
  )

  it('rejects tombstones, or its settings', () => {
    for (const tomb of tombs) expect(() => create(tombstones, { behavior: 'fail' }).apply(tomb)).toThrow(DataError)
    expect(() => create(tombstones, { behavior: 'keep' })).toThrow('String must be one of')
  })
})

describe('Drop', () => {
  const optional = primitive('INT32', { optional: true, name: 'n', version: 2 })

  it.each<[behavior: string, schema: Schema | null, expected: Schema | null]>([
    ['nullify', integer, null],
    ['nullify', null, null],
    ['retain', integer, integer],
    ['retain', null, null],
    ['validate', optional, optional],
    ['validate', null, null],
    ['force_optional', optional, optional],
    ['force_optional', integer, primitive('INT32', { optional: true })],
    ['FORCE_OPTIONAL', null, null],
  ])('%s: sets the key or value to null', (behavior, schema, expected) => {
    const raw = { 'schema.behavior': behavior }
    const given = record({ keySchema: schema, key: 24, valueSchema: schema, value: 24 })
    expect(create(drop.keyPlugin, raw).apply(given)).toEqual({ ...given, keySchema: expected, key: null })
    expect(create(drop.valuePlugin, raw).apply(given)).toEqual({ ...given, valueSchema: expected, value: null })
  })

  it('validates that the schema is optional, and its settings', () => {
    expect(() => create(drop.keyPlugin, { 'schema.behavior': 'validate' }).apply(record())).toThrow(
      'Drop$Key: the schema STRING is not optional',
    )
    expect(() => create(drop.keyPlugin, { 'schema.behavior': 'drop' })).toThrow(ConfigError)
    expect(create(drop.keyPlugin, {}).apply(record())).toMatchObject({ keySchema: null, key: null })
  })
})

describe('MessageTimestampRouter', () => {
  const raw = {
    'topic.format': 'foo-${topic}-${timestamp}',
    'message.timestamp.format': 'yyyy-MM-dd',
    'topic.timestamp.format': 'yyyy.MM.dd',
    'message.timestamp.keys': 'timestamp,time,ts',
  }

  it.each<[value: ConnectValue, topic: string]>([
    [{ time: '2019-08-06' }, 'foo-bar-2019.08.06'],
    [{ ts: '2019-08-07', time: '2019-08-06' }, 'foo-bar-2019.08.06'],
    [{ ts: '2019-08-07', time: null }, 'foo-bar-2019.08.07'],
  ])('%j goes to %s', (value, topic) => {
    expect(create(timestampRouter, raw).apply(record({ value }))?.topic).toBe(topic)
  })

  it.each<[ConnectValue, Schema | null]>([
    [{ other: '2019-08-06' }, null],
    [{ time: 5 }, null],
    [{ time: 'today' }, null],
    [null, null],
    ['2019-08-06', string],
    [['2019-08-06'], struct([['time', string]])],
  ])('rejects %j', (value, valueSchema) => {
    expect(() => create(timestampRouter, raw).apply(record({ value, valueSchema }))).toThrow(DataError)
  })

  it.each(['message.timestamp.format', 'topic.timestamp.format', 'message.timestamp.keys'] as const)(
    'needs %s, and checks it',
    (key) => {
      const { [key]: _left, ...rest } = raw
      expect(() => create(timestampRouter, rest)).toThrow(`Missing required configuration "${key}"`)
      expect(() => create(timestampRouter, { ...raw, [key]: key.endsWith('keys') ? '' : 'bad pattern' })).toThrow(
        ConfigError,
      )
    },
  )
})
