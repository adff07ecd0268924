import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import { afterAll, beforeAll, expect, it } from 'vitest'

import { Servers } from '../../../src/servers/servers.ts'
import { HttpFaults } from '../../support/http-faults.ts'
import { writePluginPackage } from '../../support/plugins/plugin-package.ts'
import { startMoto, type MotoServer } from '../../support/secrets/moto-server.ts'
import { VaultServer } from '../../support/secrets/vault-server.ts'
import { describeWith } from '../../support/services.ts'
import { untilPasses } from '../../support/until.ts'
import { everythingOf, placesOf } from '../../support/worker/secret-search.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'

const workers = testWorkers()
const secretKey = 'secret-key-of-the-worker'

describeWith(['bao', 'moto_server', 'kcat'], 'a connector that gives away secrets of secret managers', () => {
  let servers: Servers
  let vault: VaultServer
  let moto: MotoServer
  beforeAll(async () => {
    servers = Servers.open()
    vault = await VaultServer.start(servers)
    moto = await startMoto(servers)
  })
  afterAll(async () => {
    moto?.client.destroy()
    await servers.close()
  })

  it('gives away only the references: in no topic, response, metric, file or line of the process (I8)', async () => {
    const [ofVault, ofAws] = ['S3cret-of-"Vault\\', "S3cret-of-%AWS'"]
    await vault.keep('shop', { password: ofVault })
    await moto.client.send(new CreateSecretCommand({ Name: 'shop', SecretString: JSON.stringify({ password: ofAws }) }))
    writePluginPackage(join(workers.directory, 'plugins'), 'leaky')
    const token = join(workers.directory, '..', `token-${process.pid}`)
    writeFileSync(token, vault.rootToken)
    const running = await workers.start({
      'plugin.path': join(workers.directory, 'plugins'),
      'config.providers': 'vault,aws',
      'config.providers.vault.class': 'VaultSecretProvider',
      'config.providers.vault.param.vault.addr': vault.url,
      'config.providers.vault.param.vault.token.file': token,
      'config.providers.aws.class': 'AWSSecretProvider',
      'config.providers.aws.param.aws.region': 'eu-central-1',
      'config.providers.aws.param.aws.access.key': 'AKIDEXAMPLE',
      'config.providers.aws.param.aws.secret.key': secretKey,
      'config.providers.aws.param.aws.endpoint.override': moto.url,
    })
    await running.request('PUT', '/admin/loggers/root', { level: 'TRACE' })
    const config = { 'connector.class': 'test.LeakyConnector', leak: 'log' }
    const connectors: Record<string, Record<string, string>> = {
      'of-vault': { ...config, password: '${vault:secret/shop?ttl=1000:password}' },
      'of-aws': { ...config, password: '${aws:shop:password}' },
      'fails-vault': { ...config, password: '${vault:secret/shop:password}', 'task.leak': 'poll' },
      'fails-aws': { ...config, password: '${aws:shop:password}', 'task.leak': 'start' },
    }
    for (const [name, one] of Object.entries(connectors)) await running.post(name, one)
    const missing = running.post('has-none', { ...config, password: '${vault:secret/nope:password}' })
    await expect(missing).rejects.toThrow(/cannot be resolved by .*vault.*: there is no secret at secret\/nope/)
    const traceOf = async (name: string): Promise<string> =>
      JSON.stringify(await running.request('GET', `/connectors/${name}/status`))
    await untilPasses(async () => {
      expect(await traceOf('of-vault')).toContain('LEAKY: the secret is ${vault:secret/shop?ttl=1000:password}, cut: x')
      expect(await traceOf('of-aws')).toContain('LEAKY: the secret is ${aws:shop:password}, cut: x')
      expect(await traceOf('fails-vault')).toContain('no ${vault:secret/shop:password}')
      expect(await traceOf('fails-aws')).toContain('no ${aws:shop:password}')
    })
    const rotated = 'S3cret-rotated-%Vault'
    await vault.keep('shop', { password: rotated })
    const said = (text: string): void => expect(running.output).toContain(text)
    await untilPasses(() => said('connector of-vault restarts: the value of ${vault:secret/shop?ttl=1000:password}'))
    await untilPasses(() => said('task of-vault-0 restarts: the value of ${vault:secret/shop?ttl=1000:password}'))
    await untilPasses(async () =>
      expect(await traceOf('of-vault')).toContain('LEAKY: the secret is ${vault:secret/shop'),
    )
    const everything = await everythingOf(running, connectors)
    for (const secret of [ofVault, rotated, ofAws, vault.rootToken, secretKey])
      expect(placesOf(secret, everything)).toEqual([])
  })
  it('starts by itself when Vault responds again', async () => {
    await vault.keep('shop/later', { topic: 'S3cret-topic' })
    const faults = await HttpFaults.before(vault.url)
    try {
      const running = await workers.start({
        'config.providers': 'vault',
        'config.providers.vault.class': 'VaultSecretProvider',
        'config.providers.vault.param.vault.addr': faults.url,
        'config.providers.vault.param.vault.token': vault.rootToken,
      })
      const file = join(workers.directory, 'in')
      writeFileSync(file, '')
      const config = { 'connector.class': 'FileStreamSource', file, topic: '${vault:secret/shop/later:topic}' }
      await running.post('later', config)
      faults.decide = () => ({ kind: 'answer', status: 503, body: '{"errors":["Vault is sealed"]}' })
      await expect(running.request('POST', '/connectors/later/restart')).rejects.toThrow(/Vault is sealed.*: unseal it/)
      const status = async (): Promise<unknown> => await running.request('GET', '/connectors/later/status')
      expect(await status()).toMatchObject({
        connector: { state: 'FAILED', trace: expect.stringMatching(/REFERENCE_UNRESOLVED: .*Vault is sealed/) },
      })
      faults.decide = () => ({ kind: 'pass' })
      await untilPasses(async () => expect(await status()).toMatchObject({ connector: { state: 'RUNNING' } }))
    } finally {
      await faults.close()
    }
  })
})
