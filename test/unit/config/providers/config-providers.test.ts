import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { ConfigError } from '../../../../src/api/errors.ts'
import { ConfigProviders } from '../../../../src/config/providers/config-providers.ts'
import type { ProviderSettings } from '../../../../src/config/providers/provider-settings.ts'
import { systemClock } from '../../../../src/foundation/clock.ts'
import { PluginRegistry } from '../../../../src/plugin/plugin-registry.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { recordedCalls, testProvider } from '../../../support/plugins/recording-config-provider.ts'

const plugins = new PluginRegistry([testProvider])
let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-providers-'))
  recordedCalls.splice(0)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true, force: true })
})

function providers(...settings: readonly Partial<ProviderSettings>[]): ConfigProviders {
  const all = settings.map(({ name = 'test', className = 'FileConfigProvider', params = {} }) => ({
    name,
    className,
    params,
  }))
  return new ConfigProviders({ settings: all, plugins, clock: systemClock })
}

const recording = { name: 'r', className: 'test.RecordingConfigProvider' }

describe('references in a config', () => {
  it('are resolved, also several in one value, and the values are not expanded again', async () => {
    vi.stubEnv('CP_USER', 'maria')
    const file = join(directory, 's.properties')
    writeFileSync(file, `password=\${env:CP_USER}\n`)
    const given = { url: `pg://\${env:CP_USER}:\${file:${file}:password}@h`, other: '$1', none: null }
    const references = await providers({ name: 'file' }, { name: 'env', className: 'EnvVarConfigProvider' }).resolve([
      given,
    ])
    expect(references.problems(given)).toEqual([])
    expect(references.config(given)).toEqual({ url: 'pg://maria:${env:CP_USER}@h', other: '$1', none: null })
    expect(references.secrets).toEqual([
      { reference: '${env:CP_USER}', value: 'maria' },
      { reference: `\${file:${file}:password}`, value: '${env:CP_USER}' },
    ])
  })

  it.each([
    ['${nope:k}', /by config provider "nope": the worker has no such provider; .* lists file, env, r$/],
    ['${env:CP_MISSING}', /by config provider "env": there is no key "CP_MISSING"$/],
    ['${file:/no/such:k}', /by config provider "file": \/no\/such cannot be read \(ENOENT\)$/],
    ['${r:/fails:k}', /by config provider "r": the vault is sealed$/],
    ['${r:/number:k}', /by config provider "r": there is no key "k" at \/number$/],
    ['${r:/null:k}', /by config provider "r": there is no key "k" at \/null$/],
    ['${r:/all:constructor}', /by config provider "r": there is no key "constructor" at \/all$/],
  ])('that cannot be resolved are named: %s', async (reference, message) => {
    const all = providers({ name: 'file' }, { name: 'env', className: 'EnvVarConfigProvider' }, recording)
    const given = { key: `a ${reference}` }
    const references = await all.resolve([given])
    expect(references.config(given)).toEqual(given)
    expect(references.problems(given)).toEqual([{ key: 'key', message: expect.stringMatching(message) }])
    expect(references.problems(given)[0]?.message).toContain(
      `Configuration "key": the reference ${reference} cannot be`,
    )
    expect(() => references.complete(given)).toThrow(ConfigError)
    expect(() => references.complete(given)).toThrow(/^REFERENCE_UNRESOLVED: Configuration "key"/)
  })

  it('are looked up with one call for each path, by a provider that is created and closed each time', async () => {
    const one = providers(recording)
    const given = { a: '${r:/all:x} ${r:/all:y} ${r:/all:x}', b: '${r:/other:z}' }
    expect((await one.resolve([given])).config(given)).toEqual({ a: '/all-x /all-y /all-x', b: '/other-z' })
    expect(recordedCalls).toEqual(['create', 'get /all x,y', 'get /other z', 'close'])
    await one.resolve([given])
    expect(recordedCalls.filter((call) => call === 'create')).toHaveLength(2)
  })

  it('are not resolved by a provider that does not respond in time', async () => {
    const clock = new ManualClock()
    const one = new ConfigProviders({ settings: [{ ...recording, params: {} }], plugins, clock })
    const resolving = one.resolve([{ a: '${r:/hangs:k}' }])
    await vi.waitFor(() => expect(recordedCalls).toContain('get /hangs k'))
    clock.advance(30_000)
    expect((await resolving).problems({ a: '${r:/hangs:k}' })).toEqual([
      { key: 'a', message: expect.stringContaining('by config provider "r": timed out after 30000 ms') },
    ])
    expect(recordedCalls).toEqual(['create', 'get /hangs k', 'aborted', 'close'])
  })

  it('have the TTL that their provider gives them, if it is one', async () => {
    const file = join(directory, 's.properties')
    writeFileSync(file, 'p=x')
    const given = { a: `\${file:${file}:p}`, b: '${r:/all:k}', c: '${r:/ttl:k}', d: '${r:/wrong-ttl:k}' }
    const all = providers({ name: 'file', params: { 'secret.default.ttl': '5000' } }, recording)
    expect([...(await all.resolve([given])).expiring]).toEqual([
      [5000, [given.a]],
      [60_000, [given.c]],
    ])
  })

  it('need no longer be resolved when the signal fires', async () => {
    const stop = new AbortController()
    const resolving = providers(recording).resolve([{ a: '${r:/hangs:k}' }], stop.signal)
    await vi.waitFor(() => expect(recordedCalls).toContain('get /hangs k'))
    stop.abort(new TypeError('stopped'))
    await expect(resolving).rejects.toThrow('stopped')
  })

  it('cost nothing where there are none', async () => {
    expect((await providers(recording).resolve([{ a: 'b' }])).config({ a: 'b' })).toEqual({ a: 'b' })
    expect(recordedCalls).toEqual([])
  })
})

describe('the config providers of a worker', () => {
  it('are created and closed by a check', async () => {
    await providers({ name: 'file' }, recording).check()
    expect(recordedCalls).toEqual(['create', 'close'])
  })

  it.each([
    [
      { className: 'com.acme.Nope' },
      /Invalid value com.acme.Nope for configuration config.providers.test.class: .*FileConfigProvider/,
    ],
    [{ className: 'JsonConverter' }, /Invalid value JsonConverter for configuration config.providers.test.class/],
    [
      { params: { 'allowed.paths': 'relative' } },
      /"config.providers.test.param.\*" is not valid: Invalid value \[relative\] for configuration allowed.paths: Path relative is not absolute/,
    ],
    [{ params: { 'allowed.paths': '/no/such' } }, /allowed.paths: it cannot be read \(ENOENT\)/],
    [
      { params: { 'allowed.path': '/tmp' } },
      /"config.providers.test.param.allowed.path" is not a parameter .* did you mean "config.providers.test.param.allowed.paths"\?/,
    ],
    [
      { className: 'EnvVarConfigProvider', params: { 'allowlist.pattern': '(' } },
      /"config.providers.test.param.\*" is not valid: Invalid value \( for configuration allowlist.pattern/,
    ],
  ])('are refused by name: %j', async (settings, message) => {
    await expect(providers(settings).check()).rejects.toThrow(ConfigError)
    await expect(providers(settings).check()).rejects.toThrow(message)
  })
})
