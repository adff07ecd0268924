import { readFileSync } from 'node:fs'

import type { RawConfig } from '../../api/config-def.ts'

import { ConfigError } from '../../api/errors.ts'
import { configWithPrefix } from '../definition/config-with-prefix.ts'

/** The certificates of one side of TLS connections. PEM text. */
export interface Certificates {
  /** Authorities of the other side. */
  readonly ca?: string
  /** Its own certificate, and those of intermediate authorities. */
  readonly cert?: string
  readonly key?: string
  /** Of an encrypted key. */
  readonly passphrase?: string
}

/** Settings `ssl.*` with the names that they have under a prefix, and that prefix: empty, or `listeners.https.`. */
export interface SslSettings {
  readonly values: RawConfig
  readonly prefix: string
}

/** Returns the settings under the prefix if there are any, else those without prefix (Kafka's `valuesWithPrefixAllOrNothing`). */
export function sslSettings(raw: RawConfig, prefix: string): SslSettings {
  const values = configWithPrefix(raw, prefix)
  return Object.keys(values).length > 0 ? { values, prefix } : { values: raw, prefix: '' }
}

/** @throws ConfigError for a truststore in a format of Java's, and for files that cannot be read */
export function trustedAuthorities(settings: SslSettings): Pick<Certificates, 'ca'> {
  refuseStore(settings, 'ssl.truststore')
  const ca = settings.values['ssl.truststore.certificates'] ?? textOf(settings, 'ssl.truststore.location')
  return ca === undefined ? {} : { ca }
}

/** @throws ConfigError for a keystore in a format of Java's, and for files that cannot be read */
export function ownCertificate(settings: SslSettings): Omit<Certificates, 'ca'> {
  refuseStore(settings, 'ssl.keystore')
  const { values } = settings
  const keystore = textOf(settings, 'ssl.keystore.location')
  const cert = values['ssl.keystore.certificate.chain'] ?? keystore
  const key = values['ssl.keystore.key'] ?? keystore
  const passphrase = values['ssl.key.password']
  return {
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
  }
}

/** The format of a store: `JKS`, `PKCS12` or `PEM`. Null: there is none. */
export function storeType({ values }: SslSettings, store: 'ssl.truststore' | 'ssl.keystore'): string | null {
  const type = values[`${store}.type`]?.trim().toUpperCase()
  return type ?? (values[`${store}.location`] === undefined ? null : 'JKS')
}

function refuseStore(settings: SslSettings, store: 'ssl.truststore' | 'ssl.keystore'): void {
  const type = storeType(settings, store)
  if (type === null || type === 'PEM') return
  const name = `${settings.prefix}${store}`
  throw new ConfigError(
    `"${name}" is a ${type} store, which only Java can read. Convert it to PEM (keytool -importkeystore to PKCS12, then openssl pkcs12) and set ${name}.type=PEM.`,
    { code: 'JAVA_KEYSTORE' },
  )
}

function textOf(settings: SslSettings, key: string): string | undefined {
  return bytesOf(settings, key)?.toString('utf8')
}

/** The content of the file that a setting names. @throws ConfigError if it cannot be read */
export function bytesOf({ values, prefix }: SslSettings, key: string): Buffer | undefined {
  const file = values[key]?.trim()
  if (file === undefined || file === '') return undefined
  try {
    return readFileSync(file)
  } catch (cause) {
    throw new ConfigError(`The file of "${prefix}${key}" cannot be read: ${file}`, { cause })
  }
}
