import type { ConfigType, Importance, Width } from '../../api/config-def.ts'

/** A connector config as it came in over REST: a value may be missing by being null, which validation reports. */
export type SubmittedConfig = Readonly<Record<string, string | null>>

/** What a key means: the answer of `GET /connector-plugins/{plugin}/config` and a part of {@link ConfigInfos}. */
export interface ConfigKeyInfo {
  readonly name: string
  readonly type: ConfigType
  readonly required: boolean
  /** The default as text: lists joined by comma, passwords as `[hidden]`; null when there is none. */
  readonly defaultValue: string | null
  readonly importance: Importance
  readonly documentation: string
  readonly group: string | null
  readonly width: Width
  readonly displayName: string
  readonly dependents: readonly string[]
  /** Place in the group, from 1; -1 without a group. */
  readonly order: number
}

/** What was given for a key, and what is wrong with it. */
export interface ConfigValueInfo {
  readonly name: string
  /** The parsed value as text; null when it is absent without default, or does not parse. */
  readonly value: string | null
  readonly recommendedValues: readonly string[]
  readonly errors: readonly string[]
  readonly visible: boolean
}

/** A key with its value. The definition is null for a value that no definition knows. */
export interface ConfigInfo {
  readonly definition: ConfigKeyInfo | null
  readonly value: ConfigValueInfo
}

/** The result of validating a connector config: errors are data, never thrown. Survives a structured clone. */
export interface ConfigInfos {
  /** The connector class as it was given. */
  readonly name: string
  readonly errorCount: number
  readonly groups: readonly string[]
  readonly configs: readonly ConfigInfo[]
  /** What is no error but worth a line: unknown keys, with the nearest known one. No values. Not a part of Connect's response. */
  readonly warnings: readonly string[]
}
