import type { RawConfig } from '../../api/config-def.ts'
import {
  adminListenersKey,
  brokerTokenKey,
  halfGuardedWarnings,
  restTokenKey,
  type GuardedListener,
  type RestListener,
} from './rest/listener.ts'
import { restUsersKey } from './rest/rest-users.ts'
import type { RestSettings } from './rest/rest-settings.ts'
import type { EmbeddedBrokerConfig } from './embedded-broker-config.ts'

interface Guarded extends Pick<RestSettings, 'listeners' | 'adminListeners' | 'restTokenFile' | 'restUsersFile'> {
  readonly embedded: EmbeddedBrokerConfig | null
}

/** The listeners of the worker and of its embedded broker, with what guards them. */
export function guardedListeners({
  listeners,
  adminListeners,
  restTokenFile,
  restUsersFile,
  embedded,
}: Guarded): readonly GuardedListener[] {
  const guardedOf = (key: string, address: RestListener): GuardedListener => ({
    key,
    address,
    guardKeys: [restTokenKey, restUsersKey],
    isGuarded: restTokenFile !== null || restUsersFile !== null || address.tls?.clientAuth === 'required',
    isEncrypted: address.tls !== undefined,
  })
  const guarded = [
    ...listeners.map((address) => guardedOf('listeners', address)),
    ...(adminListeners ?? []).map((address) => guardedOf(adminListenersKey, address)),
  ]
  if (embedded === null) return guarded
  const { listen: address, access } = embedded
  const key = 'embedded.broker.listener'
  return [...guarded, { address, key, guardKeys: [brokerTokenKey], isGuarded: access !== null, isEncrypted: false }]
}

/** Returns warnings if only one of the REST API and the embedded broker needs a token. */
export function accessWarnings(
  { restTokenFile, restUsersFile, embedded, listeners }: Omit<Guarded, 'adminListeners'>,
  raw: RawConfig,
): readonly string[] {
  if (embedded === null) {
    if (!Object.hasOwn(raw, brokerTokenKey)) return []
    return [`Worker configuration "${brokerTokenKey}" has no effect: bootstrap.servers names a cluster`]
  }
  const hasCertificates = listeners.every(({ tls }) => tls?.clientAuth === 'required')
  const withoutFile = hasCertificates ? 'ssl.client.auth' : null
  const restKey = restTokenFile !== null ? restTokenKey : restUsersFile !== null ? restUsersKey : withoutFile
  return halfGuardedWarnings(restKey, embedded.access !== null)
}
