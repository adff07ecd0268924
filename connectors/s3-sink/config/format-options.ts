import { oneOf, oneOfIgnoringCase, type ConfigDef } from 'penstock/api'

import { connector } from '../../s3-store/config/grouped-key.ts'

const formatPackage = 'io.confluent.connect.s3.format'

/** The class names of formats. */
export const formats = {
  json: `${formatPackage}.json.JsonFormat`,
  avro: `${formatPackage}.avro.AvroFormat`,
  parquet: `${formatPackage}.parquet.ParquetFormat`,
  bytes: `${formatPackage}.bytearray.ByteArrayFormat`,
} as const

const otherCodec = 'use snappy, zstd, gzip or none'
const ofAvro = 'AvroFormat: '

/** The options of Confluent's AvroData that the sink has. */
export const avroDataKeys = [
  'enhanced.avro.schema.support',
  'connect.meta.data',
  'allow.optional.map.keys',
  'scrub.invalid.names',
] as const

/** The options of the formats. */
export const formatOptions = {
  'format.class': connector(
    'CLASS',
    `The format of objects. ${formats.json}: one JSON value on each line. ${formats.avro}: Avro container files. ${formats.parquet}: Parquet files. ${formats.bytes}: the bytes of ByteArrayConverter as they are, each followed by format.bytearray.separator.`,
    {
      importance: 'HIGH',
      recommended: Object.values(formats),
      validator: oneOf(...Object.values(formats)),
    },
  ),
  'json.decimal.format': connector('STRING', 'The representation of decimals with a schema: BASE64 or NUMERIC.', {
    importance: 'LOW',
    defaultValue: 'BASE64',
    validator: oneOfIgnoringCase('BASE64', 'NUMERIC'),
  }),
  'avro.codec': connector(
    'STRING',
    `${ofAvro}the compression of blocks: null (none), deflate, snappy, or zstandard, which Confluent's sink does not have.`,
    {
      importance: 'LOW',
      defaultValue: 'null',
      validator: oneOf('null', 'deflate', 'snappy', 'zstandard'),
      unsupportedValues: { bzip2: 'use deflate, snappy or zstandard' },
    },
  ),
  'enhanced.avro.schema.support': connector(
    'BOOLEAN',
    `${ofAvro}whether enums stay enums, and fields of unions have full names. Otherwise enums become strings.`,
    { importance: 'LOW', defaultValue: true },
  ),
  'connect.meta.data': connector(
    'BOOLEAN',
    `${ofAvro}whether names, versions, parameters, defaults and documentation of Connect schemas are attributes of the Avro schema.`,
    { importance: 'LOW', defaultValue: true },
  ),
  'allow.optional.map.keys': connector(
    'BOOLEAN',
    `${ofAvro}whether maps with keys that are optional strings are maps in Avro. Otherwise they are arrays of entries.`,
    { importance: 'LOW', defaultValue: false },
  ),
  'scrub.invalid.names': connector(
    'BOOLEAN',
    `${ofAvro}whether characters that Avro does not allow in names are replaced. Otherwise a record with such a name cannot be written, as in Confluent's sink, which does not have this option.`,
    { importance: 'LOW', defaultValue: false },
  ),
  'parquet.codec': connector('STRING', 'ParquetFormat: the compression of pages: none, snappy, gzip or zstd.', {
    importance: 'LOW',
    defaultValue: 'snappy',
    validator: oneOfIgnoringCase('none', 'snappy', 'gzip', 'zstd'),
    unsupportedValues: { lz4: otherCodec, lz4_raw: otherCodec, brotli: otherCodec, lzo: otherCodec },
  }),
  'format.bytearray.extension': connector('STRING', 'ByteArrayFormat: how the names of objects end.', {
    importance: 'LOW',
    defaultValue: '.bin',
  }),
  'format.bytearray.separator': connector(
    'STRING',
    'ByteArrayFormat: the text after the bytes of each record. White space counts. Without it, a line feed.',
    { importance: 'LOW', defaultValue: null },
  ),
} as const satisfies ConfigDef
