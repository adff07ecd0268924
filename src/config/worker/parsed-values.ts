import type { ConfigValue, ParsedConfig } from '../../api/config-def.ts'

/** The text of a key; empty when it is null. */
export function text(parsed: ParsedConfig, key: string): string {
  return String(parsed[key] ?? '')
}

/** The text of a key without spaces around it; null when nothing is left. */
export function optionalText(parsed: ParsedConfig, key: string): string | null {
  const value = text(parsed, key).trim()
  return value === '' ? null : value
}

/** The number of a key. */
export function number(parsed: ParsedConfig, key: string): number {
  return Number(parsed[key])
}

/** The texts of a list; none when it is null. */
export function list(value: ConfigValue): readonly string[] {
  return Array.isArray(value) ? value.map(String) : []
}
