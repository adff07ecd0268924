import type { BrokerCredentials } from '../../broker/server/authentication.ts'
import type { ClientSecurity } from '../../config/worker/client-security.ts'
import { brokerTokenKey, restTokenKey } from '../../config/worker/rest/listener.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import { UserLogins } from '../../rest/access/user-logins.ts'
import { UsersFile, UsersWatch } from '../access/users-file.ts'
import { tokenOf } from '../token-file.ts'
import type { CleanupStack } from './cleanup-stack.ts'
import type { WorkerConditions } from './worker-conditions.ts'
import type { WorkerEnvironment } from './worker-environment.ts'

/** What a worker requires of its clients, and how it authenticates to the broker. */
export interface Access {
  /** The token of REST requests; null: there is none. */
  readonly restToken: string | null
  /** The file with the users of the REST API, as read; null: there is none. */
  readonly restUsers: { readonly file: UsersFile; readonly read: ReturnType<UsersFile['read']> } | null
  /** The credentials of clients of the embedded broker; null: none are required, or there is no embedded broker. */
  readonly credentials: BrokerCredentials | null
  /** How the worker's own clients connect to the broker, embedded or not. */
  readonly security: ClientSecurity
}

/** Reads the users and the tokens from their files; a missing file of a token is created. @throws ConfigError TOKEN_FILE, REST_USERS_FILE */
export function accessOf({ restTokenFile, restUsersFile, embedded, security }: WorkerConfig): Access {
  const restToken = restTokenFile === null ? null : tokenOf(restTokenFile, restTokenKey)
  const restUsers = restUsersFile === null ? null : usersOf(restUsersFile)
  const access = embedded?.access ?? null
  if (access === null) return { restToken, restUsers, credentials: null, security }
  const credentials = { username: access.username, password: tokenOf(access.tokenFile, brokerTokenKey) }
  return { restToken, restUsers, credentials, security: { tls: null, sasl: { mechanism: 'PLAIN', ...credentials } } }
}

function usersOf(path: string): Access['restUsers'] {
  const file = new UsersFile(path)
  return { file, read: file.read() }
}

/** The users for the REST API, which follow their file. */
export function restUsers(parts: {
  readonly access: Access
  readonly env: WorkerEnvironment
  readonly cleanup: CleanupStack
  readonly conditions: WorkerConditions
}): { readonly users?: UserLogins } {
  const { access, env, cleanup, conditions } = parts
  if (access.restUsers === null) return {}
  const { clock, logger } = env
  const users = new UserLogins(access.restUsers.read.users, clock)
  const onChange = users.replace.bind(users)
  const watch = new UsersWatch({ ...access.restUsers, onChange, clock, logger: logger.child('rest') })
  cleanup.add('the watch over the file of users', async () => watch.close())
  conditions.add('worker', () => watch.conditions)
  return { users }
}
