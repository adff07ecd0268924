import type { ConfigType, Importance, Width } from '../../api/config-def.ts'

/** A connector config as received over REST. A value may be null, which validation reports. */
export type SubmittedConfig = Readonly<Record<string, string | null>>

/** The definition of a key: an element of `GET /connector-plugins/{plugin}/config` and of {@link ConfigInfos}. */
export interface ConfigKeyInfo {
  readonly name: string
  readonly type: ConfigType
  readonly required: boolean
  /** The default as text: lists joined by comma, passwords as `[hidden]`; null if there is none. */
  readonly defaultValue: string | null
  readonly importance: Importance
  readonly documentation: string
  readonly group: string | null
  readonly width: Width
  readonly displayName: string
  readonly dependents: readonly string[]
  /** Position in the group, from 1; -1 without a group. */
  readonly order: number
}

/** The value of a key, and its errors. */
export interface ConfigValueInfo {
  readonly name: string
  /** The parsed value as text; null if it is missing without a default, or does not parse. */
  readonly value: string | null
  readonly recommendedValues: readonly string[]
  readonly errors: readonly string[]
  readonly visible: boolean
}

/** A key with its value. The definition is null for an unknown key. */
export interface ConfigInfo {
  readonly definition: ConfigKeyInfo | null
  readonly value: ConfigValueInfo
}

/** The result of validating a connector config. Errors are data. It can be cloned between threads. */
export interface ConfigInfos {
  /** The connector class as submitted. */
  readonly name: string
  readonly errorCount: number
  readonly groups: readonly string[]
  readonly configs: readonly ConfigInfo[]
  /** Unknown keys, with the nearest known key. Without values, which may be secrets. Not in Connect's response. */
  readonly warnings: readonly string[]
}
