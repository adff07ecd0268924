import { DataError, isArray, isMap, Logical, unscaledDecimal, type ConnectValue, type Schema } from 'penstock/api'

const dayMs = 86_400_000n

/**
 * Returns the `hashCode` of the Java object that a value is in Debezium.
 * @throws DataError for a struct: its hash differs from process to process there.
 */
export function javaHash(schema: Schema, value: ConnectValue): number {
  if (value === null) return 0
  if (typeof value === 'string') return schema.name === Logical.decimal ? decimalHash(schema, value) : textHash(value)
  if (typeof value === 'boolean') return value ? 1231 : 1237
  if (typeof value === 'number' || typeof value === 'bigint') return numberHash(schema, value)
  if (value instanceof Uint8Array) return bytesHash(value)
  if (isMap(value)) return mapHash(schema, value)
  if (schema.type === 'ARRAY' && schema.valueSchema !== null && isArray(value))
    return listHash(schema.valueSchema, value)
  throw new DataError(`a ${schema.type} has no hash that is the same everywhere: choose its fields`)
}

function textHash(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i += 1) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return hash
}

function numberHash(schema: Schema, value: number | bigint): number {
  switch (schema.type) {
    case 'FLOAT32': {
      const view = new DataView(new ArrayBuffer(4))
      view.setFloat32(0, Number(value))
      return Number.isNaN(value) ? 0x7fc0_0000 : view.getInt32(0)
    }
    case 'FLOAT64': {
      const view = new DataView(new ArrayBuffer(8))
      view.setFloat64(0, Number(value))
      return Number.isNaN(value) ? 0x7ff8_0000 : view.getInt32(0) ^ view.getInt32(4)
    }
    case 'INT64':
      return longHash(BigInt(value))
    default:
      return dateHash(schema, Number(value))
  }
}

/** Connect's dates and times are objects with milliseconds. */
function dateHash({ name }: Schema, value: number): number {
  if (name === Logical.date) return longHash(BigInt(value) * dayMs)
  return name === Logical.time ? longHash(BigInt(value)) : value
}

function longHash(value: bigint): number {
  return Number(BigInt.asIntN(32, value ^ (value >> 32n)))
}

/** As of a ByteBuffer, which Debezium has for bytes. */
function bytesHash(bytes: Uint8Array): number {
  let hash = 1
  for (let i = bytes.length - 1; i >= 0; i -= 1) hash = (Math.imul(31, hash) + (((bytes[i] ?? 0) << 24) >> 24)) | 0
  return hash
}

function decimalHash({ parameters }: Schema, text: string): number {
  const scale = Number(parameters?.['scale'] ?? 0)
  const unscaled = unscaledDecimal(text, scale)
  let hash = 0
  const magnitude = unscaled < 0n ? -unscaled : unscaled
  const words = magnitude.toString(16)
  for (let end = words.length % 8 || 8, start = 0; start < words.length; start = end, end += 8) {
    hash = (Math.imul(31, hash) + Number.parseInt(words.slice(start, end), 16)) | 0
  }
  return (Math.imul(31, unscaled < 0n ? -hash : hash) + scale) | 0
}

function listHash(items: Schema, list: readonly ConnectValue[]): number {
  let hash = 1
  for (const item of list) hash = (Math.imul(31, hash) + javaHash(items, item)) | 0
  return hash
}

function mapHash({ keySchema, valueSchema }: Schema, map: ReadonlyMap<ConnectValue, ConnectValue>): number {
  let hash = 0
  if (keySchema === null || valueSchema === null) return hash
  for (const [key, value] of map) hash = (hash + (javaHash(keySchema, key) ^ javaHash(valueSchema, value))) | 0
  return hash
}
