import type { ByteReader } from './bytes/byte-reader.ts'
import { ByteWriter } from './bytes/byte-writer.ts'
import { ProtocolError } from './protocol-error.ts'
import { zeroUuid, type Decoded, type Encodable, type Field, type Fields, type ScalarType } from './schema.ts'

/** Reads and writes one type of one version. */
interface TypeCodec {
  /** The fewest bytes a value takes. */
  readonly minBytes: number
  read(reader: ByteReader): unknown
  write(writer: ByteWriter, value: unknown): void
}

/** Reads and writes one message in one version. */
export interface MessageCodec<S extends Fields> {
  decode(reader: ByteReader): Decoded<S>
  encode(writer: ByteWriter, value: Encodable<S>): void
}

interface FieldPlan {
  readonly name: string
  readonly tag: number | null
  /** Null: the version does not have the field. */
  readonly codec: TypeCodec | null
  readonly absent: () => unknown
  readonly default: unknown
  readonly hasDefault: boolean
}

const fixed: Readonly<Record<'bool' | 'int8' | 'int16' | 'int32' | 'int64' | 'uuid', TypeCodec>> = {
  bool: { minBytes: 1, read: (reader) => reader.bool(), write: (writer, value) => writer.bool(value as boolean) },
  int8: { minBytes: 1, read: (reader) => reader.int8(), write: (writer, value) => writer.int8(value as number) },
  int16: { minBytes: 2, read: (reader) => reader.int16(), write: (writer, value) => writer.int16(value as number) },
  int32: { minBytes: 4, read: (reader) => reader.int32(), write: (writer, value) => writer.int32(value as number) },
  int64: { minBytes: 8, read: (reader) => reader.int64(), write: (writer, value) => writer.int64(value as number) },
  uuid: { minBytes: 16, read: (reader) => reader.uuid(), write: (writer, value) => writer.uuid(value as string) },
}

function zeroOf(type: ScalarType | 'array' | 'struct'): unknown {
  switch (type) {
    case 'bool':
      return false
    case 'string':
      return ''
    case 'uuid':
      return zeroUuid
    case 'bytes':
      return Buffer.alloc(0)
    case 'array':
      return []
    case 'records':
    case 'struct':
      return null
    default:
      return 0
  }
}

function stringCodec(compact: boolean): TypeCodec {
  return {
    minBytes: compact ? 1 : 2,
    read(reader) {
      const length = reader.length(compact, 16)
      return length < 0 ? null : reader.string(length)
    },
    write(writer, value) {
      if (value === null) return writer.length(-1, compact, 16)
      const text = value as string
      const byteLength = Buffer.byteLength(text, 'utf8')
      if (byteLength > 0x7fff) throw new ProtocolError(`a string of ${byteLength} bytes is longer than 32767`)
      writer.length(byteLength, compact, 16)
      return writer.utf8(text, byteLength)
    },
  }
}

function bytesCodec(compact: boolean, asView: boolean): TypeCodec {
  return {
    minBytes: compact ? 1 : 4,
    read(reader) {
      const length = reader.length(compact, 32)
      if (length < 0) return null
      const view = reader.view(length)
      // A short view would keep the whole frame in memory.
      return asView ? view : Buffer.from(view)
    },
    write(writer, value) {
      const length = value === null ? -1 : (value as Uint8Array).length
      writer.length(length, compact, 32)
      if (value !== null) writer.bytes(value as Uint8Array)
    },
  }
}

function arrayCodec(element: TypeCodec, name: string, compact: boolean): TypeCodec {
  return {
    minBytes: compact ? 1 : 4,
    read(reader) {
      const count = reader.length(compact, 32)
      if (count < 0) return null
      reader.elements(count, name, Math.max(element.minBytes, 1))
      const items: unknown[] = []
      for (let i = 0; i < count; i += 1) items.push(element.read(reader))
      return items
    },
    write(writer, value) {
      if (value === null) return writer.length(-1, compact, 32)
      const items = value as readonly unknown[]
      writer.length(items.length, compact, 32)
      for (const item of items) element.write(writer, item)
      return undefined
    },
  }
}

/** Refuses null where the version does not allow it, on both ways. */
function required(codec: TypeCodec, name: string): TypeCodec {
  return {
    minBytes: codec.minBytes,
    read(reader) {
      const value = codec.read(reader)
      if (value === null) throw new ProtocolError(`${name} is null`)
      return value
    },
    write(writer, value) {
      if (value === null) throw new ProtocolError(`${name} must not be null in this version`)
      codec.write(writer, value)
    },
  }
}

function isNullableIn(field: Field, version: number): boolean {
  const nullable = field.options.nullable
  return nullable === true || (nullable !== undefined && version >= nullable)
}

function typeCodec(field: Field, name: string, version: number, compact: boolean): TypeCodec {
  const variable = variableCodec(field, name, version, compact)
  return isNullableIn(field, version) || field.type === 'struct' ? variable : required(variable, name)
}

function variableCodec(field: Field, name: string, version: number, compact: boolean): TypeCodec {
  switch (field.type) {
    case 'string':
      return stringCodec(compact)
    case 'bytes':
    case 'records':
      return bytesCodec(compact, field.type === 'records')
    case 'array':
      if (field.element === null) throw new ProtocolError(`array ${name} has no element`)
      return arrayCodec(typeCodec(field.element, `element of ${name}`, version, compact), name, compact)
    case 'struct':
      return structCodec(field.fields ?? {}, version, compact)
    default:
      return fixed[field.type]
  }
}

function planOf(name: string, field: Field, version: number, compact: boolean): FieldPlan {
  const { since = 0, until = Number.POSITIVE_INFINITY, tag } = field.options
  const isThere = version >= since && version <= until && (tag === undefined || compact)
  const hasDefault = Object.keys(field.options).some((key) => key !== 'nullable')
  const value = field.options.default === undefined ? zeroOf(field.type) : field.options.default
  return {
    name,
    tag: tag ?? null,
    codec: isThere ? typeCodec(field, name, version, compact) : null,
    absent: field.type === 'array' && value !== null ? () => [] : () => value,
    default: value,
    hasDefault,
  }
}

function isDefault(plan: FieldPlan, value: unknown): boolean {
  return value === plan.default || (Array.isArray(value) && value.length === 0 && Array.isArray(plan.default))
}

function structCodec(fields: Fields, version: number, compact: boolean): TypeCodec {
  const plans = Object.entries(fields).map(([name, field]) => planOf(name, field, version, compact))
  const plain = plans.filter((plan) => plan.tag === null)
  const tagged = plans.filter((plan) => plan.tag !== null).toSorted((a, b) => (a.tag ?? 0) - (b.tag ?? 0))
  return {
    minBytes: plain.reduce((sum, { codec }) => sum + (codec?.minBytes ?? 0), compact ? 1 : 0),
    read: (reader) => readStruct(reader, plain, tagged, compact),
    write(writer, value) {
      writePlain(writer, plain, value as Record<string, unknown>)
      if (compact) writeTagged(writer, tagged, value as Record<string, unknown>)
    },
  }
}

function readStruct(
  reader: ByteReader,
  plain: readonly FieldPlan[],
  tagged: readonly FieldPlan[],
  compact: boolean,
): unknown {
  const result: Record<string, unknown> = {}
  for (const plan of plain) result[plan.name] = plan.codec === null ? plan.absent() : plan.codec.read(reader)
  for (const plan of tagged) result[plan.name] = plan.absent()
  if (!compact) return result
  reader.taggedFields((tag) => {
    const plan = tagged.find((candidate) => candidate.tag === tag)
    if (plan === undefined || plan.codec === null) return false
    result[plan.name] = plan.codec.read(reader)
    return true
  })
  return result
}

function writePlain(writer: ByteWriter, plans: readonly FieldPlan[], value: Record<string, unknown>): void {
  for (const plan of plans) {
    if (plan.codec === null) continue
    const given = value[plan.name]
    if (given === undefined && !plan.hasDefault) throw new ProtocolError(`${plan.name} is missing`)
    plan.codec.write(writer, given === undefined ? plan.default : given)
  }
}

function writeTagged(writer: ByteWriter, plans: readonly FieldPlan[], value: Record<string, unknown>): void {
  const present = plans.filter((plan) => {
    const given = value[plan.name]
    return plan.codec !== null && given !== undefined && !isDefault(plan, given)
  })
  writer.unsignedVarint(present.length)
  for (const plan of present) {
    const content = new ByteWriter(64)
    plan.codec?.write(content, value[plan.name])
    writer.unsignedVarint(plan.tag ?? 0)
    writer.unsignedVarint(content.size)
    for (const part of content.take()) writer.bytes(part)
  }
}

/** Compiles the codec of a message in one version. `flexible`: it has compact types and tagged fields (KIP-482). */
export function compileMessage<S extends Fields>(fields: S, version: number, flexible: boolean): MessageCodec<S> {
  const codec = structCodec(fields, version, flexible)
  return {
    decode: (reader) => codec.read(reader) as Decoded<S>,
    encode: (writer, value) => codec.write(writer, value),
  }
}
