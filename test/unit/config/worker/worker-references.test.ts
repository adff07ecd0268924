import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { ConfigError } from '../../../../src/api/errors.ts'
import { loadWorkerConfig, type WorkerConfig } from '../../../../src/config/worker/worker-config.ts'

const load = async (raw: Record<string, string>): Promise<WorkerConfig> => await loadWorkerConfig(raw, { file: false })
const env = { 'config.providers': 'env', 'config.providers.env.class': 'EnvVarConfigProvider' }

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-worker-'))
  vi.stubEnv('CP_PASSWORD', 'S3cret-${env:CP_USER}')
  vi.stubEnv('CP_USER', 'maria')
  vi.stubEnv('CP_SERVERS', 'h1:9092')
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true, force: true })
})

describe("references in a worker's settings", () => {
  it('are resolved, also several in one value, and the values are not expanded again', async () => {
    const config = await load({
      ...env,
      'bootstrap.servers': '${env:CP_SERVERS}',
      'security.protocol': 'SASL_PLAINTEXT',
      'sasl.mechanism': 'PLAIN',
      'sasl.jaas.config': 'x required username="${env:CP_USER}" password="${env:CP_PASSWORD}";',
    })
    expect(config.security.sasl).toMatchObject({ username: 'maria', password: 'S3cret-${env:CP_USER}' })
    expect(config.bootstrapServers).toBe('h1:9092')
    expect(config.embedded).toBeNull()
    expect(config.providers).toEqual({
      settings: [{ name: 'env', className: 'EnvVarConfigProvider', params: {} }],
      secrets: [
        { reference: '${env:CP_SERVERS}', value: 'h1:9092' },
        { reference: '${env:CP_USER}', value: 'maria' },
        { reference: '${env:CP_PASSWORD}', value: 'S3cret-${env:CP_USER}' },
      ],
    })
  })

  it('are used as they are in plugin.path and in the settings of the providers', async () => {
    const pattern = '${env:CP_USER}|CP_.*'
    const config = await load({
      ...env,
      'plugin.path': '/${vault:x}',
      'config.providers.env.param.allowlist.pattern': 'CP_.*',
    })
    expect(config.warnings).toEqual([expect.stringContaining('directory /${vault:x} cannot be read')])
    await expect(load({ ...env, 'config.providers.env.param.allowlist.pattern': `(${pattern}` })).rejects.toThrow(
      /Invalid value \(\$\{env:CP_USER\}/,
    )
  })

  it('stay the names of their values in errors and warnings (I8)', async () => {
    const loading = load({ ...env, 'offset.flush.interval.ms': '${env:CP_PASSWORD}' })
    await expect(loading).rejects.toThrow(
      'Invalid value ${env:CP_PASSWORD} for configuration offset.flush.interval.ms: Not a number of type LONG',
    )
    await expect(loading).rejects.toBeInstanceOf(ConfigError)
    const { stack } = await loading.then(
      () => new Error('loaded'),
      (error: unknown) => error as Error,
    )
    expect(stack).not.toContain('S3cret')
    expect((await load({ ...env, 'producer.max.block.ms': '${env:CP_PASSWORD}' })).warnings.join()).not.toContain(
      'S3cret',
    )
  })

  it.each([
    [
      { 'group.id': '${env:CP_NONE}' },
      /^REFERENCE_UNRESOLVED: Configuration "group.id": the reference \$\{env:CP_NONE\} cannot/,
    ],
    [{ 'group.id': '${vault:x}' }, /by config provider "vault": the worker has no such provider; .* lists env$/],
  ])('that cannot be resolved prevent the start: %j', async (raw, message) => {
    await expect(load({ ...env, ...raw })).rejects.toThrow(ConfigError)
    await expect(load({ ...env, ...raw })).rejects.toThrow(message)
  })

  it('are resolved by a provider of plugin.path', async () => {
    writeFileSync(
      join(directory, 'package.json'),
      JSON.stringify({
        name: 'vault',
        version: '1.0.0',
        penstock: {
          plugins: [{ kind: 'configprovider', class: 'com.acme.VaultConfigProvider', module: './index.mjs' }],
        },
      }),
    )
    writeFileSync(
      join(directory, 'index.mjs'),
      `import { ConfigError } from 'penstock/api'
      export const plugin = { kind: 'configprovider', className: 'com.acme.VaultConfigProvider', aliases: [], version: '1.0.0',
        configDef: { address: { type: 'STRING', importance: 'HIGH', doc: 'The server.' } },
        create: (config) => ({ get: async (path, [key]) => {
          if (key === 'sealed') throw new ConfigError('the vault is sealed')
          return { [key]: config.address + path } } }) }`,
    )
    const vault = {
      'plugin.path': directory,
      'config.providers': 'v',
      'config.providers.v.class': 'Vault',
      'config.providers.v.param.address': 'http://v',
    }
    expect((await load({ ...vault, 'group.id': '${v:/kv:k}' })).groupId).toBe('http://v/kv')
    await expect(load({ ...vault, 'group.id': '${v:/kv:sealed}' })).rejects.toThrow(
      /provider "v": the vault is sealed$/,
    )
    const { 'config.providers.v.param.address': _, ...without } = vault
    await expect(load(without)).rejects.toThrow(
      /"config.providers.v.param.\*" is not valid: Missing required configuration "address"/,
    )
  })
})

describe('config.providers', () => {
  it.each([
    [{ 'config.providers': 'file' }, /Missing required configuration "config.providers.file.class"/],
    [
      { 'config.providers': 'f', 'config.providers.f.class': 'com.acme.Nope' },
      /Invalid value com.acme.Nope for configuration config.providers.f.class: there is no such config provider. Available are .*org.apache/,
    ],
    [{ 'config.providers': 'env,env', 'config.providers.env.class': 'Env' }, /"config.providers" lists "env" twice/],
    [{ 'config.providers': 'a:b' }, /no reference can have the name "a:b"/],
    [
      { ...env, 'config.providers.evn.param.allowlist.pattern': 'x' },
      /"config.providers.evn.param.allowlist.pattern" belongs to no provider of "config.providers"/,
    ],
    [
      { ...env, 'config.providers.env.clas': 'x' },
      /"config.providers.env.clas" .* did you mean "config.providers.env.class"\?/,
    ],
    [
      { ...env, 'config.providers.env.param.allowlist.patern': 'x' },
      /"config.providers.env.param.allowlist.patern" is not a parameter .* did you mean "config.providers.env.param.allowlist.pattern"\?/,
    ],
  ])('prevents the start by name: %j', async (raw, message) => {
    await expect(load(raw)).rejects.toThrow(ConfigError)
    await expect(load(raw)).rejects.toThrow(message)
  })
})
