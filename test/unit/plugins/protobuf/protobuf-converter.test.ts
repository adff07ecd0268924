import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import {
  arrayOf,
  Logical,
  mapOf,
  NotReadyError,
  primitive,
  struct,
  type ConnectValue,
  type RawHeader,
} from 'penstock/api'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { plugin } from '../../../../plugins/converters/protobuf-converter.ts'
import { parseConfig } from '../../../../src/config/definition/parse-config.ts'
import { BrokerHarness } from '../../../support/broker/broker-harness.ts'
import { whenReady } from '../../../support/registry/avro-converters.ts'
import { protobufConverter } from '../../../support/registry/protobuf-codec.ts'
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
const orderText = `syntax = "proto3";
package com.shop;

message Order {
  int64 id = 1;
  string note = 2;
}
`
const latestVersion = { 'auto.register.schemas': 'false', 'use.latest.version': 'true' }

function message(id: number, hex: string): Buffer {
  const head = Buffer.alloc(5)
  head.writeInt32BE(id, 1)
  return Buffer.concat([head, Buffer.from(hex.replaceAll(' ', ''), 'hex')])
}

describe('the Protobuf converter', () => {
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
    converter: (config, isKey) => protobufConverter(registry.url, config, isKey),
  })
  const register = async (subject: string, schema: string, more: object = {}): Promise<number> =>
    await registry.register(subject, null, { schemaType: 'PROTOBUF', schema, ...more })

  it('writes the magic byte, the id of the schema, the message indexes, and Protobuf', async () => {
    const bytes = await written(order, [150, 'é'])
    const { id, schemaType, schema } = await latest(`${topic}-value`)
    expect({ schemaType, schema }).toEqual({ schemaType: 'PROTOBUF', schema: orderText })
    expect(bytes).toEqual(message(Number(id), '00 089601 1202c3a9'))
    expect(await read(bytes)).toMatchObject({
      schema: { name: 'Order', version: 1, optional: false, fields: [{ name: 'id' }, { name: 'note' }] },
      value: [150, 'é'],
    })
  })

  it('needs nothing of the registry for a record whose schema it has', async () => {
    const converter = protobufConverter(registry.url)
    const bytes = Buffer.from((await whenReady(() => converter.fromConnect(topic, order, [1, null]))) ?? [])
    converter.fromConnect(topic, order, [2, null])
    await whenReady(() => converter.toConnect(topic, bytes))
    expect(converter.toConnect(topic, bytes).schema).toBe(converter.toConnect(topic, bytes).schema)
  })

  it('writes null as a message without value, and refuses a value without a schema', async () => {
    expect(await written({ ...order, optional: true }, null)).toBeNull()
    expect(await written(null, null)).toBeNull()
    expect(await read(null)).toEqual({ schema: null, value: null })
    expect(await failure(async () => await written(null, { a: 1 }))).toMatch(/^PROTOBUF_SCHEMA_MISSING: /)
    expect(await failure(async () => await written(arrayOf(text), []))).toMatch(/^PROTOBUF_ROOT_TYPE: .*HoistField/)
  })

  it('writes a value that is no struct as a wrapper message, the eighth of its file', async () => {
    const bytes = await written(text, 'a')
    const { id, schema } = await latest(`${topic}-value`)
    expect(schema).toContain('package google.protobuf;')
    expect(bytes).toEqual(message(Number(id), '020e 0a0161'))
    expect(await read(bytes)).toEqual({ schema: { ...text, version: 1 }, value: 'a' })
    expect(await read(bytes, { 'wrapper.for.raw.primitives': 'false' })).toMatchObject({
      schema: { type: 'STRUCT', name: 'StringValue' },
      value: ['a'],
    })
    expect((await written(primitive('INT64'), 0))?.subarray(5)).toEqual(Buffer.from('0204', 'hex'))
  })

  it('reads each message as the type of its schema that its message indexes name', async () => {
    const id = await register(
      `${topic}-value`,
      'syntax = "proto3"; message A { int32 a = 1; message B { string b = 1; message C { bool c = 1; } } } message D { A.B d = 1; }',
    )
    const converter = protobufConverter(registry.url)
    const found = async (hex: string) => {
      const { schema, value } = await whenReady(() => converter.toConnect(topic, message(id, hex)))
      return [schema?.name, schema?.version, value]
    }
    expect(await found('00 0801')).toEqual(['A', 1, [1]])
    expect(await found('0200 0801')).toEqual(['A', 1, [1]])
    expect(await found('0202 0a030a0162')).toEqual(['D', 1, [['b']]])
    expect(await found('04 00 00 0a0162')).toEqual(['B', 1, ['b']])
    expect(await found('06 00 00 00 0801')).toEqual(['C', 1, [true]])
    expect(await found('00 0802')).toEqual(['A', 1, [2]])
    for (const [hex, says] of [
      ['0206', /^PROTOBUF_TYPE_UNKNOWN: .*message indexes 3/],
      ['01', /^PROTOBUF_INDEXES_INVALID: the message has -1 message indexes/],
      ['0201', /^PROTOBUF_INDEXES_INVALID: the message index -1 is negative/],
      ['ffffffff7f', /^PROTOBUF_INDEXES_INVALID: /],
      ['', /^PROTOBUF_INDEXES_INVALID: the message ends/],
    ] as const)
      expect(await failure(async () => await found(hex))).toMatch(says)
  })

  // It writes no message indexes, so that Confluent's converter does not read what it writes.
  it('is what the client of kafkajs reads', async () => {
    const client = new SchemaRegistry({ host: registry.url })
    const schema = struct(
      [
        ['order', order],
        ['tags', arrayOf(text)],
        ['constructor', primitive('FLOAT64')],
      ],
      { name: 'com.shop.All' },
    )
    const value: ConnectValue = [[7, 'seven'], ['a', 'b'], 0.5]
    const bytes = await written(schema, value)
    const decoded = (await client.decode(bytes ?? Buffer.of())) as object
    expect(JSON.parse(JSON.stringify(decoded))).toEqual({
      order: { id: '7', note: 'seven' },
      tags: ['a', 'b'],
      constructor: 0.5,
    })
  })

  it.each([
    { strategy: 'TopicNameStrategy', isKey: true, subject: () => `${topic}-key` },
    { strategy: 'RecordNameStrategy', isKey: false, subject: () => 'com.shop.Order' },
    { strategy: 'TopicRecordNameStrategy', isKey: false, subject: () => `${topic}-com.shop.Order` },
  ])('registers under the subject of $strategy', async ({ strategy, isKey, subject }) => {
    const config = { [`${isKey ? 'key' : 'value'}.subject.name.strategy`]: `${strategies}.${strategy}` }
    const bytes = await written(order, [1, null], config, isKey)
    expect(await latest(subject())).toMatchObject({ subject: subject() })
    if (isKey) return
    expect(await read(bytes, config)).toMatchObject({ schema: { version: 1 } })
    await written(text, 'x', config)
    const wrapper = subject().replace('com.shop.Order', 'google.protobuf.StringValue')
    expect(await latest(wrapper)).toMatchObject({ subject: wrapper })
  })

  it('looks up a schema with auto.register.schemas=false, and refuses one that is not registered', async () => {
    const config = { 'auto.register.schemas': 'false' }
    expect(await failure(async () => await written(order, [1, null], config))).toMatch(/^SCHEMA_NOT_REGISTERED: /)
    await written(order, [1, null])
    const { id } = await latest(`${topic}-value`)
    expect((await written(order, [1, null], config))?.readInt32BE(1)).toBe(id)
  })

  it('registers schemas with logical types, maps and unions, which the registry normalizes', async () => {
    const schema = struct(
      [
        ['amount', primitive('BYTES', { name: Logical.decimal, version: 1, parameters: { scale: '2' } })],
        ['day', primitive('INT32', { name: Logical.date, version: 1 })],
        ['at', primitive('INT64', { name: Logical.timestamp, version: 1 })],
        ['counts', mapOf(text, primitive('INT16'))],
      ],
      { name: 'com.shop.Day' },
    )
    const value: ConnectValue = ['12.50', -1, -1, new Map([['a', -5]])]
    for (const normalize of ['false', 'true']) {
      topic += 'n'
      const bytes = await written(schema, value, { 'normalize.schemas': normalize })
      expect((await read(bytes)).value).toEqual(value)
    }
  })

  it('shows why the registry refuses a schema', async () => {
    await register(
      `${topic}-value`,
      'syntax = "proto3"; package com.shop; message Order { bool id = 1; double note = 2; }',
    )
    expect(await failure(async () => await written(order, [1, null]))).toMatch(/^SCHEMA_INCOMPATIBLE: /)
  })

  describe('with use.latest.version', () => {
    const lenient = { ...latestVersion, 'latest.compatibility.strict': 'false' }

    it('writes the id and the message type of the latest schema, fields matched by name', async () => {
      const id = await register(
        `${topic}-value`,
        'syntax = "proto3"; package com.shop; message Other {} message Order { int64 id = 1; string note = 2; string more = 3; }',
      )
      expect(await written(order, [7, 'n'], latestVersion)).toEqual(message(id, '0202 0807 12016e'))
      topic += 'b'
      const moved = await register(
        `${topic}-value`,
        'syntax = "proto3"; message Order { string note = 1; sint64 id = 9; }',
      )
      expect(await failure(async () => await written(order, [7, 'n'], latestVersion))).toMatch(
        /^SCHEMA_INCOMPATIBLE: .*the field 1 of com.shop.Order is int64 "id", and in the latest schema string "note"/,
      )
      expect(await written(order, [-7, 'n'], lenient)).toEqual(message(moved, '00 0a016e 480d'))
    })

    it('refuses a record that the message cannot hold', async () => {
      await register(`${topic}-value`, 'syntax = "proto3"; message Order { string id = 3; }')
      expect(await failure(async () => await written(order, [7, null], lenient))).toMatch(
        /^PROTOBUF_TYPE_MISMATCH: the Protobuf type string does not hold values of INT64: "id"/,
      )
      topic += 'b'
      await register(`${topic}-value`, 'syntax = "proto2"; message Order { required string must = 3; }')
      expect(await failure(async () => await written(order, [7, null], lenient))).toMatch(
        /^PROTOBUF_FIELD_MISSING: .*"must"/,
      )
      expect(await failure(async () => await written(order, [7, null], latestVersion))).toMatch(
        /^SCHEMA_INCOMPATIBLE: /,
      )
    })
  })

  it('reads messages with schemas that refer to others of the registry', async () => {
    await register(`money-${topic}`, 'syntax = "proto3"; package m; message Money { int32 cents = 1; }')
    const references = [{ name: 'money.proto', subject: `money-${topic}`, version: 1 }]
    const schema = 'syntax = "proto3"; import "money.proto"; message A { m.Money price = 1; }'
    const id = await register(`${topic}-value`, schema, { references })
    const found = await read(message(id, '00 0a020805'))
    expect(found.schema?.fields[0]?.schema.name).toBe('Money')
    expect(found.value).toEqual([[5]])
  })

  it('has the GUID of the schema and the message indexes in a header, if the serializer is that of headers', async () => {
    const place = 'io.confluent.kafka.serializers.schema.id'
    const config = { 'value.schema.id.serializer': `${place}.HeaderSchemaIdSerializer` }
    const converter = protobufConverter(registry.url, config)
    const headers: RawHeader[] = []
    const bytes = await whenReady(() => {
      headers.length = 0
      return Buffer.from(converter.fromConnect(topic, text, 'a', headers) ?? [])
    })
    expect(bytes).toEqual(Buffer.from('0a0161', 'hex'))
    expect(headers[0]?.value?.subarray(17)).toEqual(Buffer.from('020e', 'hex'))
    const readBack = await whenReady(() => converter.toConnect(topic, bytes, headers))
    expect(readBack).toEqual({ schema: { ...text, version: 1 }, value: 'a' })
  })

  it.each<[string, (id: number) => Buffer, RegExp]>([
    ['no bytes', () => Buffer.alloc(0), /^SCHEMA_ID_MISSING: /],
    ['another first byte', () => Buffer.from('{"a":1}'), /^SCHEMA_ID_MISSING: .*byte 123 instead of 0/],
    ['an unknown id', () => message(99_999, '00'), /^SCHEMA_ID_UNKNOWN: /],
    ['bytes that end', (id) => message(id, '00 0a05 61'), /^PROTOBUF_INVALID: .*\(id \d+\): the bytes end within/],
    ['too many messages in messages', (id) => message(id, `00 ${'13'.repeat(200_000)}`), /^PROTOBUF_INVALID: /],
  ])('refuses %s', async (_what, make, says) => {
    const id = await register(`${topic}-value`, 'syntax = "proto3"; message A { string a = 1; }')
    expect(await failure(async () => await read(make(id)))).toMatch(says)
  })

  it('refuses the id of a schema of another type', async () => {
    const id = await registry.register(`${topic}-value`, 'int')
    expect(await failure(async () => await read(message(id, '00')))).toMatch(/^SCHEMA_TYPE_OTHER: .*of type AVRO/)
  })

  it('keeps as many schemas as schemas.cache.config says', async () => {
    const ids = [
      await register(`${topic}-a`, 'syntax = "proto3"; message A { int32 a = 1; }'),
      await register(`${topic}-b`, 'syntax = "proto3"; message B { int32 b = 1; }'),
    ]
    const converter = protobufConverter(registry.url, { 'schemas.cache.config': '1' })
    for (const id of ids) await whenReady(() => converter.toConnect(topic, message(id, '00')))
    expect(() => converter.toConnect(topic, message(ids[0] ?? 0, '00'))).toThrow(NotReadyError)
  })

  it.each([
    ['skip.known.types', 'false'],
    ['reference.subject.name.strategy', 'io.confluent.kafka.serializers.subject.DefaultReferenceSubjectNameStrategy'],
  ])('refuses %s=%s by name', (key, value) => {
    const raw = { 'schema.registry.url': registry.url, [key]: value }
    expect(() => parseConfig(plugin.configDef, raw)).toThrow(expect.toSatisfy((e: unknown) => String(e).includes(key)))
  })
})
