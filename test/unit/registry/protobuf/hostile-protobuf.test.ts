import { describe, expect, it } from 'vitest'

import { WireWriter } from '../../../../src/registry/protobuf/descriptor/wire-message.ts'
import { ParsedProtobuf } from '../../../../src/registry/protobuf/parsed-protobuf.ts'
import type { SchemaSource } from '../../../../src/registry/schemas/parsed-schema.ts'

const names = { reader: 'new', writer: 'old' } as const

function checked(source: SchemaSource): ParsedProtobuf {
  const parsed = ParsedProtobuf.parse(source)
  parsed.check()
  return parsed
}

function parse(schema: string): ParsedProtobuf {
  return checked({ schema, references: [], resolved: [] })
}

function inProto3(body: string): string {
  return `syntax = "proto3"; ${body}`
}

/** So many of something. */
function many(count: number, text: (at: number) => string): string {
  return Array.from({ length: count }, (_none, at) => text(at)).join('')
}

describe('Protobuf schemas of strangers', () => {
  const refused: readonly (readonly [string, string])[] = [
    ['syntax = "proto4";', 'line 1, column 18: the syntax "proto4" is not known: use "proto2" or "proto3"'],
    ['edition = "2023";', 'editions are not supported, as in Confluent\'s registry: use syntax = "proto2" or "proto3"'],
    ['{"type":"record"}', 'line 1, column 1: a word is expected, not "{"'],
    [inProto3('message M { int32 a = 1; int32 b = 1; }'), 'the message M has the number 1 twice'],
    [inProto3('message M { int32 a = 1; oneof o { int32 b = 1; } }'), 'the message M has the number 1 twice'],
    [inProto3('message M { int32 a = 1; int32 a = 2; }'), 'the message M has the name a twice'],
    [inProto3('enum E { A = 0; B = 0; }'), 'the enum E has the number 0 twice'],
    [
      inProto3('message M { int32 a = 2147483647; }'),
      'the number 2147483647 of the field a is not between 1 and 536870911',
    ],
    [inProto3('message M { int32 a = 19000; }'), 'the number 19000 of the field a is reserved for Protobuf itself'],
    [
      inProto3('message M { reserved 2, 4 to 6, 5 to max; int32 a = 7; }'),
      'reserves the name or the number of its field a',
    ],
    [inProto3('message M { reserved "a"; int32 a = 7; }'), 'reserves the name or the number of its field a'],
    [inProto3('enum E { A = 0; reserved -5 to -1; B = -3; }'), 'reserves the name or the number of its constant B'],
    [inProto3('message M { Missing a = 1; }'), 'Could not resolve type: Missing'],
    [inProto3('message M { map<string, Missing> a = 1; }'), 'Could not resolve type: Missing'],
    [inProto3('import "a.proto";'), 'the import "a.proto" is missing: register it under a subject and add a reference'],
    [inProto3('import "";'), 'the name of the import is empty, or has quotes, backslashes or line ends'],
    [inProto3(`import 'a"b.proto';`), 'the name of the import is empty, or has quotes, backslashes or line ends'],
    [inProto3('import "my file.proto";'), 'the import "my file.proto" is missing'],
    [inProto3('message M { /* }'), 'line 1, column 32: the comment has no end'],
    [inProto3('option a = "b;'), 'the text in quotes has no end'],
    [inProto3(many(2000, () => 'message M { ')), 'messages are nested more than 32 deep'],
    [inProto3(`option a = ${'{ b: '.repeat(2000)}`), 'the option is nested more than 100 deep'],
    [inProto3(`option a = ${'['.repeat(2000)}`), 'the option is nested more than 100 deep'],
    [inProto3(`option (a)${'.b'.repeat(2000)} = 1;`), "the option's name has more than 100 parts"],
    [inProto3('option 1a = 1;'), '"1a" is not the name of an option'],
    [inProto3('option (1a) = 1;'), '"1a" is not the name of an option'],
    [inProto3('option (a).1b = 1;'), '"1b" is not the name of a field'],
    [inProto3('option (a) = { [1b]: 1 };'), '"1b" is not the name of an option'],
    [inProto3(`package ${'a.'.repeat(2000)}a;`), 'has more than 100 parts'],
  ]

  it('are refused by name', () => {
    for (const [schema, message] of refused) expect(() => parse(schema), schema.slice(0, 80)).toThrow(message)
  })

  it('may declare types with the names of scalars, which no field means', () => {
    const schema = inProto3(
      'package shop; message int32 { map<string, int32> a = 1; int32 b = 2; } enum string { A = 0; }',
    )
    const normal = parse(schema).normalized()
    expect(normal.text).toContain('map<string, int32> a = 1')
    expect(parse(normal.text).normalized().text).toBe(normal.text)
    expect(normal.readingProblems(parse(schema), names)).toEqual([])
    expect(parse(parse(schema).formatted('serialized')).readingProblems(parse(schema), names)).toEqual([])
  })

  it('may have extensions as parts of options, and maps whose option is written TRUE', () => {
    const parts = parse(
      'import "confluent/meta.proto"; message M { option (confluent.message_meta).params.(a.b).c = "d"; }',
    )
    expect(parts.text).toContain('option (confluent.message_meta).params.(a.b).c = "d";')
    const normal = parts.normalized()
    expect(normal.text).toContain('[a.b]: {')
    expect(parse(normal.text).normalized().text).toBe(normal.text)
    const map = (value: string): ParsedProtobuf =>
      parse(
        inProto3(
          `message M { repeated AEntry a = 1; message AEntry { option map_entry = ${value}; string key = 1; int32 value = 2; } }`,
        ),
      )
    expect(map('TRUE').readingProblems(map('true'), names)).toEqual([])
    expect(map('true').readingProblems(map('TRUE'), names)).toEqual([])
    expect(map('FALSE').readingProblems(map('true'), names)).not.toEqual([])
  })

  it('may use the names that objects of JavaScript have', () => {
    const own = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__']
    const schema = inProto3(
      many(6, (at) => {
        const name = own[at] ?? ''
        return `message ${name} { option (${name}).${name} = { ${name}: { ${name}: 1 } }; int32 ${name} = 1; ${own[(at + 1) % 6]} other = 2; oneof o${name} { ${name} x = 3; } enum E { ${name}x = 0; } }`
      }),
    )
    const parsed = parse(schema)
    expect(parsed.text).toContain('option (__proto__).__proto__ = {\n    __proto__: {\n      __proto__: 1\n    }\n  };')
    expect(parse(parsed.normalized().text).normalized().text).toBe(parsed.normalized().text)
    expect(parsed.readingProblems(parsed, names)).toEqual([])
    const other = parse(schema.replace('int32 __proto__', 'string __proto__'))
    expect(other.readingProblems(parsed, names)).toEqual([expect.stringContaining("'#/__proto__/1'")])
  })

  it('may have a package with the name of a known type', () => {
    const parsed = parse(inProto3('package google.protobuf.Any; message M { google.protobuf.Any a = 1; Any b = 2; }'))
    expect(parsed.normalized().text).toContain('.google.protobuf.Any a = 1;\n  .google.protobuf.Any b = 2;')
  })

  it('that are descriptors whose names are more than names are refused', () => {
    const described = (name: string): string => {
      const writer = new WireWriter()
      writer.message(4, (message) => message.text(1, name))
      return writer.finish().toString('base64')
    }
    expect(parse(described('A')).text).toBe('\nmessage A {}\n')
    expect(() => parse(described('A {} message B'))).toThrow('the descriptor has names that are none')
    expect(() => parse(described('A; option x = "'))).toThrow(/expected/)
  })

  it('of ten thousands of fields, messages, names and ranges are parsed, normalized and compared', () => {
    const fields = many(10_000, (at) => ` int32 f${at} = ${at + 20_000};`)
    const types = many(10_000, (at) => `message T${at} { T${(at + 1) % 10_000} next = 1; }`)
    const reserved = `reserved ${many(10_000, (at) => `${at * 2 + 100_000} to ${at * 2 + 100_001}, `)} 600000;`
    for (const body of [
      `message M { ${fields} }`,
      types,
      `message M { ${reserved} ${fields} }`,
      `/*${'*'.repeat(1e6)}*/`,
    ]) {
      const parsed = parse(inProto3(body))
      expect(parse(parsed.text).text).toBe(parsed.text)
      expect(parsed.normalized().readingProblems(parsed, names)).toEqual([])
    }
  })

  it('whose messages have ways to one another beyond number are compared', () => {
    const graph = (type: string): string =>
      `syntax = "proto3"; ${many(60, (at) => `message T${at} { ${many(20, (place) => `T${at + 1} f${place} = ${place + 1};`)} }`)} message T60 { ${type} end = 1; }`
    const [from, to] = ['int32', 'string'].map((type) =>
      ParsedProtobuf.parse({
        schema: inProto3('import "graph.proto"; message M { T0 first = 1; }'),
        references: [],
        resolved: [{ name: 'graph.proto', schema: graph(type) }],
      }),
    ) as [ParsedProtobuf, ParsedProtobuf]
    expect(to.readingProblems(from, names)).toContainEqual(expect.stringContaining("'#/T60/1'"))
  })

  it('that import one another are compared', () => {
    const cycle = (type: string): ParsedProtobuf =>
      ParsedProtobuf.parse({
        schema: inProto3('import "b.proto"; message A { B b = 1; }'),
        references: [],
        resolved: [
          { name: 'a.proto', schema: inProto3('import "b.proto"; message A { B b = 1; }') },
          { name: 'b.proto', schema: inProto3(`import "a.proto"; message B { A a = 1; ${type} x = 2; }`) },
        ],
      })
    expect(cycle('int32').readingProblems(cycle('int64'), names)).toEqual([])
    expect(cycle('int32').readingProblems(cycle('string'), names)).toEqual([
      expect.stringContaining("'#/B/2'"),
      expect.stringContaining('FIELD_NAMED_TYPE_CHANGED'),
    ])
  })
})
