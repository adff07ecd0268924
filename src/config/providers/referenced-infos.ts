import type { ConfigProblem } from '../../api/config-def.ts'
import type { ConfigInfo, SubmittedConfig } from '../definition/config-infos.ts'
import { connectorRestartKeys } from '../restart-settings.ts'
import { undefinedValue } from '../definition/describe-config.ts'
import { withoutCredentials } from '../definition/parse-value.ts'
import { hasReference, providerReferences, replaceLiterals, replaceReferences } from './provider-reference.ts'
import { Redaction } from './redaction.ts'
import type { ResolvedReferences } from './resolved-references.ts'

/**
 * Keys that the worker reads outside of the threads in which references are resolved, and those whose values become the names
 * of other keys, which a validation shows.
 */
const literalKeys: readonly string[] = [
  'name',
  'connector.class',
  'tasks.max',
  'consumer.override.group.id',
  'transforms',
  'predicates',
  'topic.creation.groups',
  ...Object.keys(connectorRestartKeys),
]

/** Returns the config with values for references, but not in the keys that cannot have any. */
export function resolvedForValidation(config: SubmittedConfig, references: ResolvedReferences): SubmittedConfig {
  const literal = Object.entries(config).filter(([key]) => literalKeys.includes(key))
  return { ...references.config(config), ...Object.fromEntries(literal) }
}

/** Returns a problem for each reference that cannot be resolved, or is where none may be. */
export function referenceProblems(config: SubmittedConfig, references: ResolvedReferences): readonly ConfigProblem[] {
  const misplaced = literalKeys.filter((key) => hasReference(config[key]))
  return [
    ...misplaced.map((key) => ({
      key,
      message: `Configuration "${key}" cannot refer to a config provider: the worker uses it where references are not resolved. Enter the value itself`,
    })),
    ...references.problems(config).filter(({ key }) => !misplaced.includes(key)),
  ]
}

/**
 * Returns the infos of a validation of resolved values without these values (I8): a value that has a reference is shown as it
 * was submitted, and errors have references for values.
 * @param problems those of {@link referenceProblems}; each is the only error of its key
 */
export function withReferencesShown(
  infos: readonly ConfigInfo[],
  config: SubmittedConfig,
  { references, problems }: { readonly references: ResolvedReferences; readonly problems: readonly ConfigProblem[] },
): readonly ConfigInfo[] {
  const redaction = new Redaction().learn(references)
  const messages = Map.groupBy(problems, ({ key }) => key)
  const known = new Set(infos.map(({ value }) => value.name))
  const missing = [...messages.keys()].filter((key) => !known.has(key)).map((key) => undefinedValue(key, []))
  return [...missing, ...infos].map(({ definition, value }) => {
    const submitted = config[value.name] ?? ''
    const own = messages.get(value.name)?.map(({ message }) => message)
    if (!hasReference(submitted))
      return { definition, value: { ...value, errors: own ?? value.errors.map((error) => redaction.text(error)) } }
    const errors =
      own ?? value.errors.map((error) => errorWithout(error, value.name, { submitted, references, redaction }))
    return { definition, value: { ...value, value: shown(submitted, definition?.type === 'PASSWORD'), errors } }
  })
}

/** A redacted error may still have a value that is too short to be redacted, and the parsed value is a part of most errors. */
function errorWithout(
  error: string,
  key: string,
  given: { readonly submitted: string; readonly references: ResolvedReferences; readonly redaction: Redaction },
): string {
  const { submitted, references, redaction } = given
  const redacted = redaction.text(error)
  const rest = replaceReferences(redacted, () => '')
  const own = new Set(providerReferences(submitted).map(({ text }) => text))
  const values = references.secrets.filter(({ reference }) => own.has(reference)).map(({ value }) => value.trim())
  if (!values.some((value) => value !== '' && rest.includes(value))) return redacted
  return `Invalid value ${shown(submitted, true)} for configuration ${key}: the value of the reference is not valid`
}

/** Returns a submitted value with a reference. What else is in it may be a secret too. */
function shown(submitted: string, isPassword: boolean): string {
  const literal = replaceReferences(submitted, () => '')
  if (literal.trim() === '') return submitted
  if (isPassword) return replaceLiterals(submitted, '[hidden]')
  // A user by reference with a literal password, or the other way round.
  return /:\/\/[^/@\s]*:[^/@\s]+@/.test(literal) ? withoutCredentials(submitted) : submitted
}
