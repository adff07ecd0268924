/** The types of Kafka's ConfigDef. All connector values arrive as strings; `parse` turns them into these. */
export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'SHORT' | 'LONG' | 'DOUBLE' | 'LIST' | 'CLASS' | 'PASSWORD'
export type Importance = 'HIGH' | 'MEDIUM' | 'LOW'
export type Width = 'NONE' | 'SHORT' | 'MEDIUM' | 'LONG'

/** A parsed value. LIST is an array of strings, PASSWORD and CLASS are strings, INT/LONG are numbers. */
export type ConfigValue = string | number | boolean | readonly string[] | null

/** Parsed values by key, including the defaults of the ConfigDef. */
export type ParsedConfig = Readonly<Record<string, ConfigValue>>

/** A raw connector config: strings as the user posted them. */
export type RawConfig = Readonly<Record<string, string>>

/**
 * Checks one parsed value, which is null if it is missing or does not parse. Returns null if it is valid, otherwise the text after
 * `Invalid value X for configuration key: ` in Kafka's wording, see `validators.ts`. Never throws.
 */
export type Validator = ((key: string, value: ConfigValue) => string | null) & { readonly describe?: string }

/** One setting. It is optional if `defaultValue` is null, and required if there is no `defaultValue`. */
export interface ConfigKey {
  readonly type: ConfigType
  readonly defaultValue?: ConfigValue
  readonly importance: Importance
  readonly doc: string
  readonly group?: string
  readonly displayName?: string
  readonly width?: Width
  /** Position in the group, as in Kafka; by default the position among the keys of its group, from 1. */
  readonly order?: number
  readonly validator?: Validator
  /** Values that a form may offer. */
  readonly recommended?: readonly ConfigValue[]
  readonly dependents?: readonly string[]
  /** Hidden from REST and documentation. */
  readonly internal?: boolean
  /**
   * Set for a key of the original connector that is not supported. Validation fails with this reason if the key has another
   * value than its default.
   */
  readonly unsupported?: string
  /** Values of the original connector that are not supported, each with the reason. */
  readonly unsupportedValues?: Readonly<Record<string, string>>
}

/** A component's settings, in documentation order. Parsing, REST, documentation and forms are derived from it. */
export type ConfigDef = Readonly<Record<string, ConfigKey>>

/** An error of one key. A key may have several. */
export interface ConfigProblem {
  readonly key: string
  readonly message: string
}
