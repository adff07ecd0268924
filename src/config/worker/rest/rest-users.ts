import { ConfigError } from '../../../api/errors.ts'
import { parseProperties } from '../../../api/java/java-properties.ts'
import { clipped } from '../../../foundation/logging/clipped.ts'
import { PasswordHash, passwordHashForm } from '../../../foundation/network/password-hash.ts'
import { isTokenHash, tokenHashForm } from '../../../foundation/network/token-hash.ts'

/** The setting of the file with the users of the REST API. */
export const restUsersKey = 'rest.users.file'

/** What users may do. Each role includes those before it. */
export const roles = ['read', 'operate', 'admin'] as const
export type Role = (typeof roles)[number]

/** A user of the REST API. */
export interface RestUser {
  readonly name: string
  readonly role: Role
  /** Patterns of connector names, in which `*` stands for any text; null: all connectors. */
  readonly connectors: readonly string[] | null
  /** As {@link connectors}, of the topics whose records the user may read; null: it depends on the role. */
  readonly topics: readonly string[] | null
  readonly password: PasswordHash | null
  /** See `tokenHash`. */
  readonly token: string | null
}

/** The end of each key; the rest is the name of the user. */
const fields = ['role', 'password', 'token', 'connectors', 'topics'] as const
type Field = (typeof fields)[number]

/** The limits of a file (I10). */
const maxUsers = 1000
const maxNameLength = 128
const maxPatterns = 100

/**
 * Parses a file of users: properties `<user>.role`, `<user>.password`, `<user>.token`, `<user>.connectors` and `<user>.topics`.
 * @throws ConfigError with the first problem. It has no password, token or hash (I8)
 */
export function parseRestUsers(text: string): readonly RestUser[] {
  const given = new Map<string, Partial<Record<Field, string>>>()
  for (const [key, value] of Object.entries(parseProperties(text))) {
    const field = fields.find((each) => key.endsWith(`.${each}`))
    if (field === undefined) {
      const forms = fields.map((each) => `<user>.${each}`).join(', ')
      throw new ConfigError(`"${clipped(key)}" is not a setting of a user. These are: ${forms}`)
    }
    const name = key.slice(0, -field.length - 1)
    given.set(name, { ...given.get(name), [field]: value.trim() })
  }
  if (given.size === 0) throw new ConfigError('It has no users. Add one, with <user>.role and <user>.password')
  if (given.size > maxUsers) throw new ConfigError(`It has ${given.size} users; the maximum is ${maxUsers}`)
  const users = [...given].map(([name, settings]) => userOf(name, settings))
  refuseSharedTokens(users)
  return users
}

function userOf(name: string, settings: Partial<Record<Field, string>>): RestUser {
  const { role, password, token, connectors, topics } = settings
  const user = `User "${clipped(name)}"`
  if (name.length === 0 || name.length > maxNameLength || /[:\p{Cc}]/u.test(name))
    throw new ConfigError(`${user}: a name has 1 to ${maxNameLength} characters, without colons and control characters`)
  const known = roles.find((each) => each === role)
  if (known === undefined) {
    const found = role === undefined ? 'has no role' : `has the role "${clipped(role)}"`
    throw new ConfigError(`${user} ${found}. Set ${name}.role to ${roles.join(', ')}`)
  }
  if (password === undefined && token === undefined)
    throw new ConfigError(
      `${user} has no password and no token. Set ${name}.password to the output of: penstock hash-password`,
    )
  return {
    name,
    role: known,
    connectors: connectors === undefined ? null : patternsOf(`${name}.connectors`, connectors),
    topics: topics === undefined ? null : patternsOf(`${name}.topics`, topics),
    password: password === undefined ? null : passwordOf(name, password),
    token: token === undefined ? null : tokenOf(name, token),
  }
}

function passwordOf(name: string, text: string): PasswordHash {
  const password = PasswordHash.parse(text)
  if (password !== null) return password
  throw new ConfigError(
    `User "${name}": the password is not a hash of the form ${passwordHashForm}. Set ${name}.password to the output of: penstock hash-password`,
  )
}

function tokenOf(name: string, text: string): string {
  if (isTokenHash(text)) return text
  throw new ConfigError(
    `User "${name}": the token is not a hash of the form ${tokenHashForm}. Set ${name}.token to the output of: penstock hash-password --token`,
  )
}

/** An empty list would be read as "none" by some and as "all" by others. */
function patternsOf(key: string, text: string): readonly string[] {
  const patterns = text.split(',').map((pattern) => pattern.trim())
  if (patterns.includes(''))
    throw new ConfigError(
      `${key} has an empty pattern. Remove the line to allow what the user may without it, or set * to allow all`,
    )
  if (patterns.length > maxPatterns)
    throw new ConfigError(`${key} has ${patterns.length} patterns; the maximum is ${maxPatterns}`)
  return patterns
}

function refuseSharedTokens(users: readonly RestUser[]): void {
  const owners = new Map<string, string>()
  for (const { name, token } of users) {
    if (token === null) continue
    const owner = owners.get(token)
    if (owner !== undefined)
      throw new ConfigError(`Users "${owner}" and "${name}" have the same token. Each needs its own`)
    owners.set(token, name)
  }
}

/**
 * Returns a warning if the workers of a group may not be able to send task configs to each other: without signatures they need a
 * token, as no user is theirs.
 * @param protocol `connect.protocol`
 */
export function unsignedUsersWarnings(
  access: { readonly restUsersFile: string | null; readonly restTokenFile: string | null },
  protocol: string,
): readonly string[] {
  if (access.restUsersFile === null || access.restTokenFile !== null || protocol === 'sessioned') return []
  return [
    `${restUsersKey} is set and connect.protocol is ${protocol}: workers do not sign the task configs that they send to the leader, which refuses them without credentials. Set connect.protocol=sessioned, or rest.token.file as well`,
  ]
}
