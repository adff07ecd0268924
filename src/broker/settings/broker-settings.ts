import type { CoordinatorConfig } from '../coordinator/coordinator-config.ts'
import type { BrokerConfig } from './broker-config.ts'
import {
  brokerSettings,
  defaults,
  noLimit,
  type BrokerSetting,
  type Part,
  type Parts,
  type SettingValue,
} from './broker-setting-definitions.ts'

/** The config that results from settings given by name. */
export interface SettledBroker {
  readonly config: Partial<BrokerConfig>
  readonly coordinators: Partial<CoordinatorConfig>
}

/**
 * Parses settings that a user gave by name.
 * @throws RangeError that names an unknown setting, or a setting and the value that it does not take.
 */
export function settledBroker(values: Readonly<Record<string, string | number | boolean>>): SettledBroker {
  const changed: Record<Part, Record<string, SettingValue>> = { broker: {}, connections: {}, log: {}, coordinators: {} }
  for (const name of Object.keys(values)) if (!isBrokerSetting(name)) throw new RangeError(`${name} is not a setting`)
  for (const [name, { target, type }] of Object.entries(brokerSettings)) {
    const given = values[name]
    if (given === undefined) continue
    const value = parsedValue(name, String(given).trim())
    if (target === null) continue
    const { part, field, unit } = target
    changed[part][field] = type === 'boolean' ? value : inField(value as number, unit)
  }
  const { broker, connections, log, coordinators } = changed
  requireOrder(coordinators)
  const config = {
    ...broker,
    connections: { ...defaults.connections, ...connections },
    log: { ...defaults.log, ...log },
  }
  return { config, coordinators }
}

/** Returns whether there is a setting of that name. Inherited properties such as `constructor` are none. */
export function isBrokerSetting(name: string): boolean {
  return Object.hasOwn(brokerSettings, name)
}

/** Returns every setting and its value in a config, as text. */
export function settingTexts(config: BrokerConfig, coordinators: CoordinatorConfig): readonly [string, string][] {
  const parts: Parts = { broker: config, connections: config.connections, log: config.log, coordinators }
  return Object.entries(brokerSettings).flatMap(([name, { target, defaultValue, isAlias }]) => {
    if (isAlias) return []
    if (target === null) return [[name, String(defaultValue)]]
    const { part, field, unit } = target
    const value = (parts[part] as unknown as Readonly<Record<string, SettingValue>>)[field] as SettingValue
    return [[name, typeof value === 'number' ? numberText(value / unit) : String(value)]]
  })
}

/** Formats a number as Kafka does. */
export function numberText(value: number): string {
  return value >= noLimit ? '9223372036854775807' : String(value)
}

function parsedValue(name: string, text: string): SettingValue {
  const { type, least, most, doc } = brokerSettings[name] as BrokerSetting
  if (type === 'boolean') {
    if (!/^(?:true|false)$/i.test(text)) throw new RangeError(`${name}=${text} is neither true nor false`)
    return text.toLowerCase() === 'true'
  }
  const number = Number(text)
  const isNumber = type === 'double' ? text !== '' && Number.isFinite(number) : /^-?\d+$/.test(text)
  if (isNumber && number >= least && number <= most) return number
  if (least === most) throw new RangeError(`${name}=${text} can only be ${least}: ${doc}`)
  const kind = type === 'double' ? 'a number' : 'a whole number'
  const range = most === noLimit ? `of at least ${least}` : `from ${least} to ${most}`
  throw new RangeError(`${name}=${text} is not ${kind} ${range}`)
}

/** Converts a value to the unit of its field. -1 means no limit in every unit. */
function inField(value: number, unit: number): number {
  if (value < 0) return value
  return value > Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : value * unit
}

function requireOrder(changed: Readonly<Partial<Record<keyof CoordinatorConfig, SettingValue>>>): void {
  const { minSessionTimeoutMs, maxSessionTimeoutMs } = { ...defaults.coordinators, ...changed }
  if (minSessionTimeoutMs > maxSessionTimeoutMs)
    throw new RangeError('group.min.session.timeout.ms is above group.max.session.timeout.ms')
}
