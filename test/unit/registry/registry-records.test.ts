import { describe, expect, it } from 'vitest'

import { planSubjectDeletion } from '../../../src/registry/operations/deletion.ts'
import { planConfigChange, planModeChange } from '../../../src/registry/operations/settings-change.ts'
import { planRegistration } from '../../../src/registry/operations/registration.ts'
import { RegistryState } from '../../../src/registry/state/registry-state.ts'

type Line = readonly [string, string | null]

/** Records as Confluent's registry writes them, of its releases 5 to 8. */
const recorded: readonly Line[] = [
  ['{"keytype":"NOOP","magic":0}', null],
  ['{"keytype":"CONFIG","subject":null,"magic":0}', '{"compatibilityLevel":"FULL"}'],
  [
    '{"keytype":"SCHEMA","subject":"orders-value","version":1,"magic":1}',
    '{"subject":"orders-value","version":1,"id":1,"schema":"\\"int\\"","deleted":false}',
  ],
  [
    '{"keytype":"SCHEMA","subject":"orders-value","version":2,"magic":1}',
    '{"subject":"orders-value","version":2,"id":2,"schemaType":"AVRO","references":[{"name":"r","subject":"part","version":1}],"schema":"\\"long\\"","deleted":false}',
  ],
  [
    '{"keytype":"SCHEMA","subject":"part","version":1,"magic":1}',
    '{"subject":"part","version":1,"id":3,"md5":"2xWmVnNE6NrYfS8yJPLBlA==","schemaType":"PROTOBUF","metadata":{"properties":{"owner":"shop"}},"schema":"syntax = \\"proto3\\";","deleted":true,"offset":4,"ts":1}',
  ],
  ['{"keytype":"DELETE_SUBJECT","subject":"orders-value","magic":0}', '{"subject":"orders-value","version":1}'],
  ['{"keytype":"MODE","subject":"part","magic":0}', '{"subject":"part","mode":"READONLY"}'],
  ['{"keytype":"CONTEXT","tenant":"default","context":".ctx","magic":0}', '{"tenant":"default","context":".ctx"}'],
  ['{"keytype":"CONFIG","subject":"part","magic":0}', '{"subject":"part","alias":"x","compatibilityLevel":"NONE"}'],
]

function stateOf(lines: readonly Line[]): RegistryState {
  const state = new RegistryState()
  for (const [at, [key, value]] of lines.entries()) expect(state.apply(key, value, at)).toBeNull()
  return state
}

describe('the topic of the registry', () => {
  it('is read as Confluent writes it', () => {
    const state = stateOf(recorded)
    expect(state.configInScope(null).level).toBe('FULL')
    expect(state.versions('orders-value').map(({ id, deleted }) => [id, deleted])).toEqual([
      [1, true],
      [2, false],
    ])
    expect(state.referrersOf({ subject: 'part', version: 1 }).map(({ id }) => id)).toEqual([2])
    expect(state.version('part', 1)).toMatchObject({
      schemaType: 'PROTOBUF',
      guid: 'db15a656-7344-e8da-d87d-2f3224f2c194',
      metadata: { properties: { owner: 'shop' } },
      deleted: true,
    })
    expect(state.modeInScope('part')).toBe('READONLY')
    expect(state.contexts).toEqual(['.', '.ctx'])
  })

  it('is written byte for byte as Confluent writes it', () => {
    const state = stateOf([])
    const content = { schemaType: 'AVRO', references: [], metadata: null, ruleSet: null }
    const options = { id: null, version: null, normalize: false, force: false }
    const { records } = planRegistration(state, {
      subject: ':.c:s',
      content: { ...content, schema: '{"type":"int"}' },
      ...options,
    })
    expect(records.map(({ key, value }) => [key, value])).toEqual([
      ['{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}', '{"tenant":"default","context":".c"}'],
      [
        '{"keytype":"SCHEMA","subject":":.c:s","version":1,"magic":1}',
        '{"subject":":.c:s","version":1,"id":1,"schemaType":"AVRO","schema":"\\"int\\"","deleted":false}',
      ],
    ])
    for (const { key, value } of records) state.apply(key, value, 0)
    expect(planSubjectDeletion(state, ':.c:s', false).records).toEqual([
      { key: '{"keytype":"DELETE_SUBJECT","subject":":.c:s","magic":0}', value: '{"subject":":.c:s","version":1}' },
    ])
    expect(planConfigChange(state, null, { level: 'NONE' }).records).toEqual([
      { key: '{"keytype":"CONFIG","magic":0}', value: '{"compatibilityLevel":"NONE"}' },
    ])
    expect(planModeChange(state, { scope: 'x', mode: 'IMPORT', force: false })).toEqual([
      { key: '{"keytype":"CLEAR_SUBJECT","subject":"x","magic":0}', value: '{"subject":"x"}' },
      { key: '{"keytype":"MODE","subject":"x","magic":0}', value: '{"subject":"x","mode":"IMPORT"}' },
    ])
  })

  it('keeps what a config has besides when it is changed', () => {
    const { records } = planConfigChange(stateOf(recorded), 'orders-value', { normalize: true })
    expect(records[0]?.value).toBe('{"subject":"orders-value","normalize":true}')
    const state = stateOf(recorded.slice(-1))
    expect(planConfigChange(state, 'part', { level: 'FULL' }).records[0]?.value).toBe(
      '{"subject":"part","compatibilityLevel":"FULL","alias":"x"}',
    )
  })

  it('may have records that do not count', () => {
    const state = stateOf(recorded)
    const reasons = [
      ['{"keytype":"ASSOC","magic":0}', '{}'],
      [
        '{"keytype":"SCHEMA","subject":"late","version":1,"magic":1}',
        '{"subject":"late","version":1,"id":2,"schema":"x"}',
      ],
      [
        '{"keytype":"SCHEMA","subject":"late","version":1,"magic":1}',
        '{"subject":"other","version":1,"id":9,"schema":"x"}',
      ],
    ] as const
    for (const [key, value] of reasons) expect(state.apply(key, value, 0)).not.toBeNull()
    for (const [key, value] of [
      ['{', '{}'],
      ['{"keytype":"SCHEMA","subject":"s","version":1,"magic":7}', '{}'],
      ['{"keytype":"SCHEMA","subject":"s","version":-1,"magic":1}', '{}'],
      ['{"keytype":"SCHEMA","subject":"s","version":1,"magic":1}', '[]'],
    ] as const)
      expect(() => state.apply(key, value, 0)).toThrow()
    expect(state.versions('late')).toEqual([])
  })
})
