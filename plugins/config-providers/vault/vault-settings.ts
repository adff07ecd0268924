import { ConfigError, type ParsedConfig } from 'penstock/api'

/** Where a credential is. A file is read at each use, so that it can be replaced. */
export type Credential = { readonly value: string } | { readonly file: string }

/** How the worker gets a token. */
export type VaultAuth =
  | { readonly method: 'token'; readonly token: Credential }
  | {
      readonly method: 'approle' | 'kubernetes' | 'userpass' | 'jwt'
      readonly mount: string
      /** Of userpass: a part of the path of the login. */
      readonly user: string | null
      /** Fields of the login, without the credential. */
      readonly fields: Readonly<Record<string, string>>
      readonly credential: Credential
      readonly credentialField: string
      /** The settings that a refused login may have wrong. */
      readonly settings: string
    }

export interface VaultSettings {
  readonly address: URL
  readonly namespace: string
  /** Null: both. */
  readonly engineVersion: number | null
  /** A PEM file; null: the authorities of Node.js. */
  readonly authorityFile: string | null
  readonly auth: VaultAuth
}

/** @throws ConfigError naming the settings that are missing, or exclude each other */
export function vaultSettings(config: ParsedConfig): VaultSettings {
  const version = config['vault.engine.version']
  return {
    address: new URL(given(config, 'vault.addr') ?? ''),
    namespace: given(config, 'vault.namespace') ?? '',
    engineVersion: typeof version === 'number' ? version : null,
    authorityFile: given(config, 'vault.pem'),
    auth: authOf(config),
  }
}

function authOf(config: ParsedConfig): VaultAuth {
  const need = (key: string): string => given(config, key) ?? missing(config, [key])
  switch (given(config, 'vault.auth.method')?.toLowerCase()) {
    case 'approle':
      return {
        method: 'approle',
        mount: need('app.role.path'),
        user: null,
        fields: { role_id: need('app.role.id') },
        credential: credential(config, 'app.role.secret.id', 'app.role.secret.id.file'),
        credentialField: 'secret_id',
        settings: 'app.role.id and app.role.secret.id',
      }
    case 'kubernetes':
      return {
        method: 'kubernetes',
        mount: need('kubernetes.mount'),
        user: null,
        fields: { role: need('kubernetes.role') },
        credential: { file: need('kubernetes.token.path') },
        credentialField: 'jwt',
        settings: 'kubernetes.role and kubernetes.token.path',
      }
    case 'userpass':
      return {
        method: 'userpass',
        mount: need('mount'),
        user: need('username'),
        fields: {},
        credential: { value: need('password') },
        credentialField: 'password',
        settings: 'username and password',
      }
    case 'jwt':
      return {
        method: 'jwt',
        mount: need('jwt.provider'),
        user: null,
        fields: { role: need('jwt.role') },
        credential: { value: need('jwt') },
        credentialField: 'jwt',
        settings: 'jwt.role and jwt',
      }
    default:
      return { method: 'token', token: credential(config, 'vault.token', 'vault.token.file') }
  }
}

function credential(config: ParsedConfig, valueKey: string, fileKey: string): Credential {
  const [value, file] = [given(config, valueKey), given(config, fileKey)]
  if (value !== null && file !== null) throw new ConfigError(`${valueKey} and ${fileKey} are both set; set one of them`)
  if (value !== null) return { value }
  return file === null ? missing(config, [valueKey, fileKey]) : { file }
}

function given(config: ParsedConfig, key: string): string | null {
  const value = config[key] ?? null
  return value === null || value === '' ? null : String(value)
}

function missing(config: ParsedConfig, keys: readonly string[]): never {
  throw new ConfigError(`${keys.join(' or ')} must be set: vault.auth.method is ${String(config['vault.auth.method'])}`)
}
