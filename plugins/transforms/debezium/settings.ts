import { errorMessage, javaRegExp, type ConfigValue, type Validator } from 'penstock/api'

/** Debezium's validators with Debezium's messages. */
function validator(check: (value: ConfigValue) => string | null): Validator {
  return (key, value) => {
    const problem = check(value)
    return problem === null ? null : invalid(key, problem)
  }
}

/** Returns a message of Debezium's. */
export function invalid(key: string, problem: string): string {
  return `The '${key}' value is invalid: ${problem}`
}

/** Rejects null and blank text. */
export const required: Validator = validator((value) =>
  value === null || String(value).trim() === '' ? 'A value is required' : null,
)

/** Accepts null and regular expressions of Java. */
export const regex: Validator = validator((value) => {
  try {
    if (value !== null) javaRegExp(String(value), { whole: true })
    return null
  } catch (error) {
    return `A valid regular expressions is expected, but ${errorMessage(error)}`
  }
})

/** Accepts null and one of the texts, in any case and between spaces. */
export function oneOfTexts(...allowed: readonly string[]): Validator {
  return validator((value) =>
    value === null || allowed.includes(String(value).trim().toLowerCase())
      ? null
      : `Value must be one of ${allowed.join(', ')}`,
  )
}

/** Returns the one of the texts that a value means; the first one if it means none. */
export function chosenText<T extends string>(value: ConfigValue | undefined, allowed: readonly [T, ...T[]]): T {
  const text = String(value ?? '')
    .trim()
    .toLowerCase()
  return allowed.find((one) => one === text) ?? allowed[0]
}

/** Accepts null and numbers above zero. */
export const positive: Validator = validator((value) =>
  value === null || Number(value) > 0 ? null : 'A positive, non-zero integer value is expected',
)

/** Rejects lists with an empty item. */
export const noEmptyItems: Validator = validator((value) =>
  Array.isArray(value) && (value.length === 0 || itemsOf(value).includes(''))
    ? 'Empty string element(s) not permitted'
    : null,
)

/** Rejects lists with an item that has a space in it. */
export const noSpaces: Validator = validator((value) =>
  itemsOf(value).some((item) => item.includes(' ')) ? 'Element(s) containing space not permitted' : null,
)

/** Returns the items of a LIST. As of Java's `split`, empty ones at the end do not count. */
export function itemsOf(value: ConfigValue | undefined): readonly string[] {
  const items = Array.isArray(value) ? value.map(String) : []
  while (items.length > 1 && items.at(-1) === '') items.pop()
  return items
}

/** Accepts what all accept; returns the first problem. */
export function every(...all: readonly Validator[]): Validator {
  return (key, value) => {
    for (const one of all) {
      const problem = one(key, value)
      if (problem !== null) return problem
    }
    return null
  }
}

/** Returns a text; null if it is not set or blank. */
export function textOrNull(value: ConfigValue | undefined): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value : null
}
