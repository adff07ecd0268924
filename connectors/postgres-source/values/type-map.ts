import { arrayOf, primitive, struct, withOptions } from 'penstock/api'
import { createHash } from 'node:crypto'
import type { PgType, TypeCatalog } from '../schema/type-catalog.ts'
import {
  columnType,
  decodeText,
  textType,
  UnknownLabelError,
  type ColumnType,
  type OnUnrepresentable,
  type ValueDecoder,
  type ValueModes,
} from './column-type.ts'
import { moneyType, numericType } from './decimal-type.ts'
import { arrayDecoder } from './decode-array.ts'
import { decodeFloat, decodeInt16, decodeInt32, decodeInteger, decodeOid } from './decode-number.ts'
import {
  binaryDecoder,
  binaryText,
  bitDecoder,
  decodeAscii,
  decodeBits,
  decodeBoolean,
  decodePoint,
} from './decode-scalar.ts'
import { extensionType } from './extension-type.ts'
import { temporalType } from './temporal-type.ts'

/** The inputs of {@link mapType}. */
export interface TypeMapping {
  readonly types: TypeCatalog
  readonly modes: ValueModes
  readonly onUnrepresentable: OnUnrepresentable
}

/**
 * Maps a Postgres type to its representation in records, by Debezium's rules for its modes; null for a type that is
 * excluded. `typmod` is that of the column, -1 for none.
 * @see https://debezium.io/documentation/reference/3.2/connectors/postgresql.html#postgresql-data-types
 */
export function mapType(oid: number, typmod: number, mapping: TypeMapping): ColumnType | null {
  const { modes } = mapping
  const resolved = mapping.types.resolve(oid, typmod)
  // The type was dropped: the stream has the value as text, whatever the type was.
  if (resolved === null) return textType(modes)
  const { type } = resolved
  if (type.elementOid !== null) return arrayType(type.elementOid, resolved.typmod, mapping)
  return scalarType(type, resolved.typmod, mapping) ?? unknown(modes)
}

function scalarType(type: PgType, typmod: number, { modes, onUnrepresentable }: TypeMapping): ColumnType | null {
  if (type.kind === 'e') return enumType(type)
  if (type.schema !== 'pg_catalog') return extensionType(type.name, modes)
  return (
    temporalType(type.name, typmod, modes, onUnrepresentable) ?? plainType(type.name, typmod, modes, onUnrepresentable)
  )
}

const int16 = columnType(primitive('INT16'), decodeInt16, 0)
const int32 = columnType(primitive('INT32'), decodeInt32, 0)
const int64 = columnType(primitive('INT64'), decodeInteger, 0)
const float32 = columnType(primitive('FLOAT32'), decodeFloat, 0)
const float64 = columnType(primitive('FLOAT64'), decodeFloat, 0)
const boolean = columnType(primitive('BOOLEAN'), decodeBoolean, false)

function plainType(
  name: string,
  typmod: number,
  modes: ValueModes,
  onUnrepresentable: OnUnrepresentable,
): ColumnType | null {
  switch (name) {
    case 'bool':
      return boolean
    case 'int2':
      return int16
    case 'int4':
      return int32
    case 'int8':
      return int64
    case 'oid':
      return { ...int64, decode: decodeOid }
    case 'float4':
      return float32
    case 'float8':
      return float64
    case 'numeric':
      return numericType(typmod, modes, onUnrepresentable)
    case 'money':
      return moneyType(modes, onUnrepresentable)
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'char':
    case 'name':
    case 'inet':
    case 'cidr':
    case 'macaddr':
    case 'macaddr8':
    case 'int4range':
    case 'int8range':
    case 'numrange':
    case 'tsrange':
    case 'tstzrange':
    case 'daterange':
      return textType(modes)
    case 'uuid':
      return textType(modes, decodeAscii, 'io.debezium.data.Uuid')
    case 'json':
    case 'jsonb':
      return textType(modes, decodeText, 'io.debezium.data.Json')
    case 'xml':
      return textType(modes, decodeText, 'io.debezium.data.Xml')
    case 'bytea':
      return binaryType(modes)
    case 'bit':
    case 'varbit':
      return bitType(name, typmod, onUnrepresentable)
    case 'point':
      return pointType
    default:
      return null
  }
}

function binaryType(modes: ValueModes): ColumnType {
  if (modes.binary === 'bytes') {
    return {
      ...columnType(primitive('BYTES'), binaryDecoder('bytes'), Buffer.alloc(0)),
      placeholder: modes.placeholder,
    }
  }
  return textType(modes, binaryDecoder(modes.binary))
}

const unboundedBits = 2_147_483_647

function bitType(name: string, typmod: number, onUnrepresentable: OnUnrepresentable): ColumnType {
  if (typmod === 1) return { ...boolean, decode: bitDecoder(onUnrepresentable) }
  const length = typmod > 0 ? typmod : name === 'bit' ? 1 : unboundedBits
  const schema = primitive('BYTES', {
    name: 'io.debezium.data.Bits',
    version: 1,
    parameters: { length: String(length) },
  })
  return columnType(schema, decodeBits, Buffer.alloc(0))
}

const pointType = columnType(
  struct(
    [
      ['x', primitive('FLOAT64')],
      ['y', primitive('FLOAT64')],
      ['wkb', primitive('BYTES', { optional: true })],
      ['srid', primitive('INT32', { optional: true })],
    ],
    { name: 'io.debezium.data.geometry.Point', version: 1, doc: 'Geometry (POINT)' },
  ),
  decodePoint,
  decodePoint(Buffer.from('(0,0)'), 0, 5),
)

function enumType(type: PgType): ColumnType {
  const schema = primitive('STRING', {
    name: 'io.debezium.data.Enum',
    version: 1,
    parameters: { allowed: type.labels.join(',') },
  })
  const labels = new Set(type.labels)
  const decode: ValueDecoder = (bytes, start, end) => {
    const label = bytes.toString('utf8', start, end)
    if (!labels.has(label)) throw new UnknownLabelError(type.oid, type.name, label)
    return label
  }
  return columnType(schema, decode, '')
}

/** Element types whose arrays Debezium excludes. */
const omittedElements = new Set(['money', 'name', 'interval', 'varbit', 'bit', 'xml', 'point', 'refcursor'])

function arrayType(elementOid: number, typmod: number, mapping: TypeMapping): ColumnType | null {
  const { modes, onUnrepresentable } = mapping
  const type = mapping.types.get(elementOid)
  if (type === undefined || type.kind === 'd' || omittedElements.has(type.name))
    return unknownArray(type, modes, onUnrepresentable)
  const element = scalarType(type, typmod, mapping)
  if (element === null) return unknownArray(type, modes, onUnrepresentable)
  const schema = arrayOf(withOptions(element.schema, { optional: type.kind !== 'e' }))
  const decode = arrayDecoder(element.decode, () => reportNestedArray(onUnrepresentable))
  return { ...columnType(schema, decode, []), isArray: true, placeholder: arrayPlaceholder(type, element, modes) }
}

function reportNestedArray(onUnrepresentable: OnUnrepresentable): void {
  onUnrepresentable('a multi-dimensional array, whose inner arrays become null')
}

/** Represents each element as {@link unknown} does. */
function unknownArray(
  type: PgType | undefined,
  modes: ValueModes,
  onUnrepresentable: OnUnrepresentable,
): ColumnType | null {
  const element = unknown(modes)
  if (element === null) return null
  const decode = arrayDecoder(
    element.decode,
    () => reportNestedArray(onUnrepresentable),
    type?.name === 'box' ? ';' : ',',
  )
  return { ...columnType(arrayOf(element.schema), decode, []), isArray: true }
}

/** Debezium's placeholder for an unchanged array: sinks compare with these values. */
function arrayPlaceholder(type: PgType, element: ColumnType, modes: ValueModes): ColumnType['placeholder'] {
  switch (type.name) {
    case 'text':
    case 'varchar':
    case 'bpchar':
    case 'json':
    case 'jsonb':
    case 'citext':
    case 'bytea':
      return element.placeholder === undefined ? undefined : [element.placeholder]
    case 'int4':
    case 'int8':
      return [...modes.placeholder]
    case 'date':
      return element.schema.type === 'INT32' ? [...modes.placeholder] : undefined
    case 'uuid':
      return [uuidOf(modes.placeholder)]
    default:
      return undefined
  }
}

/** Java's UUID.nameUUIDFromBytes: version 3 without a namespace. */
function uuidOf(bytes: Buffer): string {
  const digest = createHash('md5').update(bytes).digest()
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x30
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80
  const hex = digest.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** Types without a mapping are excluded, or represented by the bytes of their text. */
function unknown(modes: ValueModes): ColumnType | null {
  if (!modes.includeUnknown) return null
  if (modes.binary === 'bytes') {
    const decode: ValueDecoder = (bytes, start, end) => Buffer.from(bytes.subarray(start, end))
    return { ...columnType(primitive('BYTES'), decode, Buffer.alloc(0)), placeholder: modes.placeholder }
  }
  const encode = binaryText(modes.binary)
  return textType(modes, (bytes, start, end) => encode(bytes.subarray(start, end)))
}
