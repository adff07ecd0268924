import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { expect, it } from 'vitest'

import { runCli } from '../../../support/cli/run-cli.ts'
import { MemoryHerder } from '../../../support/rest/memory-herder.ts'
import { startedRest } from '../../../support/rest/started-rest.ts'

const words = async (line: string, url = 'http://127.0.0.1:1'): Promise<readonly string[]> => {
  const { out } = await runCli(['completion', 'words', '--', ...line.split(' ')], { env: { PENSTOCK_URL: url } })
  return out.split('\n').flatMap((each) => (each === '' ? [] : [each.split('\t')[0] ?? '']))
}

it('completes commands, options and their values', async () => {
  expect(await words('')).toEqual(expect.arrayContaining(['connectors', 'worker', 'help']))
  expect(await words('connectors ')).toEqual(expect.arrayContaining(['list', 'restart']))
  expect(await words('connectors create -')).toEqual(expect.arrayContaining(['--set', '--state', '--json', '--url']))
  expect(await words('connectors create --set a=b --json -')).toEqual(expect.arrayContaining(['--set', '--state']))
  expect(await words('connectors create --set a=b --json -')).not.toContain('--json')
  expect(await words('connectors create --state ')).toEqual(['running', 'paused', 'stopped'])
  expect(await words('worker -')).toEqual(expect.arrayContaining(['--set', '--log-level']))
  expect(await words('nothing ')).toEqual([])
})

it('completes names that the server knows, and none when it is away', async () => {
  const herder = new MemoryHerder()
  const server = await startedRest({ herder })
  const config = { name: 'orders', 'connector.class': 'FileStreamSource', topic: 'a' }
  await herder.createConnector('orders', config, null, new AbortController().signal)
  expect(await words('connectors pause ', server.url)).toEqual(['orders'])
  expect(await words('connectors pause orders ', server.url)).toEqual(['orders'])
  expect(await words('tasks get orders ', server.url)).toEqual([])
  expect(await words('plugins describe ', server.url)).toContain(
    'org.apache.kafka.connect.file.FileStreamSinkConnector',
  )
  expect(await words('connectors pause ')).toEqual([])
  await server.close()
})

it('prints a script per shell, and names them for another one', async () => {
  expect((await runCli(['completion', 'zsh'])).out).toMatch(/^#compdef penstock\n/)
  expect((await runCli(['completion', 'fish'])).out).toContain('complete -c penstock')
  expect(await runCli(['completion', 'tcsh'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('bash, zsh, fish'),
  })
})

it('completes in bash what the words begin with', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-completion-'))
  writeFileSync(join(directory, 'penstock'), '#!/bin/bash\nprintf "%s\\tmeaning\\n" pause "p q" list "$*"\n')
  chmodSync(join(directory, 'penstock'), 0o755)
  const { out } = await runCli(['completion', 'bash'])
  const script = `${out}\nCOMP_WORDS=(penstock connectors p); COMP_CWORD=2; _penstock; printf '%s|' "\${COMPREPLY[@]}"
    COMP_WORDS=(penstock connectors comp); _penstock; printf '%s|' "\${COMPREPLY[@]}"`
  const env = { ...process.env, PATH: `${directory}:${process.env['PATH']}` }
  const found = execFileSync('bash', ['-c', script], { encoding: 'utf8', env })
  expect(found).toBe('pause|p\\ q|completion\\ words\\ --\\ connectors\\ comp|')
  rmSync(directory, { recursive: true, force: true })
})
