import type { RawConfig } from '../../api/config-def.ts'
import { ConfigError } from '../../api/errors.ts'
import { configWithPrefix } from '../definition/config-with-prefix.ts'
import { nearestKey } from '../definition/nearest-key.ts'
import { parseValue } from '../definition/parse-value.ts'
import type { ResolvedSecret } from './resolved-references.ts'

/** A config provider that the worker's settings define. Plain data: it crosses into threads. */
export interface ProviderSettings {
  /** The name in references. */
  readonly name: string
  readonly className: string
  /** The settings `config.providers.<name>.param.*`, without this prefix. */
  readonly params: RawConfig
}

/** What a thread needs to resolve references, and to hide the values of those in the worker's settings. Plain data. */
export interface WorkerProviders {
  readonly settings: readonly ProviderSettings[]
  /** The values of the references in the worker's settings. */
  readonly secrets: readonly ResolvedSecret[]
}

/** The setting that lists the providers. */
export const providersKey = 'config.providers'
const prefix = `${providersKey}.`

/** Returns whether the value of a worker's setting is used as it is, because references are resolved with its help. */
export function isUsedLiterally(key: string): boolean {
  return key === 'plugin.path' || key === providersKey || key.startsWith(prefix)
}

/** Parses `config.providers` and `config.providers.*`. @throws ConfigError naming the setting that is missing or invalid */
export function providerSettings(raw: RawConfig): readonly ProviderSettings[] {
  const names = namesIn(raw)
  refuseStrangers(raw, names)
  return names.map((name) => {
    const wrong = /[:${}\s]/.exec(name)
    if (wrong !== null)
      throw new ConfigError(
        `Worker configuration "${providersKey}": no reference can have the name "${name}", because of "${wrong[0]}"`,
      )
    const className = raw[`${prefix}${name}.class`]?.trim() ?? ''
    if (className === '')
      throw new ConfigError(
        `Missing required configuration "${prefix}${name}.class": the class of the config provider "${name}"`,
      )
    return { name, className, params: configWithPrefix(raw, `${prefix}${name}.param.`) }
  })
}

function namesIn(raw: RawConfig): readonly string[] {
  const parsed = parseValue(raw[providersKey] ?? '', 'LIST')
  const names = 'value' in parsed && Array.isArray(parsed.value) ? parsed.value.map(String) : []
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new ConfigError(`Worker configuration "${providersKey}" lists "${twice}" twice`)
  return names.filter((name) => name !== '')
}

/** A mistyped setting could allow what it is meant to forbid. */
function refuseStrangers(raw: RawConfig, names: readonly string[]): void {
  for (const key of Object.keys(raw)) {
    if (!key.startsWith(prefix)) continue
    const owner = names.find((name) => key === `${prefix}${name}.class` || key.startsWith(`${prefix}${name}.param.`))
    if (owner !== undefined) continue
    const known = names.flatMap((name) => [`${prefix}${name}.class`, `${prefix}${name}.param.`])
    const nearest = nearestKey(key, known)
    const hint =
      nearest === null
        ? `the settings of a provider that it lists are .class and .param.*`
        : `did you mean "${nearest}"?`
    throw new ConfigError(`Worker configuration "${key}" belongs to no provider of "${providersKey}"; ${hint}`)
  }
}
