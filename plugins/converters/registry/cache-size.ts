import type { ParsedConfig } from 'penstock/api'

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
