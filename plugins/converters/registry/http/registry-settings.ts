import { readFileSync } from 'node:fs'

import { ConfigError, type Backoff, type ConfigValue, type ParsedConfig } from 'penstock/api'

/** How to reach a registry. */
export interface RegistrySettings {
  /** Without credentials. At least one. */
  readonly urls: readonly RegistryUrl[]
  /** PEM text for TLS. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly passphrase?: string }
  readonly timeoutMs: number
  readonly maxRetries: number
  readonly backoff: Backoff
}

/** A URL of a registry, with the value of the Authorization header for it. */
export interface RegistryUrl {
  /** Without a slash at its end. */
  readonly url: string
  readonly authorization: string | null
}

const urlKey = 'schema.registry.url'

/** @throws ConfigError for a URL that is none, credentials that are missing, and files that cannot be read */
export function registrySettings(config: ParsedConfig): RegistrySettings {
  const given = config[urlKey]
  const urls = (Array.isArray(given) ? (given as readonly string[]) : []).map((text) => registryUrl(text, config))
  if (urls.length === 0)
    throw new ConfigError('schema.registry.url has no URL: set it to the address of the schema registry', {
      key: urlKey,
    })
  return {
    urls,
    tls: tlsOf(config),
    timeoutMs: Number(config['http.read.timeout.ms']),
    maxRetries: Number(config['max.retries']),
    backoff: { initialMs: Number(config['retries.wait.ms']), maxMs: Number(config['retries.max.wait.ms']) },
  }
}

function registryUrl(text: string, config: ParsedConfig): RegistryUrl {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new ConfigError(`schema.registry.url has "${withoutUser(text)}", which is not an http or https URL`, {
      key: urlKey,
    })
  const inUrl = url.username === '' ? null : `${decoded(url.username)}:${decoded(url.password)}`
  url.username = ''
  url.password = ''
  return { url: url.href.replace(/\/+$/, ''), authorization: authorizationOf(config, inUrl) }
}

function authorizationOf(config: ParsedConfig, inUrl: string | null): string | null {
  const token = textOf(config['bearer.auth.token'])
  if (token !== null) return `Bearer ${token}`
  const fromUser = config['basic.auth.credentials.source'] === 'USER_INFO'
  const user = fromUser ? textOf(config['basic.auth.user.info']) : inUrl
  if (fromUser && user === null)
    throw new ConfigError('basic.auth.credentials.source is USER_INFO: set basic.auth.user.info to user:password', {
      key: 'basic.auth.user.info',
    })
  return user === null ? null : `Basic ${Buffer.from(user).toString('base64')}`
}

const prefix = 'schema.registry.ssl'

function tlsOf(config: ParsedConfig): RegistrySettings['tls'] {
  const keystore = pemFile(config, `${prefix}.keystore.location`)
  const ca = textOf(config[`${prefix}.truststore.certificates`]) ?? pemFile(config, `${prefix}.truststore.location`)
  const cert = textOf(config[`${prefix}.keystore.certificate.chain`]) ?? keystore
  const key = textOf(config[`${prefix}.keystore.key`]) ?? keystore
  const passphrase = textOf(config[`${prefix}.key.password`])
  return {
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
    ...(passphrase === null ? {} : { passphrase }),
  }
}

function pemFile(config: ParsedConfig, key: string): string | null {
  const file = textOf(config[key])
  if (file === null) return null
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new ConfigError(`The file of "${key}" cannot be read: ${file}`, { cause, key })
  }
  if (!text.includes('-----BEGIN '))
    throw new ConfigError(`The file of "${key}" is not PEM: ${file}. Convert it to PEM, as for the worker's ssl.*`, {
      key,
    })
  return text
}

function textOf(value: ConfigValue | undefined): string | null {
  const text = value === null || value === undefined ? '' : String(value).trim()
  return text === '' ? null : text
}

function withoutUser(text: string): string {
  return text.replace(/\/\/[^/@]*@/, '//')
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
