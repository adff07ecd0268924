import type { ParsedConfig } from '../api/config-def.ts'

/** How schemas of Connect and of Avro correspond: the options of Confluent's `AvroDataConfig`. */
export interface AvroOptions {
  /** Connect's names, versions, parameters, defaults and documentation become attributes of Avro types. */
  readonly connectMetaData: boolean
  /** Enums stay enums, and fields of unions have full names. */
  readonly enhanced: boolean
  /** Enums and unions have the form that other converters use too. */
  readonly generalized: boolean
  readonly scrubInvalidNames: boolean
  readonly discardTypeDocDefault: boolean
  /** Maps with keys that are optional strings are maps in Avro too. */
  readonly allowOptionalMapKeys: boolean
  readonly flattenSingletonUnions: boolean
  /** Null stays null where the field has a default. */
  readonly ignoreDefaultForNullables: boolean
}

export function avroOptions(config: ParsedConfig): AvroOptions {
  return {
    connectMetaData: config['connect.meta.data'] === true,
    enhanced: config['enhanced.avro.schema.support'] === true,
    generalized: config['generalized.sum.type.support'] === true,
    scrubInvalidNames: config['scrub.invalid.names'] === true,
    discardTypeDocDefault: config['discard.type.doc.default'] === true,
    allowOptionalMapKeys: config['allow.optional.map.keys'] === true,
    flattenSingletonUnions: config['flatten.singleton.unions'] === true,
    ignoreDefaultForNullables: config['ignore.default.for.nullables'] === true,
  }
}
