import type { ConfigKey, ParsedConfig, Validator } from 'penstock/api'

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
  const value = config[key]
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

/** Returns the parts of `text` between colons as Java's `String.split`, which omits empty parts at the end. */
export function splitAtColons(text: string): readonly string[] {
  const parts = text.split(':')
  while (parts.length > 1 && parts.at(-1) === '') parts.pop()
  return parts.length === 1 && parts[0] === '' && text !== '' ? [] : parts
}
