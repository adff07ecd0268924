import { defaultConnectionLimits, type ConnectionLimits } from './connection-limits.ts'

/** The limits that can be set, by Kafka's names, and the least value of each. */
const settings = {
  'connections.max.idle.ms': { field: 'maxIdleMs', least: 1000 },
  'max.connections': { field: 'maxConnections', least: 1 },
  'max.connections.per.ip': { field: 'maxConnectionsPerIp', least: 1 },
  'queued.max.request.bytes': { field: 'queuedRequestBytes', least: 1024 * 1024 },
  'socket.request.max.bytes': { field: 'maxRequestBytes', least: 1024 },
} as const satisfies Readonly<Record<string, { readonly field: keyof ConnectionLimits; readonly least: number }>>

type SettingName = keyof typeof settings

/** The names of the limits that can be set. */
export const connectionSettingNames = Object.keys(settings) as readonly SettingName[]

/** What a limit is unless it is set. */
export function defaultConnectionSetting(name: SettingName): number {
  return defaultConnectionLimits[settings[name].field]
}

/** The limits, with what is set of them. @throws RangeError that names a setting which is unknown, or no such number. */
export function connectionLimitsOf(values: Readonly<Record<string, string | number>>): ConnectionLimits {
  const changed = Object.entries(values).map(([name, value]) => {
    if (!isSetting(name))
      throw new RangeError(`${name} is not a setting; these are: ${connectionSettingNames.join(', ')}`)
    const { field, least } = settings[name]
    const number = Number(value)
    if (!/^\d+$/.test(String(value)) || !Number.isSafeInteger(number) || number < least)
      throw new RangeError(`${name}=${value} is not a whole number of at least ${least}`)
    return [field, number]
  })
  return { ...defaultConnectionLimits, ...Object.fromEntries(changed) }
}

function isSetting(name: string): name is SettingName {
  return Object.hasOwn(settings, name)
}
