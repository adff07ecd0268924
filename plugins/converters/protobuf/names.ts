import { DataError, javaUrlEncoded, type Schema } from 'penstock/api'

import type { ProtobufOptions } from './protobuf-options.ts'

const namespace = 'io.confluent.connect.protobuf'

/** Names of parameters of Connect schemas and of `confluent.field_meta`, as Confluent's converter has them. */
export const Names = {
  defaultMessage: 'ConnectDefault',
  enum: `${namespace}.Enum`,
  union: `${namespace}.Union`,
  tag: `${namespace}.Tag`,
  type: `${namespace}.Type`,
  /** That a member of a oneof is a wrapper message. */
  wrapper: `${namespace}.Wrapper`,
  generalizedEnum: 'org.apache.kafka.connect.data.Enum',
  generalizedUnion: 'org.apache.kafka.connect.data.Union',
  connectType: 'connect.type',
  decimalPrecision: 'connect.decimal.precision',
} as const

const entrySuffix = 'Entry'
const validName = /^[A-Za-z_]\w*$/

/** Returns whether a STRUCT stands for a oneof: one field for each member, of which at most one has a value. */
export function isUnionSchema({ type, name, parameters }: Schema): boolean {
  if (type !== 'STRUCT') return false
  return name?.startsWith(Names.union) === true || parameterOf(parameters, Names.generalizedUnion) !== null
}

/** Returns the parameter with the name of an enum; null for other schemas. */
export function enumParameter({ type, parameters }: Schema): string | null {
  if (type === 'STRING' && parameterOf(parameters, Names.generalizedEnum) !== null) return Names.generalizedEnum
  return parameterOf(parameters, Names.enum) === null ? null : Names.enum
}

export function parameterOf(parameters: Schema['parameters'], key: string): string | null {
  return parameters !== null && Object.hasOwn(parameters, key) ? (parameters[key] ?? null) : null
}

/**
 * Returns a name as Protobuf has it: with `scrub.invalid.names` as Confluent's converter changes it, otherwise as it is.
 * @throws DataError if Protobuf does not allow it
 */
export function protoName(name: string, { scrubInvalidNames }: Pick<ProtobufOptions, 'scrubInvalidNames'>): string {
  if (scrubInvalidNames) return scrubbed(name)
  if (validName.test(name)) return name
  throw new DataError(
    `"${name}" is no valid name in Protobuf: use letters, digits and "_", or set scrub.invalid.names=true`,
    { code: 'PROTOBUF_NAME_INVALID' },
  )
}

function scrubbed(name: string): string {
  if (name === '' || /^[A-Za-z]\w*$/.test(name)) return name
  const encoded = javaUrlEncoded(name)
  return (/^[\d_]/.test(encoded) ? `x${encoded}` : encoded).replaceAll(/\W/g, '_')
}

/** Returns the name of the message of the entries of a map: `lower_case` becomes `LowerCaseEntry`. */
export function mapEntryName(field: string): string {
  if (!field.includes('_')) return `${field}${entrySuffix}`
  const words = field.split('_').map((word) => `${word.slice(0, 1).toUpperCase()}${word.slice(1).toLowerCase()}`)
  return `${words.join('')}${entrySuffix}`
}

/** Returns the name of a map from the full or the short name of the message of its entries, in `lower_case`. */
export function mapNameOf(entry: string): string {
  const dot = entry.lastIndexOf('.') + 1
  if (!entry.endsWith(entrySuffix)) return entry
  const last = entry.slice(dot, -entrySuffix.length).replaceAll(/(?!^)([A-Z])/g, '_$1')
  return `${entry.slice(0, dot)}${last.toLowerCase()}`
}
