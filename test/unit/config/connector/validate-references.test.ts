import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { ConfigValueInfo, SubmittedConfig } from '../../../../src/config/definition/config-infos.ts'
import { fileSinkConfig, postgresConfig, validationBy } from '../../../support/config/validation.ts'

const { validate, errorsOf } = validationBy('workers', [
  { name: 'env', className: 'EnvVarConfigProvider', params: { 'allowlist.pattern': 'CP_.*' } },
])

async function valuesOf(config: SubmittedConfig): Promise<Readonly<Record<string, ConfigValueInfo>>> {
  const { infos } = await validate(config)
  return Object.fromEntries(infos.configs.map(({ value }) => [value.name, value]))
}

beforeEach(() => {
  vi.stubEnv('CP_PASSWORD', 'S3cret-of-this-test')
  vi.stubEnv('CP_SHORT', 'no')
  vi.stubEnv('CP_FILE', '/tmp/a')
  vi.stubEnv('CP_CONVERTER', 'StringConverter')
})
afterEach(() => vi.unstubAllEnvs())

describe('a validation of a config with references', () => {
  it('checks their values, and shows the references', async () => {
    const config = { ...fileSinkConfig, file: '${env:CP_FILE}', 'value.converter': '${env:CP_CONVERTER}' }
    expect(await errorsOf(config)).toEqual([])
    const values = await valuesOf(config)
    expect(values['file']?.value).toBe('${env:CP_FILE}')
    expect(values['value.converter']?.value).toBe('${env:CP_CONVERTER}')
    // The settings of the converter that the reference stands for.
    expect(values['value.converter.converter.encoding']).toBeDefined()
  })

  it('shows a reference to a password, but no text beside it', async () => {
    expect(
      (await valuesOf({ ...postgresConfig, 'database.password': '${env:CP_PASSWORD}' }))['database.password']?.value,
    ).toBe('${env:CP_PASSWORD}')
    const mixed = { ...postgresConfig, 'database.password': 'pre-${env:CP_PASSWORD}' }
    expect((await valuesOf(mixed))['database.password']?.value).toBe('[hidden]${env:CP_PASSWORD}')
    const url = { ...fileSinkConfig, file: 'http://${env:CP_SHORT}:literal@h' }
    expect((await valuesOf(url))['file']?.value).toBe('[hidden]@h')
    const byReference = { ...fileSinkConfig, file: 'http://u:${env:CP_PASSWORD}@h' }
    expect((await valuesOf(byReference))['file']?.value).toBe('http://u:${env:CP_PASSWORD}@h')
  })

  it('names no password by reference as one that is stored', async () => {
    const secrets = async (password: string): Promise<readonly string[]> =>
      (await validate({ ...postgresConfig, 'database.password': password })).literalSecrets
    expect(await secrets('literal')).toEqual(['database.password'])
    expect(await secrets('${env:CP_PASSWORD}')).toEqual([])
  })

  it.each([
    [
      'errors.retry.delay.max.ms',
      '${env:CP_PASSWORD}',
      'Invalid value ${env:CP_PASSWORD} for configuration errors.retry.delay.max.ms: Not a number of type LONG',
    ],
    [
      'errors.retry.delay.max.ms',
      '${env:CP_SHORT}',
      'Invalid value ${env:CP_SHORT} for configuration errors.retry.delay.max.ms: the value of the reference is not valid',
    ],
    [
      'errors.retry.delay.max.ms',
      '1${env:CP_SHORT}',
      'Invalid value [hidden]${env:CP_SHORT} for configuration errors.retry.delay.max.ms: the value of the reference is not valid',
    ],
    [
      'key.converter',
      '${env:CP_PASSWORD}',
      'Invalid value ${env:CP_PASSWORD} for configuration key.converter: Class ${env:CP_PASSWORD} could not be found.',
    ],
    [
      'consumer.override.isolation.level',
      '${env:CP_PASSWORD}',
      'Invalid value ${env:CP_PASSWORD} for configuration consumer.override.isolation.level: String must be one of: read_committed, read_uncommitted',
    ],
  ])('has no value in the error of %s=%s', async (key, value, message) => {
    const errors = await errorsOf({ ...fileSinkConfig, [key]: value })
    expect(errors.filter(([name]) => name === key)).toEqual([[key, message]])
    expect(JSON.stringify((await validate({ ...fileSinkConfig, [key]: value })).infos)).not.toContain('S3cret')
  })

  it("has no value in the connector's own errors, also those of other keys (I8)", async () => {
    const config = { ...postgresConfig, 'database.user': '${env:CP_PASSWORD}', 'slot.name': '${env:CP_PASSWORD}' }
    const { infos } = await validate(config)
    expect(infos.errorCount).toBeGreaterThan(0)
    expect(JSON.stringify(infos)).not.toContain('S3cret')
    expect(infos.configs.find(({ value }) => value.name === 'slot.name')?.value).toMatchObject({
      value: '${env:CP_PASSWORD}',
      errors: [expect.stringContaining('Invalid value ${env:CP_PASSWORD} for configuration slot.name')],
    })
  })

  it('names each reference that cannot be resolved, as the only error of its key, and asks no server', async () => {
    const password = '${env:CP_PASSWORD}${env:HOME}${vault:db:pw}'
    expect(
      await errorsOf({ ...postgresConfig, 'database.password': password, 'database.port': '${env:CP_NONE}' }),
    ).toEqual([
      [
        'database.port',
        expect.stringMatching(
          /the reference \$\{env:CP_NONE\} cannot be resolved by config provider "env": there is no key "CP_NONE"$/,
        ),
      ],
      [
        'database.password',
        expect.stringMatching(/\$\{env:HOME\} cannot be resolved .*HOME does not match allowlist.pattern$/),
      ],
      [
        'database.password',
        expect.stringMatching(/\$\{vault:db:pw\} cannot be resolved .* "config.providers" lists env$/),
      ],
    ])
    // Every other value is valid, so the server would be asked.
    expect(await errorsOf({ ...postgresConfig, 'database.password': '${env:CP_NONE}' })).toEqual([
      ['database.password', expect.stringContaining('${env:CP_NONE} cannot be resolved')],
    ])
    expect(
      await errorsOf({ ...postgresConfig, 'database.port': '1', 'database.password': '${env:CP_PASSWORD}' }),
    ).toEqual([[expect.any(String), expect.stringMatching(/PG_|ECONNREFUSED|connect/i)]])
  })

  it('names a reference that cannot be resolved under any key', async () => {
    const keys = ['unknown.to.all', 'producer.override.x', 'transforms.nope.x', 'flie']
    const errors = await errorsOf({
      ...fileSinkConfig,
      ...Object.fromEntries(keys.map((key) => [key, '${env:CP_NONE}'])),
    })
    expect(errors.map(([key]) => key).toSorted()).toEqual(keys.toSorted())
    for (const [, error] of errors) expect(error).toContain('the reference ${env:CP_NONE} cannot be resolved')
  })

  it('creates no transform whose values are missing, and shows no value that one refuses (I8)', async () => {
    const script = {
      ...fileSinkConfig,
      transforms: 'script',
      'transforms.script.type': 'io.debezium.transforms.Filter',
      'transforms.script.language': 'jsr223.groovy',
    }
    expect(await errorsOf({ ...script, 'transforms.script.condition': '${env:CP_NONE}' })).toEqual([
      ['transforms.script.condition', expect.stringContaining('${env:CP_NONE} cannot be resolved')],
    ])
    expect(await errorsOf({ ...script, 'transforms.script.condition': '(${env:CP_PASSWORD}' })).toEqual([
      ['transforms.script.condition', expect.stringContaining('refuses its configuration')],
    ])
    const { infos } = await validate({ ...script, 'transforms.script.condition': '(${env:CP_PASSWORD}' })
    expect(JSON.stringify(infos)).not.toContain('S3cret')
  })

  it.each(['tasks.max', 'name', 'consumer.override.group.id', 'transforms', 'predicates'])(
    'accepts no reference in %s',
    async (key) => {
      const errors = await errorsOf({ ...fileSinkConfig, [key]: '${env:CP_PASSWORD}' })
      const { infos } = await validate({ ...fileSinkConfig, [key]: '${env:CP_PASSWORD}' })
      expect(JSON.stringify(infos)).not.toContain('S3cret')
      expect(errors).toContainEqual([
        key,
        `Configuration "${key}" cannot refer to a config provider: the worker uses it where references are not resolved. Enter the value itself`,
      ])
    },
  )
})
