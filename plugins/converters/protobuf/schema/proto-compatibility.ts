import type { ProtoField, ProtoMessage, Scalar } from '../proto-types.ts'

/** Types whose values can be read as those of another one in the same group. */
const groups: Readonly<Record<Scalar, string>> = {
  int32: 'varint',
  int64: 'varint',
  uint32: 'varint',
  uint64: 'varint',
  bool: 'varint',
  sint32: 'zigzag',
  sint64: 'zigzag',
  fixed32: 'fixed32',
  sfixed32: 'fixed32',
  fixed64: 'fixed64',
  sfixed64: 'fixed64',
  string: 'text',
  bytes: 'text',
  float: 'float',
  double: 'double',
}

/** Returns why messages of one type cannot be read as another one; null if they can. Fields are compared by their numbers. */
export function whyNotReadable(
  written: ProtoMessage,
  reader: ProtoMessage,
  compared = new Map<ProtoMessage, ProtoMessage>(),
): string | null {
  if (compared.get(written) === reader) return null
  compared.set(written, reader)
  const fields = new Map(reader.fields.map((field) => [field.number, field]))
  for (const field of written.fields) {
    const other = fields.get(field.number)
    if (other === undefined) continue
    const [one, another] = [kindOf(field), kindOf(other)]
    if (one !== another)
      return `the field ${field.number} of ${written.fullName} is ${nameOf(field)} "${field.name}", and in the latest schema ${nameOf(other)} "${other.name}"`
    if (typeof field.type === 'object' && field.type.kind === 'message' && typeof other.type === 'object') {
      const why = other.type.kind === 'message' ? whyNotReadable(field.type, other.type, compared) : null
      if (why !== null) return why
    }
  }
  const missing = reader.fields.find(
    ({ label, number }) => label === 'required' && !written.fields.some((field) => field.number === number),
  )
  return missing === undefined ? null : `the latest schema requires the field "${missing.name}" of ${reader.fullName}`
}

function kindOf({ type, label }: ProtoField): string {
  if (typeof type === 'object') return type.kind === 'enum' ? 'varint' : `message ${label === 'repeated'}`
  return groups[type]
}

function nameOf({ type }: ProtoField): string {
  return typeof type === 'string' ? type : type.name
}
