/** A reference `${provider:path:key}` in a config value. The path is empty in the short form `${provider:key}`. */
export interface ProviderReference {
  /** As in the config, with `${` and `}`. */
  readonly text: string
  readonly provider: string
  readonly path: string
  readonly key: string
}

/** Kafka's pattern. References do not nest, and there is no escape. */
const pattern = /\$\{([^}:]*):(?:([^}]*?):)?([^}]*?)\}/g

/** Returns all references in a value. As in Kafka, a value may have several. */
export function providerReferences(value: string): readonly ProviderReference[] {
  return [...value.matchAll(pattern)].map(([text, provider = '', path = '', key = '']) => ({
    text,
    provider,
    path,
    key,
  }))
}

export function hasReference(value: string | null | undefined): boolean {
  return providerReferences(value ?? '').length > 0
}

/** Returns the value with the text between its references replaced. */
export function replaceLiterals(value: string, replacement: string): string {
  let replaced = ''
  let at = 0
  for (const { index, 0: text } of value.matchAll(pattern)) {
    replaced += (index > at ? replacement : '') + text
    at = index + text.length
  }
  return replaced + (at < value.length ? replacement : '')
}

/** Returns the value with each reference replaced. The replacements are not searched for references. */
export function replaceReferences(value: string, replacement: (text: string) => string): string {
  return value.replace(pattern, (text) => replacement(text))
}
