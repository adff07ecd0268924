import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { advertisedAddress } from '../../../../../src/config/worker/rest/advertised.ts'
import { loadWorkerConfig, type WorkerConfig } from '../../../../../src/config/worker/worker-config.ts'
import { CertificateAuthority, type SignedFiles } from '../../../../support/tls/certificate-authority.ts'

let directory: string
let authority: CertificateAuthority
let own: SignedFiles
let locked: SignedFiles
const listeners = 'https://127.0.0.1:8443'

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-listener-tls-'))
  authority = new CertificateAuthority(directory, 'authority')
  own = authority.sign('own')
  locked = authority.sign('locked', { password: 'sesame' })
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const textOf = (file: string): string => readFileSync(file, 'utf8')

async function load(raw: Record<string, string>): Promise<WorkerConfig> {
  return await loadWorkerConfig({ listeners, ...raw }, { file: false })
}

/** Settings of a PEM keystore, with a prefix. */
function keystore(prefix: string, { both }: SignedFiles = own): Record<string, string> {
  return { [`${prefix}ssl.keystore.type`]: 'PEM', [`${prefix}ssl.keystore.location`]: both }
}

const trust = (prefix: string): Record<string, string> => ({
  [`${prefix}ssl.truststore.type`]: 'PEM',
  [`${prefix}ssl.truststore.location`]: authority.certificate,
})

describe('the TLS of listeners', () => {
  it('is read from a PEM file with certificate and key', async () => {
    const { listeners: found, warnings } = await load(keystore('listeners.https.'))
    const both = textOf(own.both)
    const tls = { cert: both, key: both, clientAuth: 'none', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' }
    expect(found).toEqual([{ host: '127.0.0.1', port: 8443, tls }])
    expect(warnings).toEqual([])
  })

  it('is read from PEM texts, with authorities of clients', async () => {
    const prefix = 'listeners.https.'
    const { listeners: found } = await load({
      [`${prefix}ssl.keystore.type`]: 'PEM',
      [`${prefix}ssl.keystore.certificate.chain`]: textOf(own.certificate),
      [`${prefix}ssl.keystore.key`]: textOf(own.key),
      [`${prefix}ssl.truststore.type`]: 'PEM',
      [`${prefix}ssl.truststore.certificates`]: authority.pem,
      [`${prefix}ssl.client.auth`]: 'REQUIRED',
      [`${prefix}ssl.enabled.protocols`]: 'TLSv1.3',
    })
    expect(found[0]?.tls).toEqual({
      cert: textOf(own.certificate),
      key: textOf(own.key),
      ca: authority.pem,
      clientAuth: 'required',
      minVersion: 'TLSv1.3',
      maxVersion: 'TLSv1.3',
    })
  })

  it('is read from an encrypted key and from a PKCS12 store, with their passwords', async () => {
    const pem = await load({ ...keystore('', locked), 'ssl.key.password': 'sesame' })
    expect(pem.listeners[0]?.tls?.passphrase).toBe('sesame')
    const location = authority.pkcs12(own, 'password')
    const store = {
      'ssl.keystore.type': 'PKCS12',
      'ssl.keystore.location': location,
      'ssl.keystore.password': 'password',
    }
    const { listeners: found } = await load(store)
    expect(found[0]?.tls).toMatchObject({ pfx: readFileSync(location), passphrase: 'password' })
    await expect(load({ ...store, 'ssl.keystore.password': 'wrong' })).rejects.toThrow(
      /TLS_CERTIFICATE: .*mac verify failure/,
    )
  })

  it('is that of the settings without prefix only if there are none with it', async () => {
    const both = {
      ...keystore(''),
      ...keystore('admin.listeners.https.', locked),
      'admin.listeners.https.ssl.key.password': 'sesame',
    }
    const {
      listeners: main,
      adminListeners: admin,
      warnings,
    } = await load({
      ...both,
      'admin.listeners': 'https://127.0.0.1:8444',
    })
    expect([main[0]?.tls?.cert, admin?.[0]?.tls?.cert]).toEqual([textOf(own.both), textOf(locked.both)])
    expect(warnings).toEqual([])
    await expect(load({ ...keystore(''), 'listeners.https.ssl.client.auth': 'none' })).rejects.toThrow(
      /TLS_CERTIFICATE: A listener with https needs a certificate and its key. Set listeners.https.ssl.keystore.type=PEM/,
    )
  })

  it('is that of requests to other workers, too, with their names verified unless a setting says otherwise', async () => {
    const { forwardTls } = await load({ ...keystore('listeners.https.'), ...trust('listeners.https.') })
    expect(forwardTls).toMatchObject({ cert: textOf(own.both), ca: authority.pem, verifyHost: true })
    const named = { ...keystore(''), 'ssl.endpoint.identification.algorithm': '' }
    expect((await load(named)).forwardTls?.verifyHost).toBe(false)
    const plain = { listeners: 'http://127.0.0.1:8083' }
    expect((await load({ ...plain, ...trust('listeners.https.') })).forwardTls?.ca).toBe(authority.pem)
    expect((await load({ ...plain, ...trust(''), 'security.protocol': 'SSL' })).forwardTls?.ca).toBe(authority.pem)
    expect((await load({ ...plain, 'ssl.keystore.location': 'a.jks', 'ssl.cipher.suites': 'x' })).forwardTls).toBeNull()
  })

  it.each([
    [{}, /TLS_CERTIFICATE: A listener with https needs a certificate/],
    [
      { 'ssl.keystore.location': '/no/keystore.jks' },
      /JAVA_KEYSTORE: "ssl.keystore" is a JKS store, which only Java can read/,
    ],
    [{ 'listeners.https.ssl.keystore.type': 'JKS' }, /"listeners.https.ssl.keystore" is a JKS store.*type=PEM/],
    [{ 'ssl.truststore.location': 'a.p12', 'ssl.truststore.type': 'PKCS12' }, /"ssl.truststore" is a PKCS12 store/],
    [
      { 'listeners.https.ssl.keystore.type': 'PEM', 'listeners.https.ssl.keystore.location': '/no/file' },
      /The file of "listeners.https.ssl.keystore.location" cannot be read: \/no\/file/,
    ],
    [
      { 'ssl.client.auth': 'maybe' },
      /Invalid value maybe for configuration ssl.client.auth: Must be none, requested or required/,
    ],
    [{ 'ssl.cipher.suites': 'TLS_AES' }, /TLS_AES for configuration ssl.cipher.suites: Not supported/],
    [
      { 'ssl.enabled.protocols': 'TLSv1.1,TLSv1.2', 'ssl.keystore.certificate.chain': 'x' },
      /cannot be used|ssl.enabled.protocols: Not supported/,
    ],
    [
      { 'ssl.keystore.certificate.chain': 'x', 'ssl.keystore.key': 'y' },
      /TLS_CERTIFICATE: The certificates of "ssl.keystore"/,
    ],
    [
      { listeners: 'ftp://127.0.0.1:1' },
      /Listener "ftp:\/\/127.0.0.1:1" is not of the form http:\/\/host:port or https/,
    ],
  ])('is refused with %j', async (raw, message) => {
    await expect(load(raw as Record<string, string>)).rejects.toThrow(message)
  })

  it('is refused with the key of another certificate, a wrong password, and without authorities of clients', async () => {
    const pem = { ...keystore(''), 'ssl.keystore.key': textOf(authority.sign('another').key) }
    await expect(load(pem)).rejects.toThrow(/cannot be used: .*key values mismatch/)
    await expect(load({ ...keystore('', locked), 'ssl.key.password': 'wrong' })).rejects.toThrow(/Check that the key/)
    const auth = { ...keystore(''), 'ssl.client.auth': 'requested' }
    await expect(load(auth)).rejects.toThrow(/TLS_TRUSTSTORE: .*certificate of any public authority/)
  })

  it('warns of settings with its prefix that have no effect', async () => {
    const { warnings } = await load({
      ...keystore('listeners.https.'),
      'listeners.https.ssl.keystore.pasword': 'x',
      'admin.listeners.https.quite.unknown': 'x',
    })
    expect(warnings).toEqual([
      'Worker configuration "listeners.https.ssl.keystore.pasword" has no effect; did you mean "listeners.https.ssl.keystore.password"?',
      'Worker configuration "admin.listeners.https.quite.unknown" has no effect',
    ])
  })
})

describe('a listener with https that other machines can reach', () => {
  it('needs authentication, and has no warning of clear text', async () => {
    const open = { listeners: 'https://:8443', ...keystore(''), 'bootstrap.servers': 'k:1' }
    await expect(load(open)).rejects.toThrow(/LISTENER_UNAUTHENTICATED/)
    expect((await load({ ...open, 'rest.token.file': '/t' })).warnings).toEqual([])
    expect((await load({ ...open, ...trust(''), 'ssl.client.auth': 'required' })).warnings).toEqual([])
    await expect(load({ ...open, ...trust(''), 'ssl.client.auth': 'requested' })).rejects.toThrow(/UNAUTHENTICATED/)
    const mixed = { ...open, ...trust(''), 'ssl.client.auth': 'required', listeners: 'https://:8443,http://:8083' }
    await expect(load(mixed)).rejects.toThrow(/listens on all addresses, port 8083/)
  })
})

describe('the protocol that other workers use', () => {
  it.each([
    ['https://127.0.0.1:8443', undefined, 'https', 8443],
    ['https://127.0.0.1:8443,http://127.0.0.1:8083', undefined, 'http', 8083],
    ['http://127.0.0.1:8083,HTTPS://127.0.0.1:8443', 'HTTPS', 'https', 8443],
    ['http://127.0.0.1:8083,https://127.0.0.1:8443', 'http', 'http', 8083],
  ])('of %s with rest.advertised.listener=%s is %s', async (all, set, protocol, port) => {
    const advertised: Record<string, string> = set === undefined ? {} : { 'rest.advertised.listener': set }
    const config = await load({ ...keystore(''), ...advertised, listeners: all })
    expect(config.advertisedProtocol).toBe(protocol)
    expect(advertisedAddress(config, config.listeners)).toEqual({ host: '127.0.0.1', port })
  })

  it('must be served by a listener, or by a proxy with an address of its own', async () => {
    const plain = { listeners: 'http://127.0.0.1:8083', 'rest.advertised.listener': 'https' }
    await expect(load(plain)).rejects.toThrow(
      /"rest.advertised.listener" is https, but "listeners" has none with https/,
    )
    const config = await load({ ...plain, 'rest.advertised.host.name': 'proxy', 'rest.advertised.port': '443' })
    expect(advertisedAddress(config, config.listeners)).toEqual({ host: 'proxy', port: 443 })
    expect(config.advertisedProtocol).toBe('https')
    await expect(load({ ...plain, 'rest.advertised.listener': 'ftp' })).rejects.toThrow(/must be one of: http, https/i)
  })
})
