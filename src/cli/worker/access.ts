import type { BrokerCredentials } from '../../broker/server/authentication.ts'
import type { ClientSecurity } from '../../config/worker/client-security.ts'
import { brokerTokenKey, restTokenKey } from '../../config/worker/listener.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import { tokenOf } from '../token-file.ts'

/** What a worker asks of its clients, and shows to the log. */
export interface Access {
  /** What REST requests have to carry; null: nothing. */
  readonly restToken: string | null
  /** What clients of the embedded log have to show; null: nothing, or there is none. */
  readonly credentials: BrokerCredentials | null
  /** How the worker's own clients connect to the log, embedded or not. */
  readonly security: ClientSecurity
}

/** Reads the tokens from their files, which are made where they are missing. @throws ConfigError TOKEN_FILE */
export function accessOf({ restTokenFile, embedded, security }: WorkerConfig): Access {
  const restToken = restTokenFile === null ? null : tokenOf(restTokenFile, restTokenKey)
  const access = embedded?.access ?? null
  if (access === null) return { restToken, credentials: null, security }
  const credentials = { username: access.username, password: tokenOf(access.tokenFile, brokerTokenKey) }
  return { restToken, credentials, security: { tls: null, sasl: { mechanism: 'PLAIN', ...credentials } } }
}
