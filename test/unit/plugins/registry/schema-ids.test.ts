import {
  DataError,
  NotReadyError,
  primitive,
  RetriableError,
  struct,
  type Converter,
  type RawConfig,
  type RawHeader,
} from 'penstock/api'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { SchemaRefs } from '../../../../plugins/converters/registry/wire-format.ts'
import { BrokerHarness } from '../../../support/broker/broker-harness.ts'
import { HttpFaults } from '../../../support/http-faults.ts'
import { avroConverter, whenReady } from '../../../support/registry/avro-converters.ts'
import { jsonSchemaConverter } from '../../../support/registry/json-schema-codec.ts'
import { TestRegistry } from '../../../support/registry/test-registry.ts'
import { seededRandom } from '../../../support/seeded-random.ts'

const places = 'io.confluent.kafka.serializers.schema.id'
const inHeader = {
  'key.schema.id.serializer': `${places}.HeaderSchemaIdSerializer`,
  'value.schema.id.serializer': `${places}.HeaderSchemaIdSerializer`,
}
const row = struct([['id', primitive('INT64')]], { name: 'shop.Row' })
const guidBytes = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
const guid = '00112233-4455-6677-8899-aabbccddeeff'

describe('the id of a schema in a header', () => {
  let broker: BrokerHarness
  let registry: TestRegistry
  let faults: HttpFaults
  let topics = 0
  let topic = ''

  beforeAll(async () => {
    broker = await BrokerHarness.start()
    registry = await TestRegistry.start(broker.bootstrap)
    faults = await HttpFaults.before(registry.url)
  })
  beforeEach(() => {
    topic = `t${(topics += 1)}`
    faults.decide = () => ({ kind: 'pass' })
    faults.seen.length = 0
  })
  afterAll(async () => {
    await faults.close()
    await registry.close()
    await broker.close()
  })

  const url = (): string => `${faults.url}${new URL(registry.url).pathname}`
  const avro = (config: RawConfig = {}, isKey = false): Converter => avroConverter(url(), config, isKey)
  const written = async (converter: Converter, id: number, before: readonly RawHeader[] = []) => {
    let headers: RawHeader[] = []
    const bytes = await whenReady(() => {
      headers = [...before]
      return converter.fromConnect(topic, row, [id], headers)
    })
    return { bytes: Buffer.from(bytes ?? []), headers }
  }
  const failureOf = async (call: () => unknown): Promise<Error> => {
    const error = await whenReady(call).then(
      () => new RangeError('it succeeded'),
      (why: unknown) => why as Error,
    )
    return error
  }

  it('is the byte 1 and the GUID that the registry has, and the bytes are the data alone', async () => {
    const { bytes, headers } = await written(avro(inHeader), 1)
    expect(bytes).toEqual(Buffer.of(2))
    const { body } = await registry.get(`/subjects/${topic}-value/versions/1`)
    const known = String((body as Record<string, unknown>)['guid'])
    expect(headers).toEqual([{ key: '__value_schema_id', value: Buffer.from(`01${known.replaceAll('-', '')}`, 'hex') }])
  })

  it.each([
    ['Avro', avroConverter],
    ['JSON with JSON Schemas', jsonSchemaConverter],
  ])('is read, of keys and of values, each in its own header: %s', async (_what, make) => {
    for (const isKey of [true, false]) {
      const { bytes, headers } = await written(make(url(), inHeader, isKey), 5)
      expect(headers.map(({ key }) => key)).toEqual([isKey ? '__key_schema_id' : '__value_schema_id'])
      const reader = make(url(), {}, isKey)
      const read = await whenReady(() => reader.toConnect(topic, bytes, headers))
      expect(read.value).toEqual([5])
      expect(read.schema?.version).toBe(1)
      // Those of the other part of the record say nothing of this one.
      const other = make(url(), {}, !isKey)
      expect(await failureOf(() => other.toConnect(topic, bytes, headers))).toBeInstanceOf(DataError)
    }
  })

  it('is looked up once for many records, and messages with ids at their start are read beside them', async () => {
    const [first, old] = [await written(avro(inHeader), 1), await written(avro(), 2)]
    const reader = avro()
    await whenReady(() => reader.toConnect(topic, first.bytes, first.headers))
    await whenReady(() => reader.toConnect(topic, old.bytes, []))
    faults.seen.length = 0
    for (let i = 0; i < 3; i += 1) {
      const one = reader.toConnect(topic, first.bytes, first.headers)
      expect(one.value).toEqual([1])
      expect(reader.toConnect(topic, old.bytes, old.headers).value).toEqual([2])
    }
    expect(faults.seen).toEqual([])
  })

  it('is not added where it is already, and counts after another one', async () => {
    const converter = avro(inHeader)
    const { headers } = await written(converter, 1)
    expect((await written(converter, 1, headers)).headers).toEqual(headers)
    const stale = { key: '__value_schema_id', value: Buffer.from([1, ...guidBytes]) }
    const both = await written(converter, 7, [stale])
    expect(both.headers).toEqual([stale, ...headers])
    const reader = avro()
    expect((await whenReady(() => reader.toConnect(topic, both.bytes, both.headers))).value).toEqual([7])
  })

  it('may be an id in the header, and a GUID at the start of the bytes, as Confluent reads both', async () => {
    const [{ bytes, headers }, prefixed] = [await written(avro(inHeader), 3), await written(avro(), 3)]
    const reader = avro()
    const moved = [{ key: '__value_schema_id', value: prefixed.bytes.subarray(0, 5) }]
    expect((await whenReady(() => reader.toConnect(topic, bytes, moved))).value).toEqual([3])
    const whole = Buffer.concat([headers[0]?.value ?? Buffer.alloc(0), bytes])
    expect((await whenReady(() => reader.toConnect(topic, whole, []))).value).toEqual([3])
  })

  it('is not looked for with PrefixSchemaIdDeserializer, nor in a header without a value', async () => {
    const old = await written(avro(), 4)
    const other = [{ key: '__value_schema_id', value: Buffer.from([1, ...guidBytes]) }]
    const reader = avro({ 'value.schema.id.deserializer': `${places}.PrefixSchemaIdDeserializer` })
    expect((await whenReady(() => reader.toConnect(topic, old.bytes, other))).value).toEqual([4])
    const empty = [{ key: '__value_schema_id', value: null }]
    const dual = avro()
    expect((await whenReady(() => dual.toConnect(topic, old.bytes, empty))).value).toEqual([4])
  })

  it('of a missing value is none', () => {
    const headers: RawHeader[] = []
    expect(avro(inHeader).fromConnect(topic, null, null, headers)).toBeNull()
    expect(headers).toEqual([])
  })

  it('that the registry does not know is an error of the record, and a registry without GUIDs says what it lacks', async () => {
    const reader = avro({ 'max.retries': '0' })
    const unknown = [{ key: '__value_schema_id', value: Buffer.from([1, ...guidBytes]) }]
    const missing = await failureOf(() => reader.toConnect(topic, Buffer.of(2), unknown))
    expect(missing.message).toMatch(
      `SCHEMA_ID_UNKNOWN: the schema registry at ${url()} has no schema with the GUID ${guid}`,
    )
    faults.decide = () => ({ kind: 'answer', status: 404, body: '{"error_code":404,"message":"HTTP 404 Not Found"}' })
    const older = avro({ 'max.retries': '0' })
    const absent = await failureOf(() => older.toConnect(topic, Buffer.of(2), unknown))
    expect(absent).toBeInstanceOf(RetriableError)
    expect(absent.message).toContain("a registry that has GUIDs, as Confluent's since 8.0")
    faults.decide = () => ({ kind: 'answer', status: 200, body: '{"id":1}' })
    const writer = avro(inHeader)
    const none = await failureOf(() => writer.fromConnect(topic, row, [1], []))
    expect(none.message).toMatch(/^SCHEMA_GUID_MISSING: .*value\.schema\.id\.serializer/)
  })

  it('has a name in the error where there are no headers to write it to', async () => {
    const writer = avro(inHeader)
    const error = await failureOf(() => writer.fromConnect(topic, row, [1]))
    expect(error).toBeInstanceOf(DataError)
    expect(error.message).toContain('__value_schema_id')
  })

  it('is refused with a DataError, or looked up, when its bytes are changed', async () => {
    const random = seededRandom(20_261_130)
    const { bytes, headers } = await written(avro(inHeader), 3)
    const valid = headers[0]?.value ?? Buffer.alloc(0)
    const reader = avro()
    await whenReady(() => reader.toConnect(topic, bytes, headers))
    for (let i = 0; i < 10_000; i += 1) {
      const value = Buffer.from([...valid, 0, 0]).subarray(0, random() < 0.5 ? 17 : Math.floor(random() * 20))
      value[Math.floor(random() * value.length)] = Math.floor(random() * 256)
      try {
        const read = reader.toConnect(topic, bytes, [{ key: '__value_schema_id', value }])
        expect([value.equals(valid), read.value]).toEqual([true, [3]])
      } catch (error) {
        // It may name another schema, which has to be looked up.
        if (!(error instanceof DataError || error instanceof NotReadyError)) throw error
      }
    }
  })
})

describe('what a message says of its schema', () => {
  it('is the id or the GUID, and where the data begins', () => {
    const refs = new SchemaRefs('h', false)
    expect(refs.of(Buffer.of(0, 0, 0, 1, 2, 9), [])).toBe(258)
    expect(refs.offset).toBe(5)
    expect(refs.of(Buffer.of(0, 0xff, 0xff, 0xff, 0xff), [])).toBe(-1)
    expect(refs.of(Buffer.from([1, ...guidBytes, 9]), [])).toBe(guid)
    expect(refs.offset).toBe(17)
  })

  it('may have more after the id in its header, which is before the data then, in formats that have more to say', () => {
    const refs = new SchemaRefs('h', true)
    const data = Buffer.of(7, 8)
    expect(refs.of(data, [{ key: 'h', value: Buffer.from([1, ...guidBytes]) }])).toBe(guid)
    expect([refs.bytes, refs.offset]).toEqual([data, 0])
    expect(refs.of(data, [{ key: 'h', value: Buffer.from([1, ...guidBytes, 2, 4]) }])).toBe(guid)
    expect([refs.bytes, refs.offset]).toEqual([Buffer.of(2, 4, 7, 8), 0])
    const more = [{ key: 'h', value: Buffer.from([1, ...guidBytes, 2]) }]
    expect(() => new SchemaRefs('h', false).of(data, more)).toThrow(
      'the header h has 1 bytes after the id of the schema',
    )
  })
})
