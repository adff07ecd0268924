import { readFileSync } from 'node:fs'
import { createSecureContext, type ConnectionOptions, type SecureVersion } from 'node:tls'
import { ConfigError, errorMessage } from 'penstock/api'
import { isPem } from '../config/certificates.ts'
import { caTextProblem } from '../config/check-config.ts'
import { Key } from '../config/key.ts'
import type { SinkSettings } from '../config/settings.ts'

/** The settings of TLS; texts and files are as the user gave them. */
export type TlsSettings = Pick<
  SinkSettings,
  'caText' | 'caFile' | 'clientChain' | 'clientKey' | 'clientFile' | 'clientStore' | 'keyPassword' | 'storePassword'
> &
  Pick<SinkSettings, 'verifyHost' | 'tlsVersions'>

/** Options of `tls.connect`. */
export type TlsOptions = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'pfx' | 'passphrase' | 'minVersion' | 'maxVersion' | 'checkServerIdentity'
>

/** @throws ConfigError when a certificate or key cannot be read, or they do not fit. */
export function tlsOptions(settings: TlsSettings): TlsOptions {
  const { verifyHost, tlsVersions } = settings
  const options: TlsOptions = {
    ...authorities(settings),
    ...identity(settings),
    ...versionsOf(tlsVersions),
    ...(verifyHost ? {} : { checkServerIdentity: () => undefined }),
  }
  try {
    createSecureContext(options)
  } catch (error) {
    throw new ConfigError(
      `the client certificate cannot be used: ${errorMessage(error)}. Check ${Key.clientChain}, ${Key.clientKey} or ${Key.clientFile}, and their passwords`,
    )
  }
  return options
}

function authorities({ caText, caFile }: TlsSettings): { ca?: string } {
  const problem = caTextProblem(caText)
  if (problem !== null) throw new ConfigError(problem)
  if (caText !== null) return { ca: caText }
  if (caFile === null) return {}
  const ca = textOf(Key.caFile, caFile)
  if (isPem(ca)) return { ca }
  throw new ConfigError(
    `${Key.caFile} '${caFile}' holds no PEM certificate. Export it from a key store with: keytool -exportcert -rfc`,
  )
}

function identity(settings: TlsSettings): TlsOptions {
  const { clientChain, clientKey, clientFile, clientStore, keyPassword, storePassword } = settings
  const phrase = keyPassword === null ? {} : { passphrase: keyPassword }
  if (clientChain !== null && clientKey !== null) return { cert: clientChain, key: clientKey, ...phrase }
  if (clientFile === null) return {}
  if (clientStore === 'pkcs12')
    return {
      pfx: bytesOf(Key.clientFile, clientFile),
      ...(storePassword === null ? {} : { passphrase: storePassword }),
    }
  const both = textOf(Key.clientFile, clientFile)
  if (!isPem(both) || !both.includes('PRIVATE KEY-----'))
    throw new ConfigError(
      `${Key.clientFile} '${clientFile}' does not hold a private key and its certificates in PEM form. Convert a PKCS12 store with: openssl pkcs12 -in STORE -out FILE.pem -nodes`,
    )
  return { cert: both, key: both, ...phrase }
}

function versionsOf(versions: readonly SecureVersion[]): TlsOptions {
  const [minVersion] = versions
  const maxVersion = versions.at(-1)
  return minVersion === undefined || maxVersion === undefined ? {} : { minVersion, maxVersion }
}

const textOf = (key: string, file: string): string => bytesOf(key, file).toString('latin1')

function bytesOf(key: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new ConfigError(`${key} '${file}' cannot be read`, { cause: error })
  }
}
