/** The types of Kafka's ConfigDef. All connector values arrive as strings; `parse` turns them into these. */
export type ConfigType = 'BOOLEAN' | 'STRING' | 'INT' | 'SHORT' | 'LONG' | 'DOUBLE' | 'LIST' | 'CLASS' | 'PASSWORD'
export type Importance = 'HIGH' | 'MEDIUM' | 'LOW'
export type Width = 'NONE' | 'SHORT' | 'MEDIUM' | 'LONG'

/** A parsed value. LIST is an array of strings, PASSWORD and CLASS are strings, INT/LONG are numbers. */
export type ConfigValue = string | number | boolean | readonly string[] | null

/** Parsed values by key, with the table's defaults filled in. */
export type ParsedConfig = Readonly<Record<string, ConfigValue>>

/** A raw connector config: strings as the user posted them. */
export type RawConfig = Readonly<Record<string, string>>

/**
 * Checks one parsed value. Answers null when it is good, else the text behind
 * `Invalid value X for configuration key: ` — Kafka's wording, see `validators.ts`.
 */
export type Validator = ((key: string, value: ConfigValue) => string | null) & { readonly describe?: string }

/** One setting: its type, default, meaning. `defaultValue: null` is optional, no `defaultValue` is required. */
export interface ConfigKey {
  readonly type: ConfigType
  readonly defaultValue?: ConfigValue
  readonly importance: Importance
  readonly doc: string
  readonly group?: string
  readonly displayName?: string
  readonly width?: Width
  /** Place in the group as Kafka numbers it; by default the key's place among the keys of its group, from 1. */
  readonly order?: number
  readonly validator?: Validator
  /** Values a form may offer. */
  readonly recommended?: readonly ConfigValue[]
  readonly dependents?: readonly string[]
  /** Never shown by REST or documents. */
  readonly internal?: boolean
  /**
   * A key of the incumbent that is known and not served: its presence is an error at validation with this reason,
   * unless the value given is the default.
   */
  readonly unsupported?: string
  /** Values of the incumbent that are known and not served, each with its reason. */
  readonly unsupportedValues?: Readonly<Record<string, string>>
}

/** A component's settings in the order they are documented. The one truth for parsing, REST, docs and forms. */
export type ConfigDef = Readonly<Record<string, ConfigKey>>

/** An error that belongs to one key; several may name the same key. */
export interface ConfigProblem {
  readonly key: string
  readonly message: string
}
