import { atLeast, type ConfigKey, type ParsedConfig } from 'penstock/api'

const ttlKey: ConfigKey = {
  type: 'LONG',
  defaultValue: 0,
  importance: 'MEDIUM',
  doc: 'For how long a value is used before it is read again, in milliseconds. 0: until a restart.',
  validator: atLeast(0),
}

/** The setting of providers whose values can change while the worker runs, under the name that Lenses' providers give it. */
export const ttlDef = { 'secret.default.ttl': ttlKey } as const

/** Returns the TTL of values without one of their own. Null: until a restart. */
export function defaultTtlMs(config: ParsedConfig): number | null {
  const ttlMs = config['secret.default.ttl']
  return typeof ttlMs === 'number' && ttlMs > 0 ? ttlMs : null
}
