import type { BrokerCredentials } from '../../broker/server/authentication.ts'
import type { ClientSecurity } from '../../config/worker/client-security.ts'
import { brokerTokenKey, restTokenKey } from '../../config/worker/listener.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import { tokenOf } from '../token-file.ts'

/** What a worker requires of its clients, and how it authenticates to the broker. */
export interface Access {
  /** The token of REST requests; null: none is required. */
  readonly restToken: string | null
  /** The credentials of clients of the embedded broker; null: none are required, or there is no embedded broker. */
  readonly credentials: BrokerCredentials | null
  /** How the worker's own clients connect to the broker, embedded or not. */
  readonly security: ClientSecurity
}

/** Reads the tokens from their files; a missing file is created. @throws ConfigError TOKEN_FILE */
export function accessOf({ restTokenFile, embedded, security }: WorkerConfig): Access {
  const restToken = restTokenFile === null ? null : tokenOf(restTokenFile, restTokenKey)
  const access = embedded?.access ?? null
  if (access === null) return { restToken, credentials: null, security }
  const credentials = { username: access.username, password: tokenOf(access.tokenFile, brokerTokenKey) }
  return { restToken, credentials, security: { tls: null, sasl: { mechanism: 'PLAIN', ...credentials } } }
}
