import { arrayOf, DataError, Logical, mapOf, primitive, struct, type Field, type Schema } from 'penstock/api'
import { describe, expect, it } from 'vitest'

import { protobufCodec, protobufFormat, protobufReader } from '../../../support/registry/protobuf-codec.ts'

const text = primitive('STRING')
const optionalText = primitive('STRING', { optional: true })
const int = primitive('INT32')
const namespace = 'io.confluent.connect.protobuf'

function textOf(schema: Schema, config = {}): string {
  return protobufFormat(config).textOf(schema)
}

function tagged(schema: Schema, tag: number): Schema {
  return { ...schema, parameters: { ...schema.parameters, [`${namespace}.Tag`]: String(tag) } }
}

function messageError(schema: Schema, config = {}): string {
  try {
    return textOf(schema, config)
  } catch (error) {
    expect(error).toBeInstanceOf(DataError)
    return (error as Error).message
  }
}

describe('the Protobuf schema of a Connect schema', () => {
  it.each(['toString', 'hasOwnProperty', 'valueOf'])('has a message of a struct that is called %s', (name) => {
    const {
      text: file,
      back,
      bytes,
      value,
    } = protobufCodec(struct([['inner', struct([['a', text]], { name, optional: true })]], { name: 'Outer' }))
    expect(file).toContain(`${name} inner = 1;`)
    expect(back.fields[0]?.schema.name).toBe(name)
    expect(value(bytes([['x']]))).toEqual([['x']])
  })

  it('has the types, names and parameters that Confluent gives', () => {
    const schema = struct([
      ['int8', primitive('INT8')],
      ['int16', primitive('INT16')],
      ['int32', int],
      ['int64', primitive('INT64')],
      ['float32', primitive('FLOAT32')],
      ['float64', primitive('FLOAT64')],
      ['boolean', primitive('BOOLEAN')],
      ['string', text],
      ['bytes', primitive('BYTES')],
      ['array', arrayOf(text)],
      ['map', mapOf(text, int)],
      ['inner', struct([['a', text]])],
    ])
    expect(textOf(schema)).toBe(`syntax = "proto3";

message ConnectDefault1 {
  int32 int8 = 1 [(confluent.field_meta) = {
    params: [
      {
        key: "connect.type",
        value: "int8"
      }
    ]
  }];
  int32 int16 = 2 [(confluent.field_meta) = {
    params: [
      {
        key: "connect.type",
        value: "int16"
      }
    ]
  }];
  int32 int32 = 3;
  int64 int64 = 4;
  float float32 = 5;
  double float64 = 6;
  bool boolean = 7;
  string string = 8;
  bytes bytes = 9;
  repeated string array = 10;
  repeated ConnectDefault2Entry map = 11;
  ConnectDefault3 inner = 12;

  message ConnectDefault2Entry {
    string key = 1;
    int32 value = 2;
  }
  message ConnectDefault3 {
    string a = 1;
  }
}
`)
  })

  it('has messages for logical types, with precision and scale', () => {
    const parameters = { scale: '2', 'connect.decimal.precision': '9' }
    const schema = struct(
      [
        ['d', primitive('BYTES', { name: Logical.decimal, version: 1, parameters })],
        ['day', primitive('INT32', { name: Logical.date, version: 1 })],
        ['time', primitive('INT32', { name: Logical.time, version: 1 })],
        ['at', primitive('INT64', { name: Logical.timestamp, version: 1 })],
      ],
      { name: 'com.shop.Day' },
    )
    expect(textOf(schema)).toBe(`syntax = "proto3";
package com.shop;

import "confluent/type/decimal.proto";
import "google/type/date.proto";
import "google/type/timeofday.proto";
import "google/protobuf/timestamp.proto";

message Day {
  confluent.type.Decimal d = 1 [(confluent.field_meta) = {
    params: [
      {
        value: "9",
        key: "precision"
      },
      {
        value: "2",
        key: "scale"
      }
    ]
  }];
  google.type.Date day = 2;
  google.type.TimeOfDay time = 3;
  google.protobuf.Timestamp at = 4;
}
`)
  })

  it('is the schema again that was read', () => {
    const given = `syntax = "proto3";
package com.shop;

message Order {
  sint64 id = 7;
  fixed32 count = 2;
  Status status = 3;
  repeated LineItemsEntry lines = 9;
  Item item = 12;

  oneof payment {
    string card = 4;
    int32 cash = 6;
  }

  message LineItemsEntry {
    string key = 1;
    Line value = 2;
  
    message Line {
      string name = 1;
    }
  }
  message Item {
    repeated double prices = 5;
  }
  enum Status {
    NEW = 0;
    DONE = 5;
  }
}
`
    const config = { 'enhanced.protobuf.schema.support': 'true' }
    const { schema } = protobufReader(given, config)
    // Oneofs are the first fields of a struct, and after the others in a message.
    expect(textOf(schema, config)).toBe(given)
  })

  it('has the keyword optional, or wrapper messages, where null is allowed', () => {
    const schema = struct(
      [
        ['a', optionalText],
        ['b', text],
        ['c', { ...arrayOf(text), optional: true }],
      ],
      { name: 'S' },
    )
    expect(textOf(schema, { 'optional.for.nullables': 'true' })).toContain(
      '  optional string a = 1;\n  string b = 2;\n  repeated string c = 3;\n',
    )
    expect(textOf(schema, { 'wrapper.for.nullables': 'true' })).toContain(
      'import "google/protobuf/wrappers.proto";\n\nmessage S {\n  google.protobuf.StringValue a = 1;\n  string b = 2;\n',
    )
  })

  it('keeps the tags that it was read with, and gives others to new fields', () => {
    const schema = struct([
      ['added', text],
      ['a', tagged(text, 1)],
      ['b', tagged(text, 3)],
      ['more', text],
    ])
    expect(textOf(schema)).toMatch(/string added = 2;\n {2}string a = 1;\n {2}string b = 3;\n {2}string more = 4;/)
    expect(
      messageError(
        struct([
          ['a', tagged(text, 1)],
          ['b', tagged(text, 1)],
        ]),
      ),
    ).toMatch(/two fields .* the tag 1/)
    expect(messageError(struct([['a', tagged(text, 0)]]))).toMatch(/"0", which is no tag/)
    const wide = struct(Array.from({ length: 20_000 }, (_, i) => [`f${i}`, text] as const))
    expect(textOf(wide)).toMatch(/string f18998 = 18999;\n {2}string f18999 = 20000;/)
  })

  it('refuses names that Protobuf does not have, or changes them as Confluent does', () => {
    const schema = struct(
      [
        ['my-féld', text],
        ['_a', text],
        ['1b', text],
      ],
      { name: 'my shop.Order' },
    )
    expect(messageError(schema)).toMatch(
      /^PROTOBUF_NAME_INVALID: "my shop" is no valid name.*scrub\.invalid\.names=true/,
    )
    const scrubbed = textOf(schema, { 'scrub.invalid.names': 'true' })
    expect(scrubbed).toContain('package my_shop;')
    expect(scrubbed).toMatch(/string my_f_C3_A9ld = 1;\n {2}string x_a = 2;\n {2}string x1b = 3;/)
    const { bytes, value } = protobufCodec(schema, { 'scrub.invalid.names': 'true' })
    expect(value(bytes(['a', 'b', 'c']))).toEqual(['a', 'b', 'c'])
  })

  it('refuses what Protobuf cannot express', () => {
    const one = struct([['x', text]], { name: 'a.Item' })
    const other = struct([['y', text]], { name: 'b.Item' })
    expect(
      messageError(
        struct([
          ['a', one],
          ['b', other],
        ]),
      ),
    ).toMatch(/^PROTOBUF_NAME_TWICE: .*"Item".*SetSchemaMetadata/)
    expect(
      textOf(
        struct([
          ['a', one],
          ['b', { ...one, optional: true }],
        ]),
      ).match(/message Item/g),
    ).toHaveLength(1)
    expect(messageError(struct([['a', arrayOf(arrayOf(text))]]))).toMatch(/^PROTOBUF_NESTED_ARRAY: .*"a"/)
    expect(messageError(struct([['a', arrayOf(mapOf(text, text))]]))).toMatch(/^PROTOBUF_NESTED_ARRAY: .*"a"/)
    expect(messageError(mapOf(text, text))).toMatch(/^PROTOBUF_ROOT_TYPE: /)
    const decimal = primitive('BYTES', { name: Logical.decimal, version: 1, parameters: { scale: '2' } })
    expect(messageError(decimal)).toMatch(
      /^PROTOBUF_ROOT_TYPE: .*not org.apache.kafka.connect.data.Decimal: .*HoistField/,
    )
    const status = { [`${namespace}.Enum`]: 'Status', [`${namespace}.Enum.A`]: 'first' }
    expect(messageError(struct([['a', primitive('STRING', { parameters: status })]]))).toMatch(/number "first"/)
  })

  it('gives a message another name than its field', () => {
    expect(textOf(struct([['item', struct([], { name: 'item' })]]))).toContain(
      '  itemMessage item = 1;\n\n  message itemMessage {}',
    )
  })

  it('refers to a struct that contains itself, and to no other one of its name', () => {
    const fields: Field[] = []
    const node: Schema = { ...struct([], { name: 'a.Node' }), fields }
    fields.push({ name: 'next', index: 0, schema: { ...node, optional: true } })
    const { text: schema, bytes, value, back } = protobufCodec(node)
    expect(schema).toContain('message Node {\n  Node next = 1;\n}\n')
    expect(value(bytes([[[null]]]))).toEqual([[[null]]])
    expect(back.fields[0]?.schema.fields).toBe(back.fields)
    const hidden = struct([
      [
        'inner',
        struct(
          [
            ['top', node],
            ['x', struct([['q', text]], { name: 'Node' })],
          ],
          { name: 'In' },
        ),
      ],
    ])
    expect(messageError(hidden)).toMatch(/^PROTOBUF_NAME_TWICE: /)
  })
})
