import type { ConfigDef, ConfigKey } from '../../api/config-def.ts'
import type { CheckedConfig } from './parse-config.ts'
import type { ConfigInfo, ConfigKeyInfo, ConfigValueInfo } from './config-infos.ts'

import { valueText } from './parse-value.ts'

/** Returns the supported keys of a ConfigDef as REST shows them, in order. */
export function describeConfig(def: ConfigDef): readonly ConfigKeyInfo[] {
  const orders = ordersOf(def)
  return visibleKeys(def).map(([name, key]) => describeKey(name, key, orders))
}

/** Returns the keys with their values and errors. A key that is not supported is shown only if it has an error. */
export function describeValues(def: ConfigDef, checked: CheckedConfig): readonly ConfigInfo[] {
  const orders = ordersOf(def)
  const errors = new Map<string, string[]>()
  for (const { key, message } of checked.problems) errors.set(key, [...(errors.get(key) ?? []), message])
  const shown = Object.entries(def).filter(([name, key]) => isVisible(key) || errors.has(name))
  const infos = shown.map(([name, key]) => ({
    definition: describeKey(name, key, orders),
    value: describeValue(name, key, checked, errors.get(name) ?? []),
  }))
  // A rule across several keys may report an unknown key.
  const unknown = [...errors].filter(([name]) => !Object.hasOwn(def, name))
  return [...unknown.map(([name, messages]) => undefinedValue(name, messages)), ...infos]
}

/** Returns the info of an unknown key. */
export function undefinedValue(name: string, errors: readonly string[], value: string | null = null): ConfigInfo {
  return { definition: null, value: { name, value, recommendedValues: [], errors, visible: true } }
}

/** Returns the groups of the supported keys, without duplicates, in order. */
export function groupsOf(def: ConfigDef): readonly string[] {
  return [...new Set(visibleKeys(def).flatMap(([, key]) => (key.group === undefined ? [] : [key.group])))]
}

/** Returns the ConfigDef with an explicit `order` in each key, so that keys can be copied to other ConfigDefs. */
export function withOrders(def: ConfigDef): ConfigDef {
  const orders = ordersOf(def)
  return Object.fromEntries(Object.entries(def).map(([name, key]) => [name, { ...key, order: orders.get(name) ?? -1 }]))
}

function isVisible(key: ConfigKey): boolean {
  return key.unsupported === undefined && key.internal !== true
}

function visibleKeys(def: ConfigDef): readonly (readonly [string, ConfigKey])[] {
  return Object.entries(def).filter(([, key]) => isVisible(key))
}

function ordersOf(def: ConfigDef): ReadonlyMap<string, number> {
  const places = new Map<string, number>()
  const orders = new Map<string, number>()
  for (const [name, key] of Object.entries(def)) {
    if (key.group === undefined) {
      orders.set(name, key.order ?? -1)
      continue
    }
    const place = (places.get(key.group) ?? 0) + 1
    places.set(key.group, place)
    orders.set(name, key.order ?? place)
  }
  return orders
}

function describeKey(name: string, key: ConfigKey, orders: ReadonlyMap<string, number>): ConfigKeyInfo {
  return {
    name,
    type: key.type,
    required: key.defaultValue === undefined,
    defaultValue: key.defaultValue === undefined ? null : valueText(key.defaultValue, key.type),
    importance: key.importance,
    documentation: key.doc,
    group: key.group ?? null,
    width: key.width ?? 'NONE',
    displayName: key.displayName ?? name,
    dependents: key.dependents ?? [],
    order: orders.get(name) ?? -1,
  }
}

function describeValue(
  name: string,
  key: ConfigKey,
  checked: CheckedConfig,
  errors: readonly string[],
): ConfigValueInfo {
  return {
    name,
    value: valueText(checked.parsed[name] ?? null, key.type),
    recommendedValues: (key.recommended ?? []).map((value) => valueText(value, key.type) ?? ''),
    errors,
    visible: true,
  }
}
