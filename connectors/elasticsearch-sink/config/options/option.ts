import type { ConfigKey } from 'penstock/api'

type Extra = Omit<ConfigKey, 'type' | 'group' | 'doc'>

/** An option of a group. */
export function key(type: ConfigKey['type'], group: string, doc: string, extra: Extra): ConfigKey {
  return { type, group, doc, ...extra }
}

/** An option of the original connector that is refused, with the reason. */
export function unsupported(type: ConfigKey['type'], group: string, doc: string, reason: string): ConfigKey {
  return key(type, group, doc, { importance: 'LOW', defaultValue: null, unsupported: reason })
}
