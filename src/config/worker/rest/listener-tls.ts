import type { RawConfig } from '../../../api/config-def.ts'

import { ConfigError } from '../../../api/errors.ts'
import { errorMessage } from '../../../foundation/error-message.ts'
import { didYouMean, nearestKey } from '../../definition/nearest-key.ts'
import {
  bytesOf,
  ownCertificate,
  sslSettings,
  storeType,
  trustedAuthorities,
  type Certificates,
  type SslSettings,
} from '../ssl-settings.ts'

/** The prefix of the TLS settings of `listeners`, and of requests to other workers. */
export const listenersTlsPrefix = 'listeners.https.'

/** The prefix of the TLS settings of `admin.listeners`. */
export const adminTlsPrefix = 'admin.listeners.https.'

type TlsVersion = 'TLSv1.2' | 'TLSv1.3'

interface Store {
  /** A PKCS12 store with key and certificate, in place of `key` and `cert`. */
  readonly pfx?: Buffer
}

/** The TLS of one side of connections of the REST API. */
interface RestTls extends Store, Certificates {
  readonly minVersion?: TlsVersion
  readonly maxVersion?: TlsVersion
}

/** The TLS of a listener. */
export interface ListenerTls extends RestTls {
  /** Whether clients may (`requested`) or must (`required`) send a certificate of a trusted authority. */
  readonly clientAuth: 'none' | 'requested' | 'required'
}

/** The TLS of requests to other workers. Without `ca`, the authorities of the system are trusted. */
export interface ForwardTls extends RestTls {
  /** Whether the certificate must have the host name of the URL. */
  readonly verifyHost: boolean
}

/**
 * The TLS of listeners.
 * @throws ConfigError if there is no certificate, it cannot be used, or a setting is not supported
 */
export function listenerTls(raw: RawConfig, prefix: string): ListenerTls {
  const settings = sslSettings(raw, prefix)
  const clientAuth = clientAuthOf(settings)
  for (const key of ['ssl.cipher.suites', 'ssl.engine.factory.class']) {
    if ((settings.values[key]?.trim() ?? '') === '') continue
    throw invalid(settings, key, 'Not supported: remove the line')
  }
  const tls = { ...usable(settings), ...versions(settings), clientAuth }
  if (tls.pfx === undefined && (tls.cert === undefined || tls.key === undefined)) {
    const store = `${prefix}ssl.keystore`
    throw new ConfigError(
      `A listener with https needs a certificate and its key. Set ${store}.type=PEM, and ${store}.location to a file with both`,
      { code: 'TLS_CERTIFICATE' },
    )
  }
  if (clientAuth !== 'none' && tls.ca === undefined) {
    throw new ConfigError(
      `"${settings.prefix}ssl.client.auth" is ${clientAuth}, but no authority of clients is set: a certificate of any public authority would be accepted. Set ${settings.prefix}ssl.truststore.type=PEM and ${settings.prefix}ssl.truststore.location`,
      { code: 'TLS_TRUSTSTORE' },
    )
  }
  return tls
}

/**
 * The TLS of requests to other workers: of the same settings as that of `listeners`. Null: the worker uses no TLS itself.
 * @param hasListener whether a listener of the worker has https
 * @throws ConfigError if certificates cannot be used
 */
export function forwardTls(raw: RawConfig, hasListener: boolean): ForwardTls | null {
  const settings = sslSettings(raw, listenersTlsPrefix)
  const isOwn = settings.prefix !== '' || hasListener
  // Settings without the prefix may be leftovers of Java's unless the connections to Kafka need them, too.
  if (!isOwn && raw['security.protocol']?.trim().endsWith('SSL') !== true) return null
  const verifyHost = settings.values['ssl.endpoint.identification.algorithm']?.trim() !== ''
  return { ...usable(settings), ...(isOwn ? versions(settings) : {}), verifyHost }
}

/** Returns warnings for settings with the prefix of a listener that have no effect. */
export function listenerTlsWarnings(raw: RawConfig): readonly string[] {
  return [listenersTlsPrefix, adminTlsPrefix].flatMap((prefix) => {
    const known = supported.map((name) => `${prefix}${name}`)
    return Object.keys(raw)
      .filter((key) => key.startsWith(prefix) && !known.includes(key))
      .map((key) => `Worker configuration "${key}" has no effect${didYouMean(nearestKey(key, known))}`)
  })
}

/** Settings of TLS that have an effect. */
const supported = [
  'ssl.client.auth',
  'ssl.enabled.protocols',
  'ssl.endpoint.identification.algorithm',
  'ssl.key.password',
  'ssl.keystore.certificate.chain',
  'ssl.keystore.key',
  'ssl.keystore.location',
  'ssl.keystore.password',
  'ssl.keystore.type',
  'ssl.truststore.certificates',
  'ssl.truststore.location',
  'ssl.truststore.type',
]

function clientAuthOf(settings: SslSettings): ListenerTls['clientAuth'] {
  const key = 'ssl.client.auth'
  const value = settings.values[key]?.trim().toLowerCase() ?? 'none'
  if (value === 'none' || value === 'requested' || value === 'required') return value
  throw invalid(settings, key, 'Must be none, requested or required')
}

function usable(settings: SslSettings): Store & Certificates {
  const certificates = { ...keystore(settings), ...trustedAuthorities(settings) }
  try {
    process.getBuiltinModule('node:tls').createSecureContext(certificates)
  } catch (cause) {
    const { prefix } = settings
    throw new ConfigError(
      `The certificates of "${prefix}ssl.keystore" and "${prefix}ssl.truststore" cannot be used: ${errorMessage(cause)}. Check that the key belongs to the certificate, and its password`,
      { cause, code: 'TLS_CERTIFICATE' },
    )
  }
  return certificates
}

/** PKCS12 is the one store of Java's that Node reads, but only with a key in it. */
function keystore(settings: SslSettings): Store & Omit<Certificates, 'ca'> {
  if (storeType(settings, 'ssl.keystore') !== 'PKCS12') return ownCertificate(settings)
  const pfx = bytesOf(settings, 'ssl.keystore.location')
  const passphrase = settings.values['ssl.keystore.password']
  return { ...(pfx === undefined ? {} : { pfx }), ...(passphrase === undefined ? {} : { passphrase }) }
}

function versions(settings: SslSettings): { readonly minVersion: TlsVersion; readonly maxVersion: TlsVersion } {
  const key = 'ssl.enabled.protocols'
  const names = (settings.values[key] ?? 'TLSv1.2,TLSv1.3').split(',').map((name) => name.trim())
  if (!names.every((name) => name === 'TLSv1.2' || name === 'TLSv1.3'))
    throw invalid(settings, key, 'Not supported: use TLSv1.2 and TLSv1.3')
  return {
    minVersion: names.includes('TLSv1.2') ? 'TLSv1.2' : 'TLSv1.3',
    maxVersion: names.includes('TLSv1.3') ? 'TLSv1.3' : 'TLSv1.2',
  }
}

function invalid({ values, prefix }: SslSettings, key: string, why: string): ConfigError {
  return new ConfigError(`Invalid value ${values[key] ?? ''} for configuration ${prefix}${key}: ${why}`)
}
