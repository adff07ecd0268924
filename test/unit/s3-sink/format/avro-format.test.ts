import fc from 'fast-check'
import { DataError, primitive, struct, type ConnectValue, type RawConfig } from 'penstock/api'
import { AvroCursor, avroOfConnect, avroOptions, avroReader, parseAvro } from 'penstock/avro'
import { describe, expect, it } from 'vitest'

import { formats } from '../../../../connectors/s3-sink/config/format-options.ts'
import { configDef } from '../../../../connectors/s3-sink/config/config.ts'
import { settingsOf } from '../../../../connectors/s3-sink/config/settings.ts'
import type { ObjectFormat } from '../../../../connectors/s3-sink/format/object-format.ts'
import { openCodec, unpackBlock } from '../../../../connectors/s3-store/avro/block-codec.ts'
import { openFormat } from '../../../../connectors/s3-sink/format/open-format.ts'
import { parseConfig } from '../../../../src/config/definition/parse-config.ts'
import { anyData } from '../../../support/registry/any-data.ts'
import { readContainer } from '../../../support/s3/avro-objects.ts'
import { appendTo, writtenObject } from '../../../support/s3/written-object.ts'

const codecs = ['null', 'deflate', 'snappy', 'zstandard'] as const
const configOf = (raw: RawConfig = {}) =>
  parseConfig(configDef, { 'format.class': formats.avro, 'flush.size': '1', 's3.bucket.name': 'b', ...raw })

async function formatOf(raw: RawConfig = {}): Promise<ObjectFormat> {
  return await openFormat(settingsOf(configOf(raw), raw).kinds.values)
}

const row = struct(
  [
    ['id', primitive('INT64')],
    ['name', primitive('STRING', { optional: true })],
  ],
  { name: 'shop.orders.Value', version: 3 },
)
const rows = (count: number): ConnectValue[] =>
  Array.from({ length: count }, (_, n) => [n, n % 3 === 0 ? null : `name of ${n} `.repeat(10)])

describe('an Avro object', () => {
  it.each(codecs)('has the schema of its values, and blocks of 64,000 bytes: codec %s', async (codec) => {
    const read = await readContainer(await writtenObject(await formatOf({ 'avro.codec': codec }), row, rows(2000)))
    expect(read.codec).toBe(codec)
    expect(read.schema).toEqual({
      type: 'record',
      name: 'Value',
      namespace: 'shop.orders',
      fields: [
        { name: 'id', type: 'long' },
        { name: 'name', type: ['null', 'string'], default: null },
      ],
      'connect.version': 3,
      'connect.name': 'shop.orders.Value',
    })
    expect(read.records).toHaveLength(2000)
    expect(read.records[1]).toMatchObject({ id: 1, name: 'name of 1 '.repeat(10) })
    expect(read.records[1998]).toMatchObject({ id: 1998, name: null })
    expect(read.blocks.length).toBe(3)
  })

  it.each(codecs)('holds any values of any schema, as they were: codec %s', async (codec) => {
    const format = await formatOf({ 'avro.codec': codec })
    const options = avroOptions(configOf())
    await fc.assert(
      fc.asyncProperty(
        anyData.chain(({ schema, value }) => fc.tuple(fc.constant(schema), fc.array(value, { minLength: 1 }))),
        async ([schema, values]) => {
          const { records } = await readContainer(await writtenObject(format, schema, values), true)
          const avro = parseAvro({ text: avroOfConnect(schema, options), references: [] })
          const read = avroReader(avro, schema, options)
          const cursor = new AvroCursor()
          const back = (records as Buffer[]).map((bytes) => {
            cursor.begin(bytes, 0)
            const value = read(cursor)
            cursor.end()
            return value
          })
          expect(back).toEqual(values)
        },
      ),
      { numRuns: 40 },
    )
  })

  it('has values that are no structs as they are, and null where the schema is optional', async () => {
    const format = await formatOf()
    const texts = await readContainer(await writtenObject(format, primitive('STRING'), ['a', 'b']))
    expect([texts.schema, texts.records]).toEqual(['string', ['a', 'b']])
    const optional = primitive('INT64', { optional: true })
    const longs = await readContainer(await writtenObject(format, optional, [1, 2]))
    expect([longs.schema, longs.records]).toEqual([
      ['null', 'long'],
      [1, 2],
    ])
  })

  it("has values without a schema in AvroData's record for them", async () => {
    const file = await writtenObject(await formatOf(), null, [{ a: 1, b: ['x', true] }, 'text', 0.5])
    const { schema, records } = await readContainer(file)
    expect(schema).toMatchObject({ name: 'Anything', namespace: 'io.confluent.connect.avro' })
    expect(records).toMatchObject([
      {
        map: [
          { key: { string: 'a' }, value: { long: 1 } },
          { key: { string: 'b' }, value: { array: [{}, {}] } },
        ],
      },
      { string: 'text' },
      { double: 0.5 },
    ])
  })

  it('has the Connect attributes and the enums that the options ask for', async () => {
    const color = primitive('STRING', {
      parameters: {
        'io.confluent.connect.avro.Enum': 'shop.Color',
        'io.confluent.connect.avro.Enum.RED': 'RED',
        'io.confluent.connect.avro.Enum.BLUE': 'BLUE',
      },
    })
    const schema = struct([['c', color]], { name: 'shop.V', version: 2 })
    const typeOf = async (raw: RawConfig): Promise<unknown> => {
      const read = await readContainer(await writtenObject(await formatOf(raw), schema, [['BLUE']]))
      expect(read.records).toMatchObject([{ c: 'BLUE' }])
      return read.schema
    }
    expect(await typeOf({})).toMatchObject({ 'connect.version': 2, fields: [{ type: { symbols: ['RED', 'BLUE'] } }] })
    expect(await typeOf({ 'connect.meta.data': 'false', 'enhanced.avro.schema.support': 'false' })).toEqual({
      type: 'record',
      name: 'V',
      namespace: 'shop',
      fields: [{ name: 'c', type: 'string' }],
    })
  })

  it('has a sync marker of its own', async () => {
    const format = await formatOf()
    const [one, other] = [await writtenObject(format, row, rows(1)), await writtenObject(format, row, rows(1))]
    expect(one.subarray(0, -16).equals(other.subarray(0, -16))).toBe(false)
    expect(one.subarray(-16).equals(other.subarray(-16))).toBe(false)
  })

  it.each(codecs)('has nothing of a record that does not match the schema: codec %s', async (codec) => {
    const writer = (await formatOf({ 'avro.codec': codec })).begin(row)
    appendTo(writer, row, [1, 'first'])
    const { held } = writer
    expect(() => appendTo(writer, row, [2, 5])).toThrow(DataError)
    expect(() => appendTo(writer, row, ['long '.repeat(50_000), 'x'])).toThrow(DataError)
    expect(writer.held).toBe(held)
    appendTo(writer, row, [3, 'last'])
    const rest = writer.finish()
    const file = Buffer.isBuffer(rest) ? rest : await rest.pack(new AbortController().signal)
    expect((await readContainer(file)).records).toMatchObject([{ id: 1 }, { id: 3 }])
  })

  it('refuses a schema that Avro cannot express, unless its names are replaced', async () => {
    const schema = struct([['a-b', primitive('INT32')]], { name: 'my-server.Value' })
    const strict = await formatOf()
    expect(() => strict.begin(schema)).toThrow(/^AVRO_NAME_INVALID: .*scrub.invalid.names=true/)
    const file = await writtenObject(await formatOf({ 'scrub.invalid.names': 'true' }), schema, [[7]])
    expect((await readContainer(file)).records).toMatchObject([{ a_b: 7 }])
  })

  it('holds the memory of a block, and frees it when it is drained', async () => {
    const writer = (await formatOf({ 'avro.codec': 'snappy' })).begin(row)
    const header = writer.held
    for (const value of rows(2000)) if (!writer.isFull) appendTo(writer, row, value)
    expect(writer.held - header).toBe(64 * 1024)
    const piece = writer.drain()
    expect(Buffer.isBuffer(piece) || piece.held - header).toBeGreaterThan(64_000)
    expect([writer.held, writer.isFull]).toEqual([0, false])
    expect(writer.drain()).toHaveLength(0)
  })
})

describe('the content of an Avro object', () => {
  it.each(codecs)('is its schema and its records, whatever the codec: %s', async (codec) => {
    const [plain, packed] = [await formatOf(), await formatOf({ 'avro.codec': codec })]
    const file = await writtenObject(packed, row, rows(1000))
    const content = await packed.contentOf?.(file, file.length * 100)
    const whole = await plain.contentOf?.(await writtenObject(plain, row, rows(1001)), file.length * 100)
    expect(content?.length).toBeGreaterThan(70_000)
    expect(content?.equals(whole?.subarray(0, content.length) ?? Buffer.alloc(0))).toBe(true)
    expect(await packed.contentOf?.(file, (content?.length ?? 0) - 1)).toBeNull()
  })

  it.each(['deflate', 'snappy', 'zstandard'] as const)('does not unpack more than it may: %s', async (codec) => {
    const pack = await openCodec(codec)
    const packed = (await pack?.(Buffer.alloc(1_000_000))) ?? expect.fail('no codec')
    expect((await unpackBlock(codec, packed, 1_000_000)).length).toBe(1_000_000)
    await expect(unpackBlock(codec, packed, 999_999)).rejects.toThrow()
  })
})
