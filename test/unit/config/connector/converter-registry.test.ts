import { describe, expect, it } from 'vitest'

import { fileSinkConfig, validationBy } from '../../../support/config/validation.ts'

const avro = { ...fileSinkConfig, 'value.converter': 'AvroConverter' }
const key = 'value.converter.schema.registry.url'

describe('the schema registry of a converter', () => {
  const registryUrl = 'http://127.0.0.1:8083/schema-registry'
  const { validate, errorsOf } = validationBy('connect-cluster', [], { registryUrl })

  it('is that of the worker, unless the config names one', async () => {
    const urlOf = async (config: Readonly<Record<string, string>>): Promise<unknown> =>
      (await validate(config)).infos.configs.find(({ value }) => value.name === key)?.value.value
    expect(await errorsOf(avro)).toEqual([])
    expect(await urlOf(avro)).toBe(registryUrl)
    expect(await urlOf({ ...avro, [key]: '' })).toBe(registryUrl)
    expect(await urlOf({ ...avro, [key]: 'http://registry' })).toBe('http://registry')
  })

  it('is required when the worker has none', async () => {
    const errors = await validationBy('connect-cluster').errorsOf(avro)
    expect(new Set(errors.map(([name]) => name))).toEqual(new Set([key]))
  })

  it('is not a setting of a converter that uses none', async () => {
    const { infos } = await validate({ ...avro, 'value.converter': 'JsonConverter' })
    expect(infos.configs.filter(({ value }) => value.name === key)).toEqual([])
  })
})
