import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ConfigError, RetriableError, type RawConfig } from 'penstock/api'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'

import { plugin } from '../../../plugins/config-providers/vault-secret-provider.ts'
import { Servers } from '../../../src/servers/servers.ts'
import { openProvider } from '../../support/secrets/open-provider.ts'
import { VaultServer } from '../../support/secrets/vault-server.ts'
import { describeWith } from '../../support/services.ts'

const signal = AbortSignal.timeout(300_000)
let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-vault-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

describeWith(['bao'], 'the provider of Vault, with OpenBao', () => {
  let servers: Servers
  let vault: VaultServer
  beforeAll(async () => {
    servers = Servers.open()
    vault = await VaultServer.start(servers)
  })
  afterAll(async () => await servers.close())

  /** Reads with a provider of its own, as each resolution does. */
  async function read(
    path: string,
    keys: readonly string[],
    settings: RawConfig = { 'vault.token': vault.rootToken },
  ): Promise<Readonly<Record<string, string>>> {
    const provider = openProvider(plugin, { 'vault.addr': vault.url, ...settings })
    try {
      return await provider.get(path, keys, signal)
    } finally {
      await provider.close?.()
    }
  }

  async function failure(...call: Parameters<typeof read>): Promise<Error> {
    const error = await read(...call).then(
      () => new TypeError('it did not fail'),
      (thrown: unknown) => thrown as Error,
    )
    expect(error.message).not.toContain(vault.rootToken)
    return error
  }

  /** Returns a token that may read `secret/data/shop/*`. */
  async function shopToken(): Promise<string> {
    const { auth } = await vault.must('POST', 'auth/token/create', { policies: ['shop'] })
    return String(auth?.['client_token'])
  }

  beforeAll(async () => {
    await vault.must('PUT', 'sys/policies/acl/shop', {
      policy: 'path "secret/data/shop/*" { capabilities = ["read"] }',
    })
    await vault.must('POST', 'sys/mounts/old', { type: 'kv', options: { version: '1' } })
    await vault.must('POST', 'sys/mounts/deep/er', { type: 'kv', options: { version: '2' } })
  })

  it('returns fields of a secret as texts, and leaves out those that it does not have', async () => {
    const text = '{"data":{"p":"S3cret = x","n":5432123456789,"d":1.50,"b":true,"j":{"a":[1.0]},"e":"","z":null}}'
    await fetch(`${vault.url}/v1/secret/data/shop/all`, {
      method: 'POST',
      headers: { 'x-vault-token': vault.rootToken },
      body: text,
    })
    expect(await read('secret/shop/all', ['p', 'n', 'b', 'j', 'e', 'z', 'nope', 'constructor'])).toEqual({
      p: 'S3cret = x',
      n: '5432123456789',
      b: 'true',
      j: expect.stringMatching(/^\{"a":\[1(?:\.0)?\]\}$/),
      e: '',
    })
    expect(await read('/secret/shop/all', ['p'], { 'vault.token': await shopToken() })).toEqual({ p: 'S3cret = x' })
  })

  it('reads engines of version 1, and those whose mounts have several segments', async () => {
    await vault.must('POST', 'old/a/b', { p: 'of old' })
    await vault.must('POST', 'deep/er/data/a', { data: { p: 'of deep' } })
    expect(await read('old/a/b', ['p'])).toEqual({ p: 'of old' })
    expect(await read('deep/er/a', ['p'])).toEqual({ p: 'of deep' })
    expect((await failure('old/a/b?version=1', ['p'])).message).toMatch(/^old\/ has version 1 of KV, which keeps no/)
    const asked = { 'vault.token': vault.rootToken, 'vault.engine.version': '2' }
    expect((await failure('old/a/b', ['p'], asked)).message).toMatch(
      /^old\/ has version 1 of KV, but vault.engine.version is 2$/,
    )
  })

  it('reads earlier versions, and tells deleted ones from those that never were', async () => {
    for (const p of ['one', 'two', 'three']) await vault.keep('shop/versions', { p })
    await vault.must('POST', 'secret/delete/shop/versions', { versions: [2] })
    expect(await read('secret/shop/versions', ['p'])).toEqual({ p: 'three' })
    expect(await read('secret/shop/versions?version=1', ['p'])).toEqual({ p: 'one' })
    const at = async (path: string): Promise<string> => (await failure(path, ['p'])).message
    expect(await at('secret/shop/versions?version=2')).toMatch(
      /^version 2 of secret\/shop\/versions was deleted; write/,
    )
    await vault.must('POST', 'secret/destroy/shop/versions', { versions: [2] })
    expect(await at('secret/shop/versions?version=2')).toMatch(/^version 2 of secret\/shop\/versions was destroyed; /)
    expect(await at('secret/shop/versions?version=9')).toBe('there is no secret at version 9 of secret/shop/versions')
    expect(await at('secret/shop/nope')).toBe('there is no secret at secret/shop/nope')
    expect(await at('secret/data/shop/versions')).toMatch(
      /secret\/data\/shop\/versions; write the path without data\/$/,
    )
    expect(await at('secret/shop/versions?versoin=1')).toMatch(/has the parameter "versoin"; only \?version=/)
    expect(await at('secret/')).toMatch(/secret\/ is not the path of a secret/)
    expect(await at('secret')).toMatch(/^secret is the mount of an engine, not a secret in it$/)
  })

  it('gives its values the shorter of the lease and the default TTL, or that of the reference', async () => {
    await vault.must('POST', 'old/leased', { p: 'x', ttl: '90m' })
    await vault.keep('shop/lasting', { p: 'x' })
    const ttlOf = async (path: string, settings: RawConfig = {}): Promise<unknown> => {
      const all = { 'vault.addr': vault.url, 'vault.token': vault.rootToken, ...settings }
      const provider = openProvider(plugin, all)
      await provider.get(path, ['p'], signal)
      return provider.ttlMs?.(path)
    }
    expect(await ttlOf('old/leased')).toBe(90 * 60_000)
    expect(await ttlOf('old/leased', { 'secret.default.ttl': '60000' })).toBe(60_000)
    expect(await ttlOf('old/leased', { 'secret.default.ttl': '86400000' })).toBe(90 * 60_000)
    expect(await ttlOf('old/leased?ttl=5000', { 'secret.default.ttl': '60000' })).toBe(5_000)
    expect(await ttlOf('secret/shop/lasting')).toBeNull()
    expect(await ttlOf('secret/shop/lasting', { 'secret.default.ttl': '60000' })).toBe(60_000)
    expect(await ttlOf('secret/shop/lasting?ttl=0', { 'secret.default.ttl': '60000' })).toBe(0)
    expect((await failure('secret/shop/lasting?ttl=1m', ['p'])).message).toMatch(
      /ttl=1m, which is not a number of mill/,
    )
  })

  it('says whether the token or its policies are the reason of a refusal', async () => {
    await vault.keep('bank/account', { p: 'x' })
    const token = await shopToken()
    const settings = { 'vault.token': token }
    const denied = await failure('secret/bank/account', ['p'], settings)
    expect(denied).toBeInstanceOf(ConfigError)
    expect(denied.message).toMatch(/^Vault refuses to read secret\/data\/bank\/account \(403: .*permission denied/)
    expect(denied.message).toMatch(/the policies of the token must allow "read" there$/)
    await vault.must('POST', 'auth/token/revoke', { token })
    const revoked = await failure('secret/bank/account', ['p'], settings)
    expect(revoked.message).toMatch(/the token is not valid, has expired or was revoked; give the worker another one$/)
    expect(`${denied.message}${revoked.message}`).not.toContain(token)
  })

  it.each(['auth/token/lookup-self', 'cubbyhole/a', 'sys/mounts', 'identity/entity/id', 'nope/a'])(
    'does not read %s, which no KV engine has',
    async (path) => {
      await vault.must('POST', 'cubbyhole/a', { id: 'x' })
      expect((await failure(path, ['id'])).message).toMatch(/only secrets of KV engines|Vault refuses to use the mount/)
    },
  )

  it('reads a token from a file at each use, also through the links of Kubernetes', async () => {
    await vault.keep('shop/file', { p: 'x' })
    const [file, link] = [join(directory, 'token'), join(directory, 'link')]
    symlinkSync('token', link)
    const settings = { 'vault.token.file': link }
    writeFileSync(file, `${await shopToken()}\n`)
    expect(await read('secret/shop/file', ['p'], settings)).toEqual({ p: 'x' })
    writeFileSync(file, 'hvs.wrong')
    const wrong = await failure('secret/shop/file', ['p'], settings)
    expect(wrong.message).toMatch(/the token is not valid/)
    expect(wrong.message).not.toContain('hvs.wrong')
    writeFileSync(file, '\n')
    expect((await failure('secret/shop/file', ['p'], settings)).message).toMatch(/link is empty$/)
    writeFileSync(file, 'a\nb')
    expect((await failure('secret/shop/file', ['p'], settings)).message).toMatch(/link has more than one line$/)
    rmSync(file)
    expect((await failure('secret/shop/file', ['p'], settings)).message).toMatch(/link cannot be read \(ENOENT\)$/)
  })

  describe('with a login', () => {
    const tokens = async (): Promise<number> => {
      const { data } = await vault.must('LIST', 'auth/token/accessors')
      const keys: unknown = data?.['keys']
      return Array.isArray(keys) ? keys.length : 0
    }
    beforeAll(async () => {
      for (const type of ['approle', 'userpass', 'jwt']) await vault.must('POST', `sys/auth/${type}`, { type })
      await vault.must('POST', 'auth/approle/role/shop', { token_policies: ['shop'] })
      await vault.must('POST', 'auth/userpass/users/maria', { password: 'pa55-of-maria', token_policies: ['shop'] })
      await vault.keep('shop/login', { p: 'x' })
    })

    it('of approle leaves no token behind in Vault', async () => {
      const role = await vault.must('GET', 'auth/approle/role/shop/role-id')
      const { data } = await vault.must('POST', 'auth/approle/role/shop/secret-id')
      const file = join(directory, 'secret-id')
      writeFileSync(file, `${String(data?.['secret_id'])}\n`)
      const settings = { 'vault.auth.method': 'approle', 'app.role.id': String(role.data?.['role_id']) }
      const before = await tokens()
      expect(await read('secret/shop/login', ['p'], { ...settings, 'app.role.secret.id.file': file })).toEqual({
        p: 'x',
      })
      const direct = { ...settings, 'app.role.secret.id': String(data?.['secret_id']) }
      expect(await read('secret/shop/login', ['p'], direct)).toEqual({ p: 'x' })
      expect(await tokens()).toBe(before)
      const wrong = await failure('secret/shop/login', ['p'], { ...settings, 'app.role.secret.id': 'wr0ng-secret-id' })
      expect(wrong.message).toMatch(
        /^Vault refuses the login with approle at auth\/approle\/login \(4\d\d: .*\); check app/,
      )
      expect(wrong.message).not.toContain('wr0ng-secret-id')
    })

    it('of userpass works', async () => {
      const settings = { 'vault.auth.method': 'USERPASS', username: 'maria', password: 'pa55-of-maria' }
      expect(await read('secret/shop/login', ['p'], settings)).toEqual({ p: 'x' })
      const wrong = await failure('secret/shop/login', ['p'], { ...settings, password: 'wr0ng' })
      expect(wrong.message).toMatch(/^Vault refuses the login with userpass at auth\/userpass\/login\/maria \(4/)
      expect(wrong.message).not.toContain('wr0ng')
    })

    it('of jwt and kubernetes sends the role and the token', async () => {
      const { token, publicKey } = signedToken()
      await vault.must('POST', 'auth/jwt/config', { jwt_validation_pubkeys: [publicKey] })
      await vault.must('POST', 'auth/jwt/role/shop', {
        role_type: 'jwt',
        bound_audiences: ['vault'],
        user_claim: 'sub',
        token_policies: ['shop'],
      })
      const jwt = { 'vault.auth.method': 'jwt', 'jwt.role': 'shop', jwt: token }
      expect(await read('secret/shop/login', ['p'], jwt)).toEqual({ p: 'x' })
      // The login of kubernetes has the same form; its server checks the token with the API of Kubernetes.
      const file = join(directory, 'jwt')
      writeFileSync(file, token)
      const kubernetes = {
        'vault.auth.method': 'kubernetes',
        'kubernetes.mount': 'jwt',
        'kubernetes.role': 'shop',
        'kubernetes.token.path': file,
      }
      expect(await read('secret/shop/login', ['p'], kubernetes)).toEqual({ p: 'x' })
      const wrong = await failure('secret/shop/login', ['p'], { ...jwt, 'jwt.role': 'nope' })
      expect(wrong.message).toMatch(/refuses the login with jwt .*; check jwt.role and jwt, and the role in Vault$/)
      expect(wrong.message).not.toContain(token)
    })
  })

  it('reads the secrets of a namespace', async () => {
    await vault.must('POST', 'sys/namespaces/team')
    const inside = { 'x-vault-namespace': 'team' }
    await vault.must('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } }, inside)
    await expect
      .poll(async () => (await vault.call('POST', 'kv/data/a', { data: { p: 'x' } }, inside)).status)
      .toBe(200)
    const settings = { 'vault.token': vault.rootToken, 'vault.namespace': 'team' }
    expect(await read('kv/a', ['p'], settings)).toEqual({ p: 'x' })
    await failure('kv/a', ['p'])
  })

  it('says that Vault is sealed, which may pass', async () => {
    const own = await VaultServer.start(servers, 'sealed')
    await own.must('PUT', 'sys/seal')
    const settings = { 'vault.addr': own.url, 'vault.token': own.rootToken }
    const sealed = await failure('secret/a', ['p'], settings)
    expect(sealed).toBeInstanceOf(RetriableError)
    expect(sealed.message).toMatch(/^Vault refuses to use the mount of secret\/a \(503: .*sealed.*\): unseal it$/i)
  })
})

/** A JSON web token for the audience `vault`, and the key that it can be checked with. */
function signedToken(): { readonly token: string; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const encoded = (part: unknown): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  const claims = { sub: 'worker', aud: 'vault', iat: now - 10, nbf: now - 10, exp: now + 3600 }
  const text = `${encoded({ alg: 'ES256', typ: 'JWT' })}.${encoded(claims)}`
  const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  const token = `${text}.${signature.toString('base64url')}`
  return { token, publicKey: publicKey.export({ type: 'spki', format: 'pem' }).toString() }
}
