import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { judgedOptions, verdictOf } from '../../../../src/cli/importing/judged-options.ts'
import { JsonServer } from '../../../support/cli/json-server.ts'
import { cliStage } from '../../../support/cli/cli-stage.ts'

const key = (name: string, otherwise: string | null) => ({
  name,
  type: 'STRING',
  required: false,
  default_value: otherwise,
  importance: 'LOW',
  documentation: null,
  group: null,
})

it('each option works, differs, has no effect, or cannot be', () => {
  const infos = {
    name: 'X',
    error_count: 2,
    configs: [
      { definition: key('known', null), value: { name: 'known', value: '1', errors: [], recommended_values: [] } },
      {
        definition: key('wrong', null),
        value: {
          name: 'wrong',
          value: 'x',
          errors: ['Invalid value x for configuration wrong: not so'],
          recommended_values: [],
        },
      },
      {
        definition: key('missing', null),
        value: { name: 'missing', value: null, errors: ['is required'], recommended_values: [] },
      },
      { definition: key('poll', '500'), value: { name: 'poll', value: '500', errors: [], recommended_values: [] } },
      { definition: key('same', '1'), value: { name: 'same', value: '1', errors: [], recommended_values: [] } },
    ],
  }
  const config = { known: '1', wrong: 'x', typo: 'y', theirs: 'z', secret: '********', 'producer.override.acks': 'all' }
  const theirs = [key('theirs', null), key('poll', '1000'), key('same', '1'), key('known', '7')]
  const found = judgedOptions({ config, infos, theirs })
  expect(found.map(({ option, verdict, reason }) => `${verdict} ${option}: ${reason}`)).toEqual([
    'cannot wrong: "x": not so',
    'cannot secret: its value is masked by the server that it comes from: set it',
    'cannot missing: is required',
    'differs poll: not set, and the default is 500 here, 1000 there',
    'ignored typo: neither plugin has it: it has no effect',
    'ignored theirs: the plugin here does not have it: what it does there does not happen',
    'works known: ',
    'works producer.override.acks: ',
  ])
  expect(verdictOf(found)).toBe('cannot')
  expect(verdictOf(found.filter(({ verdict }) => verdict !== 'cannot'))).toBe('differs')
  expect(verdictOf(found.filter(({ verdict }) => verdict === 'works'))).toBe('works')
})

describe('penstock import', () => {
  const stage = cliStage()
  const { penstock } = stage
  const file = (name: string, text: string): void => writeFileSync(join(stage.directory, name), text)

  it('judges the files of a stage.directory, and creates what can run', async () => {
    file('lines.properties', 'name=lines\nconnector.class=FileStreamSource\ntopic=lines\n')
    file(
      'other.json',
      JSON.stringify({ name: 'jdbc', config: { 'connector.class': 'io.confluent.connect.jdbc.JdbcSourceConnector' } }),
    )
    file('README.md', 'not a config')
    const { code, out } = await penstock(['import', stage.directory])
    expect(code).toBe(1)
    expect(out).toMatch(/^✔ lines {2}works as it is {2}FileStreamSource\n {4}3 options work as they are\n/)
    expect(out).toMatch(/✖ jdbc {2}cannot run .*\n.*\n {4}✖ {2}connector\.class {2}Failed to find any class .*\n/)
    expect(out).not.toContain('available connectors are')
    expect(out).toMatch(/\n2 connectors: 1 as they are, 0 with differences, 1 cannot run\n$/)
    expect(await stage.herder.connectors()).toEqual([])
    expect((await penstock(['import', stage.directory, '--apply', '--yes'])).out).toContain('✔ lines: created')
    expect(await stage.herder.connectors()).toEqual(['lines'])
    expect((await penstock(['import', stage.directory, '--apply', '--yes'])).out).toContain(
      '✔ lines: it was here already',
    )
  })

  it('reads a running Kafka Connect: its options, defaults and states', async () => {
    const config = { name: 'lines', 'connector.class': 'FileStreamSource', topic: 'lines' }
    const status = { name: 'lines', type: 'source', connector: { state: 'PAUSED', worker_id: 'a' }, tasks: [] }
    const other = await JsonServer.start({
      '/connectors': ['lines'],
      '/connectors?expand=info&expand=status': {
        lines: { info: { name: 'lines', config, tasks: [], type: 'source' }, status },
      },
      '/connector-plugins/FileStreamSource/config': [key('batch.size', '17'), key('topic', null)],
    })
    const { out } = await penstock(['import', other.url, '--apply', '--yes', '--json'])
    expect(JSON.parse(out)).toMatchObject([
      {
        name: 'lines',
        verdict: 'differs',
        options: [{ option: 'batch.size', reason: 'not set, and the default is 2000 here, 17 there' }, {}, {}, {}],
      },
    ])
    expect(await stage.herder.connectorStatus('lines')).toMatchObject({ connector: { state: 'PAUSED' } })
    expect(other.requests.every(({ method }) => method === 'GET')).toBe(true)
    await other.close()
  })

  it('says that a source is neither a URL nor a directory', async () => {
    expect(await penstock(['import', join(stage.directory, 'none')])).toMatchObject({
      code: 2,
      err: expect.stringContaining('neither a URL'),
    })
    expect(await penstock(['import', stage.directory])).toMatchObject({
      code: 2,
      err: expect.stringContaining('no file that ends in'),
    })
  })
})
