import { javaUrlEncoded } from '../api/java/java-url-encoding.ts'
import type { Schema } from '../api/schema.ts'

/** The namespace of the names that Confluent's converter gives. */
export const namespace = 'io.confluent.connect.avro'

/** Names of attributes of Avro types, and of parameters of Connect schemas. */
export const Names = {
  connectName: 'connect.name',
  connectDoc: 'connect.doc',
  connectVersion: 'connect.version',
  connectDefault: 'connect.default',
  connectParameters: 'connect.parameters',
  connectType: 'connect.type',
  internalType: 'connect.internal.type',
  recordDocOfConnect: 'connect.record.doc',
  enumDocOfConnect: 'connect.enum.doc',
  fixedSize: 'connect.fixed.size',
  decimalPrecision: 'connect.decimal.precision',
  recordDoc: `${namespace}.record.doc`,
  enumDoc: `${namespace}.enum.doc.`,
  enumDefault: `${namespace}.enum.default.`,
  fieldDoc: `${namespace}.field.doc.`,
  fieldDefault: `${namespace}.field.default`,
  union: `${namespace}.Union`,
  enum: `${namespace}.Enum`,
  anything: `${namespace}.Anything`,
  mapEntry: 'MapEntry',
  defaultRecord: 'ConnectDefault',
  generalizedUnion: 'org.apache.kafka.connect.data.Union',
  generalizedEnum: 'org.apache.kafka.connect.data.Enum',
  unionPrefix: 'connect_union_',
  unionFieldPrefix: 'connect_union_field_',
} as const

/** The precision of decimals whose schema has none. */
export const defaultPrecision = 64

/** Parameters of Connect schemas with this prefix are attributes of the Avro type, and the other way round. */
export const avroPrefix = 'avro'

/** Returns whether a STRUCT stands for an Avro union: one field for each branch, of which at most one has a value. */
export function isUnionSchema({ type, name, parameters }: Schema): boolean {
  return type === 'STRUCT' && (name === Names.union || hasOwn(parameters, Names.generalizedUnion))
}

/** Returns whether BYTES were an Avro fixed. */
export function isFixedSchema({ type, name, parameters }: Schema): boolean {
  return type === 'BYTES' && name !== null && hasOwn(parameters, Names.fixedSize)
}

export function hasOwn(parameters: Schema['parameters'], key: string): boolean {
  return parameters !== null && Object.hasOwn(parameters, key)
}

const validName = /^[A-Za-z_]\w*$/

export function isAvroName(name: string): boolean {
  return validName.test(name)
}

/**
 * Returns a name with the characters that Avro does not allow replaced, as Confluent's converter does: bytes of UTF-8 outside of
 * ASCII become `_C3`, a space becomes `_`, and a name that begins with a digit begins with `x`.
 */
export function scrubbed(name: string): string {
  if (name === '' || validName.test(name)) return name
  const encoded = javaUrlEncoded(name)
  return (/^\d/.test(encoded) ? `x${encoded}` : encoded).replaceAll(/\W/g, '_')
}

/** A full name in its parts. */
export interface SplitName {
  readonly namespace: string | null
  readonly name: string
}

export function splitName(fullName: string, scrub: boolean): SplitName {
  const parts = fullName.replace(/\.+$/, '').split('.')
  const names = scrub ? parts.map(scrubbed) : parts
  const name = names.at(-1) ?? ''
  return { namespace: names.length > 1 ? names.slice(0, -1).join('.') : null, name }
}
