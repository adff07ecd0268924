import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import type { CertificateFiles } from './self-signed.ts'

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']

/** An authority, and the certificates that it signs. All files are in one directory. */
export class CertificateAuthority {
  /** The file of its own certificate. */
  readonly certificate: string
  readonly #directory: string
  readonly #key: string
  #serial = 1

  constructor(directory: string, name: string) {
    this.#directory = directory
    this.certificate = join(directory, `${name}.crt`)
    this.#key = join(directory, `${name}.key`)
    const files = ['-keyout', this.#key, '-out', this.certificate]
    const isAuthority = ['-addext', 'basicConstraints=critical,CA:TRUE']
    openssl(['req', '-x509', ...newKey, '-nodes', '-days', '2', ...files, '-subj', `/CN=${name}`, ...isAuthority])
  }

  get pem(): string {
    return readFileSync(this.certificate, 'utf8')
  }

  /**
   * Signs a certificate for 127.0.0.1.
   * @param options.expired it ended yesterday
   * @param options.password encrypts its key
   */
  sign(name: string, options: { readonly expired?: boolean; readonly password?: string } = {}): SignedFiles {
    const at = (ending: string): string => join(this.#directory, `${name}.${ending}`)
    const { expired = false, password } = options
    const lock = password === undefined ? ['-nodes'] : ['-passout', `pass:${password}`]
    openssl(['req', ...newKey, ...lock, '-keyout', at('key'), '-out', at('csr'), '-subj', `/CN=${name}`])
    writeFileSync(at('ext'), 'subjectAltName=IP:127.0.0.1\n')
    this.#serial += 1
    const signer = ['-CA', this.certificate, '-CAkey', this.#key, '-set_serial', String(this.#serial)]
    const until = ['-days', expired ? '-1' : '2']
    openssl(['x509', '-req', '-in', at('csr'), ...signer, ...until, '-extfile', at('ext'), '-out', at('crt')])
    writeFileSync(at('pem'), `${readFileSync(at('key'), 'utf8')}${readFileSync(at('crt'), 'utf8')}`)
    return { certificate: at('crt'), key: at('key'), both: at('pem') }
  }

  /** Puts a certificate and its key into a PKCS12 store, as Java's keytool does. */
  pkcs12({ certificate, key }: CertificateFiles, password: string): string {
    const store = `${certificate}.p12`
    openssl(['pkcs12', '-export', '-in', certificate, '-inkey', key, '-out', store, '-passout', `pass:${password}`])
    return store
  }
}

/** `both`: key and certificate in one file. */
export interface SignedFiles extends CertificateFiles {
  readonly both: string
}

function openssl(args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] })
}
