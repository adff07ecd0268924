import {
  arrayOf,
  decimalTextOf,
  decimalToBytes,
  Logical,
  mapOf,
  primitive,
  struct,
  withOptions,
  type Schema,
} from 'penstock/api'
import { createHash } from 'node:crypto'
import {
  UnknownLabelError,
  type ColumnType,
  type OnUnrepresentable,
  type ValueDecoder,
  type ValueModes,
} from './column-type.ts'
import { arrayDecoder } from './decode-array.ts'
import {
  binaryDecoder,
  binaryText,
  bitDecoder,
  decimalDecoder,
  decodeAscii,
  decodeBits,
  decodeBoolean,
  decodeDecimalText,
  decodeFloat,
  decodeGeometry,
  decodeHstoreJson,
  decodeHstoreMap,
  decodeInt16,
  decodeInt32,
  decodeInteger,
  decodeOid,
  decodePoint,
  decodeText,
  decodeVector,
  doubleDecoder,
  moneyDecoder,
  moneyText,
  variableDecimalDecoder,
} from './decode-scalar.ts'
import { temporalType } from './temporal-type.ts'
import type { PgType, TypeCatalog } from '../schema/type-catalog.ts'

/**
 * Maps a Postgres type to its representation in records, by Debezium's rules for its modes; null for a type that is
 * excluded. `typmod` is that of the column, -1 for none.
 * @see https://debezium.io/documentation/reference/3.2/connectors/postgresql.html#postgresql-data-types
 */
export function mapType(
  catalog: TypeCatalog,
  oid: number,
  typmod: number,
  modes: ValueModes,
  onUnrepresentable: OnUnrepresentable,
): ColumnType | null {
  const resolved = catalog.resolve(oid, typmod)
  // The type was dropped: the stream has the value as text, whatever the type was.
  if (resolved === null) return text(modes)
  const { type } = resolved
  if (type.elementOid !== null) return arrayType(catalog, type.elementOid, resolved.typmod, modes, onUnrepresentable)
  return scalarType(type, resolved.typmod, modes, onUnrepresentable) ?? unknown(modes)
}

function scalarType(
  type: PgType,
  typmod: number,
  modes: ValueModes,
  onUnrepresentable: OnUnrepresentable,
): ColumnType | null {
  if (type.kind === 'e') return enumType(type)
  if (type.schema !== 'pg_catalog') return extensionType(type.name, modes)
  return (
    temporalType(type.name, typmod, modes, onUnrepresentable) ?? plainType(type.name, typmod, modes, onUnrepresentable)
  )
}

function column(schema: Schema, decode: ValueDecoder, fallback: ColumnType['fallback']): ColumnType {
  return { schema, decode, isArray: false, fallback, placeholder: undefined }
}

function text(modes: ValueModes, decode: ValueDecoder = decodeText, name?: string, fallback = ''): ColumnType {
  const schema = primitive('STRING', name === undefined ? {} : { name, version: 1 })
  return { ...column(schema, decode, fallback), placeholder: modes.placeholder.toString('utf8') }
}

const int16 = column(primitive('INT16'), decodeInt16, 0)
const int32 = column(primitive('INT32'), decodeInt32, 0)
const int64 = column(primitive('INT64'), decodeInteger, 0)
const float32 = column(primitive('FLOAT32'), decodeFloat, 0)
const float64 = column(primitive('FLOAT64'), decodeFloat, 0)
const boolean = column(primitive('BOOLEAN'), decodeBoolean, false)

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
      return text(modes)
    case 'uuid':
      return text(modes, decodeAscii, 'io.debezium.data.Uuid')
    case 'json':
    case 'jsonb':
      return text(modes, decodeText, 'io.debezium.data.Json')
    case 'xml':
      return text(modes, decodeText, 'io.debezium.data.Xml')
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

/** Types of extensions, by name in whatever schema they are installed. */
function extensionType(name: string, modes: ValueModes): ColumnType | null {
  switch (name) {
    case 'citext':
    case 'isbn':
      return text(modes)
    case 'ltree':
      return text(modes, decodeText, 'io.debezium.data.Ltree')
    case 'hstore':
      return hstoreType(modes)
    case 'geometry':
      return geometryType('Geometry')
    case 'geography':
      return geometryType('Geography')
    case 'vector':
      return vectorType('FLOAT64', 'io.debezium.data.DoubleVector')
    case 'halfvec':
      return vectorType('FLOAT32', 'io.debezium.data.FloatVector')
    default:
      return null
  }
}

/** Precision and scale of a numeric's type modifier; null when it has none. The scale is signed, 11 bits. */
export function numericModifier(typmod: number): { precision: number; scale: number } | null {
  if (typmod < 4) return null
  const packed = typmod - 4
  return { precision: (packed >> 16) & 0xffff, scale: ((packed & 0x7ff) ^ 1024) - 1024 }
}

const variableDecimal = struct(
  [
    ['scale', primitive('INT32')],
    ['value', primitive('BYTES')],
  ],
  { name: 'io.debezium.data.VariableScaleDecimal', version: 1, doc: 'Variable scaled decimal' },
)

function numericType(typmod: number, modes: ValueModes, onUnrepresentable: OnUnrepresentable): ColumnType {
  if (modes.decimal === 'double') return { ...float64, decode: doubleDecoder(onUnrepresentable) }
  const modifier = numericModifier(typmod)
  if (modes.decimal === 'string') {
    return text(modes, decodeDecimalText, undefined, decimalTextOf(0n, modifier?.scale ?? 0))
  }
  if (modifier === null)
    return column(variableDecimal, variableDecimalDecoder(decimalToBytes, onUnrepresentable), [0, Buffer.from([0])])
  const { precision, scale } = modifier
  const parameters = { scale: String(scale), 'connect.decimal.precision': String(precision) }
  return column(decimal(parameters), decimalDecoder(onUnrepresentable), '0')
}

function decimal(parameters: Readonly<Record<string, string>>): Schema {
  return primitive('BYTES', { name: Logical.decimal, version: 1, parameters })
}

function moneyType(modes: ValueModes, onUnrepresentable: OnUnrepresentable): ColumnType {
  if (modes.decimal === 'double') return { ...float64, decode: (b, start, end) => Number(moneyText(b, start, end)) }
  if (modes.decimal === 'string') return text(modes, moneyText, undefined, '0.00')
  return column(decimal({ scale: String(modes.moneyDigits) }), moneyDecoder(modes.moneyDigits, onUnrepresentable), '0')
}

function binaryType(modes: ValueModes): ColumnType {
  if (modes.binary === 'bytes') {
    return {
      ...column(primitive('BYTES'), binaryDecoder('bytes'), Buffer.alloc(0)),
      placeholder: modes.placeholder,
    }
  }
  return text(modes, binaryDecoder(modes.binary))
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
  return column(schema, decodeBits, Buffer.alloc(0))
}

const pointType = column(
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

function geometryType(name: 'Geometry' | 'Geography'): ColumnType {
  const schema = struct(
    [
      ['wkb', primitive('BYTES')],
      ['srid', primitive('INT32', { optional: true })],
    ],
    { name: `io.debezium.data.geometry.${name}`, version: 1, doc: name },
  )
  return column(schema, decodeGeometry, [Buffer.alloc(0), null])
}

function vectorType(element: 'FLOAT32' | 'FLOAT64', name: string): ColumnType {
  return column(arrayOf(primitive(element), { name, version: 1 }), decodeVector, [])
}

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
  return column(schema, decode, '')
}

function hstoreType(modes: ValueModes): ColumnType {
  const word = modes.placeholder.toString('utf8')
  if (modes.hstore === 'json') {
    const schema = primitive('STRING', { name: 'io.debezium.data.Json', version: 1 })
    const placeholder = `{${JSON.stringify(word)}:${JSON.stringify(word)}}`
    return { ...column(schema, decodeHstoreJson, '{}'), placeholder }
  }
  const schema = mapOf(primitive('STRING'), primitive('STRING', { optional: true }))
  return { ...column(schema, decodeHstoreMap, new Map()), placeholder: new Map([[word, word]]) }
}

/** Element types whose arrays Debezium excludes. */
const omittedElements = new Set(['money', 'name', 'interval', 'varbit', 'bit', 'xml', 'point', 'refcursor'])

function arrayType(
  catalog: TypeCatalog,
  elementOid: number,
  typmod: number,
  modes: ValueModes,
  onUnrepresentable: OnUnrepresentable,
): ColumnType | null {
  const type = catalog.get(elementOid)
  if (type === undefined || type.kind === 'd' || omittedElements.has(type.name))
    return unknownArray(type, modes, onUnrepresentable)
  const element = scalarType(type, typmod, modes, onUnrepresentable)
  if (element === null) return unknownArray(type, modes, onUnrepresentable)
  const schema = arrayOf(withOptions(element.schema, { optional: type.kind !== 'e' }))
  const decode = arrayDecoder(element.decode, () => reportNestedArray(onUnrepresentable))
  return { ...column(schema, decode, []), isArray: true, placeholder: arrayPlaceholder(type, element, modes) }
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
  return { ...column(arrayOf(element.schema), decode, []), isArray: true }
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
    return { ...column(primitive('BYTES'), decode, Buffer.alloc(0)), placeholder: modes.placeholder }
  }
  const encode = binaryText(modes.binary)
  return text(modes, (bytes, start, end) => encode(bytes.subarray(start, end)))
}
