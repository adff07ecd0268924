import type { ConfigDef } from 'penstock/api'
import { connectionOptions } from './options/connection.ts'
import { conversionOptions } from './options/conversion.ts'
import { resourceOptions } from './options/resources.ts'
import { securityOptions } from './options/security.ts'

/** Confluent's keys, most with their defaults, and ours: `document.*`, `connection.api.key`. */
export const configDef: ConfigDef = {
  ...connectionOptions,
  ...conversionOptions,
  ...resourceOptions,
  ...securityOptions,
}
