import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { cliStage } from '../../../support/cli/cli-stage.ts'
import type { CliResult } from '../../../support/cli/run-cli.ts'

const stage = cliStage(() => process.env)
const { penstock } = stage
const source = { 'connector.class': 'FileStreamSource', topic: 'lines', 'api.key': 'hidden' }

describe('penstock connectors apply', () => {
  const apply = async (config: Readonly<Record<string, unknown>>, ...args: readonly string[]): Promise<CliResult> =>
    await penstock(['connectors', 'apply', '-', ...args], { stdin: JSON.stringify({ name: 'lines', config }) })

  it('creates what is missing, changes what differs, and then changes nothing', async () => {
    expect(await apply(source)).toMatchObject({ code: 0, out: expect.stringContaining('✔ created lines') })
    const dry = await apply({ ...source, topic: 'rows', 'api.key': 'other', file: 'in.txt' }, '--dry-run')
    expect(dry).toEqual({
      code: 1,
      out: [
        '~ lines: 3 options differ',
        '    - api.key = ********',
        '    + api.key = ********  (another secret)',
        '    + file = in.txt',
        '    - topic = lines',
        '    + topic = rows',
        '1 connector would change.\n',
      ].join('\n'),
      err: '',
    })
    expect(await stage.herder.connectorConfig('lines')).toMatchObject({ topic: 'lines' })
    const { topic: _topic, ...rest } = source
    const changed = await apply({ ...rest, topic: 'rows' })
    expect(changed.out).toContain('✔ changed lines')
    const again = await apply({ ...rest, topic: 'rows' })
    expect(again).toEqual({ code: 0, out: '= lines: no change\nThe server has all of it.\n', err: '' })
  })

  it('asks on a terminal', async () => {
    const stdin = JSON.stringify({ name: 'lines', config: source })
    const refused = await penstock(['connectors', 'apply', '-'], { stdin, columns: 80, replies: ['n'] })
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining('Change 1 connector? [y/N]') })
    expect(await stage.herder.connectors()).toEqual([])
    expect(await penstock(['connectors', 'apply', '-'], { stdin, columns: 80, replies: ['yes'] })).toMatchObject({
      code: 0,
    })
  })

  it('creates a connector in the state that its file says', async () => {
    const stdin = JSON.stringify({ name: 'lines', config: source, initial_state: 'STOPPED' })
    expect(await penstock(['connectors', 'apply', '-', '--json'], { stdin })).toMatchObject({ code: 0 })
    expect(await stage.herder.connectorStatus('lines')).toMatchObject({ connector: { state: 'STOPPED' } })
  })

  it('says what the server refuses', async () => {
    expect(await apply({ 'connector.class': 'FileStreamSource' })).toMatchObject({
      code: 7,
      err: expect.stringContaining('"topic"'),
    })
  })
})

describe('penstock connectors edit', () => {
  const editor = (script: string): NodeJS.ProcessEnv => {
    const path = join(stage.directory, 'editor')
    writeFileSync(path, `#!/bin/sh\n${script}\n`)
    chmodSync(path, 0o755)
    return { EDITOR: path, VISUAL: undefined }
  }
  const edit = async (script: string, replies: readonly string[] = ['y']): Promise<CliResult> => {
    const env = editor(script)
    if (!(await stage.herder.connectors()).includes('lines'))
      await stage.herder.createConnector('lines', { ...source, name: 'lines' }, null, new AbortController().signal)
    return await penstock(['connectors', 'edit', 'lines'], { env, columns: 100, replies })
  }

  it('changes what the editor changes, after it has asked', async () => {
    expect(await edit('true')).toMatchObject({ code: 0, out: '= lines: no change\n' })
    const result = await edit(
      'sed -i s/\\"lines\\",/\\"rows\\",/2 "$1"; sed -i \'s/"topic": "lines"/"topic": "rows"/\' "$1"',
    )
    expect(result).toMatchObject({ code: 0, out: expect.stringContaining('    + topic = rows\n✔ changed lines\n') })
    expect(await stage.herder.connectorConfig('lines')).toMatchObject({ topic: 'rows', 'api.key': 'hidden' })
  })

  it('opens again when the server refuses the config', async () => {
    const script = `if [ -e ${stage.directory}/second ]; then sed -i 's/"tapic"/"topic"/' "$1"; else touch ${stage.directory}/second
      sed -i 's/"topic"/"tapic"/' "$1"; fi`
    const result = await edit(script, ['y', 'y'])
    expect(result.err).toMatch(/Change lines\? [^]*"topic"[^]*Edit it again\?/)
    expect(result).toMatchObject({ code: 0, out: expect.stringContaining('= lines: no change') })
  })

  it('refuses a rename, and changes nothing when the editor fails', async () => {
    const renamed = await edit('sed -i \'s/"name": "lines"/"name": "other"/\' "$1"', ['n'])
    expect(renamed).toMatchObject({ code: 2, err: expect.stringContaining('cannot be renamed') })
    expect(await edit('exit 3', [])).toMatchObject({ code: 2, err: expect.stringContaining('failed; set EDITOR') })
  })
})
