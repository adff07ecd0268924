import { errorMessage, ConfigError, javaRegExp } from 'penstock/api'

/** One pattern of a list option: a regular expression that matches the whole name, ignoring case. */
export interface NamePattern {
  readonly text: string
  readonly regex: RegExp
}

/** Splits at commas; `\,` is a comma inside a pattern. */
export function splitList(text: string): string[] {
  return text
    .split(/(?<!\\),/)
    .map((item) => item.trim().replaceAll('\\,', ','))
    .filter((item) => item !== '')
}

/** @throws ConfigError when an item is not a valid regular expression */
export function patterns(key: string, text: string | null): NamePattern[] {
  return splitList(text ?? '').map((item) => ({ text: item, regex: wholeName(item, `${key}: `) }))
}

/** Why a list of patterns is invalid; null when it is valid. */
export function patternProblem(text: string): string | null {
  try {
    for (const item of splitList(text)) wholeName(item, '')
    return null
  } catch (error) {
    return errorMessage(error)
  }
}

/** Debezium uses Java's regular expressions, which match the whole name and ignore case. */
export function wholeName(pattern: string, where: string): RegExp {
  try {
    return javaRegExp(pattern, { whole: true, ignoreCase: true })
  } catch (error) {
    const reason = errorMessage(error)
    throw new ConfigError(`${where}"${pattern}" cannot be used. ${reason}`, { cause: error })
  }
}

/** Returns whether a pattern matches only one name. */
export function isLiteral(pattern: NamePattern): boolean {
  return !/[*+?()|[\]{}^$]|\\[dDwWsS]/.test(pattern.text)
}
