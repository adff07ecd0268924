import type { ConfigProblem } from '../../api/config-def.ts'
import type { SubmittedConfig } from './config-infos.ts'

/** A reference `${provider:path:key}` in a config value. The path is empty in the short form `${provider:key}`. */
export interface ProviderReference {
  readonly provider: string
  readonly path: string
  readonly key: string
}

/** Returns all references in a value. As in Kafka, a value may have several, and they do not nest. */
export function providerReferences(value: string): readonly ProviderReference[] {
  return [...value.matchAll(/\$\{([^}:]*):(?:([^}]*?):)?([^}]*?)\}/g)].map(
    ([, provider = '', path = '', key = '']) => ({ provider, path, key }),
  )
}

/** Returns a problem for each value with a reference, which would be used literally. */
export function unresolvedReferences(config: SubmittedConfig): readonly ConfigProblem[] {
  return Object.entries(config).flatMap(([key, value]) => {
    const [reference] = providerReferences(value ?? '')
    if (reference === undefined) return []
    const message = `Configuration "${key}" refers to the config provider "${reference.provider}". Not supported: enter the value itself`
    return [{ key, message }]
  })
}
