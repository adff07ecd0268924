import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Logical, primitive, struct, type ConnectRecord, type RawConfig, type SchemaAndValue } from 'penstock/api'
import { configProviderContract, converterContract, predicateContract, transformContract } from 'penstock/testing'
import { describe, expect, it } from 'vitest'

import * as aws from '../../plugins/config-providers/aws-secret-provider.ts'
import * as directories from '../../plugins/config-providers/directory-config-provider.ts'
import * as environment from '../../plugins/config-providers/env-var-config-provider.ts'
import * as files from '../../plugins/config-providers/file-config-provider.ts'
import * as vault from '../../plugins/config-providers/vault-secret-provider.ts'
import * as byteArrays from '../../plugins/converters/byte-array-converter.ts'
import * as json from '../../plugins/converters/json-converter.ts'
import * as headers from '../../plugins/converters/simple-header-converter.ts'
import * as strings from '../../plugins/converters/string-converter.ts'
import * as hasHeader from '../../plugins/predicates/has-header-key.ts'
import * as tombstones from '../../plugins/predicates/record-is-tombstone.ts'
import * as topics from '../../plugins/predicates/topic-name-matches.ts'
import * as unwrap from '../../plugins/transforms/extract-new-record-state.ts'
import * as router from '../../plugins/transforms/regex-router.ts'
import { builtInPlugins } from '../../src/plugin/built-in-plugins.ts'
import { plainValues, sampleValues } from '../../src/testing/data/sample-values.ts'
import { doubleToken, startAwsDouble, startVaultDouble } from '../support/secrets/manager-doubles.ts'
import { patienceMs } from '../support/until.ts'

const waitMs = patienceMs
const tried = new Set<string>()

const texts = sampleValues.filter(({ schema, value }) => schema?.type === 'STRING' && value !== null)
const bytes = sampleValues.filter(({ schema }) => schema?.type === 'BYTES' && schema.name === null)
const notUtf8 = Buffer.from([0xff, 0xfe])

/** Headers have no schema, and their texts no type: these are read as what they were. */
const headerValues: readonly SchemaAndValue[] = [
  { schema: primitive('BOOLEAN'), value: true },
  { schema: primitive('INT64'), value: 9223372036854775807n },
  { schema: primitive('STRING'), value: 'a text' },
  {
    schema: primitive('BYTES', { name: Logical.decimal, parameters: { scale: '30' } }),
    value: '0.100000000000000000000000000001',
  },
]

describe.each([
  {
    what: 'JSON with schemas',
    plugin: json.plugin,
    config: {},
    values: sampleValues,
    undecodable: [notUtf8, Buffer.from('{')],
  },
  {
    what: 'JSON',
    plugin: json.plugin,
    config: { 'schemas.enable': 'false' },
    values: plainValues,
    undecodable: [notUtf8, Buffer.from('{')],
  },
  { what: 'JSON headers', plugin: json.headerPlugin, config: {}, values: sampleValues, undecodable: [notUtf8] },
  { what: 'strings', plugin: strings.plugin, config: {}, values: texts, undecodable: [] },
  { what: 'string headers', plugin: strings.headerPlugin, config: {}, values: texts, undecodable: [] },
  { what: 'bytes', plugin: byteArrays.plugin, config: {}, values: bytes, undecodable: [] },
  { what: 'byte headers', plugin: byteArrays.headerPlugin, config: {}, values: bytes, undecodable: [] },
  { what: 'simple headers', plugin: headers.plugin, config: {}, values: headerValues, undecodable: [] },
])('the converter of $what', (options) => {
  tried.add(`${options.plugin.kind} ${options.plugin.className}`)
  for (const { name, run } of converterContract({ ...options, waitMs })) it(name, run)
})

const row = struct([['id', primitive('INT64')]], { optional: true, name: 't.public.a.Value' })
const envelope = struct(
  [
    ['before', row],
    ['after', row],
    ['source', struct([['db', primitive('STRING')]])],
    ['op', primitive('STRING')],
  ],
  { name: 't.public.a.Envelope' },
)
const change = (op: string, before: ConnectRecord['value'], after: ConnectRecord['value']): ConnectRecord => ({
  topic: 't.public.a',
  partition: null,
  keySchema: struct([['id', primitive('INT64')]]),
  key: [1],
  valueSchema: envelope,
  value: [before, after, ['shop'], op],
  timestamp: null,
  headers: [],
})
const changes = [change('c', null, [1]), change('u', [1], [2]), change('d', [2], null), change('r', null, [3])]
const tombstone: ConnectRecord = { ...change('d', null, null), valueSchema: null, value: null }

describe.each<{ what: string; plugin: typeof router.plugin; config: RawConfig }>([
  { what: 'RegexRouter', plugin: router.plugin, config: { regex: '(.*)\\.(.*)', replacement: '$2' } },
  { what: 'ExtractNewRecordState', plugin: unwrap.plugin, config: {} },
  {
    what: 'ExtractNewRecordState with all additions',
    plugin: unwrap.plugin,
    config: { 'delete.tombstone.handling.mode': 'rewrite', 'add.fields': 'op,source.db', 'add.headers': 'op' },
  },
])('the transform $what', (options) => {
  tried.add(`${options.plugin.kind} ${options.plugin.className}`)
  for (const { name, run } of transformContract({ ...options, records: [...changes, tombstone], waitMs })) it(name, run)
})

const withHeader: ConnectRecord = { ...tombstone, headers: [{ key: 'h', schema: null, value: 'v' }] }

describe.each([
  { plugin: hasHeader.plugin, config: { name: 'h' }, met: [withHeader], unmet: [tombstone] },
  { plugin: tombstones.plugin, config: {}, met: [tombstone], unmet: changes },
  { plugin: topics.plugin, config: { pattern: 't\\..*' }, met: changes, unmet: [{ ...tombstone, topic: 'u' }] },
])('the predicate $plugin.className', (options) => {
  tried.add(`${options.plugin.kind} ${options.plugin.className}`)
  for (const { name, run } of predicateContract({ ...options, waitMs })) it(name, run)
})

function secretsDirectory(): { readonly directory: string; readonly close: () => Promise<void> } {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'penstock-secrets-')))
  writeFileSync(join(directory, 'user'), 'alice-of-shop')
  writeFileSync(join(directory, 'db.properties'), 'user=alice-of-shop\nempty=\n')
  return { directory, close: async () => rmSync(directory, { recursive: true, force: true }) }
}

describe('the config provider of files', () => {
  tried.add(`${files.plugin.kind} ${files.plugin.className}`)
  const cases = configProviderContract({
    plugin: files.plugin,
    waitMs,
    prepare: () => {
      const { directory, close } = secretsDirectory()
      const values = { user: 'alice-of-shop', empty: '' }
      const path = join(directory, 'db.properties')
      return {
        config: { 'allowed.paths': directory },
        path,
        values,
        missingKey: 'none',
        unreadablePath: '/etc/hostname',
        close,
      }
    },
  })
  for (const { name, run } of cases) it(name, run)
})

describe('the config provider of directories', () => {
  tried.add(`${directories.plugin.kind} ${directories.plugin.className}`)
  const cases = configProviderContract({
    plugin: directories.plugin,
    waitMs,
    prepare: () => {
      const { directory, close } = secretsDirectory()
      const config = { 'allowed.paths': directory }
      return { config, path: directory, values: { user: 'alice-of-shop' }, unreadablePath: '/etc', close }
    },
  })
  for (const { name, run } of cases) it(name, run)
})

describe('the config provider of environment variables', () => {
  tried.add(`${environment.plugin.kind} ${environment.plugin.className}`)
  const cases = configProviderContract({
    plugin: environment.plugin,
    waitMs,
    prepare: () => {
      process.env['PENSTOCK_CONTRACT_USER'] = 'alice-of-shop'
      return {
        config: { 'allowlist.pattern': 'PENSTOCK_CONTRACT_.*' },
        path: '',
        values: { PENSTOCK_CONTRACT_USER: 'alice-of-shop' },
        missingKey: 'PENSTOCK_CONTRACT_NONE',
        unreadablePath: 'a/path',
        close: async () => void delete process.env['PENSTOCK_CONTRACT_USER'],
      }
    },
  })
  for (const { name, run } of cases) it(name, run)
})

describe.each([
  {
    plugin: vault.plugin,
    start: startVaultDouble,
    configOf: (url: string): RawConfig => ({ 'vault.addr': url, 'vault.token': doubleToken }),
    paths: { path: 'secret/shop', unreadablePath: 'secret/nope' },
  },
  {
    plugin: aws.plugin,
    start: startAwsDouble,
    configOf: (url: string): RawConfig => ({
      'aws.region': 'eu-central-1',
      'aws.access.key': 'AKIDEXAMPLE',
      'aws.secret.key': 'the-secret-key',
      'aws.endpoint.override': url,
    }),
    paths: { path: 'shop', unreadablePath: 'nope' },
  },
])('the config provider $plugin.className', ({ plugin, start, configOf, paths }) => {
  tried.add(`${plugin.kind} ${plugin.className}`)
  const cases = configProviderContract({
    plugin,
    waitMs,
    prepare: async () => {
      const double = await start()
      const close = async (): Promise<void> => await double.close()
      return { config: configOf(double.url), ...paths, values: { user: 'alice-of-shop' }, missingKey: 'none', close }
    },
  })
  for (const { name, run } of cases) it(name, run)
})

it('leaves out no plugin but connectors, which have suites of their own', () => {
  const all = builtInPlugins.filter(({ kind }) => kind !== 'source' && kind !== 'sink')
  expect([...tried].toSorted()).toEqual(all.map(({ kind, className }) => `${kind} ${className}`).toSorted())
})
