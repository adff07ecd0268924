import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { mapOf, NotReadyError, primitive, struct, type ConnectValue, type Schema } from 'penstock/api'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { plugin } from '../../../../plugins/converters/json-schema-converter.ts'
import { parseConfig } from '../../../../src/config/definition/parse-config.ts'
import { BrokerHarness } from '../../../support/broker/broker-harness.ts'
import { whenReady } from '../../../support/registry/avro-converters.ts'
import { jsonSchemaConverter } from '../../../support/registry/json-schema-codec.ts'
import { converterExchange } from '../../../support/registry/converter-exchange.ts'
import { TestRegistry } from '../../../support/registry/test-registry.ts'

const strategies = 'io.confluent.kafka.serializers.subject'
const text = primitive('STRING')
const order = struct(
  [
    ['id', primitive('INT64')],
    ['note', primitive('STRING', { optional: true })],
  ],
  { name: 'com.shop.Order' },
)

function message(id: number, json: string): Buffer {
  const bytes = Buffer.from(`\0\0\0\0\0${json}`)
  bytes.writeInt32BE(id, 1)
  return bytes
}

describe('the JSON Schema converter', () => {
  let broker: BrokerHarness
  let registry: TestRegistry
  let topic = ''
  let topics = 0

  beforeAll(async () => {
    broker = await BrokerHarness.start()
    registry = await TestRegistry.start(broker.bootstrap)
  })
  beforeEach(() => {
    topics += 1
    topic = `t${topics}`
  })
  afterAll(async () => {
    await registry.close()
    await broker.close()
  })

  const { written, read, failure, latest } = converterExchange({
    registry: () => registry,
    topic: () => topic,
    converter: (config, isKey) => jsonSchemaConverter(registry.url, config, isKey),
  })
  const register = async (subject: string, schema: unknown, more: object = {}): Promise<number> =>
    await registry.register(subject, schema, { schemaType: 'JSON', ...more })

  it('writes the magic byte, the id of the schema, and JSON', async () => {
    const bytes = await written(order, [2n ** 60n, 'é'])
    const { id, schemaType } = await latest(`${topic}-value`)
    expect(schemaType).toBe('JSON')
    expect(bytes).toEqual(message(Number(id), '{"id":1152921504606846976,"note":"é"}'))
    expect(await read(bytes)).toEqual({ schema: { ...order, version: 1 }, value: [2n ** 60n, 'é'] })
  })

  it('needs nothing of the registry for a record whose schema it has', async () => {
    const converter = jsonSchemaConverter(registry.url)
    const bytes = Buffer.from((await whenReady(() => converter.fromConnect(topic, order, [1, null]))) ?? [])
    converter.fromConnect(topic, order, [2, null])
    await whenReady(() => converter.toConnect(topic, bytes))
    expect(converter.toConnect(topic, bytes).schema).toBe(converter.toConnect(topic, bytes).schema)
  })

  it('writes null of an optional schema as JSON, and a message without value and schema as none', async () => {
    expect(await written(null, null)).toBeNull()
    expect(await read(null)).toEqual({ schema: null, value: null })
    const bytes = await written({ ...order, optional: true }, null)
    expect(bytes?.subarray(5).toString()).toBe('null')
    expect(await read(bytes)).toMatchObject({ schema: { optional: true, name: 'com.shop.Order' }, value: null })
    topic += 'b'
    expect(await failure(async () => await written(text, null))).toContain('null value for field that is required')
  })

  it('writes a value without a schema, and reads it as one', async () => {
    const value = { a: [1, 1.5, true, null, 'x', 9007199254740993n], constructor: {} }
    const bytes = await written(null, value)
    expect(await latest(`${topic}-value`)).toMatchObject({ schema: '{}' })
    expect(await read(bytes)).toEqual({ schema: null, value })
  })

  it('is what the client of kafkajs reads, and reads what it writes', async () => {
    const client = new SchemaRegistry({ host: registry.url }, { [SchemaType.JSON]: { strict: false } })
    const schema = struct(
      [
        ['order', { ...order, optional: true }],
        ['tags', mapOf(text, primitive('FLOAT64'))],
        ['__proto__', primitive('INT8')],
      ],
      { name: 'com.shop.All' },
    )
    const value: ConnectValue = [[7, 'seven'], new Map([['a', 0.5]]), 3]
    const bytes = await written(schema, value)
    const decoded = (await client.decode(bytes ?? Buffer.of())) as object
    expect(JSON.stringify(decoded)).toBe('{"order":{"id":7,"note":"seven"},"tags":{"a":0.5},"__proto__":3}')
    const id = Number((await latest(`${topic}-value`))['id'])
    expect((await read(await client.encode(id, decoded))).value).toEqual(value)

    const theirs = {
      type: 'object',
      properties: { id: { type: 'integer' }, note: { type: 'string' } },
      required: ['id'],
    }
    const other = await client.register(
      { type: SchemaType.JSON, schema: JSON.stringify(theirs) },
      { subject: `other-${topic}` },
    )
    const config = { 'use.optional.for.nonrequired': 'true' }
    expect((await read(await client.encode(other.id, { id: 1 }), config)).value).toEqual([1, null])
  })

  it('registers a schema that contains itself, and reads it from the registry', async () => {
    const fields: Schema['fields'][number][] = []
    const node: Schema = { ...struct([], { name: 'Node' }), fields }
    fields.push({ name: 'next', index: 0, schema: { ...node, optional: true } })
    expect((await read(await written(node, [[[null]]]))).value).toEqual([[[null]]])
  })

  it.each([
    { strategy: 'TopicNameStrategy', isKey: true, subject: () => `${topic}-key` },
    { strategy: 'RecordNameStrategy', isKey: false, subject: () => 'com.shop.Order' },
    { strategy: 'TopicRecordNameStrategy', isKey: false, subject: () => `${topic}-com.shop.Order` },
  ])('registers under the subject of $strategy', async ({ strategy, isKey, subject }) => {
    const config = { [`${isKey ? 'key' : 'value'}.subject.name.strategy`]: `${strategies}.${strategy}` }
    const bytes = await written({ ...order, optional: true }, [1, null], config, isKey)
    expect(await latest(subject())).toMatchObject({ subject: subject() })
    if (isKey) return
    expect(await read(bytes, config)).toMatchObject({ schema: { version: 1 } })
    expect(await failure(async () => await written(text, 'x', config))).toMatch(/no name for a subject/)
  })

  it('looks up a schema with auto.register.schemas=false, and refuses one that is not registered', async () => {
    const config = { 'auto.register.schemas': 'false' }
    expect(await failure(async () => await written(order, [1, null], config))).toMatch(/^SCHEMA_NOT_REGISTERED: /)
    await written(order, [1, null])
    const { id } = await latest(`${topic}-value`)
    expect((await written(order, [1, null], config))?.readInt32BE(1)).toBe(id)
  })

  it('has the registry normalize schemas with normalize.schemas=true', async () => {
    await written(mapOf(text, text), new Map(), { 'normalize.schemas': 'true' }, true)
    const { schema } = await latest(`${topic}-key`)
    expect(schema).toBe('{"additionalProperties":{"type":"string"},"connect.type":"map","type":"object"}')
  })

  it('shows why the registry refuses a schema', async () => {
    await register(`${topic}-value`, { type: 'object', properties: { id: { type: 'boolean' } } })
    expect(await failure(async () => await written(order, [1, null]))).toMatch(/^SCHEMA_INCOMPATIBLE: .*TYPE_CHANGED/)
  })

  describe('with use.latest.version', () => {
    const config = { 'auto.register.schemas': 'false', 'use.latest.version': 'true' }
    const lenient = { ...config, 'latest.compatibility.strict': 'false' }
    const note = { oneOf: [{ type: 'null' }, { type: 'string' }] }

    it('writes the id of the latest schema', async () => {
      const id = await register(`${topic}-value`, {
        properties: { id: { type: 'number' }, note, more: { type: 'string' } },
        required: ['id'],
      })
      expect(await written(order, [7, null], config)).toEqual(message(id, '{"id":7,"note":null}'))
    })

    it.each<[string, unknown, RegExp]>([
      ['another type', { properties: { id: { type: 'string' }, note } }, /"id" is INT64, not of the type string/],
      ['no null', { properties: { id: {}, note: { type: 'string' } } }, /"note" may be null/],
      ['a property that is missing', { properties: { id: {}, note }, required: ['more'] }, /"more" is missing/],
      ['no other members', { properties: { id: {} }, additionalProperties: false }, /"note" may be null/],
      ['an enum', { properties: { id: {}, note: { enum: ['a', null] } } }, /"note" is STRING, not an enum/],
      [
        'no branch of it',
        { oneOf: [{ type: 'string' }, { type: 'array', items: {} }] },
        /is STRUCT, not of the type array/,
      ],
      [
        'one of all',
        { allOf: [{ type: 'object' }, { $ref: '#/$defs/t' }], $defs: { t: { type: 'string' } } },
        /is STRUCT/,
      ],
    ])('refuses a record if the latest schema allows %s', async (_what, schema, says) => {
      const id = await register(`${topic}-value`, schema)
      const said = await failure(async () => await written(order, [7, null], config))
      expect(said).toMatch(/^SCHEMA_INCOMPATIBLE: .*latest\.compatibility\.strict=false/)
      expect(said).toMatch(says)
      expect((await written(order, [7, null], lenient))?.readInt32BE(1)).toBe(id)
    })

    it('writes a value without a schema only if the latest schema allows all', async () => {
      await register(`${topic}-value`, { type: 'object' })
      expect(await failure(async () => await written(null, {}, config))).toContain('the value has no schema')
      topic += 'b'
      const id = await register(`${topic}-value`, {})
      expect(await written(null, {}, config)).toEqual(message(id, '{}'))
    })
  })

  it('reads values with schemas that refer to others of the registry', async () => {
    await register(`money-${topic}`, { title: 'Money', properties: { cents: { type: 'integer' } } })
    const references = [{ name: 'money.json', subject: `money-${topic}`, version: 1 }]
    const id = await register(`${topic}-value`, { properties: { price: { $ref: 'money.json' } } }, { references })
    const { schema, value } = await read(message(id, '{"price":{"cents":5}}'))
    expect(schema?.fields[0]?.schema.name).toBe('Money')
    expect(value).toEqual([[5]])
  })

  it.each<[string, (id: number) => Buffer, RegExp]>([
    ['no bytes', () => Buffer.alloc(0), /^SCHEMA_ID_MISSING: /],
    ['another first byte', () => Buffer.from('{"a":1}'), /^SCHEMA_ID_MISSING: .*byte 123 instead of 0/],
    ['an unknown id', () => message(99_999, '{}'), /^SCHEMA_ID_UNKNOWN: /],
    ['no JSON', (id) => message(id, ''), /^JSON_INVALID: the message is no value of its schema \(id \d+\): /],
    ['another type', (id) => message(id, '{"a":"1"}'), /^JSON_INVALID: .*Invalid JSON for INT64 "a": found string/],
    ['too many brackets', (id) => message(id, `{"a":${'['.repeat(100_000)}`), /^JSON_INVALID: /],
  ])('refuses %s', async (_what, make, says) => {
    const id = await register(`${topic}-value`, { properties: { a: { type: 'integer' } } })
    expect(await failure(async () => await read(make(id)))).toMatch(says)
  })

  it('refuses values that are nested too deeply for it', async () => {
    const id = await register(`${topic}-value`, { properties: { next: { oneOf: [{ type: 'null' }, { $ref: '#' }] } } })
    const json = `${'{"next":'.repeat(50_000)}null${'}'.repeat(50_000)}`
    expect(await failure(async () => await read(message(id, json)))).toMatch(/^JSON_INVALID: /)
  })

  it('refuses the id of a schema of another type, and one that Connect cannot express', async () => {
    const id = await registry.register(`${topic}-value`, 'int')
    expect(await failure(async () => await read(message(id, '1')))).toMatch(/^SCHEMA_TYPE_OTHER: .*of type AVRO/)
    const config = { 'auto.register.schemas': 'false', 'use.latest.version': 'true' }
    expect(await failure(async () => await written(text, 'a', config))).toMatch(/^SCHEMA_TYPE_OTHER: .*of type AVRO/)
    const tuple = await register(`tuple-${topic}`, { items: [{ type: 'string' }] })
    expect(await failure(async () => await read(message(tuple, '[]')))).toMatch(/^JSON_SCHEMA_INEXPRESSIBLE: /)
  })

  it('keeps as many schemas as schemas.cache.size says', async () => {
    const ids = [await register(`${topic}-a`, { type: 'integer' }), await register(`${topic}-b`, { type: 'number' })]
    const converter = jsonSchemaConverter(registry.url, { 'schemas.cache.size': '1' })
    for (const id of ids) await whenReady(() => converter.toConnect(topic, message(id, '0')))
    expect(() => converter.toConnect(topic, message(ids[0] ?? 0, '0'))).toThrow(NotReadyError)
  })

  it.each([
    ['json.fail.invalid.schema', 'true'],
    ['json.fail.unknown.properties', 'false'],
    ['json.write.dates.iso8601', 'true'],
    ['json.schema.spec.version', 'draft_4'],
    ['json.oneof.for.nullables', 'false'],
    ['json.default.property.inclusion', 'NON_NULL'],
    ['json.indent.output', 'true'],
  ])('refuses %s=%s by name', (key, value) => {
    const raw = { 'schema.registry.url': registry.url, [key]: value }
    expect(() => parseConfig(plugin.configDef, raw)).toThrow(expect.toSatisfy((e: unknown) => String(e).includes(key)))
  })
})
