import { ConfigError, errorMessage } from 'penstock/api'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { ConnectionOptions } from 'node:tls'
import type { ConnectionSettings } from './connection-settings.ts'
import { withoutTls } from './pg-error.ts'

/** The ways to connect, in order; `false` is without TLS. Modes as in libpq: https://www.postgresql.org/docs/current/libpq-ssl.html */
export async function tlsAttempts(settings: ConnectionSettings): Promise<readonly (ConnectionOptions | false)[]> {
  if (settings.sslMode === 'disable') return [false]
  const { sslRootCert, sslCert, sslKey, sslPassword } = settings
  const certificate = (bytes: Buffer): unknown => new X509Certificate(bytes)
  const privateKey = (bytes: Buffer): unknown => createPrivateKey({ key: bytes, passphrase: sslPassword ?? '' })
  const files: ConnectionOptions = {
    ...(sslRootCert === null ? {} : { ca: await pem(sslRootCert, 'database.sslrootcert', 'certificate', certificate) }),
    ...(sslCert === null ? {} : { cert: await pem(sslCert, 'database.sslcert', 'certificate', certificate) }),
    ...(sslKey === null ? {} : { key: await pem(sslKey, 'database.sslkey', 'key', privateKey) }),
    ...(sslPassword === null ? {} : { passphrase: sslPassword }),
  }
  const unverified = { ...files, rejectUnauthorized: false }
  switch (settings.sslMode) {
    case 'allow':
      return [false, unverified]
    case 'prefer':
      return [unverified, false]
    case 'require':
      // As in libpq, a given root certificate is verified.
      return [settings.sslRootCert === null ? unverified : verifyCa(files)]
    case 'verify-ca':
      return [verifyCa(files)]
    case 'verify-full':
      return [files]
  }
}

function verifyCa(files: ConnectionOptions): ConnectionOptions {
  return { ...files, checkServerIdentity: () => undefined }
}

/** A certificate or key file cannot be read or parsed. */
class TlsFileError extends ConfigError {
  /** @param key the option with the path of the file */
  constructor(key: string, path: string, problem: string, cause: unknown) {
    super(`${key} ${problem}: ${path}`, { code: 'PG_TLS_FILE', cause, key })
  }
}

/** @param parse throws when the file holds something else: TLS would not name the file, or would ignore it silently */
async function pem(path: string, key: string, what: string, parse: (bytes: Buffer) => unknown): Promise<Buffer> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new TlsFileError(key, path, 'cannot be read', error)
  })
  try {
    parse(bytes)
    return bytes
  } catch (error) {
    const reason = errorMessage(error)
    throw new TlsFileError(key, path, `holds no usable ${what} (${reason})`, error)
  }
}

/** Returns whether the failure is about TLS itself, so that the mode's second attempt may succeed. */
export function canFallBack(error: unknown, ssl: ConnectionOptions | false): boolean {
  if (!(error instanceof Error)) return false
  if (ssl === false) return /no pg_hba\.conf entry|SSL|encryption/i.test(error.message)
  return error.message === withoutTls
}
