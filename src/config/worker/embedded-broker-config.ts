import { resolve } from 'node:path'
import type { ParsedConfig, RawConfig } from '../../api/config-def.ts'
import { ConfigError } from '../../api/errors.ts'
import { isBrokerSetting } from '../../broker/settings/broker-settings.ts'
import type { ListenAddress } from '../../foundation/network/listen-address.ts'
import { nearestKey } from '../definition/nearest-key.ts'
import { optionalText, text } from './parsed-values.ts'
import { brokerTokenKey, parseHostAndPort } from './rest/listener.ts'
import { embeddedBrokerPrefix, workerConfigDef } from './worker-config-def.ts'

/** The embedded broker, if `bootstrap.servers` is not set. */
export interface EmbeddedBrokerConfig {
  readonly listen: ListenAddress
  readonly advertisedHost: string | null
  /** Absolute path. */
  readonly dataDir: string
  /** The user and the file with its password; null if clients need none. */
  readonly access: { readonly username: string; readonly tokenFile: string } | null
  /** Its settings, with Kafka's names. */
  readonly settings: Readonly<Record<string, string>>
}

/** @param given the settings of the broker, without prefix. @throws ConfigError for an address that is not valid */
export function embeddedBroker(parsed: ParsedConfig, given: RawConfig): EmbeddedBrokerConfig {
  const key = 'embedded.broker.listener'
  const advertised = text(parsed, 'embedded.broker.advertised.host')
  const tokenFile = optionalText(parsed, brokerTokenKey)
  return {
    listen: parseHostAndPort(text(parsed, key), key),
    advertisedHost: advertised === '' ? null : advertised,
    dataDir: resolve(text(parsed, 'embedded.broker.data.dir')),
    access: tokenFile === null ? null : { username: text(parsed, 'embedded.broker.user'), tokenFile },
    settings: Object.fromEntries(Object.entries(given).filter(([name]) => isBrokerSetting(name))),
  }
}

/** An unknown setting of the embedded broker is an error, because no other component could read it. @throws ConfigError */
export function refuseUnknownBrokerSettings(raw: RawConfig): void {
  const known = Object.keys(workerConfigDef).filter((key) => key.startsWith(embeddedBrokerPrefix))
  for (const key of Object.keys(raw)) {
    if (!key.startsWith(embeddedBrokerPrefix) || known.includes(key)) continue
    const nearest = nearestKey(key, known)
    const hint = nearest === null ? 'docs/reference/worker.md lists those that are' : `did you mean "${nearest}"?`
    throw new ConfigError(`Worker configuration "${key}" is not a setting of the embedded broker; ${hint}`)
  }
}
