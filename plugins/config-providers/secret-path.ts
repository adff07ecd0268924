import { ConfigError } from 'penstock/api'

/** The path of a reference to a secret manager. */
export interface SecretPath {
  readonly name: string
  /** The version of the secret; null: the latest. */
  readonly version: string | null
}

/**
 * Parses `name?version=…`, as other providers of secret managers for Kafka Connect write it.
 * @throws ConfigError for another parameter, which would otherwise be a part of the name that is not found
 */
export function secretPath(path: string): SecretPath {
  const [name = '', query = '', ...rest] = path.split('?')
  const text = [query, ...rest].join('?')
  if (name === '') throw new ConfigError('the reference names no secret')
  const given = new URLSearchParams(text)
  const unknown = [...given.keys()].find((key) => key !== 'version')
  if (unknown !== undefined) {
    throw new ConfigError(
      `the reference has the parameter ${JSON.stringify(unknown)}; only ?version= can follow a name`,
    )
  }
  return { name, version: given.get('version') }
}
