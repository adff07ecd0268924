import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'

import type { ListenerTls } from '../../../src/config/worker/rest/listener-tls.ts'

import { systemClock } from '../../../src/foundation/clock.ts'
import type { RestOptions, RestServer } from '../../../src/rest/rest-server.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { CertificateAuthority, type SignedFiles } from '../../support/tls/certificate-authority.ts'
import { untilPasses } from '../../support/until.ts'
import { startedRest } from '../../support/rest/started-rest.ts'

const host = '127.0.0.1'
let directory: string
let authority: CertificateAuthority
let other: CertificateAuthority
let ofServer: SignedFiles
let server: RestServer | null = null
let logger = quietLogger()

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-https-'))
  authority = new CertificateAuthority(directory, 'authority')
  other = new CertificateAuthority(directory, 'other')
  ofServer = authority.sign('server')
})
afterEach(async () => {
  await server?.close()
  server = null
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const pemOf = ({ certificate, key }: SignedFiles): { cert: string; key: string } => ({
  cert: readFileSync(certificate, 'utf8'),
  key: readFileSync(key, 'utf8'),
})

async function start(tls: Partial<ListenerTls> = {}, options: Partial<RestOptions> = {}): Promise<RestServer> {
  logger = quietLogger()
  const listeners = [{ host, port: 0, tls: { ...pemOf(ofServer), clientAuth: 'none' as const, ...tls } }]
  server = await startedRest({ clock: systemClock, logger, listeners, ...options })
  return server
}

const clientOf = ({ url }: RestServer, own: SignedFiles | null = null, ca = authority.pem): RestClient =>
  new RestClient(url, { ca, ...(own === null ? {} : pemOf(own)) })

function warnings(): readonly string[] {
  return logger.lines.filter(({ level }) => level === 'warn').map(({ message }) => message)
}

/** An open connection that has sent nothing. */
async function silent({ addresses }: RestServer): Promise<Socket> {
  const socket = connect(addresses[0]?.port ?? 0, host)
  socket.on('error', () => undefined) // 'close' follows.
  await once(socket, 'connect')
  return socket
}

/** The TLS version of a connection. */
async function versionWith({ addresses }: RestServer, options: ConnectionOptions): Promise<string | null> {
  const socket = connectTls({ host, port: addresses[0]?.port ?? 0, ca: authority.pem, ...options })
  await once(socket, 'secureConnect')
  const version = socket.getProtocol()
  socket.destroy()
  return version
}

describe('a listener with https', () => {
  it('serves the API, and writes its own protocol into addresses', async () => {
    const { url } = await start()
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    const client = new RestClient(url, { ca: authority.pem })
    expect(await client.get('/')).toMatchObject({ status: 200 })
    const config = { 'connector.class': 'FileStreamSource', topic: 't' }
    const created = await client.post('/connectors', { name: 'a', config })
    expect(created).toMatchObject({ status: 201, headers: { location: `${url}/connectors/a` } })
  })

  it('serves beside listeners with http, and on those of admin.listeners', async () => {
    const tls = { ...pemOf(ofServer), clientAuth: 'none' as const }
    const { addresses } = await start(tls, {
      listeners: [
        { host, port: 0 },
        { host, port: 0, tls },
      ],
      adminListeners: [{ host, port: 0, tls }],
    })
    const [plain = 0, secure = 0, admin = 0] = addresses.map(({ port }) => port)
    const secureClient = (port: number): RestClient => new RestClient(`https://${host}:${port}`, { ca: authority.pem })
    expect(await new RestClient(`http://${host}:${plain}`).get('/connectors')).toMatchObject({ status: 200 })
    expect(await secureClient(secure).get('/connectors')).toMatchObject({ status: 200 })
    expect(await secureClient(admin).get('/admin/loggers')).toMatchObject({ status: 200 })
    await expect(new RestClient(`http://${host}:${secure}`).get('/')).rejects.toThrow(/socket hang up|ECONNRESET/)
    expect(warnings()).toEqual(['the REST API refused a connection: it sent a request without TLS'])
  })

  it('is not trusted by clients of another authority, nor with a certificate that has expired', async () => {
    const trusted = await start()
    await expect(clientOf(trusted, null, other.pem).get('/')).rejects.toThrow(/unable to verify the first certificate/)
    await trusted.close()
    const expired = await start(pemOf(authority.sign('expired-server', { expired: true })))
    await expect(clientOf(expired).get('/')).rejects.toThrow(/certificate has expired/)
  })

  it('supports the versions of ssl.enabled.protocols only', async () => {
    const one = await start({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
    expect(await versionWith(one, {})).toBe('TLSv1.2')
    await expect(versionWith(one, { minVersion: 'TLSv1.3' })).rejects.toThrow(/alert protocol version/)
    await untilPasses(() =>
      expect(warnings()).toEqual([expect.stringContaining('no version of ssl.enabled.protocols')]),
    )
  })
})

describe('ssl.client.auth', () => {
  it('required refuses clients without a certificate, or with one that is not valid, and says why', async () => {
    const running = await start({ ca: authority.pem, clientAuth: 'required' })
    await expect(clientOf(running).get('/')).rejects.toThrow()
    await expect(clientOf(running, other.sign('stranger')).get('/')).rejects.toThrow()
    await expect(clientOf(running, authority.sign('late', { expired: true })).get('/')).rejects.toThrow()
    await untilPasses(() =>
      expect(warnings()).toEqual([
        expect.stringContaining('it sent no certificate, and ssl.client.auth=required'),
        expect.stringContaining('its certificate is not accepted: UNABLE_TO_VERIFY_LEAF_SIGNATURE'),
        expect.stringContaining('its certificate is not accepted: CERT_HAS_EXPIRED'),
      ]),
    )
    expect(await clientOf(running, authority.sign('client')).get('/')).toMatchObject({ status: 200 })
  })

  it('requested serves clients without a certificate, and refuses one that is not valid', async () => {
    const running = await start({ ca: authority.pem, clientAuth: 'requested' })
    expect(await clientOf(running).get('/')).toMatchObject({ status: 200 })
    expect(await clientOf(running, authority.sign('guest')).get('/')).toMatchObject({ status: 200 })
    await expect(clientOf(running, other.sign('intruder')).get('/')).rejects.toThrow()
    expect(warnings()).toEqual([expect.stringContaining('its certificate is not accepted')])
  })
})

describe('connections whose TLS is not established', () => {
  it('count as connections, and the one that waits for longest is closed first', async () => {
    const running = await start({}, { limits: { maxConnections: 2 } })
    const first = await silent(running)
    const second = await silent(running)
    const closed = once(first, 'close')
    expect(await clientOf(running).get('/')).toMatchObject({ status: 200 })
    await closed
    second.destroy()
  })

  it('are closed without a response beyond rest.max.connections.per.ip', async () => {
    const running = await start({}, { limits: { maxConnectionsPerIp: 1 } })
    const first = await silent(running)
    await once(await silent(running), 'close')
    await expect(clientOf(running).get('/')).rejects.toThrow(/disconnected before secure TLS|ECONNRESET|socket hang up/)
    expect(warnings()[0]).toContain('(rest.max.connections.per.ip)')
    first.destroy()
    // Each request needs the place of the connection before it.
    for (let i = 0; i < 3; i += 1)
      await untilPasses(async () => expect(await clientOf(running).get('/')).toMatchObject({ status: 200 }))
  })

  it('are closed when the client takes too long', async () => {
    const running = await start({}, { limits: { maxReceiveMs: 100 } })
    const socket = await silent(running)
    await once(socket, 'close')
  })

  it('do not delay a shutdown, nor do those that are idle', async () => {
    const running = await start()
    const socket = await silent(running)
    const idle = connectTls({ host, port: running.addresses[0]?.port ?? 0, ca: authority.pem })
    await once(idle, 'secureConnect')
    idle.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    await once(idle, 'data')
    const closed = Promise.all([once(socket, 'close'), once(idle.resume(), 'close')])
    await running.close(60_000)
    await closed
  })
})
