import { arrayOf, Logical, mapOf, NotReadyError, primitive, struct } from 'penstock/api'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { BrokerHarness } from '../../../support/broker/broker-harness.ts'
import { HttpFaults } from '../../../support/http-faults.ts'
import { avroConverter, whenReady } from '../../../support/registry/avro-converters.ts'
import { converterExchange } from '../../../support/registry/converter-exchange.ts'
import { recordOf, TestRegistry } from '../../../support/registry/test-registry.ts'

const strategies = 'io.confluent.kafka.serializers.subject'
const order = struct(
  [
    ['id', primitive('INT64')],
    ['note', primitive('STRING', { optional: true })],
  ],
  { name: 'com.shop.Order' },
)

function message(id: number, data: readonly number[]): Buffer {
  const bytes = Buffer.from([0, 0, 0, 0, 0, ...data])
  bytes.writeInt32BE(id, 1)
  return bytes
}

describe('the Avro converter', () => {
  let broker: BrokerHarness
  let registry: TestRegistry
  let faults: HttpFaults
  let topic = ''
  let topics = 0

  beforeAll(async () => {
    broker = await BrokerHarness.start()
    registry = await TestRegistry.start(broker.bootstrap)
    faults = await HttpFaults.before(registry.url)
  })
  beforeEach(() => {
    topics += 1
    topic = `t${topics}`
    faults.decide = () => ({ kind: 'pass' })
    faults.seen.length = 0
  })
  afterAll(async () => {
    await faults.close()
    await registry.close()
    await broker.close()
  })

  const url = (): string => `${faults.url}${new URL(registry.url).pathname}`
  const { written, read, failure, latest } = converterExchange({
    registry: () => registry,
    topic: () => topic,
    converter: (config) => avroConverter(url(), config),
  })

  it('writes the magic byte, the id of the schema, and the fields in their order', async () => {
    const bytes = await written(order, [-3, 'é'])
    const { id } = await latest(`${topic}-value`)
    expect(bytes).toEqual(message(Number(id), [5, 2, 4, 0xc3, 0xa9]))
    expect(await read(bytes)).toMatchObject({ schema: { name: 'com.shop.Order', version: 1 }, value: [-3, 'é'] })
  })

  it('asks the registry once for each schema, and then needs nothing for a record', async () => {
    const converter = avroConverter(url())
    const bytes = Buffer.from((await whenReady(() => converter.fromConnect(topic, order, [1, null]))) ?? [])
    expect(faults.seen).toHaveLength(1)
    converter.fromConnect(topic, order, [2, null])
    converter.fromConnect(topic, { ...order }, [2, null])
    await whenReady(() => converter.toConnect(topic, bytes))
    const { length } = faults.seen
    expect(converter.toConnect(topic, bytes).schema).toBe(converter.toConnect(topic, bytes).schema)
    expect(faults.seen).toHaveLength(length)
    expect(length).toBe(3)
  })

  it('writes null as null, and refuses null of a schema that is not optional', async () => {
    expect(await written(null, null)).toBeNull()
    expect(await written(primitive('STRING', { optional: true }), null)).toBeNull()
    expect(await failure(async () => await written(order, null))).toContain('null value for non-optional schema')
    expect(await read(null)).toEqual({ schema: null, value: null })
  })

  it('writes bytes that are a whole message without their length, as Confluent does', async () => {
    const bytes = await written(primitive('BYTES'), Buffer.from([1, 2]))
    expect(bytes?.subarray(5)).toEqual(Buffer.from([1, 2]))
    expect((await read(bytes)).value).toEqual(Buffer.from([1, 2]))
    const decimal = primitive('BYTES', { name: Logical.decimal, version: 1, parameters: { scale: '1' } })
    topic += 'd'
    const number = await written(decimal, '-0.1')
    expect(number?.subarray(5)).toEqual(Buffer.from([255]))
    expect((await read(number)).value).toBe('-0.1')
  })

  it('writes a value without a schema, and reads it as one', async () => {
    const value = {
      __proto__: null,
      a: [1, 1.5, -0, true, null, 'x', 9007199254740993n],
      b: Buffer.from([1]),
      constructor: {},
    }
    expect((await read(await written(null, value))).value).toEqual({ ...value })
    expect((await read(await written(null, value))).schema).toBeNull()
    expect(await failure(async () => await written(null, 2n ** 63n))).toContain("does not fit Avro's long")
  })

  it('writes the default of a field for null, or null with ignore.default.for.nullables', async () => {
    const schema = struct([['a', primitive('STRING', { optional: true, defaultValue: 'd' })]], { name: 'n.D' })
    expect((await read(await written(schema, [null]))).value).toEqual(['d'])
    expect((await read(await written(schema, [null], { 'ignore.default.for.nullables': 'true' }))).value).toEqual([
      null,
    ])
  })

  it('says which field has a value that does not match', async () => {
    const nested = struct(
      [
        ['rows', arrayOf(order)],
        ['small', primitive('INT8')],
      ],
      { name: 'n.N' },
    )
    expect(await failure(async () => await written(nested, [[['x', null]], 1]))).toBe(
      'Invalid type for INT64: "rows[].id": string',
    )
    expect(await failure(async () => await written(nested, [[], 128]))).toBe('Invalid type for INT8: "small": number')
    expect(await failure(async () => await written(nested, [[[null, null]], 1]))).toContain(
      'non-optional schema: "rows[].id"',
    )
    const twice = struct(
      [
        ['before', { ...order, optional: true }],
        ['after', order],
      ],
      { name: 'n.Twice' },
    )
    topic += 'a'
    expect(await failure(async () => await written(twice, [null, ['x', null]]))).toContain('"after.id"')
    topic += 'b'
    expect(await failure(async () => await written(primitive('STRING'), '\ud800'))).toContain(
      'half of a surrogate pair',
    )
  })

  it.each([
    { strategy: 'TopicNameStrategy', isKey: true, subject: () => `${topic}-key` },
    { strategy: 'RecordNameStrategy', isKey: false, subject: () => 'com.shop.Order' },
    { strategy: 'TopicRecordNameStrategy', isKey: false, subject: () => `${topic}-com.shop.Order` },
  ])('registers under the subject of $strategy', async ({ strategy, isKey, subject }) => {
    const option = `${isKey ? 'key' : 'value'}.subject.name.strategy`
    const config = { [option]: `${strategies}.${strategy}` }
    const converter = avroConverter(url(), config, isKey)
    const bytes = Buffer.from((await whenReady(() => converter.fromConnect(topic, order, [1, null]))) ?? [])
    expect(await latest(subject())).toMatchObject({ subject: subject() })
    expect(await whenReady(() => converter.toConnect(topic, bytes))).toMatchObject({ schema: { version: 1 } })
    if (strategy === 'TopicNameStrategy') return
    expect(await failure(async () => await written(primitive('STRING'), 'x', config))).toMatch(/not a record.*strategy/)
  })

  it('looks up a schema with auto.register.schemas=false, and refuses one that is not registered', async () => {
    const config = { 'auto.register.schemas': 'false' }
    const refused = await failure(async () => await written(order, [1, null], config))
    expect(refused).toMatch(/^SCHEMA_NOT_REGISTERED: .*subject "t\d+-value".*auto\.register\.schemas=true/)
    const first = await written(order, [1, null])
    expect(await written(order, [1, null], config)).toEqual(first)
  })

  it('has the registry normalize schemas with normalize.schemas', async () => {
    await written(order, [1, null], { 'normalize.schemas': 'true' })
    expect(faults.seen[0]).toContain('normalize=true')
  })

  describe('with use.latest.version', () => {
    const config = { 'auto.register.schemas': 'false', 'use.latest.version': 'true' }
    const register = async (...fields: readonly string[]): Promise<number> =>
      await registry.register(`${topic}-value`, { ...recordOf('Order', ...fields), namespace: 'com.shop' })

    it('writes with the latest schema, fields by their names', async () => {
      const id = await registry.register(`${topic}-value`, {
        type: 'record',
        name: 'com.shop.Order',
        fields: [
          { name: 'added', type: ['string', 'null'], default: 'new' },
          { name: 'note', type: ['null', 'string'] },
          { name: 'id', type: 'long' },
        ],
      })
      const bytes = await written(order, [7, 'x'], config)
      expect(bytes).toEqual(message(id, [0, 6, 0x6e, 0x65, 0x77, 2, 2, 0x78, 14]))
    })

    it('refuses a record that the latest schema cannot read, or cannot hold', async () => {
      await register('id:long', 'note:string')
      expect(await failure(async () => await written(order, [7, null], config))).toMatch(
        /^SCHEMA_INCOMPATIBLE: .*latest\.compatibility\.strict=false/,
      )
      const lenient = { ...config, 'latest.compatibility.strict': 'false' }
      expect((await read(await written(order, [7, 'x'], lenient))).value).toEqual([7, 'x'])
      expect(await failure(async () => await written(order, [7, null], lenient))).toContain(
        'non-optional schema: "note"',
      )
      topic += 'b'
      await register('id:boolean', 'note:string')
      expect(await failure(async () => await written(order, [7, 'x'], lenient))).toMatch(
        /^AVRO_TYPE_MISMATCH: the Avro type boolean does not hold values of INT64: "id"/,
      )
      topic += 'c'
      await register('id:long', 'note:string', 'must:int')
      expect(await failure(async () => await written(order, [7, 'x'], lenient))).toMatch(
        /^AVRO_FIELD_MISSING: .*"must"/,
      )
    })

    it('writes with the latest schema that has the metadata of use.latest.with.metadata', async () => {
      const release = async (major: string, ...fields: readonly string[]): Promise<number> => {
        const schema = { ...recordOf('Order', ...fields), namespace: 'com.shop' }
        const metadata = { properties: { major, owner: 'shop=1' } }
        return await registry.register(`${topic}-value`, schema, { metadata })
      }
      await release('1', 'id:long')
      const wanted = await release('1', 'id:long', 'a:int=0')
      await release('2', 'id:long', 'b:int=0')
      const shop = struct([['id', primitive('INT64')]], { name: 'com.shop.Order' })
      const first = { 'auto.register.schemas': 'false', 'use.latest.with.metadata': 'major=1, owner=shop=1' }
      expect((await written(shop, [7], first))?.readInt32BE(1)).toBe(wanted)
      const other = { ...first, 'use.latest.version': 'true', 'use.latest.with.metadata': 'major=3' }
      expect(await failure(async () => await written(shop, [7], other))).toMatch(
        /^SUBJECT_UNKNOWN: .*with major=3 in its metadata/,
      )
    })

    it('takes the latest schema again after latest.cache.ttl.sec', async () => {
      const shop = struct([['id', primitive('INT64')]], { name: 'com.shop.Order' })
      const first = await register('id:long')
      const [kept, fresh] = ['-1', '0'].map((ttl) => avroConverter(url(), { ...config, 'latest.cache.ttl.sec': ttl }))
      const idOf = async (converter = kept): Promise<number> => {
        const call = converter?.fromConnect.bind(converter, topic, shop, [1])
        return Buffer.from((await whenReady(() => call?.() ?? null)) ?? []).readInt32BE(1)
      }
      expect(await idOf(kept)).toBe(first)
      const second = await register('id:long', 'more:int=1')
      expect(await idOf(kept)).toBe(first)
      expect(second).toBeGreaterThan(first)
      expect(() => fresh?.fromConnect(topic, shop, [1])).toThrow(NotReadyError)
    })
  })

  it('reads values with schemas that refer to others', async () => {
    await registry.register(`money-${topic}`, { ...recordOf('Money', 'cents:long'), namespace: 'n' })
    const id = await registry.register(
      `${topic}-value`,
      { ...recordOf('Price', 'amount:Money'), namespace: 'n' },
      {
        references: [{ name: 'n.Money', subject: `money-${topic}`, version: 1 }],
      },
    )
    expect((await read(message(id, [2]))).value).toEqual([[1]])
  })

  it('reads a schema that is in no subject of the topic, without version', async () => {
    const id = await registry.register('elsewhere', recordOf('Elsewhere', 'a:int'))
    expect(await read(message(id, [2]))).toMatchObject({ schema: { version: null }, value: [1] })
  })

  it('keeps unions, enums, maps and records in themselves as they are', async () => {
    const id = await registry.register(`${topic}-value`, {
      type: 'record',
      name: 'Node',
      fields: [
        { name: 'either', type: ['null', 'int', 'string'] },
        { name: 'colour', type: { type: 'enum', name: 'Colour', symbols: ['RED', 'BLUE'] } },
        { name: 'next', type: ['null', 'Node'] },
        { name: 'bytes', type: { type: 'fixed', name: 'Two', size: 2 } },
      ],
    })
    const bytes = message(id, [4, 2, 0x78, 2, 2, 0, 0, 0, 1, 2, 3, 4])
    const config = { 'enhanced.avro.schema.support': 'true' }
    const { schema, value } = await read(bytes, config)
    expect(value).toEqual([[null, 'x'], 'BLUE', [null, 'RED', null, Buffer.from([1, 2])], Buffer.from([3, 4])])
    const again = await written(schema, value, config)
    expect(again?.subarray(5)).toEqual(bytes.subarray(5))
    const purple = [null, 'PURPLE', null, Buffer.from([3, 4])]
    expect(await failure(async () => await written(schema, purple, config))).toContain('"PURPLE" is not a symbol')
  })

  it('keeps maps whose keys are not strings', async () => {
    const schema = mapOf(primitive('INT64'), primitive('BOOLEAN', { optional: true }))
    const value = new Map<number | bigint, boolean | null>([
      [1, true],
      [2n ** 60n, null],
    ])
    expect((await read(await written(schema, value))).value).toEqual(value)
  })

  it.each<[string, (id: number) => Buffer, RegExp]>([
    ['no bytes', () => Buffer.alloc(0), /^SCHEMA_ID_MISSING: the message has 0 bytes/],
    ['another first byte', () => Buffer.from('{"a":1}'), /^SCHEMA_ID_MISSING: .*byte 123 instead of 0/],
    ['an unknown id', () => message(99_999, [0]), /^SCHEMA_ID_UNKNOWN: .*id 99999/],
    ['truncated bytes', (id) => message(id, [2, 8, 0x61]), /^AVRO_INVALID: .*\(id \d+\): the bytes end within a value/],
    ['trailing bytes', (id) => message(id, [2, 2, 0x61, 0]), /1 bytes follow the value/],
    ['text that is not UTF-8', (id) => message(id, [2, 2, 0xff]), /not UTF-8/],
    ['a negative length', (id) => message(id, [2, 1]), /a length is -1/],
    [
      'an integer of more than 64 bits',
      (id) => message(id, [...new Array<number>(10).fill(0xff), 1]),
      /more than 64 bits/,
    ],
  ])('refuses %s', async (_what, make, says) => {
    const id = await registry.register(`${topic}-value`, recordOf('Refused', 'a:long', 'b:string'))
    expect(await failure(async () => await read(make(id)))).toMatch(says)
  })

  it('refuses blocks of more items than there are bytes, and records nested too deeply', async () => {
    const list = await registry.register(`${topic}-value`, { type: 'array', items: recordOf('Empty') })
    expect(await failure(async () => await read(message(list, [0xfe, 0xff, 0xff, 0xff, 0x0f, 0])))).toContain(
      'items do not fit',
    )
    const block = [0xc0, 0x9a, 0x0c]
    expect((await read(message(list, [...block, 0]))).value).toHaveLength(100_000)
    expect(await failure(async () => await read(message(list, [...block, ...block, 0])))).toContain('items do not fit')
    topic += 'b'
    const endless = await registry.register(`${topic}-value`, recordOf('Endless', 'self:Endless'))
    expect(await failure(async () => await read(message(endless, [])))).toContain('nested too deeply')
  })

  it('refuses the id of a schema of another type', async () => {
    const id = await registry.register(`${topic}-value`, { type: 'object' }, { schemaType: 'JSON' })
    expect(await failure(async () => await read(message(id, [])))).toMatch(/^SCHEMA_TYPE_OTHER: .*of type JSON/)
  })

  it('keeps as many schemas as schemas.cache.config says', async () => {
    const ids = [await registry.register(`${topic}-a`, 'int'), await registry.register(`${topic}-b`, 'string')]
    for (const option of ['schemas.cache.config', 'schemas.cache.size']) {
      const converter = avroConverter(url(), { [option]: '1' })
      for (const id of ids) await whenReady(() => converter.toConnect(topic, message(id, [0])))
      expect(() => converter.toConnect(topic, message(ids[0] ?? 0, [0])), option).toThrow(NotReadyError)
    }
  })
})
