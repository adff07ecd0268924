import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ConfigError, RetriableError, type RawConfig } from 'penstock/api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { plugin } from '../../../plugins/config-providers/vault-secret-provider.ts'
import { openProvider } from '../../support/secrets/open-provider.ts'
import { CertificateAuthority } from '../../support/tls/certificate-authority.ts'

const token = 'hvs.t0ken-of-the-worker'
const signal = AbortSignal.timeout(120_000)
let servers: Server[] = []
beforeEach(() => {
  servers = []
})
afterEach(() => {
  for (const server of servers) server.close().closeAllConnections()
})

async function listening(server: Server): Promise<number> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

const mount = { data: { type: 'kv', path: 'secret/', options: { version: '2' } } }
const secret = { data: { data: { p: 'S3cret' }, metadata: {} } }

/** What a healthy server with one secret sends. */
const healthy: RequestListener = ({ url, headers }, response) => {
  const isAllowed = headers['x-vault-token'] === token && headers['x-vault-request'] === 'true'
  const body = url === '/v1/secret/data/a' ? secret : mount
  response.writeHead(isAllowed ? 200 : 403).end(JSON.stringify(isAllowed ? body : { errors: ['permission denied'] }))
}

async function read(address: string, settings: RawConfig = {}, within = signal): Promise<unknown> {
  return await openProvider(plugin, { 'vault.addr': address, 'vault.token': token, ...settings }).get(
    'secret/a',
    ['p'],
    within,
  )
}

async function failure(...call: Parameters<typeof read>): Promise<Error> {
  const error = await read(...call).then(
    () => new TypeError('it did not fail'),
    (thrown: unknown) => thrown as Error,
  )
  expect(`${error.message}${error.stack}`).not.toContain(token)
  return error
}

describe('the settings of the provider of Vault', () => {
  it.each<[RawConfig, RegExp]>([
    [{}, /^vault.token or vault.token.file must be set: vault.auth.method is token$/],
    [
      { 'vault.token': 'a', 'vault.token.file': 'b' },
      /^vault.token and vault.token.file are both set; set one of them$/,
    ],
    [{ 'vault.auth.method': 'approle' }, /^app.role.id must be set: vault.auth.method is approle$/],
    [{ 'vault.auth.method': 'approle', 'app.role.id': 'x' }, /^app.role.secret.id or app.role.secret.id.file must be/],
    [{ 'vault.auth.method': 'kubernetes' }, /^kubernetes.role must be set/],
    [{ 'vault.auth.method': 'userpass', username: 'x' }, /^password must be set/],
    [{ 'vault.auth.method': 'jwt', 'jwt.role': 'x' }, /^jwt must be set/],
    [{ 'vault.auth.method': 'ldap' }, /vault.auth.method: Not supported: use token, approle, kubernetes/],
    [{ 'vault.auth.method': 'magic' }, /vault.auth.method: String must be one of/],
    [{ 'vault.addr': 'vault:8200' }, /vault.addr: it is not a URL such as/],
    [{ 'vault.addr': 'https://u:p@vault' }, /vault.addr: a URL with credentials is not accepted/],
    [{ 'vault.addr': 'https://vault?x=1' }, /vault.addr: it has a query or a fragment/],
    [{ 'vault.engine.version': '3' }, /vault.engine.version: Value must be no more than 2/],
    [{ 'vault.ssl.keystore.location': 'x' }, /"vault.ssl.keystore.location" is not supported: Java key stores/],
    [{ 'file.write': 'true' }, /"file.write" is not supported: secrets are not written to disk/],
    [{ 'token.renewal.ms': '600000' }, /"token.renewal.ms" is not supported: the worker logs in at each resolution/],
  ])('%j are refused by name', (settings, message) => {
    const opening = (): unknown => openProvider(plugin, settings)
    expect(opening).toThrow(ConfigError)
    expect(opening).toThrow(message)
  })
})

describe('the provider of Vault', () => {
  it('follows the redirect of a standby node once, but not to a server without encryption', async () => {
    const active = await listening(createServer(healthy))
    const standby = await listening(
      createServer(({ url }, response) => {
        response.writeHead(307, { location: `http://127.0.0.1:${active}${url}` }).end()
      }),
    )
    expect(await read(`http://127.0.0.1:${standby}`)).toEqual({ p: 'S3cret' })

    const circle = await listening(
      createServer(({ url }, response) => response.writeHead(307, { location: String(url) }).end()),
    )
    expect((await failure(`http://127.0.0.1:${circle}`)).message).toMatch(/^Vault refuses to use the mount .*\(307\)$/)

    const directory = mkdtempSync(join(tmpdir(), 'penstock-vault-'))
    try {
      const authority = new CertificateAuthority(directory, 'authority')
      const files = authority.sign('vault')
      const tls = { key: readFileSync(files.key), cert: readFileSync(files.certificate) }
      const down = createTlsServer(tls, (_request, response) =>
        response.writeHead(307, { location: `http://127.0.0.1:${active}/` }).end(),
      )
      const settings = { 'vault.pem': authority.certificate }
      const failed = await failure(`https://127.0.0.1:${await listening(down)}`, settings)
      expect(failed.message).toMatch(/ redirects to http:\/\/127.0.0.1:\d+, which is not encrypted$/)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('trusts the authorities of vault.pem, and says what to do about others', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-vault-'))
    try {
      const authority = new CertificateAuthority(directory, 'authority')
      const other = new CertificateAuthority(directory, 'other')
      const serve = async (files: { readonly key: string; readonly certificate: string }): Promise<number> =>
        await listening(
          createTlsServer({ key: readFileSync(files.key), cert: readFileSync(files.certificate) }, healthy),
        )
      const port = await serve(authority.sign('vault'))
      const own = { 'vault.pem': authority.certificate }
      expect(await read(`https://127.0.0.1:${port}/`, own)).toEqual({ p: 'S3cret' })
      for (const settings of [{}, { 'vault.pem': other.certificate }]) {
        const failed = await failure(`https://127.0.0.1:${port}`, settings)
        expect(failed).toBeInstanceOf(ConfigError)
        expect(failed.message).toMatch(
          /cannot be reached \([A-Z_]+\): no known authority has signed .*; set vault.pem$/,
        )
      }
      expect((await failure(`https://localhost:${port}`, own)).message).toMatch(/its certificate is for another name/)
      const expired = await serve(authority.sign('expired', { expired: true }))
      expect((await failure(`https://127.0.0.1:${expired}`, own)).message).toMatch(/its certificate has expired$/)
      expect((await failure(`http://127.0.0.1:${port}`)).message).toMatch(/cannot be reached/)
      const plain = await listening(createServer(healthy))
      expect((await failure(`https://127.0.0.1:${plain}`)).message).toMatch(/speaks another protocol than https:/)
      const nowhere = { 'vault.pem': join(directory, 'nope') }
      expect((await failure(`https://127.0.0.1:${port}`, nowhere)).message).toMatch(/^vault.pem: ENOENT/)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it.each<[string, number, string, typeof ConfigError | typeof RetriableError, RegExp]>([
    ['a page', 200, '<html>', ConfigError, /responds with 200 and no JSON: is vault.addr a Vault server\?$/],
    ['an error page of a proxy', 502, '<html>', RetriableError, /responds with 502 and no JSON/],
    ['a limit of requests', 429, '{"errors":["rate limit quota exceeded"]}', RetriableError, /429: rate limit quota/],
    ['a standby node', 473, '{"errors":[]}', RetriableError, /use the mount of secret\/a \(473\)$/],
    ['a fault', 500, '{"errors":["internal error"]}', RetriableError, /\(500: internal error\)$/],
    ['a bad request', 400, `{"errors":["no ${token}!"]}`, ConfigError, /\(400: no \[hidden\]!\)$/],
  ])('tells what may pass from what does not: %s', async (_what, status, body, kind, message) => {
    const port = await listening(createServer((_request, response) => response.writeHead(status).end(body)))
    const failed = await failure(`http://127.0.0.1:${port}`)
    expect(failed).toBeInstanceOf(kind)
    expect(failed instanceof RetriableError).toBe(kind === RetriableError)
    expect(failed.message).toMatch(message)
  })

  it('names the address that it cannot reach, which may pass', async () => {
    const gone = createServer(healthy)
    const port = await listening(gone)
    gone.close()
    const refused = await failure(`http://127.0.0.1:${port}`)
    expect(refused).toBeInstanceOf(RetriableError)
    expect(refused.message).toMatch(/^Vault at http:\/\/127.0.0.1:\d+ cannot be reached \(ECONNREFUSED\): no process/)
    const unknown = await failure('http://no-such-host.invalid:8200')
    expect(unknown).toBeInstanceOf(RetriableError)
    expect(unknown.message).toMatch(/\((?:ENOTFOUND|EAI_AGAIN)\): the name no-such-host.invalid has no address; check/)
    const cut = await listening(createServer((_request, response) => response.destroy()))
    expect(await failure(`http://127.0.0.1:${cut}`)).toBeInstanceOf(RetriableError)
  })

  it('reads no response of any size, and none after its time', async () => {
    const large = await listening(
      createServer((_request, response) => response.end(`{"data":"${'x'.repeat(5 * 1024 * 1024)}"}`)),
    )
    expect((await failure(`http://127.0.0.1:${large}`)).message).toMatch(/the response has more than \d+ bytes$/)
    const silent = await listening(createServer(() => undefined))
    const stop = new AbortController()
    const reading = failure(`http://127.0.0.1:${silent}`, {}, stop.signal)
    stop.abort(new TypeError('stopped'))
    expect((await reading).message).toBe('stopped')
  })
})
