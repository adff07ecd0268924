import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TlsOptions } from 'node:tls'

import { systemClock, type RawConfig } from 'penstock/api'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import { openCluster } from '../../../../connectors/elasticsearch-sink/client/cluster.ts'
import { configDef } from '../../../../connectors/elasticsearch-sink/config/config.ts'
import { settingsOf } from '../../../../connectors/elasticsearch-sink/config/settings.ts'
import { parseConfig } from '../../../../src/config/definition/parse-config.ts'
import { CertificateAuthority, type SignedFiles } from '../../../support/tls/certificate-authority.ts'
import { selfSigned } from '../../../support/tls/self-signed.ts'

const ssl = (name: string): string => `elastic.https.ssl.${name}`
const read = (file: string): string => readFileSync(file, 'utf8')
const closing: (() => unknown)[] = []
let directory: string
let authority: CertificateAuthority
let node: SignedFiles
let own: SignedFiles
let locked: SignedFiles

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-es-tls-'))
  authority = new CertificateAuthority(directory, 'authority')
  node = authority.sign('node')
  own = authority.sign('sink')
  locked = authority.sign('locked', { password: 'secret' })
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close()
})

/** The subject of the certificate that a node sees of the sink; null for none. */
async function seenBy(more: TlsOptions, config: RawConfig): Promise<string | null> {
  let subject: string | null = null
  const server = createServer({ cert: read(node.certificate), key: read(node.key), ...more }, (request, response) => {
    const socket = request.socket as unknown as { getPeerCertificate(): { subject?: { CN?: string } } }
    subject = socket.getPeerCertificate().subject?.CN ?? null
    response.setHeader('content-type', 'application/json').end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  const all = { 'connection.url': url, [ssl('truststore.location')]: authority.certificate, ...config }
  const cluster = await openCluster(settingsOf(parseConfig(configDef, all)), systemClock)
  closing.push(() => cluster.close())
  await cluster.request((client, options) => client.info({}, options), new AbortController().signal)
  return subject
}

const asks = (): TlsOptions => ({ requestCert: true, rejectUnauthorized: true, ca: authority.pem })

describe('the certificate of the sink', () => {
  it('is PEM text, a PEM file or a PKCS12 store', async () => {
    const text = { [ssl('keystore.certificate.chain')]: read(own.certificate), [ssl('keystore.key')]: read(own.key) }
    expect(await seenBy(asks(), text)).toBe('sink')
    expect(await seenBy(asks(), { [ssl('keystore.location')]: own.both })).toBe('sink')
    const store = { [ssl('keystore.location')]: authority.pkcs12(own, 'store'), [ssl('keystore.type')]: 'PKCS12' }
    expect(await seenBy(asks(), { ...store, [ssl('keystore.password')]: 'store' })).toBe('sink')
    expect(await seenBy({}, {})).toBeNull()
    await expect(seenBy(asks(), {})).rejects.toThrow(/certificate required|ECONNRESET|socket/i)
  })

  it('may have a key with a password, and an error says that it is wrong without telling it', async () => {
    const file = { [ssl('keystore.location')]: locked.both }
    expect(await seenBy(asks(), { ...file, [ssl('key.password')]: 'secret' })).toBe('locked')
    const wrong = seenBy(asks(), { ...file, [ssl('key.password')]: 'terces' })
    await expect(wrong).rejects.toThrow(/the client certificate cannot be used: (?!.*terces)/)
  })

  it('is refused where the file has no key, does not exist or is a store of Java', async () => {
    await expect(seenBy({}, { [ssl('keystore.location')]: own.certificate })).rejects.toThrow(
      /private key and its cert/,
    )
    await expect(seenBy({}, { [ssl('keystore.location')]: 'nowhere' })).rejects.toThrow(/'nowhere' cannot be read/)
    const store = join(directory, 'store.jks')
    writeFileSync(store, Buffer.from([0xfe, 0xed, 0xfe, 0xed]))
    await expect(seenBy({}, { [ssl('keystore.location')]: store })).rejects.toThrow(/openssl pkcs12/)
  })
})

it('the host of the address must be in the certificate of the node, unless the check is off', async () => {
  const { certificate, key } = selfSigned(directory, 'elsewhere', 'DNS:elsewhere.test')
  const other = { cert: read(certificate), key: read(key) }
  const trusted = { [ssl('truststore.location')]: certificate }
  await expect(seenBy(other, trusted)).rejects.toThrow(/does not match certificate's altnames/)
  expect(await seenBy(other, { ...trusted, [ssl('endpoint.identification.algorithm')]: '' })).toBeNull()
})

it('only the chosen versions of TLS are used', async () => {
  const old: TlsOptions = { maxVersion: 'TLSv1.2' }
  const recent: TlsOptions = { minVersion: 'TLSv1.3' }
  expect(await seenBy(old, {})).toBeNull()
  await expect(seenBy(old, { [ssl('enabled.protocols')]: 'TLSv1.3' })).rejects.toThrow(/version/)
  await expect(seenBy(recent, { [ssl('protocol')]: 'TLSv1.2' })).rejects.toThrow(/version/)
})
