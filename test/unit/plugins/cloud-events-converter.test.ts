import {
  DataError,
  NotReadyError,
  primitive,
  struct,
  type ConnectValue,
  type RawConfig,
  type Schema,
} from 'penstock/api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { CloudEventsConverter, plugin } from '../../../plugins/converters/cloud-events/cloud-events-converter.ts'
import { withRegistry } from '../../../src/config/connector/converter-config.ts'
import { checkConfig, parseConfig } from '../../../src/config/definition/parse-config.ts'
import { BrokerHarness } from '../../support/broker/broker-harness.ts'
import { whenReady } from '../../support/registry/avro-converters.ts'
import { TestRegistry } from '../../support/registry/test-registry.ts'
import { seededRandom } from '../../support/seeded-random.ts'
import { StandIn } from '../../support/testing/avro-stand-in.ts'
import { mutatedJson } from '../../support/testing/mutated-json.ts'

const text = primitive('STRING')
const optionalText = primitive('STRING', { optional: true })
const row = struct(
  [
    ['id', primitive('INT64')],
    ['__proto__', optionalText],
    ['constructor', optionalText],
  ],
  { name: 's.t.Value', optional: true },
)
const source = struct([
  ['connector', text],
  ['name', text],
  ['db', text],
  ['ts_ms', primitive('INT64')],
  ['lsn', primitive('INT64')],
  ['txId', primitive('INT64')],
  ['sequence', optionalText],
])
const envelope = struct(
  [
    ['before', row],
    ['after', row],
    ['source', source],
    ['op', text],
  ],
  { name: 's.t.Envelope' },
)
const change = [null, [9007199254740993n, 'p', 'c'], ['postgresql', 's', 'db', 0, 5, 6, null], 'c']
const after = { id: 9007199254740993n, ['__proto__']: 'p', constructor: 'c' }

const converterOf = (config: RawConfig = {}, standIn = false): CloudEventsConverter =>
  new CloudEventsConverter(parseConfig(plugin.configDef, config), standIn ? new StandIn() : null)

function dataOf(value: ConnectValue, schema: Schema | null): ConnectValue {
  if (schema === null) return (value as { readonly data: ConnectValue }).data
  return (value as readonly ConnectValue[]).at(-1) ?? null
}

const avroIn = (events: string) => ({
  'serializer.type': events,
  'data.serializer.type': 'avro',
  'avro.schema.registry.url': 'http://user:secret@registry',
})

describe('the converter of CloudEvents', () => {
  it.each([
    ['JSON', {}],
    ['JSON without schemas', { 'json.schemas.enable': 'false' }],
    ['JSON with data in Avro', avroIn('json')],
  ])('gives data back with every digit, whatever its members are called (I11): %s', (_what, config) => {
    const converter = converterOf(config, true)
    for (let times = 0; times < 2; times += 1) {
      const bytes = converter.fromConnect('t', envelope, change)
      const { schema, value } = converter.toConnect('t', bytes)
      expect(schema).toBeNull()
      expect(
        JSON.stringify(dataOf(value, schema), (_key, item: unknown) => (typeof item === 'bigint' ? `${item}` : item)),
      ).toBe(JSON.stringify({ before: null, after: { ...after, id: '9007199254740993' } }))
    }
  })

  it('keeps one schema object for the events of a topic, and credentials out of them', () => {
    const converter = converterOf(avroIn('avro'), true)
    const [one, two] = [1, 2].map(() =>
      converter.toConnect('t', Buffer.from(converter.fromConnect('t', envelope, change) ?? [])),
    )
    expect(one?.schema).toBe(two?.schema)
    expect(dataOf(one?.value ?? null, one?.schema ?? null)).toEqual([null, change[1]])
    expect(one?.value).toContain('http://registry/schemas/ids/7')
  })

  it('makes no event of what is no change, and keeps a missing value missing', () => {
    const converter = converterOf()
    expect(converter.fromConnect('t', row, [1, null, null])).toBeNull()
    expect(converter.fromConnect('t', null, null)).toBeNull()
    expect(converter.toConnect('t', null)).toEqual({ schema: null, value: null })
    expect(() => converter.fromConnect('t', primitive('STRING', { name: 'x.Envelope' }), 'text')).toThrow(DataError)
  })

  it('names the field that is missing or wrong', () => {
    const converter = converterOf()
    const withTime = (time: number) => change.with(2, ['postgresql', 's', 'db', time, 5, 6, null])
    expect(() => converter.fromConnect('t', envelope, withTime(9e15))).toThrow('ts_ms of the source is no time')
    const other = change.with(2, ['mysql', 's', 'db', 0, 5, 6, null])
    expect(() => converter.fromConnect('t', envelope, other)).toThrow('connector type "mysql"')
    const ids = converterOf({ 'metadata.source': 'value,id:header' })
    expect(() => ids.fromConnect('t', envelope, change, [])).toThrow('Header `id` was not provided')
    const number = [{ key: 'id', value: Buffer.from('{"schema":{"type":"int32"},"payload":1}') }]
    expect(() => ids.fromConnect('t', envelope, change, number)).toThrow('"id" is not a string')
  })

  it('uses the registry of the worker where it is given none', () => {
    const worker = 'http://127.0.0.1:8083/schema-registry'
    const own = { 'avro.schema.registry.url': 'http://own' }
    expect(withRegistry(plugin.configDef, {}, worker)).toEqual({ 'avro.schema.registry.url': worker })
    expect(withRegistry(plugin.configDef, own, worker)).toEqual(own)
    expect(withRegistry(plugin.configDef, {}, undefined)).toEqual({})
  })

  it('refuses settings by name', () => {
    const refusals = {
      'serializer.type': 'xml',
      'metadata.source': 'value,id',
      'schema.name.adjustment.mode': 'some',
      'json.decimal.format': 'HEX',
      'avro.proxy.host': 'proxy',
      'avro.value.schema.id.serializer': 'io.confluent.kafka.serializers.schema.id.HeaderSchemaIdSerializer',
    }
    const { problems } = checkConfig(plugin.configDef, refusals)
    expect(problems.map(({ key }) => key).toSorted()).toEqual(Object.keys(refusals).toSorted())
  })

  it.each([
    ['JSON', {}],
    ['JSON without schemas', { 'json.schemas.enable': 'false' }],
    ['JSON with data in Avro', avroIn('json')],
  ])('refuses changed bytes with a DataError: %s', (_what, config) => {
    const random = seededRandom(20_261_130)
    const converter = converterOf(config, true)
    const valid = Buffer.from(converter.fromConnect('t', envelope, change) ?? [])
    for (let i = 0; i < 10_000; i += 1) {
      try {
        const { schema, value } = converter.toConnect('t', mutatedJson(valid, random))
        expect(schema).toBeNull()
        expect(value).toHaveProperty('specversion')
      } catch (error) {
        // The stand-in for Avro says so when its bytes are of another topic.
        const isOfStandIn = error instanceof TypeError && error.message.startsWith('the topic is t, not ')
        if (!(error instanceof DataError) && !isOfStandIn) throw error
      }
    }
  })
})

describe('the converter of CloudEvents with a schema registry', () => {
  let broker: BrokerHarness
  let registry: TestRegistry
  beforeAll(async () => {
    broker = await BrokerHarness.start()
    registry = await TestRegistry.start(broker.bootstrap)
  })
  afterAll(async () => {
    await registry.close()
    await broker.close()
  })

  it.each(['json', 'avro'])('registers the schema of data, which events in %s name', async (events) => {
    const config = { ...avroIn(events), 'avro.schema.registry.url': registry.url }
    const writer = converterOf(config)
    expect(() => writer.fromConnect(events, envelope, change)).toThrow(NotReadyError)
    const written = await whenReady(() => writer.fromConnect(events, envelope, change))
    const bytes = Buffer.from(written ?? [])
    const subject = `${events}${events === 'avro' ? '-data' : ''}-value`
    const { body } = await registry.get(`/subjects/${subject}/versions/1`)
    const reader = converterOf(config)
    const { schema, value } = await whenReady(() => reader.toConnect(events, bytes))
    const uri = `${registry.url}/schemas/ids/${(body as { readonly id: number }).id}`
    if (schema === null)
      expect(value).toMatchObject({ dataschema: uri, data: { before: null, after: { id: after.id } } })
    else expect([value, dataOf(value, schema)]).toEqual([expect.arrayContaining([uri]), [null, change[1]]])
  })
})
