import fc from 'fast-check'
import {
  arrayOf,
  Logical,
  mapOf,
  primitive,
  schemaToJson,
  struct,
  withOptions,
  type RawConfig,
  type Schema,
  type SchemaOptions,
} from 'penstock/api'

import { avroOfConnect } from '../../../src/avro/schema/avro-of-connect.ts'
import { anyData } from '../../support/registry/any-data.ts'
import { avroOptionsOf } from '../../support/registry/avro-converters.ts'

/** A Connect schema in the JSON of Kafka's JsonConverter, or the text of an Avro schema. */
export interface SchemaCase {
  readonly connect?: unknown
  readonly avro?: string
  readonly config: RawConfig
}

/** The other schema, or the error. */
export interface SchemaResult {
  readonly avro?: string
  readonly connect?: unknown
  readonly error?: string
}

const writeOptions = { decimalFormat: 'BASE64', replaceNullWithDefault: true } as const

/** Returns a schema as Kafka's JsonConverter writes it. */
export function connectJson(schema: Schema): unknown {
  return JSON.parse(schemaToJson(schema, writeOptions))
}

const logical = (scale: string, more: SchemaOptions = {}): Schema =>
  primitive('BYTES', { name: Logical.decimal, version: 1, parameters: { scale }, ...more })
const named = (schema: Schema, options: SchemaOptions): Schema => withOptions(schema, options)
const row = struct([['id', primitive('INT32')]], { name: 'n.Row' })
const enumParameters = {
  'io.confluent.connect.avro.Enum': 'n.Colour',
  'io.confluent.connect.avro.Enum.RED': 'RED',
  'io.confluent.connect.avro.Enum.BLUE': 'BLUE',
}

const connectSchemas: readonly Schema[] = [
  ...(['INT8', 'INT16', 'INT32', 'INT64', 'FLOAT32', 'FLOAT64', 'BOOLEAN', 'STRING', 'BYTES'] as const).flatMap(
    (type) => [
      primitive(type),
      primitive(type, { optional: true }),
      primitive(type, { name: 'n.Name', version: 2, doc: 'text', parameters: { b: '1', a: '2' } }),
    ],
  ),
  primitive('STRING', { defaultValue: 'text', optional: true }),
  primitive('INT8', { defaultValue: -1 }),
  primitive('INT64', { defaultValue: 9007199254740991 }),
  primitive('FLOAT64', { defaultValue: 1 }),
  primitive('FLOAT32', { defaultValue: 0.5, optional: true }),
  primitive('BOOLEAN', { defaultValue: false }),
  primitive('BYTES', { defaultValue: Buffer.from([0, 127, 128, 255]) }),
  primitive('INT32', { parameters: { avro_note: 'kept' } }),
  logical('2'),
  logical('2', { optional: true, defaultValue: '1.50' }),
  logical('2', { parameters: { scale: '2', 'connect.decimal.precision': '7' } }),
  logical('-2'),
  logical('70'),
  primitive('INT32', { name: Logical.date, version: 1 }),
  primitive('INT32', { name: Logical.time, version: 1, optional: true }),
  primitive('INT64', { name: Logical.timestamp, version: 1 }),
  primitive('INT64', { name: 'io.debezium.time.MicroTimestamp', version: 1, optional: true }),
  arrayOf(primitive('INT32', { optional: true }), { optional: true }),
  arrayOf(row, { name: 'n.Rows', defaultValue: [[1]] }),
  mapOf(primitive('STRING'), row),
  mapOf(primitive('STRING'), primitive('INT32'), { defaultValue: new Map([['a', 1]]) }),
  mapOf(primitive('STRING', { optional: true }), primitive('INT32')),
  mapOf(primitive('INT32'), primitive('STRING', { optional: true })),
  mapOf(row, row, { name: 'n.Pairs', optional: true }),
  row,
  named(row, { optional: true }),
  named(row, { version: 3, doc: 'a row', parameters: { 'io.confluent.connect.avro.record.doc': 'doc' } }),
  struct([['a', primitive('INT32')]]),
  struct([['a', primitive('INT32')]], { name: 'NoNamespace' }),
  struct([
    ['a', struct([['x', primitive('INT32')]])],
    ['b', struct([['x', primitive('INT32')]])],
    ['c', struct([['y', row]])],
  ]),
  struct(
    [
      ['before', named(row, { optional: true })],
      ['after', named(row, { optional: true })],
      ['rows', arrayOf(row)],
      ['other', struct([['row', row]], { name: 'other.Space' })],
      [
        'source',
        struct(
          [
            ['db', primitive('STRING')],
            ['sequence', primitive('STRING', { optional: true })],
          ],
          { name: 'io.debezium.Source', version: 1 },
        ),
      ],
      ['op', primitive('STRING')],
    ],
    { name: 'n.Envelope', version: 2 },
  ),
  struct(
    [
      ['a', primitive('INT32', { defaultValue: 7 })],
      ['b', primitive('STRING', { optional: true, defaultValue: 'x' })],
      ['c', primitive('STRING', { optional: true })],
      ['e', logical('1', { defaultValue: '0.5' })],
      ['f', primitive('INT32', { defaultValue: 1, parameters: { 'io.confluent.connect.avro.field.default': 'true' } })],
    ],
    { name: 'n.Defaults', parameters: { 'io.confluent.connect.avro.field.doc.a': 'of a' } },
  ),
  primitive('STRING', { name: 'n.Colour', parameters: enumParameters }),
  primitive('STRING', {
    name: 'n.Colour',
    optional: true,
    parameters: { ...enumParameters, 'io.confluent.connect.avro.enum.doc.Colour': 'doc' },
  }),
  primitive('BYTES', { name: 'n.Fixed', parameters: { 'connect.fixed.size': '4' } }),
  struct(
    [
      ['int', primitive('INT32', { optional: true })],
      ['string', primitive('STRING', { optional: true })],
      ['Row', named(row, { optional: true })],
    ],
    { name: 'io.confluent.connect.avro.Union', optional: true },
  ),
  struct([['a-b', primitive('INT32')]], { name: 'n.X' }),
]

const record = (type: unknown, more: object = {}): string =>
  JSON.stringify({ type: 'record', name: 'n.R', fields: [{ name: 'a', type, ...more }] })

const avroSchemas: readonly string[] = [
  '"null"',
  '["null","int"]',
  '["int","null"]',
  '["int","string"]',
  '["null","int","string"]',
  '["int"]',
  '{"type":"int","logicalType":"date"}',
  '{"type":"int","logicalType":"time-millis"}',
  '{"type":"long","logicalType":"timestamp-millis"}',
  '{"type":"long","logicalType":"timestamp-micros"}',
  '{"type":"string","logicalType":"uuid"}',
  '{"type":"string","avro.java.string":"String"}',
  '{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}',
  '{"type":"bytes","logicalType":"decimal","precision":64,"scale":0}',
  '{"type":"bytes","logicalType":"decimal","precision":9}',
  '{"type":"fixed","name":"n.F","size":3}',
  '{"type":"enum","name":"n.E","symbols":["A","B"],"doc":"of E","default":"B"}',
  '{"type":"enum","name":"E","symbols":["A"]}',
  '{"type":"int","connect.type":"int8"}',
  '{"type":"int","connect.type":"int7"}',
  '{"type":"int","connect.type":"int16","connect.doc":"d","connect.version":3,"connect.name":"x","connect.parameters":{"p":"q"},"connect.default":5}',
  '{"type":"int","connect.version":"x"}',
  '{"type":"int","connect.parameters":{"p":1}}',
  '{"type":"int","connect.name":1}',
  '{"type":"array","items":{"type":"record","name":"n.MapEntry","fields":[{"name":"key","type":"int"},{"name":"value","type":"int"}]}}',
  '{"type":"array","items":{"type":"record","name":"n.E","connect.internal.type":"MapEntry","fields":[{"name":"key","type":"int"},{"name":"value","type":"int"}]}}',
  '{"type":"array","items":{"type":"record","name":"n.E","connect.internal.type":"MapEntry","fields":[{"name":"key","type":"int"}]}}',
  '{"type":"map","values":["null","long"]}',
  '["int",{"type":"record","name":"a.X","fields":[]},{"type":"enum","name":"b.Y","symbols":["Z"]},{"type":"fixed","name":"c.W","size":2}]',
  '[{"type":"record","name":"a.X","fields":[]},{"type":"record","name":"b.X","fields":[]}]',
  record('int', { default: 7, doc: 'of a' }),
  record('long', { default: 9007199254740991 }),
  record('double', { default: 1.5 }),
  record('boolean', { default: true }),
  record('string', { default: 'text' }),
  record('bytes', { default: 'ÿ' }),
  record(['null', 'string'], { default: null }),
  record(['string', 'null'], { default: 'dropped' }),
  record({ type: 'array', items: 'int' }, { default: [1, 2] }),
  record({ type: 'map', values: 'int' }, { default: { k: 1 } }),
  record({ type: 'int', 'connect.default': 3 }, { default: 3 }),
  record({ type: 'bytes', logicalType: 'decimal', precision: 5, scale: 1 }, { default: '\u0005' }),
  record({ type: 'int', logicalType: 'date' }, { default: 1 }),
  record('int', { default: 'not a number' }),
  record({ type: 'record', name: 'S', doc: 'of S', fields: [{ name: 'x', type: 'int', default: 1 }] }),
]

const configs: readonly RawConfig[] = [{}, { 'enhanced.avro.schema.support': 'true' }, { 'connect.meta.data': 'false' }]

/** Each schema with each config, and schemas that a seed determines. */
export function schemaCases(): readonly SchemaCase[] {
  // Confluent's converter gives the entries of all maps one name, so it has a wrong schema where they differ.
  const random = fc
    .sample(anyData, { seed: 20_260_711, numRuns: 40 })
    .filter(({ schema }) => !avroOfConnect(schema, avroOptionsOf()).includes('MapEntry2'))
    .map(({ schema }) => schema)
  const given = (config: RawConfig): readonly SchemaCase[] => [
    ...connectSchemas.map((schema) => ({ connect: connectJson(schema), config })),
    ...avroSchemas.map((avro) => ({ avro, config })),
  ]
  const seeded = random.flatMap((schema): readonly SchemaCase[] => [
    { connect: connectJson(schema), config: {} },
    { avro: avroOfConnect(schema, avroOptionsOf()), config: {} },
  ])
  return [...configs.flatMap(given), ...seeded]
}
