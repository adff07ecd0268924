import type { Schema } from 'penstock/api'

const namespace = 'io.confluent.connect.json'
const generalized = 'org.apache.kafka.connect.data'

/** Names of Confluent's converter, in Connect schemas and in JSON Schemas. */
export const Names = {
  /** Begins names of parameters that are not written as parameters. */
  namespace,
  id: `${namespace}.Id`,
  enum: `${namespace}.Enum`,
  generalizedEnum: `${generalized}.Enum`,
  oneOf: `${namespace}.OneOf`,
  generalizedUnion: `${generalized}.Union`,
  generalizedUnionPrefix: 'connect_union_',
  generalizedUnionField: 'connect_union_field_',
  /** The symbol of an enum that stands for null. */
  nullSymbol: '<NULL>',
  type: 'connect.type',
  index: 'connect.index',
  version: 'connect.version',
  parameters: 'connect.parameters',
} as const

/** Returns whether a struct holds the value of a union: each field is a branch, and one of them is set. */
export function isUnionSchema({ type, name, parameters }: Schema): boolean {
  return (
    type === 'STRUCT' &&
    (name === Names.oneOf || (parameters !== null && Object.hasOwn(parameters, Names.generalizedUnion)))
  )
}

/** Returns the name of the parameter that makes a string an enum, of that of the options first; null if it is none. */
export function enumParameter({ type, parameters }: Schema, isGeneralized: boolean): string | null {
  if (type !== 'STRING' || parameters === null) return null
  const names = [Names.enum, Names.generalizedEnum]
  if (isGeneralized) names.reverse()
  return names.find((name) => Object.hasOwn(parameters, name)) ?? null
}
