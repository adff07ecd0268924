import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  DataError,
  NotReadyError,
  primitive,
  type ConfigProvider,
  type ConfigProviderPlugin,
  type ConnectRecord,
  type Converter,
  type ConverterPlugin,
  type Predicate,
  type PredicatePlugin,
  type SchemaAndValue,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'
import {
  configProviderContract,
  converterContract,
  manifestContract,
  predicateContract,
  transformContract,
} from 'penstock/testing'
import { describe, expect, it } from 'vitest'

import { brokenWaitMs as waitMs, violationOf } from '../../support/testing/contract-runs.ts'

const head = { aliases: [], version: '1.0.0', configDef: {} }
const values: readonly SchemaAndValue[] = [
  { schema: primitive('STRING'), value: 'a' },
  { schema: primitive('STRING'), value: 'bc' },
]

describe('the suite for converters', () => {
  const plugin = (converter: () => Converter): ConverterPlugin => ({
    ...head,
    kind: 'converter',
    className: 'com.acme.TextConverter',
    create: converter,
  })
  const good: Converter = {
    fromConnect(_topic, schema, value) {
      if (value === null) return null
      if (typeof value !== 'string') throw new DataError(`${schema?.type ?? 'a value'} is no text`)
      return Buffer.from(value)
    },
    toConnect: (_topic, bytes) => ({ schema: null, value: bytes === null ? null : Buffer.from(bytes).toString() }),
  }
  const shared = Buffer.alloc(1)

  it.each<readonly [string, Converter, string, string]>([
    [
      'a value that comes back changed',
      { ...good, toConnect: () => ({ schema: null, value: 'x' }) },
      'returns values as they were',
      '"a" came back as "x"',
    ],
    [
      'a value that does not match its schema',
      { ...good, toConnect: () => ({ schema: primitive('INT32'), value: 'a' }) },
      'returns values as they were',
      'but its schema is INT32',
    ],
    [
      'text instead of bytes',
      { ...good, fromConnect: () => 'a' as unknown as Buffer },
      'returns values as they were',
      'neither bytes nor null',
    ],
    [
      'bytes for a missing value',
      { ...good, fromConnect: () => Buffer.from('null') },
      'keeps a missing value missing',
      'returned 4 bytes',
    ],
    [
      'an error without a name',
      { ...good, fromConnect: (_topic, _schema, value) => Buffer.from(String((value as string).at(0))) },
      'converts every value, or refuses it with a DataError',
      'threw TypeError',
    ],
    [
      'bytes that two instances share',
      { ...good, fromConnect: (_topic, _schema, value) => (shared.write(String(value)), shared) },
      'is independent of other instances',
      'overwrote the bytes',
    ],
    [
      'bytes that are decoded although they are no value',
      good,
      'refuses bytes that are no value with a DataError',
      'returned',
    ],
    [
      'a wait that ends although the converter is not ready',
      {
        ...good,
        toConnect: () => {
          throw new NotReadyError('nothing', async () => undefined)
        },
      },
      'returns values as they were',
      'still not ready',
    ],
  ])('sees %s', async (_what, converter, name, text) => {
    const cases = converterContract({
      plugin: plugin(() => converter),
      values,
      undecodable: [Buffer.from([255])],
      waitMs,
    })
    expect((await violationOf(cases, name)).message).toContain(text)
  })

  describe('a converter that holds its contract', () => {
    for (const { name, run } of converterContract({ plugin: plugin(() => good), values })) it(name, run)
  })

  describe('a converter that is not ready at first', () => {
    const slow = (): Converter => {
      const known = new Set<unknown>()
      const ready = <T>(what: unknown, convert: () => T): T => {
        if (known.has(what)) return convert()
        throw new NotReadyError(`the schema of ${String(what)}`, async () => void known.add(what))
      }
      return {
        fromConnect: (topic, schema, value) => ready(value, () => good.fromConnect(topic, schema, value)),
        toConnect: (topic, bytes) => ready(bytes?.[0], () => good.toConnect(topic, bytes)),
      }
    }
    for (const { name, run } of converterContract({ plugin: plugin(slow), values })) it(name, run)
  })
})

describe('the suite for transforms', () => {
  const plugin = (transform: Transform): TransformPlugin => ({
    ...head,
    kind: 'transformation',
    className: 'com.acme.Rename',
    create: () => transform,
  })
  let count = 0

  it.each<readonly [string, Transform, string, string]>([
    [
      'a record that is changed',
      { apply: (record) => Object.assign(record, { topic: 'x' }) },
      'returns a record or null, and changes nothing',
      'threw TypeError',
    ],
    [
      'nothing instead of null',
      { apply: () => undefined as unknown as null },
      'returns a record or null, and changes nothing',
      'neither a record nor null',
    ],
    [
      'a promise',
      { apply: (async (record: ConnectRecord) => record) as unknown as Transform['apply'] },
      'returns a record or null, and changes nothing',
      'a promise',
    ],
    [
      'an empty topic',
      { apply: (record) => ({ ...record, topic: '' }) },
      'returns a record or null, and changes nothing',
      'the topic of a record',
    ],
    [
      'a lost field',
      {
        apply: ((record: ConnectRecord) => ({
          topic: 'x',
          partition: null,
          keySchema: null,
          key: null,
          valueSchema: null,
          value: record.value,
          timestamp: null,
          headers: [],
        })) as unknown as Transform['apply'],
      },
      'keeps the fields of source records and of sink records',
      'the field sourcePartition was',
    ],
    [
      'a result that varies',
      { apply: (record) => ({ ...record, topic: `t${(count += 1)}` }) },
      'returns the same for the same record',
      'became',
    ],
    [
      'an error without a name',
      { apply: (record) => ({ ...record, topic: (record.key as string).toUpperCase() }) },
      'returns a record or null, and changes nothing',
      'threw TypeError',
    ],
    [
      'a wait that ends although the transform is not ready',
      {
        apply: () => {
          throw new NotReadyError('nothing', async () => undefined)
        },
      },
      'returns a record or null, and changes nothing',
      'still not ready',
    ],
  ])('sees %s', async (_what, transform, name, text) => {
    // A value without a schema is plain data of any kind, so the fault is that of the transform.
    expect((await violationOf(transformContract({ plugin: plugin(transform), waitMs }), name)).message).toContain(text)
  })

  describe('a transform that is not ready at first', () => {
    const slow = (): Transform => {
      let isReady = false
      return {
        apply: (record) => {
          if (isReady) return { ...record, topic: 'found' }
          throw new NotReadyError('the topic', async () => void (isReady = true))
        },
      }
    }
    for (const { name, run } of transformContract({ plugin: { ...plugin(slow()), create: slow } })) it(name, run)
  })
})

describe('the suite for predicates', () => {
  const plugin = (predicate: Predicate): PredicatePlugin => ({
    ...head,
    kind: 'predicate',
    className: 'com.acme.IsRed',
    create: () => predicate,
  })
  const record: ConnectRecord = {
    topic: 'red',
    partition: null,
    keySchema: null,
    key: null,
    valueSchema: null,
    value: null,
    timestamp: null,
    headers: [],
  }
  let count = 0

  it.each<readonly [string, Predicate, string, string]>([
    [
      'a text',
      { test: ({ topic }) => topic as unknown as boolean },
      'tests records of every form, and the same one equally',
      'not true or false',
    ],
    [
      'a result that varies',
      { test: () => (count += 1) % 2 === 0 },
      'tests records of every form, and the same one equally',
      'different results',
    ],
    ['a record that should meet it', { test: () => false }, 'tells the records apart', 'returned false'],
  ])('sees %s', async (_what, predicate, name, text) => {
    const cases = predicateContract({ plugin: plugin(predicate), met: [record], waitMs })
    expect((await violationOf(cases, name)).message).toContain(text)
  })
})

describe('the suite for config providers', () => {
  const plugin = (provider: ConfigProvider): ConfigProviderPlugin => ({
    ...head,
    kind: 'configprovider',
    className: 'com.acme.Vault',
    create: () => provider,
  })
  const fixture = { config: {}, path: 'p', values: { user: 'secret-value' }, missingKey: 'none', unreadablePath: 'q' }

  it.each<readonly [string, ConfigProvider, string, string]>([
    [
      'a wrong value',
      { get: async () => ({ user: 'x' }) },
      'returns the values of the keys, and leaves nothing open',
      'the value of user is',
    ],
    [
      'a value for a key without one',
      { get: async () => ({ user: 'secret-value', none: '' }) },
      'returns the values of the keys, and leaves nothing open',
      'has no value',
    ],
    [
      'a path that should fail',
      { get: async () => ({}) },
      'names a path that cannot be read, without values',
      'did not fail',
    ],
    [
      'an error with a secret',
      {
        get: async () => {
          throw new DataError('cannot read secret-value')
        },
      },
      'names a path that cannot be read, without values',
      'has the value of user',
    ],
    [
      'a call that does not end',
      { get: async () => await new Promise(() => undefined) },
      'ends when the result is not needed any more',
      'did not return within',
    ],
  ])('sees %s', async (_what, provider, name, text) => {
    const cases = configProviderContract({ plugin: plugin(provider), prepare: () => fixture, waitMs })
    expect((await violationOf(cases, name)).message).toContain(text)
  })
})

describe('the suite for manifests', () => {
  it('sees a manifest without plugins, and a plugin that is not as its manifest says', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-manifest-'))
    try {
      const manifest = { name: 'acme', version: '1.0.0', type: 'module' }
      writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest))
      const [lists, has] = manifestContract(directory)
      await expect(lists?.run()).rejects.toThrow('lists no plugins')
      const plugins = [{ kind: 'sink', class: 'com.acme.Sink', module: './sink.js' }]
      writeFileSync(join(directory, 'package.json'), JSON.stringify({ ...manifest, penstock: { plugins } }))
      writeFileSync(join(directory, 'sink.js'), 'export const plugin = { kind: "source" }')
      await lists?.run()
      await expect(has?.run()).rejects.toThrow('package.json says kind "sink"')
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })
})
