import fc from 'fast-check'
import { zeroUuid, type Field, type Fields } from '../../../src/protocol/schema.ts'

/** Whether this version of the message has the field. */
function isThere(field: Field, version: number, flexible: boolean): boolean {
  const { since = 0, until = Number.POSITIVE_INFINITY, tag } = field.options
  return version >= since && version <= until && (tag === undefined || flexible)
}

function scalars(type: Field['type']): fc.Arbitrary<unknown> {
  switch (type) {
    case 'bool':
      return fc.boolean()
    case 'int8':
      return fc.integer({ min: -128, max: 127 })
    case 'int16':
      return fc.integer({ min: -0x8000, max: 0x7fff })
    case 'int32':
      return fc.integer()
    case 'int64':
      return fc.maxSafeInteger()
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 20 })
    case 'uuid':
      return fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64url'))
    default:
      return fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes))
  }
}

/** The value a decoder gives a field that the version does not have. */
function absent(field: Field): unknown {
  if (field.options.default !== undefined) return field.options.default
  if (field.type === 'array') return []
  if (field.type === 'string') return ''
  if (field.type === 'uuid') return zeroUuid
  if (field.type === 'bool') return false
  if (field.type === 'bytes') return Buffer.alloc(0)
  return field.type === 'records' || field.type === 'struct' ? null : 0
}

function fieldValues(field: Field, version: number, flexible: boolean): fc.Arbitrary<unknown> {
  if (!isThere(field, version, flexible)) return fc.constant(absent(field))
  const { nullable, tag } = field.options
  const isNullable = nullable === true || (nullable !== undefined && version >= nullable)
  let values = scalars(field.type)
  if (field.type === 'struct') values = structValues(field.fields ?? {}, version, flexible)
  else if (field.type === 'array' && field.element !== null) {
    values = fc.array(fieldValues(field.element, version, flexible), { maxLength: 3 })
  }
  return isNullable || (field.type === 'struct' && tag !== undefined) ? fc.option(values, { nil: null }) : values
}

/** Values of a message in one version, as its decoder gives them: every field is there. */
export function structValues(
  fields: Fields,
  version: number,
  flexible: boolean,
): fc.Arbitrary<Record<string, unknown>> {
  const entries = Object.entries(fields).map(([name, field]) => [name, fieldValues(field, version, flexible)] as const)
  return fc.record(Object.fromEntries(entries), { noNullPrototype: true })
}
