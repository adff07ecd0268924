import { describe, expect, it } from 'vitest'

import { chartRange, lagColumns, rateColumns } from '../../../dashboard/model/chart-data.ts'
import {
  configChanges,
  errorsByKey,
  fieldGroups,
  mask,
  recommendedByKey,
  unsetKeys,
  type ConfigKey,
} from '../../../dashboard/model/config-form.ts'

const key = (name: string, over: Partial<ConfigKey> = {}): ConfigKey => ({
  name,
  type: 'STRING',
  required: false,
  default_value: null,
  importance: 'HIGH',
  documentation: '',
  group: 'Store',
  display_name: name,
  order: 1,
  ...over,
})
const definitions = [
  key('bucket', { required: true }),
  key('region'),
  key('secret.key', { type: 'PASSWORD' }),
  key('topics', { group: 'Common' }),
]

describe('the form of a config', () => {
  it('has the keys that are set or required, in the groups of the plugin, then the others', () => {
    const config = { topics: 't', 'transforms.a.type': 'A', 'secret.key': 's' }
    const shown = fieldGroups(definitions, config).map(({ title, fields }) => [
      title,
      fields.map((field) => field.key).join(),
    ])
    expect(shown).toEqual([
      ['Store', 'bucket,secret.key'],
      ['Common', 'topics'],
      ['Transforms and other keys', 'transforms.a.type'],
    ])
  })

  it('knows secrets by their definition, and those without one by their name', () => {
    const config = { 'secret.key': 's', 'producer.override.sasl.jaas.config': 'x', 'secret.note': 'y', topics: 't' }
    const fields = fieldGroups([...definitions, key('secret.note')], config).flatMap((group) => group.fields)
    expect(fields.filter(({ isSecret }) => isSecret).map((field) => field.key)).toEqual([
      'secret.key',
      'producer.override.sasl.jaas.config',
    ])
  })

  it('offers the keys that are not set', () => {
    expect(unsetKeys(definitions, { bucket: 'b', topics: '' }).map(({ name }) => name)).toEqual([
      'region',
      'secret.key',
    ])
  })
})

describe('the changes of a config', () => {
  it('are what was added, removed and replaced, without secrets', () => {
    const before = { bucket: 'a', region: 'north', 'secret.key': 'old', topics: 't' }
    const after = { bucket: 'b', 'secret.key': 'new', topics: 't', other: '1' }
    expect(configChanges(before, after, definitions)).toEqual([
      { key: 'bucket', before: 'a', after: 'b' },
      { key: 'other', before: null, after: '1' },
      { key: 'region', before: 'north', after: null },
      { key: 'secret.key', before: mask, after: mask },
    ])
  })

  it('show references to secrets, which are none', () => {
    const reference = '${file:/secrets:key}'
    expect(configChanges({}, { 'secret.key': reference }, definitions)).toEqual([
      { key: 'secret.key', before: null, after: reference },
    ])
  })
})

it('a validation has errors and values by key', () => {
  const value = { name: 'bucket', errors: ['too long'], recommended_values: ['a'] }
  const infos = {
    error_count: 1,
    configs: [{ value }, { value: { ...value, name: 'b', errors: [], recommended_values: [] } }],
  }
  expect([...errorsByKey(infos)]).toEqual([['bucket', ['too long']]])
  expect([...recommendedByKey(infos)]).toEqual([['bucket', ['a']]])
  expect(errorsByKey(null).size).toBe(0)
})

describe('a chart', () => {
  const points = [0, 2, 5, 10].map((second) => ({
    time: second * 1000,
    read: second * 20,
    written: second * 10,
    lag: second,
  }))

  it('has rates in steps of five seconds', () => {
    expect(rateColumns(points)).toEqual([
      [5, 10],
      [20, 20],
      [10, 10],
    ])
    expect(lagColumns(points)).toEqual([
      [0, 5, 10],
      [0, 5, 10],
    ])
  })

  it('ends with its last point, and begins fifteen minutes before', () => {
    expect(chartRange(points, 0)).toEqual([-890, 10])
    expect(chartRange([], 900_000)).toEqual([0, 900])
  })
})
