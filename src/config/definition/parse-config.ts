import type { ConfigDef, ConfigKey, ConfigProblem, ConfigValue, ParsedConfig } from '../../api/config-def.ts'
import type { SubmittedConfig } from './config-infos.ts'

import { ConfigError } from '../../api/errors.ts'
import { clipped } from '../../foundation/logging/clipped.ts'
import { messageText, parseValue, withoutCredentials } from './parse-value.ts'
import type { ResolvedClass } from './resolve-class.ts'

/** The result of checking a config against a ConfigDef. */
export interface CheckedConfig {
  /** The value of each key of the ConfigDef; null if it is missing or invalid. */
  readonly parsed: ParsedConfig
  readonly problems: readonly ConfigProblem[]
}

/** A key that names a class. Without `resolveClass` any text is accepted; if it returns null, the error is `Class X could not be found.` */
export interface ClassKey extends ConfigKey {
  readonly resolveClass?: (name: string) => ResolvedClass | null
}

/**
 * Parses a config by its ConfigDef, and adds defaults.
 * @throws ConfigError with all problems, one per line, in Kafka's wording
 */
export function parseConfig(def: ConfigDef, raw: SubmittedConfig): ParsedConfig {
  const { parsed, problems } = checkConfig(def, raw)
  if (problems.length > 0) throw new ConfigError(problems.map((problem) => problem.message).join('\n'))
  return parsed
}

/** Parses all valid values and collects all problems, as Kafka's `ConfigDef.validate` does. */
export function checkConfig(def: ConfigDef, raw: SubmittedConfig): CheckedConfig {
  const parsed: Record<string, ConfigValue> = {}
  const problems: ConfigProblem[] = []
  for (const [key, definition] of Object.entries(def)) {
    const given = Object.hasOwn(raw, key) ? raw[key] : undefined
    const add = (message: string): void => {
      problems.push({ key, message })
    }
    parsed[key] = checkKey(key, definition, given, add)
  }
  return { parsed, problems }
}

function checkKey(
  key: string,
  definition: ClassKey,
  given: string | null | undefined,
  add: (message: string) => void,
): ConfigValue {
  if (given === undefined && definition.unsupported !== undefined) return definition.defaultValue ?? null
  const value = readKey(key, definition, given, add)
  if (definition.unsupported !== undefined) {
    if (!isDefault(value, definition)) add(`Configuration "${key}" is not supported: ${definition.unsupported}`)
    return value
  }
  const refused = unsupportedValue(value, definition)
  if (refused !== null) {
    add(
      `Invalid value ${clipped(messageText(value, definition.type))} for configuration ${key}: Not supported: ${refused}`,
    )
    return value
  }
  // As in Kafka, a validator also sees the null of a value that is missing or did not parse.
  const problem = definition.validator?.(key, value) ?? null
  if (problem !== null)
    add(`Invalid value ${clipped(messageText(value, definition.type))} for configuration ${key}: ${problem}`)
  return value
}

function readKey(
  key: string,
  definition: ClassKey,
  given: string | null | undefined,
  add: (message: string) => void,
): ConfigValue {
  if (given === undefined) {
    if (definition.defaultValue !== undefined) return definition.defaultValue
    add(`Missing required configuration "${key}" which has no default value.`)
    return null
  }
  if (given === null) return null
  const result = parseValue(given, definition.type)
  if ('problem' in result) {
    const shown = definition.type === 'PASSWORD' ? '[hidden]' : clipped(withoutCredentials(given))
    add(`Invalid value ${shown} for configuration ${key}: ${result.problem}`)
    return null
  }
  if (definition.resolveClass === undefined || typeof result.value !== 'string') return result.value
  const resolved = definition.resolveClass(result.value)
  const invalid = `Invalid value ${given} for configuration ${key}: Class`
  if (resolved === null) {
    add(`${invalid} ${result.value} could not be found.`)
    return null
  }
  const { className, problem, unbuilt } = resolved
  if (unbuilt !== null) add(`${invalid} ${className} is known but not available: ${unbuilt}.`)
  else if (problem !== null) add(problem)
  return className
}

function isDefault(value: ConfigValue, definition: ConfigKey): boolean {
  const wanted = definition.defaultValue
  return wanted !== undefined && messageText(value, definition.type) === messageText(wanted, definition.type)
}

function unsupportedValue(value: ConfigValue, definition: ConfigKey): string | null {
  const { unsupportedValues } = definition
  if (unsupportedValues === undefined || value === null) return null
  const text = messageText(value, definition.type).toLowerCase()
  for (const [refused, reason] of Object.entries(unsupportedValues)) {
    if (refused.toLowerCase() === text) return reason
  }
  return null
}
