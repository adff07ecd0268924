import type { ConfigKey, ConfigValue } from '../../api/config-def.ts'
import { parseValue } from '../../config/definition/parse-value.ts'

/** Texts that are wrong for many settings. */
const oddTexts: readonly string[] = [
  '',
  ' ',
  'no such value',
  '-1',
  '0',
  '2147483648',
  '99999999',
  'a,a',
  ',',
  '[',
  '{',
  'ü',
  '\u0000',
]

/** Returns texts that the setting's type or its validator refuses. */
export function wrongValues({ type, validator, unsupportedValues }: ConfigKey, key: string): readonly string[] {
  const refused = oddTexts.filter((text) => {
    const parsed = parseValue(text, type)
    return 'problem' in parsed || isRefused(validator, key, parsed.value)
  })
  return [...refused, ...Object.keys(unsupportedValues ?? {})]
}

function isRefused(validator: ConfigKey['validator'], key: string, value: ConfigValue): boolean {
  return (validator?.(key, value) ?? null) !== null
}

/** Returns all odd texts of the type's values, and the null of a missing value: none may make a validator throw. */
export function oddValues({ type }: ConfigKey): readonly ConfigValue[] {
  const parsed = oddTexts.flatMap((text) => {
    const result = parseValue(text, type)
    return 'value' in result ? [result.value] : []
  })
  return [null, ...parsed]
}
