import { describe, expect, it } from 'vitest'

import { connectorsOf, parsedConnectors } from '../../../../src/cli/configs/config-files.ts'
import { parsedOffsets, sinkOffset } from '../../../../src/cli/configs/offset-texts.ts'

const config = { 'connector.class': 'FileStreamSource', topic: 'lines', name: 'lines' }
const document = { name: 'lines', config, initialState: null }

describe('the connectors of a file', () => {
  it.each([
    ['as they are created', 'a.json', JSON.stringify({ name: 'lines', config })],
    ['as GET returns them', 'a.json', JSON.stringify({ name: 'lines', config, tasks: [], type: 'source' })],
    [
      'as a list with details returns them',
      'a.json',
      JSON.stringify({ lines: { info: { name: 'lines', config }, status: {} } }),
    ],
    ['in a list', 'a.json', JSON.stringify([config])],
    ['as a flat config', 'a.json', JSON.stringify(config)],
    ['named by their file', 'dir/lines.json', JSON.stringify({ ...config, name: undefined })],
    ['in YAML', 'a.yaml', 'name: lines\nconfig:\n  connector.class: FileStreamSource\n  topic: lines\n'],
    ['in properties', 'a.properties', '# a\nname=lines\nconnector.class=FileStreamSource\ntopic : lines\n'],
    ['in properties without an ending', '-', 'name=lines\nconnector.class=FileStreamSource\ntopic=lines\n'],
    [
      'of Strimzi',
      'a.yaml',
      'kind: KafkaConnector\nmetadata:\n  name: lines\nspec:\n  class: FileStreamSource\n  config:\n    topic: lines\n',
    ],
  ])('are read %s', async (_how, file, text) => {
    expect(await parsedConnectors(text, file)).toEqual([{ ...document, place: file }])
  })

  it('keep numbers and words as they are written', async () => {
    const json = '{"name":"a","config":{"n":9007199254740993,"f":1.0,"b":true}}'
    expect((await parsedConnectors(json, 'a.json'))[0]?.config).toEqual({
      name: 'a',
      n: '9007199254740993',
      f: '1.0',
      b: 'true',
    })
    const yaml = 'name: a\nn: 9007199254740993\nf: 1.0\nb: yes\nx: 0x10\n'
    expect((await parsedConnectors(yaml, 'a.yaml'))[0]?.config).toEqual({
      name: 'a',
      n: '9007199254740993',
      f: '1.0',
      b: 'yes',
      x: '0x10',
    })
  })

  it('may be several, each with the state that it begins in', async () => {
    const strimzi =
      'kind: KafkaConnector\nmetadata: {name: b}\nspec: {class: X, tasksMax: 2, state: stopped, config: {}}\n'
    const found = await parsedConnectors(`name: a\nconfig: {x: 1}\ninitial_state: paused\n---\n${strimzi}`, 'all.yml')
    expect(found).toEqual([
      { name: 'a', config: { name: 'a', x: '1' }, initialState: 'PAUSED', place: 'all.yml (1)' },
      {
        name: 'b',
        config: { name: 'b', 'connector.class': 'X', 'tasks.max': '2' },
        initialState: 'STOPPED',
        place: 'all.yml (2)',
      },
    ])
  })

  it.each([
    ['{"name":"a","config":{"x":null}}', 'the option "x" has no value'],
    ['{"name":"a","config":{"x":{"y":1}}}', 'the option "x" has a nested value'],
    ['{"name":"a","config":{"name":"b"}}', 'names its connector "a", and its config names it "b"'],
    ['{"name":', 'a.json cannot be read'],
    ['[]', 'a.json has no connector in it'],
    ['["a"]', 'is not a connector'],
  ])('name what is wrong in %s', async (text, reason) => {
    await expect(parsedConnectors(text, 'a.json')).rejects.toThrow(reason)
  })

  it('are named differently', async () => {
    const text = '[{"name":"a","x":"1"},{"name":"a","x":"2"}]'
    await expect(connectorsOf(['-'], async () => text)).rejects.toThrow('"a" is in - (1) and in - (2)')
  })
})

describe('offsets of a command line', () => {
  it('are those of a sink, or JSON', () => {
    expect(sinkOffset('a:b:3=12')).toEqual({
      partition: { kafka_topic: 'a:b', kafka_partition: 3 },
      offset: { kafka_offset: 12 },
    })
    expect(sinkOffset('a:3=')).toMatchObject({ offset: null })
    const offsets = [{ partition: { p: 1 }, offset: null }]
    expect(parsedOffsets(JSON.stringify({ offsets }), 'f')).toEqual(offsets)
    expect(parsedOffsets(JSON.stringify(offsets), 'f')).toEqual(offsets)
  })

  it.each(['x', '{}', '[]', '[1]', '[{"partition":{}}]'])('refuse %s', (text) => {
    expect(() => parsedOffsets(text, 'f')).toThrow(/^f/)
    expect(() => sinkOffset(text)).toThrow('orders:0=1200')
  })
})
