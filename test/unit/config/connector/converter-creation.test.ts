import { describe, expect, it } from 'vitest'

import { checkConverters } from '../../../../src/config/connector/converter-config.ts'
import { PluginRegistry } from '../../../../src/plugin/plugin-registry.ts'
import { fileSinkConfig, validationBy } from '../../../support/config/validation.ts'

const { errorsOf } = validationBy('connect-cluster', [], { registryUrl: 'http://127.0.0.1:8083/schema-registry' })
const avro = 'io.confluent.connect.avro.AvroConverter'
const events = 'io.debezium.converters.CloudEventsConverter'
type Case = readonly [
  use: string,
  className: string,
  settings: Readonly<Record<string, string>>,
  at: string,
  error: string,
]

const refused: readonly Case[] = [
  [
    'value',
    avro,
    { 'schema.registry.url': 'ftp://x' },
    'schema.registry.url',
    'ftp://x", which is not an http or https URL',
  ],
  ['key', avro, { 'basic.auth.credentials.source': 'USER_INFO' }, 'basic.auth.user.info', 'set basic.auth.user.info'],
  [
    'key',
    'io.confluent.connect.json.JsonSchemaConverter',
    { 'schema.registry.url': 'http://a,b' },
    'schema.registry.url',
    'has "b", which is not',
  ],
  [
    'value',
    'io.confluent.connect.protobuf.ProtobufConverter',
    { 'schema.registry.ssl.truststore.location': '/missing.pem' },
    'schema.registry.ssl.truststore.location',
    'cannot be read: /missing.pem',
  ],
  [
    'value',
    events,
    { 'serializer.type': 'avro', 'data.serializer.type': 'json' },
    'data.serializer.type',
    'Cannot use JSON',
  ],
  [
    'value',
    events,
    { 'data.serializer.type': 'avro', 'avro.schema.registry.url': 'ftp://x' },
    'avro.schema.registry.url',
    'ftp://x", which is not',
  ],
]

describe('a converter that refuses its settings', () => {
  it.each(refused)(
    'is shown under the setting: %s.converter %s with %j',
    async (use, className, settings, at, error) => {
      const prefix = `${use}.converter`
      const own = Object.fromEntries(Object.entries(settings).map(([key, value]) => [`${prefix}.${key}`, value]))
      expect(await errorsOf({ ...fileSinkConfig, [prefix]: className, ...own })).toEqual([
        [`${prefix}.${at}`, expect.stringMatching(new RegExp(`^${className} refuses its configuration: `))],
      ])
      const [[, message] = []] = await errorsOf({ ...fileSinkConfig, [prefix]: className, ...own })
      expect(message).toContain(error)
    },
  )

  it('is not asked while one of its settings is wrong by itself', async () => {
    const own = { 'value.converter.schema.registry.url': 'ftp://x', 'value.converter.max.retries': 'many' }
    const errors = await errorsOf({ ...fileSinkConfig, 'value.converter': avro, ...own })
    expect(new Set(errors.map(([key]) => key))).toEqual(new Set(['value.converter.max.retries']))
  })

  it.each([
    ['converter', 'value.converter'],
    ['header_converter', 'header.converter'],
  ] as const)('is shown under its class if it does not say which setting is wrong: a %s', async (kind, key) => {
    const head = { kind, className: 'x.Refusing', aliases: [], version: '1' }
    const create = "create() { throw new TypeError('no such place') }"
    const code = `export const plugin = { ...${JSON.stringify(head)}, configDef: {}, ${create} }`
    const module = `data:text/javascript,${encodeURIComponent(code)}`
    const plugins = new PluginRegistry([{ ...head, module, exportName: 'plugin', location: '/plugins' }])
    const check = async (creates: boolean): Promise<unknown> =>
      (await checkConverters(plugins, { [key]: 'x.Refusing' }, { groupId: 'g' }, creates)).problems
    expect(await check(true)).toEqual([{ key, message: 'x.Refusing refuses its configuration: no such place' }])
    // Values of references are missing.
    expect(await check(false)).toEqual([])
  })
})
