import { describe, expect, it } from 'vitest'

import { describePlugin } from '../../../../src/config/definition/describe-plugin.ts'
import { fileConnectors } from '../../../../src/plugin/built-in-plugins.ts'
import { PluginRegistry } from '../../../../src/plugin/plugin-registry.ts'

const names = async (plugin: string): Promise<readonly string[]> =>
  (await describePlugin(new PluginRegistry(fileConnectors), plugin)).map(({ name }) => name)

describe('the keys of a plugin', () => {
  it("are a connector's own, then those of the framework", async () => {
    const keys = await names('FileStreamSource')
    expect(keys.slice(0, 4)).toEqual(['file', 'topic', 'batch.size', 'name'])
    expect(keys.at(-1)).toBe('offsets.storage.topic')
    expect(await names('FileStreamSink')).toContain('topics.regex')
  })

  it('are those of a converter, after its type', async () => {
    expect((await names('JsonConverter')).slice(0, 2)).toEqual(['converter.type', 'schemas.enable'])
  })

  it('are only its own of a class that converts headers alone', async () => {
    expect(await names('SimpleHeaderConverter')).toEqual([])
    expect(await names('ByteArrayConverter')).toEqual(['converter.type'])
  })

  it('are those of a transform alone', async () => {
    expect(await names('RegexRouter')).toEqual(['regex', 'replacement'])
  })
})
