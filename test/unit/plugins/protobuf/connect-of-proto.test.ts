import { DataError, Logical, primitive, struct, type ConnectValue, type RawConfig } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { protobufCodec, protobufReader } from '../../../support/registry/protobuf-codec.ts'

const namespace = 'io.confluent.connect.protobuf'

function hex(text: string): Buffer {
  return Buffer.from(text.replaceAll(' ', ''), 'hex')
}

/** What the members of a message, in proto3, are read as. */
function valueOf(members: string, bytes: string, config: RawConfig = {}): ConnectValue {
  return protobufReader(`syntax = "proto3"; message M { ${members} }`, config).read(hex(bytes))
}

function schemaOf(text: string, config: RawConfig = {}): unknown {
  const { schema } = protobufReader(text, config)
  return schema.fields.map(({ name, schema: { type, optional, name: of, parameters } }) => ({
    [name]: [type, optional, of, parameters],
  }))
}

describe('the Connect schema of a Protobuf schema', () => {
  it('has the types and the parameters that Confluent gives', () => {
    const types = ['double', 'float', 'int32', 'int64', 'uint32', 'sint32', 'fixed64', 'bool', 'string', 'bytes']
    const members = types.map((type, i) => `${type} f${i} = ${i + 1};`).join(' ')
    const { schema } = protobufReader(`syntax = "proto3"; package a.b; message M { ${members} }`)
    expect(schema).toMatchObject({ type: 'STRUCT', name: 'M', optional: false, parameters: null })
    const found = schema.fields.map(({ schema: { type, parameters } }) => [type, parameters?.[`${namespace}.Type`]])
    expect(found).toEqual([
      ['FLOAT64', undefined],
      ['FLOAT32', undefined],
      ['INT32', undefined],
      ['INT64', undefined],
      ['INT64', 'uint32'],
      ['INT32', 'sint32'],
      ['INT64', 'fixed64'],
      ['BOOLEAN', undefined],
      ['STRING', undefined],
      ['BYTES', undefined],
    ])
    expect(schema.fields.every((field, i) => field.schema.parameters?.[`${namespace}.Tag`] === String(i + 1))).toBe(
      true,
    )
  })

  it('has unions for oneofs, first, with their index, without it, or as fields of the struct', () => {
    const text =
      'syntax = "proto3"; package p; message M { int32 a = 1; oneof u { string s = 2; M m = 3; } optional bool o = 4; }'
    const fieldsOf = (config: RawConfig) => protobufReader(text, config).schema.fields
    const names = (config: RawConfig) => fieldsOf(config).map(({ name, schema }) => `${name} ${schema.name}`)
    expect(names({})).toEqual([`u_0 ${namespace}.Union.u`, 'a null', 'o null'])
    expect(names({ 'generate.index.for.unions': 'false' })[0]).toBe(`u ${namespace}.Union.u`)
    expect(names({ 'enhanced.protobuf.schema.support': 'true' })[0]).toBe(`u_0 ${namespace}.Union.p.M.u`)
    expect(names({ 'generalized.sum.type.support': 'true' })[0]).toBe('u_0 u')
    expect(names({ 'flatten.unions': 'true' })).toEqual(['s null', 'm M', 'a null', 'o null'])
    const read = (bytes: string, config: RawConfig = {}) => protobufReader(text, config).read(hex(bytes))
    expect(read('120161')).toEqual([['a', null], 0, null])
    // The member that comes last has a value, and two messages in one member are merged.
    expect(read('120161 1a020801')).toEqual([[null, [null, 1, null]], 0, null])
    expect(read('1a020801 1a022001')).toEqual([[null, [null, 1, true]], 0, null])
    expect(read('1a020801 120161')).toEqual([['a', null], 0, null])
    expect(read('1a020801 120161', { 'flatten.unions': 'true' })).toEqual(['a', null, 0, null])
    expect(read('2000')).toEqual([null, 0, false])
  })

  it('has parameters for enums, as strings or numbers', () => {
    const text =
      'syntax = "proto3"; package p; message M { E e = 1; repeated E es = 2; enum E { A = 0; B = 2; C = -1; } }'
    const numbers = { [`${namespace}.Enum.A`]: '0', [`${namespace}.Enum.B`]: '2', [`${namespace}.Enum.C`]: '-1' }
    const tag = { [`${namespace}.Tag`]: '1' }
    const parameters = { [`${namespace}.Enum`]: 'E', ...numbers, ...tag }
    expect(schemaOf(text)).toMatchObject([{ e: ['STRING', true, 'E', parameters] }, {}])
    const { read } = protobufReader(text)
    expect(read(hex('0802 1202 0002'))).toEqual(['B', ['A', 'B']])
    expect(read(hex('08ffffffffffffffffff01'))).toEqual(['C', []])
    expect(read(hex('0807'))).toEqual(['UNKNOWN_ENUM_VALUE_E_7', []])
    const asNumbers = protobufReader(text, { 'int.for.enums': 'true', 'enhanced.protobuf.schema.support': 'true' })
    expect(asNumbers.schema.fields[0]?.schema).toMatchObject({ type: 'INT32', name: 'p.M.E' })
    expect(asNumbers.read(hex('0807 1201 02'))).toEqual([7, [2]])
    // A closed enum of proto2 has its own symbols only, and keeps the one before.
    const closed = protobufReader('message M { optional E e = 1; repeated E l = 2; enum E { A = 1; B = 2; } }')
    expect(closed.read(hex('0802 0807 1001 1007'))).toEqual(['B', ['A']])
  })

  it('reads the examples of the encoding guide, and numbers of all wire types', () => {
    expect(valueOf('int32 a = 1;', '089601')).toEqual([150])
    expect(valueOf('string b = 2;', '120774657374696e67')).toEqual(['testing'])
    expect(valueOf('repeated int32 f = 6;', '3206038e029ea705')).toEqual([[3, 270, 86_942]])
    expect(valueOf('repeated int32 f = 6;', '3003 32028e02 309ea705')).toEqual([[3, 270, 86_942]])
    expect(valueOf('map<string, int32> g = 7;', '3a05 0a01611005 3a03 0a0162')).toEqual([
      new Map([
        ['a', 5],
        ['b', 0],
      ]),
    ])
    expect(valueOf('sint32 a = 1; sint64 b = 2;', '0803 10ffffffffffffffffff01')).toEqual([-2, -(2n ** 63n)])
    expect(valueOf('int64 a = 1; int64 b = 2;', '08ffffffffffffffff7f 1080808080808080808001')).toEqual([
      2n ** 63n - 1n,
      -(2n ** 63n),
    ])
    expect(
      valueOf(
        'int64 a = 1; uint64 b = 2; int32 c = 3;',
        '08fbffffffffffffffff01 10ffffffffffffffffff01 18ffffffffffffffffff01',
      ),
    ).toEqual([-5, -1, -1])
    expect(valueOf('uint32 a = 1; fixed32 b = 2;', '08ffffffff0f 15ffffffff')).toEqual([4_294_967_295, 4_294_967_295])
    expect(valueOf('fixed64 a = 1; sfixed64 b = 2;', '09ffffffffffff1f00 11fffffffffffffffe')).toEqual([
      2 ** 53 - 1,
      BigInt.asIntN(64, 0xfeff_ffff_ffff_ffffn),
    ])
    expect(valueOf('float a = 1; double b = 2;', '0d0000c07f 11000000000000f0ff')).toEqual([NaN, -Infinity])
    expect(valueOf('float a = 1; double b = 2;', '0d00000080')).toEqual([-0, 0])
    expect(valueOf('bool a = 1;', '08808001')).toEqual([true])
  })

  it('skips fields that the schema does not have, or that have another wire type', () => {
    const bytes = '0d01020304 110102030405060708 12020102 1b2001120161 1c 2005'
    expect(valueOf('int32 a = 1; int32 z = 4;', bytes)).toEqual([0, 5])
    for (const broken of ['1b20', '0c', '07', '00', '0801 12', 'ffffffffffffffffffff01', '5a05 61'])
      expect(() => valueOf('int32 a = 1;', broken)).toThrow(DataError)
    expect(() => valueOf('string a = 1;', '0a02c3c3')).toThrow(/not UTF-8/)
  })

  it('has null, zero or the default for what is missing, as the schema and the options say', () => {
    const proto2 =
      'message M { optional int32 a = 1 [default = 5]; optional string b = 2; required bool c = 3; optional E e = 4 [default = Y]; optional M m = 5; enum E { X = 1; Y = 2; } }'
    const of = (config: RawConfig) => protobufReader(proto2, config).read(hex('1801'))
    expect(of({})).toEqual([null, null, true, null, null])
    expect(of({ 'optional.for.proto2': 'false' })).toEqual([5, '', true, 'Y', null])
    expect(() => protobufReader(proto2).read(hex(''))).toThrow(/the message M has no "c", which is required/)
    const proto3 = 'int32 a = 1; optional int32 b = 2; N n = 3; message N { string s = 1; }'
    expect(valueOf(proto3, '')).toEqual([0, null, null])
    expect(valueOf(proto3, '', { 'generate.struct.for.nulls': 'true' })).toEqual([0, 0, ['']])
    expect(() => valueOf('M m = 1;', '', { 'generate.struct.for.nulls': 'true' })).toThrow(/contains itself/)
    const optional = (config: RawConfig) =>
      protobufReader(`syntax = "proto3"; message M { ${proto3} }`, config).schema.fields.map(
        (field) => field.schema.optional,
      )
    expect(optional({})).toEqual([true, true, true])
    expect(optional({ 'optional.for.nullables': 'true' })).toEqual([false, true, true])
    expect(optional({ 'wrapper.for.nullables': 'true' })).toEqual([false, false, true])
  })

  it('reads groups, and wrapper messages as values or structs', () => {
    const group = protobufReader('message M { repeated group G = 1 { optional int32 x = 2; } optional int32 y = 3; }')
    expect(group.schema.fields.map(({ name }) => name)).toEqual(['g', 'y'])
    expect(group.read(hex('0b 1001 0c 0b 0c 1807'))).toEqual([[[1], [null]], 7])
    expect(() => group.read(hex('0b 1001'))).toThrow(/the bytes end/)
    const text =
      'syntax = "proto3"; import "google/protobuf/wrappers.proto"; message M { google.protobuf.Int32Value v = 1; oneof u { google.protobuf.StringValue s = 2; } }'
    expect(protobufReader(text).read(hex('0a00'))).toEqual([null, [0]])
    const wrapped = protobufReader(text, { 'wrapper.for.nullables': 'true' })
    expect(wrapped.read(hex('0a00'))).toEqual([null, 0])
    expect(wrapped.read(hex('1203 0a0161'))).toEqual([['a'], null])
    expect(wrapped.schema.fields[0]?.schema.fields[0]?.schema.parameters).toMatchObject({
      [`${namespace}.Wrapper`]: 'true',
    })
  })

  it('reads logical types, and refuses values that are none', () => {
    const imports =
      'syntax = "proto3"; import "google/type/date.proto"; import "google/type/timeofday.proto"; import "google/protobuf/timestamp.proto"; import "confluent/type/decimal.proto";'
    const text = `${imports} message M { google.type.Date d = 1; google.type.TimeOfDay t = 2; google.protobuf.Timestamp ts = 3; confluent.type.Decimal n = 4 [(confluent.field_meta).params = {key: "scale", value: "2"}]; }`
    const { schema, read } = protobufReader(text)
    expect(schema.fields.map((field) => field.schema.name)).toEqual([
      Logical.date,
      Logical.time,
      Logical.timestamp,
      Logical.decimal,
    ])
    expect(schema.fields[3]?.schema.parameters).toMatchObject({ scale: '2' })
    expect(read(hex('0a07 08e80f 1002 181d 1208 0817 103b 183b 2001 1a0b 08ffffffffffffffffff01'))).toEqual([
      19_782,
      86_399_000,
      -1000,
      null,
    ])
    expect(read(hex('2208 0a0204e2 1004 1802'))).toEqual([null, null, null, '12.50'])
    for (const broken of [
      '0a06 08e70f 1002 181d',
      '0a02 1001',
      '1202 0818',
      '1a06 10ffffffff0f',
      '1a0b 08ffffffffffffffff7f',
      '2206 18ffffffff07',
    ])
      expect(() => read(hex(broken))).toThrow(DataError)
  })

  it('refuses a schema that is none, and types that are not there', () => {
    for (const text of [
      'message',
      'syntax = "proto3"; enum E { A = 0; }',
      '{"type":"string"}',
      'syntax = "proto3"; message A { B b = 1; }',
      'message A {} message A {}',
    ])
      expect(() => protobufReader(text)).toThrow(/^PROTOBUF_SCHEMA_INVALID: /)
    expect(() => protobufReader('syntax = "proto3"; message A { x.B b = 1; }')).toThrow(
      /field "b" of the unknown type "x.B"/,
    )
    const deep = `${'message A {'.repeat(20_000)}${'}'.repeat(20_000)}`
    expect(() => protobufReader(deep)).toThrow(DataError)
    const doubling = Array.from({ length: 40 }, (_, i) => `message A${i} { A${i + 1} a = 1; A${i + 1} b = 2; }`).join(
      ' ',
    )
    expect(() => protobufReader(`syntax = "proto3"; ${doubling} message A40 {}`)).toThrow(/^SCHEMA_TOO_LARGE: /)
  })

  it('bounds the memory of messages that are small only in bytes', () => {
    const members = Array.from({ length: 2000 }, (_, i) => `int32 f${i} = ${i + 2};`).join(' ')
    const { read } = protobufReader(`syntax = "proto3"; message M { repeated N n = 1; message N { ${members} } }`)
    expect(read(hex('0a00'.repeat(3)))).toMatchObject([[{ length: 2000 }, { length: 2000 }, { length: 2000 }]])
    expect(() => read(Buffer.alloc(200_000, hex('0a00')))).toThrow(/more than 20000000 fields/)
  })
})

describe('what is written and read', () => {
  const logical = struct([
    ['date', primitive('INT32', { name: Logical.date, version: 1 })],
    ['time', primitive('INT32', { name: Logical.time, version: 1 })],
    ['at', primitive('INT64', { name: Logical.timestamp, version: 1 })],
    ['big', primitive('BYTES')],
  ])

  it.each<[string, ConnectValue[]]>([
    ['the days around the year 1', [-719_162, 0, -62_135_596_800_000, Buffer.alloc(0)]],
    ['1 BC and before', [-719_163, 1, -62_135_596_800_001, Buffer.alloc(1)]],
    ['the first and the last values', [-(2 ** 31), 86_399_999, -(2n ** 63n), Buffer.alloc(1 << 20, 7)]],
    ['the last values', [2 ** 31 - 1, 3_600_000, 2n ** 63n - 1n, Buffer.alloc(127)]],
    ['a leap day', [11_016, 60_000, -1, Buffer.alloc(128)]],
  ])('is the same for %s', (_what, value) => {
    const { bytes, value: read } = protobufCodec(logical)
    expect(read(bytes(value))).toEqual(value)
  })

  it.each<[string, ConnectValue[], RegExp]>([
    ['a time past its day', [0, 86_400_000, 0, Buffer.of()], /"time"/],
    ['a number for bytes', [0, 0, 0, 5], /Invalid type for BYTES: "big": number/],
    ['null', [0, 0, null, Buffer.of()], /Found null value for non-optional schema: "at"/],
  ])('refuses %s by the name of the field', (_what, value, says) => {
    expect(() => protobufCodec(logical).bytes(value)).toThrow(says)
  })

  it('refuses half of a surrogate pair, null in an array, and an unknown symbol', () => {
    const of = (text: string, value: ConnectValue) => () => protobufCodec(protobufReader(text).schema).bytes([value])
    expect(of('syntax = "proto3"; message M { string s = 1; }', 'a\ud800')).toThrow(/half of a surrogate pair/)
    expect(of('syntax = "proto3"; message M { repeated string s = 1; }', ['a', null])).toThrow(
      /an array has null.*"s\[\]"/,
    )
    const withEnum = 'syntax = "proto3"; message M { E e = 1; enum E { A = 0; B = 1; } }'
    expect(of(withEnum, 'C')).toThrow(/"C" is no symbol of the Protobuf enum E: A, B: "e"/)
    expect(of(withEnum, 'UNKNOWN_ENUM_VALUE_E_7')().subarray(1)).toEqual(hex('0807'))
  })

  it('is in the order of the tags, the members of unions too, as Google writes it', () => {
    const text = 'syntax = "proto3"; message M { int32 a = 3; oneof u { string s = 2; bool b = 9; } int32 z = 1; }'
    const { bytes } = protobufCodec(protobufReader(text).schema)
    expect(bytes([['x', null], 1, 2]).subarray(1)).toEqual(hex('0802 120178 1801'))
    expect(bytes([[null, false], 1, 2]).subarray(1)).toEqual(hex('0802 1801 4800'))
    expect(() => bytes([[null, null], 1, 2])).toThrow(/Cannot find non-null field: "u_0"/)
  })

  it.each([0x7f, 0x80, 0x3fff, 0x4000, 0x1f_ffff, 0x20_0000])('has messages in messages around %i bytes', (size) => {
    const { bytes, value: read } = protobufCodec(struct([['inner', struct([['b', primitive('BYTES')]])]]))
    for (const length of [size - 6, size - 3, size - 2, size, size * 0.75].map(Math.floor)) {
      const value = [[Buffer.alloc(length, 7)]]
      expect(read(bytes(value))).toEqual(value)
    }
  })

  it('has 2,000 fields', () => {
    const wide = struct(Array.from({ length: 2000 }, (_, i) => [`f${i}`, primitive('INT32')] as const))
    const value = Array.from({ length: 2000 }, (_, i) => i - 1000)
    const { bytes, value: read } = protobufCodec(wide)
    expect(read(bytes(value))).toEqual(value)
  })
})
