import type { RawConfig } from '../../api/config-def.ts'
import { ConfigError } from '../../api/errors.ts'
import { hasReference } from './provider-reference.ts'
import { Redaction } from './redaction.ts'
import type { ResolvedReferences, ResolvedSecret } from './resolved-references.ts'
import { minSecretLength } from './secret-forms.ts'

/** The code of an error for a task config that holds a secret in a form for which there is no reference. */
export const secretInTaskConfigCode = 'SECRET_IN_TASK_CONFIG'

/** A connector's config, and its references with their values. */
export interface ConnectorReferences {
  /** With references. */
  readonly raw: RawConfig
  readonly resolved: ResolvedReferences
}

/**
 * Returns a function that puts the references back into the task configs that a connector has generated from its resolved
 * config, so that the config topic holds no secret (I8). The task resolves them to the same values.
 *
 * A value under the connector's own key becomes what the connector's config has there. In any other value, each secret of
 * at least {@link minSecretLength} characters becomes its reference.
 *
 * The function throws ConfigError SECRET_IN_TASK_CONFIG when a secret is left, such as one in Base64.
 */
export function referenceRestorer({ raw, resolved }: ConnectorReferences): (generated: RawConfig) => RawConfig {
  const { secrets } = resolved
  if (secrets.length === 0) return (generated) => generated
  const redaction = new Redaction().learn(resolved)
  const replaced = replacer(secrets)
  const restored = (key: string, value: string): string => {
    if (redaction.holds(key)) throw leftBehind(redaction.text(key), 'in its name')
    const own = Object.hasOwn(raw, key) ? raw[key] : undefined
    if (own !== undefined && isFrom(value, own, resolved)) return own
    const text = replaced(value)
    // White space around a secret is not a part of the parsed config. In the middle of a value it would come back.
    if (redaction.holds(text) || resolved.text(text).trim() !== value.trim())
      throw leftBehind(key, 'in a form that no reference stands for')
    return text
  }
  return (generated) => Object.fromEntries(Object.entries(generated).map(([key, value]) => [key, restored(key, value)]))
}

function isFrom(value: string, own: string, resolved: ResolvedReferences): boolean {
  if (!hasReference(own)) return value === own
  const from = resolved.text(own)
  return value === from || value === from.trim()
}

/** Returns a function that replaces all secrets by their references, the longest first. */
function replacer(secrets: readonly ResolvedSecret[]): (text: string) => string {
  const references = new Map<string, string>()
  for (const { reference, value } of secrets) {
    for (const text of [value, value.trim()])
      if (text.trim().length >= minSecretLength && !references.has(text)) references.set(text, reference)
  }
  if (references.size === 0) return (text) => text
  const longestFirst = [...references.keys()].toSorted((a, b) => b.length - a.length)
  const pattern = new RegExp(longestFirst.map(escaped).join('|'), 'g')
  return (text) => text.replace(pattern, (found) => references.get(found) ?? '')
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}

function leftBehind(key: string, where: string): ConfigError {
  return new ConfigError(
    `the task config's "${key}" holds a value that a config provider has returned, ${where}. It cannot be stored: let the task compute it from the connector's config`,
    { code: secretInTaskConfigCode },
  )
}
