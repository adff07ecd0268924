import {
  CreateSecretCommand,
  DeleteSecretCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { ConfigError, type RawConfig } from 'penstock/api'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'

import { plugin } from '../../../plugins/config-providers/aws-secret-provider.ts'
import { Servers } from '../../../src/servers/servers.ts'
import { startMoto } from '../../support/secrets/moto-server.ts'
import { openProvider } from '../../support/secrets/open-provider.ts'
import { describeWith } from '../../support/services.ts'

const signal = AbortSignal.timeout(300_000)

describeWith(['moto_server'], 'the provider of AWS Secrets Manager, with moto', () => {
  let servers: Servers
  let client: SecretsManagerClient
  let url = ''
  beforeAll(async () => {
    servers = Servers.open()
    ;({ client, url } = await startMoto(servers))
  })
  afterEach(() => vi.unstubAllEnvs())
  afterAll(async () => {
    client?.destroy()
    await servers.close()
  })

  const own = { 'aws.access.key': 'AKIDEXAMPLE', 'aws.secret.key': 'the-secret-key-of-the-tests' }
  async function read(path: string, keys: readonly string[], settings: RawConfig = own): Promise<unknown> {
    const all = { 'aws.region': 'eu-central-1', 'aws.endpoint.override': url, ...settings }
    return await openProvider(plugin, all).get(path, keys, signal)
  }

  it('returns fields of a secret that is a JSON object, and the whole text of any', async () => {
    const text = '{"user":"maria","password":"S3cret = x","port":12345678901234567890,"none":null}'
    await client.send(new CreateSecretCommand({ Name: 'shop/db', SecretString: text }))
    await client.send(new CreateSecretCommand({ Name: 'plain', SecretString: 'S3cret' }))
    expect(await read('shop/db', ['user', 'password', 'port', 'none', 'nope'])).toEqual({
      user: 'maria',
      password: 'S3cret = x',
      port: '12345678901234567890',
    })
    expect(await read('shop/db', ['', 'user'])).toEqual({ '': text, user: 'maria' })
    expect(await read('plain', [''])).toEqual({ '': 'S3cret' })
    const reading = read('plain', ['user'])
    await expect(reading).rejects.toThrow(
      /^the secret plain is no JSON object, and has no key "user": leave the key empty/,
    )
    await expect(reading).rejects.not.toThrow(/S3cret/)
  })

  it('reads versions by label and by id', async () => {
    const first = await client.send(new CreateSecretCommand({ Name: 'rotated', SecretString: '{"p":"one"}' }))
    await client.send(new PutSecretValueCommand({ SecretId: 'rotated', SecretString: '{"p":"two"}' }))
    expect(await read('rotated', ['p'])).toEqual({ p: 'two' })
    expect(await read('rotated?version=AWSPREVIOUS', ['p'])).toEqual({ p: 'one' })
    expect(await read(`rotated?version=${first.VersionId}`, ['p'])).toEqual({ p: 'one' })
    await expect(read('rotated?version=NOPE', ['p'])).rejects.toThrow(/secret version NOPE of rotated cannot be read/)
  })

  it('says what cannot be read, and what to do', async () => {
    await client.send(new CreateSecretCommand({ Name: 'binary', SecretBinary: Buffer.from([0xff]) }))
    await client.send(new CreateSecretCommand({ Name: 'deleted', SecretString: '{}' }))
    await client.send(new DeleteSecretCommand({ SecretId: 'deleted', RecoveryWindowInDays: 7 }))
    await expect(read('binary', ['p'])).rejects.toThrow(/^the secret binary is binary; only a text can be a setting$/)
    await expect(read('deleted', ['p'])).rejects.toThrow(
      /it is being deleted, or has no value yet; restore or write it$/,
    )
    const missing = read('nope', ['p'])
    await expect(missing).rejects.toThrow(ConfigError)
    await expect(missing).rejects.toThrow(
      /^the secret nope cannot be read from Secrets Manager in eu-central-1 at http.*: there is none with that name/,
    )
    await expect(read('arn', ['aws:secretsmanager:x'])).rejects.toThrow(/has an ARN, .*: write the name$/)
  })

  it('uses the default chain of the SDK if asked', async () => {
    await client.send(new CreateSecretCommand({ Name: 'chain', SecretString: '{"p":"x"}' }))
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'of-the-environment')
    expect(await read('chain', ['p'], { 'aws.auth.method': 'default' })).toEqual({ p: 'x' })
  })
})
