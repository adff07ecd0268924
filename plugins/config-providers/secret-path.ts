import { ConfigError } from 'penstock/api'

/** The path of a reference to a secret manager. */
export interface SecretPath {
  readonly name: string
  /** The version of the secret; null: the latest. */
  readonly version: string | null
  /** For how long the values are used, in milliseconds; null: as the provider says. 0: until a restart. */
  readonly ttlMs: number | null
}

/**
 * Parses `name?version=…&ttl=…`, as other providers of secret managers for Kafka Connect write it.
 * @throws ConfigError for another parameter, which would otherwise be a part of the name that is not found
 */
export function secretPath(path: string): SecretPath {
  const [name = '', query = '', ...rest] = path.split('?')
  const text = [query, ...rest].join('?')
  if (name === '') throw new ConfigError('the reference names no secret')
  const given = new URLSearchParams(text)
  const unknown = [...given.keys()].find((key) => key !== 'version' && key !== 'ttl')
  if (unknown !== undefined) {
    throw new ConfigError(
      `the reference has the parameter ${JSON.stringify(unknown)}; only ?version= and ?ttl= can follow a name`,
    )
  }
  const ttl = given.get('ttl')
  if (ttl !== null && !/^\d{1,15}$/.test(ttl)) {
    throw new ConfigError(`the reference has ttl=${ttl}, which is not a number of milliseconds`)
  }
  return { name, version: given.get('version'), ttlMs: ttl === null ? null : Number(ttl) }
}
