import { errorMessage, type ConfigKey, type ConfigValue, type ParsedConfig, type Validator } from 'penstock/api'

/** The setting of KIP-1040, which most transforms have. */
export const replaceNullWithDefault = {
  type: 'BOOLEAN',
  defaultValue: true,
  importance: 'MEDIUM',
  doc: 'Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value is used, otherwise null is used.',
} as const satisfies ConfigKey

/** Returns whether {@link replaceNullWithDefault} is set. */
export function replacesNull(config: ParsedConfig): boolean {
  return config['replace.null.with.default'] !== false
}

/** Returns the items of a LIST. */
export function listOf(config: ParsedConfig, key: string): readonly string[] {
  return itemsOf(config[key])
}

function itemsOf(value: ConfigValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}

/** Returns a STRING; null if it is not set. */
export function textOf(config: ParsedConfig, key: string): string | null {
  const value = config[key]
  return typeof value === 'string' ? value : null
}

/** Rejects a missing and an empty list, as Connect's `NonEmptyListValidator` does. */
export const nonEmptyList: Validator = Object.assign(
  (_key: string, value: unknown) => (Array.isArray(value) && value.length > 0 ? null : 'Empty list'),
  { describe: 'non-empty list' },
)

/** Accepts lists that `parse` does not reject. */
export function pairs(parse: (mappings: readonly string[]) => unknown): Validator {
  const check = (_key: string, value: ConfigValue): string | null => {
    try {
      parse(itemsOf(value))
      return null
    } catch (error) {
      return errorMessage(error)
    }
  }
  return Object.assign(check, { describe: 'list of colon-delimited pairs, e.g. <code>foo:bar,abc:xyz</code>' })
}

/** Returns the parts of `text` between colons as Java's `String.split`, which omits empty parts at the end. */
export function splitAtColons(text: string): readonly string[] {
  const parts = text.split(':')
  while (parts.length > 1 && parts.at(-1) === '') parts.pop()
  return parts.length === 1 && parts[0] === '' && text !== '' ? [] : parts
}
