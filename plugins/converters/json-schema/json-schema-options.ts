import type { ParsedConfig } from 'penstock/api'

/** Options of the JSON Schema converter that change schemas and data. */
export interface JsonSchemaOptions {
  /** Whether objects may have members that are not in their schema. */
  readonly additionalProperties: boolean
  /** Whether properties that are not required are optional fields. */
  readonly optionalForNonRequired: boolean
  /** Enums and unions have the form that other converters use too. */
  readonly generalized: boolean
  readonly decimalFormat: 'BASE64' | 'NUMERIC'
  /** Null stays null where the field has a default. */
  readonly ignoreDefaultForNullables: boolean
}

export function jsonSchemaOptions(config: ParsedConfig): JsonSchemaOptions {
  return {
    additionalProperties: config['object.additional.properties'] === true,
    optionalForNonRequired: config['use.optional.for.nonrequired'] === true,
    generalized: config['generalized.sum.type.support'] === true,
    decimalFormat: String(config['decimal.format']).toUpperCase() === 'NUMERIC' ? 'NUMERIC' : 'BASE64',
    ignoreDefaultForNullables: config['ignore.default.for.nullables'] === true,
  }
}
