import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { ConfigError, type ConfigProvider, type ConfigProviderPlugin, type RawConfig } from 'penstock/api'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { plugin as directoryProvider } from '../../../plugins/config-providers/directory-config-provider.ts'
import { plugin as envProvider } from '../../../plugins/config-providers/env-var-config-provider.ts'
import { plugin as fileProvider } from '../../../plugins/config-providers/file-config-provider.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'

let root = ''
const at = (...names: string[]): string => join(root, ...names)
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'penstock-secrets-')))
  for (const name of ['allowed', 'allowed-not', 'outside']) mkdirSync(at(name))
  writeFileSync(at('allowed', 's.properties'), 'password = S3cret = x\nempty=\numlaut=\u00e4\\u00e4\n')
  writeFileSync(at('outside', 's.properties'), 'password=other')
  writeFileSync(at('allowed-not', 's.properties'), 'password=other')
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(root, { recursive: true, force: true })
})

const signal = AbortSignal.timeout(60_000)
const create = (plugin: ConfigProviderPlugin, params: RawConfig = {}): ConfigProvider =>
  plugin.create(parseConfig(plugin.configDef, params), params)
const file = (params?: RawConfig): ConfigProvider => create(fileProvider, params)
const directory = (params?: RawConfig): ConfigProvider => create(directoryProvider, params)

describe('the FileConfigProvider', () => {
  it('returns properties of a Java properties file in UTF-8, and leaves out those that it does not have', async () => {
    const keys = ['password', 'empty', 'umlaut', 'nope', 'constructor']
    expect(await file().get(at('allowed', 's.properties'), keys, signal)).toEqual({
      password: 'S3cret = x',
      empty: '',
      umlaut: 'ää',
    })
  })

  it('reads the file again at every call', async () => {
    const provider = file()
    writeFileSync(at('rotated'), 'p=1')
    expect(await provider.get(at('rotated'), ['p'], signal)).toEqual({ p: '1' })
    writeFileSync(at('rotated'), 'p=2')
    expect(await provider.get(at('rotated'), ['p'], signal)).toEqual({ p: '2' })
  })

  it.each([
    ['a file that is missing', () => at('allowed', 'nope'), /nope cannot be read \(ENOENT\)$/],
    ['a directory', () => at('allowed'), /allowed is not a regular file$/],
    ['no path', () => '', /names no file$/],
  ])('refuses %s', async (_what, path, message) => {
    await expect(file().get(path(), ['p'], signal)).rejects.toThrow(ConfigError)
    await expect(file().get(path(), ['p'], signal)).rejects.toThrow(message)
  })

  it('refuses what is not a text, without its content', async () => {
    writeFileSync(at('binary'), Buffer.from([0x70, 0x3d, 0xff]))
    await expect(file().get(at('binary'), ['p'], signal)).rejects.toThrow(/binary is not encoded in UTF-8$/)
    writeFileSync(at('escape'), 'p=S3cret\\u00')
    const reading = file().get(at('escape'), ['p'], signal)
    await expect(reading).rejects.toThrow(/escape: Malformed \\uXXXX encoding in line 1/)
    await expect(reading).rejects.not.toThrow(/S3cret/)
    writeFileSync(at('large'), 'p='.padEnd(1024 * 1024 + 1, 'x'))
    await expect(file().get(at('large'), ['p'], signal)).rejects.toThrow(/large has 1048577 bytes; the maximum is/)
  })

  it('does not wait for the writer of a named pipe', async () => {
    execFileSync('mkfifo', [at('pipe')])
    await expect(file().get(at('pipe'), ['p'], signal)).rejects.toThrow(/pipe is not a regular file$/)
  })
})

describe('allowed.paths', () => {
  const allowed = () => ({ 'allowed.paths': `${at('allowed')}, ${at('other')}` })
  beforeEach(() => {
    mkdirSync(at('other'))
    symlinkSync(at('outside', 's.properties'), at('allowed', 'out'))
    symlinkSync(at('allowed', 's.properties'), at('outside', 'in'))
    symlinkSync(at('allowed'), at('way-in'))
    symlinkSync(at('outside'), at('allowed', 'way-out'))
  })

  it.each([
    ['a file below one', () => at('allowed', 's.properties')],
    ['a way through ..', () => `${at('outside')}/../allowed/s.properties`],
    ['a link to a file below one', () => at('outside', 'in')],
    ['a link to a directory of one', () => at('way-in', 's.properties')],
  ])('allows %s', async (_what, path) => {
    expect(await file(allowed()).get(path(), ['password'], signal)).toEqual({ password: 'S3cret = x' })
  })

  it.each([
    ['a file elsewhere', () => at('outside', 's.properties')],
    ['a file elsewhere that is missing', () => at('outside', 'nope')],
    ['a directory with the same beginning', () => at('allowed-not', 's.properties')],
    ['a way out through ..', () => `${at('allowed')}/../outside/s.properties`],
    ['a link to a file elsewhere', () => at('allowed', 'out')],
    ['a link to a directory elsewhere', () => at('allowed', 'way-out', 's.properties')],
  ])('forbids %s', async (_what, path) => {
    await expect(file(allowed()).get(path(), ['password'], signal)).rejects.toThrow(/ is not in allowed.paths$/)
  })

  it('can name a file, and can be a link', async () => {
    const one = file({ 'allowed.paths': at('way-in', 's.properties') })
    expect(await one.get(at('allowed', 's.properties'), ['empty'], signal)).toEqual({ empty: '' })
    await expect(one.get(at('outside', 's.properties'), ['p'], signal)).rejects.toThrow(/not in allowed.paths/)
    await expect(one.get(at('way-in', 'nope'), ['p'], signal)).rejects.toThrow(/not in allowed.paths/)
  })

  it('says of a missing file that it is missing where files may be read', async () => {
    await expect(file(allowed()).get(at('allowed', 'nope'), ['p'], signal)).rejects.toThrow(/\(ENOENT\)$/)
  })

  it('holds for the files of a directory too', async () => {
    expect(await directory(allowed()).get(at('allowed'), ['s.properties'], signal)).toEqual({
      's.properties': expect.stringContaining('S3cret'),
    })
    await expect(directory(allowed()).get(at('allowed'), ['out'], signal)).rejects.toThrow(/not in allowed.paths/)
    await expect(directory(allowed()).get(at('outside'), ['s.properties'], signal)).rejects.toThrow(/not in allowed/)
  })
})

describe('the DirectoryConfigProvider', () => {
  it('returns the text of files as it is, also through the links of Kubernetes', async () => {
    mkdirSync(at('mount', '..data'), { recursive: true })
    writeFileSync(at('mount', '..data', 'password'), 'S3cret\n')
    symlinkSync(join('..data', 'password'), at('mount', 'password'))
    const provider = directory({ 'allowed.paths': at('mount') })
    expect(await provider.get(at('mount'), ['password'], signal)).toEqual({ password: 'S3cret\n' })
  })

  it.each(['../s.properties', 'a/b', '', '.', '..', 'a\0b'])('refuses the name %j', async (name) => {
    await expect(directory().get(at('allowed'), [name], signal)).rejects.toThrow(/is not the name of a file in/)
  })

  it('refuses sub-directories, missing files and no path', async () => {
    mkdirSync(at('allowed', 'sub'))
    await expect(directory().get(at('allowed'), ['sub'], signal)).rejects.toThrow(/sub is not a regular file$/)
    await expect(directory().get(at('allowed'), ['nope'], signal)).rejects.toThrow(/nope cannot be read \(ENOENT\)$/)
    await expect(directory().get('', ['s.properties'], signal)).rejects.toThrow(/names no directory$/)
  })
})

describe('the EnvVarConfigProvider', () => {
  it('returns environment variables', async () => {
    vi.stubEnv('CP_TEST_A', 'S3cret')
    const provider = create(envProvider)
    expect(await provider.get('', ['CP_TEST_A', 'CP_TEST_NONE', 'constructor'], signal)).toEqual({
      CP_TEST_A: 'S3cret',
    })
  })

  it('returns only those whose whole name matches allowlist.pattern', async () => {
    vi.stubEnv('CP_TEST_A', 'S3cret')
    const provider = create(envProvider, { 'allowlist.pattern': 'CP_TEST' })
    await expect(provider.get('', ['CP_TEST_A'], signal)).rejects.toThrow(
      /^CP_TEST_A does not match allowlist.pattern$/,
    )
    const wider = create(envProvider, { 'allowlist.pattern': 'CP_TEST_[A-Z]' })
    expect(await wider.get('', ['CP_TEST_A'], signal)).toEqual({ CP_TEST_A: 'S3cret' })
  })

  it('has no paths', async () => {
    await expect(create(envProvider).get('/x', ['HOME'], signal)).rejects.toThrow(/have no path, .* has \/x$/)
  })
})
