import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import {
  Logical,
  primitive,
  struct,
  type ConnectRecord,
  type RawConfig,
  type SchemaAndValue,
  type SchemaType,
} from 'penstock/api'
import {
  configProviderContract,
  converterContract,
  predicateContract,
  transformContract,
  type ConfigProviderContractOptions,
  type ContractCase,
} from 'penstock/testing'
import { afterAll, describe, expect, it } from 'vitest'

import * as aws from '../../plugins/config-providers/aws-secret-provider.ts'
import * as directories from '../../plugins/config-providers/directory-config-provider.ts'
import * as environment from '../../plugins/config-providers/env-var-config-provider.ts'
import * as files from '../../plugins/config-providers/file-config-provider.ts'
import * as vault from '../../plugins/config-providers/vault-secret-provider.ts'
import * as avro from '../../plugins/converters/avro-converter.ts'
import * as cloudEvents from '../../plugins/converters/cloud-events/cloud-events-converter.ts'
import * as byteArrays from '../../plugins/converters/byte-array-converter.ts'
import * as json from '../../plugins/converters/json-converter.ts'
import * as jsonSchema from '../../plugins/converters/json-schema-converter.ts'
import * as protobuf from '../../plugins/converters/protobuf-converter.ts'
import * as primitives from '../../plugins/converters/primitive-converters.ts'
import * as headers from '../../plugins/converters/simple-header-converter.ts'
import * as strings from '../../plugins/converters/string-converter.ts'
import * as hasHeader from '../../plugins/predicates/has-header-key.ts'
import * as tombstones from '../../plugins/predicates/record-is-tombstone.ts'
import * as topics from '../../plugins/predicates/topic-name-matches.ts'
import * as unwrap from '../../plugins/transforms/debezium/extract-new-record-state.ts'
import * as router from '../../plugins/transforms/routing/regex-router.ts'
import { builtInPlugins } from '../../src/plugin/built-in-plugins.ts'
import { debeziumContracts, debeziumRecords } from '../oracle/debezium/contract-samples.ts'
import { plainValues, sampleValues } from '../../src/testing/data/sample-values.ts'
import { BrokerHarness } from '../support/broker/broker-harness.ts'
import { TestRegistry } from '../support/registry/test-registry.ts'
import {
  doubleToken,
  startAwsDouble,
  startVaultDouble,
  type ManagerDouble,
} from '../support/secrets/manager-doubles.ts'
import { patienceMs } from '../support/until.ts'

const waitMs = patienceMs
const tried = new Set<string>()
/** The value of the secret that the config providers of these tests have. */
const user = 'alice-of-shop'

function runAll(
  { kind, className }: Pick<(typeof builtInPlugins)[number], 'kind' | 'className'>,
  cases: readonly ContractCase[],
): void {
  tried.add(`${kind} ${className}`)
  for (const { name, run } of cases) it(name, run)
}

const texts = sampleValues.filter(({ schema, value }) => schema?.type === 'STRING' && value !== null)
const bytes = sampleValues.filter(({ schema }) => schema?.type === 'BYTES' && schema.name === null)
const notUtf8 = Buffer.from([0xff, 0xfe])

/** The struct has null in an array, which Protobuf cannot hold; nor can a message be an array, a map, or a logical type. */
const protobufValues = sampleValues.filter(
  ({ schema }) =>
    schema !== null &&
    !['STRUCT', 'ARRAY', 'MAP'].includes(schema.type) &&
    !Object.values<string | null>(Logical).includes(schema.name),
)

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

const broker = await BrokerHarness.start()
const registry = await TestRegistry.start(broker.bootstrap)
// Subjects of one topic get schemas of all kinds.
await registry.put('/config', { compatibility: 'NONE' })
afterAll(async () => {
  await registry.close()
  await broker.close()
})

const idSerializer = 'io.confluent.kafka.serializers.schema.id.HeaderSchemaIdSerializer'
const idsInHeaders = { 'key.schema.id.serializer': idSerializer, 'value.schema.id.serializer': idSerializer }

describe.each([
  {
    what: 'Avro',
    plugin: avro.plugin,
    config: { 'schema.registry.url': registry.url },
    values: [...sampleValues, ...plainValues],
    undecodable: [notUtf8, Buffer.from([0, 0, 0]), Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 0])],
  },
  {
    what: 'JSON with JSON Schemas',
    plugin: jsonSchema.plugin,
    config: { 'schema.registry.url': registry.url },
    values: [...sampleValues, ...plainValues],
    undecodable: [notUtf8, Buffer.from([0, 0, 0]), Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 0])],
  },
  {
    what: 'Protobuf',
    plugin: protobuf.plugin,
    config: { 'schema.registry.url': registry.url, 'optional.for.nullables': 'true' },
    values: protobufValues,
    undecodable: [notUtf8, Buffer.from([0, 0, 0]), Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 0])],
  },
  {
    what: 'Avro with ids in headers',
    plugin: avro.plugin,
    config: { 'schema.registry.url': registry.url, ...idsInHeaders },
    values: [...sampleValues, ...plainValues],
    undecodable: [notUtf8, Buffer.from([0, 0, 0])],
  },
  {
    what: 'JSON with JSON Schemas, with ids in headers',
    plugin: jsonSchema.plugin,
    config: { 'schema.registry.url': registry.url, ...idsInHeaders },
    values: [...sampleValues, ...plainValues],
    undecodable: [notUtf8, Buffer.from([1, 0, 0])],
  },
  {
    // What comes back of a record is an event: only a missing value is as it was.
    what: 'CloudEvents',
    plugin: cloudEvents.plugin,
    config: {},
    values: [{ schema: null, value: null }],
    undecodable: [notUtf8, Buffer.from('{'), Buffer.from('{}'), Buffer.from('[]')],
  },
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
  runAll(options.plugin, converterContract({ ...options, waitMs }))
})

const ofType = (type: SchemaType): readonly SchemaAndValue[] =>
  sampleValues.filter(({ schema }) => schema?.type === type && schema.name === null)

describe.each([
  ['booleans', primitives.booleanPlugin, primitives.booleanHeaderPlugin, ofType('BOOLEAN')],
  ['shorts', primitives.shortPlugin, primitives.shortHeaderPlugin, ofType('INT16')],
  ['integers', primitives.integerPlugin, primitives.integerHeaderPlugin, ofType('INT32')],
  ['longs', primitives.longPlugin, primitives.longHeaderPlugin, ofType('INT64')],
  ['floats', primitives.floatPlugin, primitives.floatHeaderPlugin, [{ schema: primitive('FLOAT32'), value: 0.5 }]],
  ['doubles', primitives.doublePlugin, primitives.doubleHeaderPlugin, ofType('FLOAT64')],
] as const)('the converter of %s', (_what, plugin, headerPlugin, values) => {
  const undecodable = [Buffer.alloc(0), Buffer.alloc(9)]
  for (const each of [plugin, headerPlugin])
    describe(each.kind, () => {
      runAll(each, converterContract({ plugin: each, config: {}, values, undecodable, waitMs }))
    })
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
  runAll(options.plugin, transformContract({ ...options, records: [...changes, tombstone], waitMs }))
})

/** Settings with which each of Kafka's transforms accepts a change event, as key or value. */
const kafkaConfigs: Readonly<Record<string, RawConfig>> = {
  Cast: { spec: 'op:string' },
  DropHeaders: { headers: 'h' },
  ExtractField: { field: 'op' },
  Filter: {},
  Flatten: { delimiter: '_' },
  HeaderFrom: { fields: 'op', headers: 'op', operation: 'move' },
  HoistField: { field: 'event' },
  InsertField: { 'topic.field': 'topic' },
  InsertHeader: { header: 'h', 'value.literal': '1' },
  MaskField: { fields: 'op' },
  ReplaceField: { renames: 'op:operation' },
  SetSchemaMetadata: { 'schema.name': 'n' },
  TimestampConverter: { field: 'none', 'target.type': 'unix' },
  TimestampRouter: {},
  ValueToKey: { fields: 'op' },
}

const nameOf = (className: string): string => /transforms\.(\w+)/.exec(className)?.[1] ?? ''
const kafkaTransforms = builtInPlugins.filter(
  ({ className }) => className.startsWith('org.apache.kafka.connect.transforms.') && nameOf(className) in kafkaConfigs,
)

/** {@link changes}, with the event as key too and with a time. */
const events = changes.map((event): ConnectRecord => ({
  ...event,
  keySchema: event.valueSchema,
  key: event.value,
  timestamp: 1,
  headers: [{ key: 'h', schema: null, value: 1 }],
}))

for (const { className, module, exportName } of kafkaTransforms) {
  const plugin = ((await import(module)) as Record<string, typeof router.plugin>)[exportName] ?? router.plugin
  describe(`the transform ${className}`, () => {
    const config = kafkaConfigs[nameOf(className)] ?? {}
    runAll(plugin, transformContract({ plugin, config, records: events, waitMs }))
  })
}

/** Settings with which each of Confluent's transforms accepts a change event as key and value, and a header. */
const confluentConfigs: Readonly<Record<string, RawConfig>> = {
  Drop: { 'schema.behavior': 'force_optional' },
  ExtractTopic: { field: 'op', 'skip.missing.or.null': 'true' },
  MessageTimestampRouter: {
    'message.timestamp.keys': 'at',
    'message.timestamp.format': 'yyyy-MM-dd',
    'topic.timestamp.format': 'yyyyMMdd',
  },
  TombstoneHandler: { behavior: 'ignore' },
}

const dated = events.map((event): ConnectRecord => ({ ...event, valueSchema: null, value: { at: '2024-01-01' } }))

for (const { className, module, exportName } of builtInPlugins.filter((each) =>
  each.className.startsWith('io.confluent.connect.transforms.'),
)) {
  const plugin = ((await import(module)) as Record<string, typeof router.plugin>)[exportName] ?? router.plugin
  describe(`the transform ${className}`, () => {
    const config = confluentConfigs[nameOf(className)] ?? {}
    const records = className.endsWith('MessageTimestampRouter') ? dated : events
    runAll(plugin, transformContract({ plugin, config, records, waitMs }))
  })
}

for (const { stage, config } of debeziumContracts) {
  const plugin =
    ((await import(stage.module)) as Record<string, typeof router.plugin>)[stage.exportName] ?? router.plugin
  describe(`the transform ${stage.className}`, () => {
    runAll(plugin, transformContract({ plugin, config, records: debeziumRecords, waitMs }))
  })
}

const withHeader: ConnectRecord = { ...tombstone, headers: [{ key: 'h', schema: null, value: 'v' }] }

describe.each([
  { plugin: hasHeader.plugin, config: { name: 'h' }, met: [withHeader], unmet: [tombstone] },
  { plugin: tombstones.plugin, config: {}, met: [tombstone], unmet: changes },
  { plugin: topics.plugin, config: { pattern: 't\\..*' }, met: changes, unmet: [{ ...tombstone, topic: 'u' }] },
])('the predicate $plugin.className', (options) => {
  runAll(options.plugin, predicateContract({ ...options, waitMs }))
})

/** A directory with secrets for a case, and the provider's settings that allow it. */
function secretsDirectory() {
  const directory = realpathSync(mkdtempSync(join(tmpdir(), 'penstock-secrets-')))
  writeFileSync(join(directory, 'user'), user)
  writeFileSync(join(directory, 'db.properties'), `user=${user}\nempty=\n`)
  const close = async (): Promise<void> => rmSync(directory, { recursive: true, force: true })
  return { directory, config: { 'allowed.paths': directory }, close }
}

/** The settings for a double of a secret manager. */
async function managerDouble(start: () => Promise<ManagerDouble>, configOf: (url: string) => RawConfig) {
  const double = await start()
  const close = async (): Promise<void> => await double.close()
  return { config: configOf(double.url), values: { user }, missingKey: 'none', close }
}

describe.each<Pick<ConfigProviderContractOptions, 'plugin' | 'prepare'>>([
  {
    plugin: files.plugin,
    prepare: () => {
      const { directory, ...rest } = secretsDirectory()
      const path = join(directory, 'db.properties')
      return { ...rest, path, values: { user, empty: '' }, missingKey: 'none', unreadablePath: '/etc/hostname' }
    },
  },
  {
    plugin: directories.plugin,
    prepare: () => {
      const { directory, ...rest } = secretsDirectory()
      return { ...rest, path: directory, values: { user }, unreadablePath: '/etc' }
    },
  },
  {
    plugin: environment.plugin,
    prepare: () => {
      process.env['PENSTOCK_CONTRACT_USER'] = user
      return {
        config: { 'allowlist.pattern': 'PENSTOCK_CONTRACT_.*' },
        path: '',
        values: { PENSTOCK_CONTRACT_USER: user },
        missingKey: 'PENSTOCK_CONTRACT_NONE',
        unreadablePath: 'a/path',
        close: async () => void delete process.env['PENSTOCK_CONTRACT_USER'],
      }
    },
  },
  {
    plugin: vault.plugin,
    prepare: async () => ({
      ...(await managerDouble(startVaultDouble, (url) => ({ 'vault.addr': url, 'vault.token': doubleToken }))),
      path: 'secret/shop',
      unreadablePath: 'secret/nope',
    }),
  },
  {
    plugin: aws.plugin,
    prepare: async () => ({
      ...(await managerDouble(startAwsDouble, (url) => ({
        'aws.region': 'eu-central-1',
        'aws.access.key': 'AKIDEXAMPLE',
        'aws.secret.key': 'the-secret-key',
        'aws.endpoint.override': url,
      }))),
      path: 'shop',
      unreadablePath: 'nope',
    }),
  },
])('the config provider $plugin.className', (options) => {
  runAll(options.plugin, configProviderContract({ ...options, waitMs }))
})

it('leaves out no plugin but connectors, which have suites of their own', () => {
  const all = builtInPlugins.filter(({ kind }) => kind !== 'source' && kind !== 'sink')
  expect([...tried].toSorted()).toEqual(all.map(({ kind, className }) => `${kind} ${className}`).toSorted())
})
