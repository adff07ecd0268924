import type { SubmittedConfig } from '../../config/definition/config-infos.ts'
import { replaceLiterals } from '../../config/providers/provider-reference.ts'

/** Shown in place of a password. */
export const mask = '********'

/** Returns whether a key of a config holds a password. */
export type PasswordTest = (key: string) => boolean

/** Returns a config in which each password is replaced. References stay, as they are no secret; so do empty values. */
export function maskedConfig<T extends string | null>(
  config: Readonly<Record<string, T>>,
  isPassword: PasswordTest,
): Readonly<Record<string, T>> {
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      value !== null && isPassword(key) ? (maskedValue(value) as T) : value,
    ]),
  )
}

/** Shorter passwords occur in other values by chance. */
const minHiddenLength = 4

/**
 * Returns the config of a task as {@link maskedConfig} does. In values that the connector has computed, the literal passwords of its
 * own config are replaced too.
 */
export function maskedTaskConfig(
  task: Readonly<Record<string, string>>,
  connector: Readonly<Record<string, string>>,
  isPassword: PasswordTest,
): Readonly<Record<string, string>> {
  const passwords = Object.entries(connector)
    .flatMap(([key, value]) => (isPassword(key) && maskedValue(value) === mask ? [value] : []))
    .filter((value) => value.length >= minHiddenLength)
    // A password may be a part of another one.
    .toSorted((a, b) => b.length - a.length)
  const computed = Object.entries(task).map(([key, value]) => {
    const isOwn = Object.hasOwn(connector, key) && connector[key] === value
    return [key, isOwn ? value : passwords.reduce((text, password) => text.replaceAll(password, () => mask), value)]
  })
  return maskedConfig(Object.fromEntries(computed) as Readonly<Record<string, string>>, isPassword)
}

/** Returns whether a config may hold a mask, in any key. */
export function mayHoldMask(config: SubmittedConfig): boolean {
  return Object.values(config).some((value) => value?.includes(mask) === true)
}

/** Returns the keys whose submitted value is what a masked response shows of the stored one. */
export function keptKeys(
  submitted: SubmittedConfig,
  stored: Readonly<Record<string, string>>,
  isPassword: PasswordTest,
): ReadonlySet<string> {
  const kept = Object.entries(submitted).filter(([key, value]) => {
    const before = Object.hasOwn(stored, key) ? stored[key] : undefined
    return before !== undefined && isPassword(key) && isMask(value) && value === maskedValue(before)
  })
  return new Set(kept.map(([key]) => key))
}

/** Returns the keys of passwords that are a mask, alone or between references. */
export function maskKeys(config: SubmittedConfig, isPassword: PasswordTest): readonly string[] {
  return Object.entries(config).flatMap(([key, value]) => (isMask(value) && isPassword(key) ? [key] : []))
}

function isMask(value: string | null): boolean {
  return value?.includes(mask) === true && maskedValue(value) === value
}

function maskedValue(value: string): string {
  return replaceLiterals(value, mask)
}
