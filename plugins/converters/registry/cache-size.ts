import { atLeast, type ConfigDef, type ParsedConfig } from 'penstock/api'

/** The settings that {@link cacheSize} reads, of converters with both names of it. */
export const cacheConfigDef = {
  'schemas.cache.config': {
    type: 'INT',
    defaultValue: 1000,
    importance: 'LOW',
    doc: 'The number of schemas that the converter keeps, of those that it writes and of those that it reads.',
    validator: atLeast(1),
  },
  'schemas.cache.size': {
    type: 'INT',
    defaultValue: null,
    importance: 'LOW',
    doc: 'Another name of `schemas.cache.config`, which takes precedence.',
  },
} as const satisfies ConfigDef

/** Returns how many schemas a converter keeps. */
export function cacheSize(config: ParsedConfig): number {
  return Math.max(1, Number(config['schemas.cache.size'] ?? config['schemas.cache.config']))
}

/** Removes the oldest entries, so that one more is within the limit. */
export function keepWithin(cache: Map<unknown, unknown>, limit: number): void {
  for (const key of cache.keys()) {
    if (cache.size < limit) return
    cache.delete(key)
  }
}
