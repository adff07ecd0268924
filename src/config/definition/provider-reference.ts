import type { ConfigProblem } from '../../api/config-def.ts'
import type { SubmittedConfig } from './config-infos.ts'

/** A `${provider:path:key}` in a config value. The path is empty in the short form `${provider:key}`. */
export interface ProviderReference {
  readonly provider: string
  readonly path: string
  readonly key: string
}

/** All references in a value, by Kafka's grammar: several may stand in one value, none within another. */
export function providerReferences(value: string): readonly ProviderReference[] {
  return [...value.matchAll(/\$\{([^}:]*):(?:([^}]*?):)?([^}]*?)\}/g)].map(
    ([, provider = '', path = '', key = '']) => ({ provider, path, key }),
  )
}

/** Values that would be taken literally although they ask a config provider. */
export function unresolvedReferences(config: SubmittedConfig): readonly ConfigProblem[] {
  return Object.entries(config).flatMap(([key, value]) => {
    const [reference] = providerReferences(value ?? '')
    if (reference === undefined) return []
    const message = `Configuration "${key}" asks the config provider "${reference.provider}". Not supported: write the value itself`
    return [{ key, message }]
  })
}
