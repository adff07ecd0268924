import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

/** The files of a certificate and of its key. */
export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

/**
 * Makes a certificate that is its own authority.
 * @param name of its subject, and of the files in `directory`.
 * @param host that it is for: `DNS:` and a host name, or `IP:` and an address.
 */
export function selfSigned(directory: string, name: string, host: string): CertificateFiles {
  const [certificate, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)]
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate]
  const subject = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=${host}`]
  execFileSync('openssl', [...request, ...subject], { stdio: 'ignore' })
  return { certificate, key }
}
