/** One key of a ConfigDef, as `GET /connector-plugins/{plugin}/config` returns it. */
export interface ConfigKey {
  readonly name: string
  readonly type: string
  readonly required: boolean
  readonly default_value: string | null
  readonly importance: string
  readonly documentation: string
  readonly group: string | null
  readonly display_name: string
  readonly order: number
}

/** The response of a validation, as far as the form uses it. */
export interface ConfigInfos {
  readonly error_count: number
  readonly configs: readonly {
    readonly value: {
      readonly name: string
      readonly errors: readonly string[]
      readonly recommended_values: readonly string[]
    }
  }[]
}

export type Config = Readonly<Record<string, string>>

/** A field of the form. */
export interface Field {
  readonly key: string
  readonly value: string
  /** Null: a key that the plugin does not define, as one of a transform. */
  readonly definition: ConfigKey | null
  readonly isSecret: boolean
}

/** Fields that belong together. */
export interface FieldGroup {
  readonly title: string
  readonly fields: readonly Field[]
}

const otherKeys = 'Transforms and other keys'

/** What stands in place of a secret. */
export const mask = '••••••••'

/**
 * The fields of a config, in the groups and the order of the plugin's keys; keys that it does not define come last. Keys without
 * a value are left out, except those that are required.
 */
export function fieldGroups(definitions: readonly ConfigKey[], config: Config): readonly FieldGroup[] {
  const known = new Map(definitions.map((definition) => [definition.name, definition]))
  const defined = definitions
    .filter(({ name, required }) => name in config || required)
    .map((definition) => fieldOf(definition.name, config, definition))
  const other = Object.keys(config)
    .filter((key) => !known.has(key))
    .toSorted()
    .map((key) => fieldOf(key, config, null))
  const groups = Map.groupBy(defined, ({ definition }) => definition?.group ?? 'General')
  return [
    ...[...groups].map(([title, fields]) => ({ title, fields })),
    ...(other.length === 0 ? [] : [{ title: otherKeys, fields: other }]),
  ]
}

function fieldOf(key: string, config: Config, definition: ConfigKey | null): Field {
  return { key, value: config[key] ?? '', definition, isSecret: isSecret(key, definition) }
}

/** Keys of transforms and overrides have no definition here: their names tell. */
function isSecret(key: string, definition: ConfigKey | null): boolean {
  return definition === null ? /password|secret|token|jaas/i.test(key) : definition.type === 'PASSWORD'
}

/** A reference to a config provider is no secret itself. */
export function isReference(value: string): boolean {
  return /^\$\{[^}]+\}$/.test(value)
}

/** The keys that are not set, and that can be added. */
export function unsetKeys(definitions: readonly ConfigKey[], config: Config): readonly ConfigKey[] {
  return definitions.filter(({ name }) => !(name in config))
}

/** A difference between two configs; null: the key is not there. */
export interface ConfigChange {
  readonly key: string
  readonly before: string | null
  readonly after: string | null
}

/** What applying `after` changes, with secrets masked, by key. */
export function configChanges(
  before: Config,
  after: Config,
  definitions: readonly ConfigKey[],
): readonly ConfigChange[] {
  const known = new Map(definitions.map((definition) => [definition.name, definition]))
  const shown = (key: string, value: string | undefined): string | null => {
    if (value === undefined) return null
    return isSecret(key, known.get(key) ?? null) && !isReference(value) ? mask : value
  }
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => before[key] !== after[key])
    .toSorted()
    .map((key) => ({ key, before: shown(key, before[key]), after: shown(key, after[key]) }))
}

/** The errors of a validation by key. */
export function errorsByKey(infos: ConfigInfos | null): ReadonlyMap<string, readonly string[]> {
  const entries = (infos?.configs ?? []).filter(({ value }) => value.errors.length > 0)
  return new Map(entries.map(({ value }) => [value.name, value.errors]))
}

/** Values that a key can have, where the plugin names them. */
export function recommendedByKey(infos: ConfigInfos | null): ReadonlyMap<string, readonly string[]> {
  const entries = (infos?.configs ?? []).filter(({ value }) => value.recommended_values.length > 0)
  return new Map(entries.map(({ value }) => [value.name, value.recommended_values]))
}
