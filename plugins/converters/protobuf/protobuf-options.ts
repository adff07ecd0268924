import type { ParsedConfig } from 'penstock/api'

/** How schemas of Connect and of Protobuf correspond: the options of Confluent's `ProtobufDataConfig`. */
export interface ProtobufOptions {
  /** Structs, enums, maps and unions have full names. */
  readonly enhanced: boolean
  readonly scrubInvalidNames: boolean
  readonly intForEnums: boolean
  /** Fields have the keyword `optional` where null is allowed, and only there. */
  readonly optionalForNullables: boolean
  /** The keyword `optional` of proto2 is respected. */
  readonly optionalForProto2: boolean
  /** Primitive values that may be null are wrapper messages, such as `google.protobuf.StringValue`. */
  readonly wrapperForNullables: boolean
  /** A wrapper message that is a whole message is read as its value. */
  readonly wrapperForRawPrimitives: boolean
  /** Messages that are missing are read as empty ones. */
  readonly structForNulls: boolean
  /** Names of fields that hold a oneof end with its index. */
  readonly indexForUnions: boolean
  readonly flattenUnions: boolean
  /** Enums and unions have the form that other converters use too. */
  readonly generalized: boolean
  /** Null stays null where the field has a default. */
  readonly ignoreDefaultForNullables: boolean
}

export function protobufOptions(config: ParsedConfig): ProtobufOptions {
  return {
    enhanced: config['enhanced.protobuf.schema.support'] === true,
    scrubInvalidNames: config['scrub.invalid.names'] === true,
    intForEnums: config['int.for.enums'] === true,
    optionalForNullables: config['optional.for.nullables'] === true,
    optionalForProto2: config['optional.for.proto2'] === true,
    wrapperForNullables: config['wrapper.for.nullables'] === true,
    wrapperForRawPrimitives: config['wrapper.for.raw.primitives'] === true,
    structForNulls: config['generate.struct.for.nulls'] === true,
    indexForUnions: config['generate.index.for.unions'] === true,
    flattenUnions: config['flatten.unions'] === true,
    generalized: config['generalized.sum.type.support'] === true,
    ignoreDefaultForNullables: config['ignore.default.for.nullables'] === true,
  }
}
