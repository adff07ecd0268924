import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { isAlive } from '../../../src/foundation/process/process-identity.ts'

const root = join(import.meta.dirname, '../../..')
let checkout = ''
beforeEach(() => {
  checkout = mkdtempSync(join(tmpdir(), 'penstock-test-'))
  for (const path of ['bin', 'package.json', 'package-lock.json'])
    cpSync(join(root, path), join(checkout, path), { recursive: true })
  for (const path of ['src/api', 'src/cli', 'path']) mkdirSync(join(checkout, path), { recursive: true })
  writeFileSync(join(checkout, 'src/api/index.ts'), '')
})
afterEach(() => rmSync(checkout, { recursive: true, force: true }))

/** The directories of PATH but those of npm, and first one of the test's. */
const path = (): string => {
  const directories = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((directory) => !directory.includes('node_modules'))
  return [join(checkout, 'path'), ...directories].join(delimiter)
}

/** A Node older than the product's, as many machines have one. */
function oldNode(): string | null {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      const version = execFileSync(join(directory, 'node'), ['--version'], { encoding: 'utf8' })
      if (Number(/v(\d+)/.exec(version)?.[1]) < 24) return join(directory, 'node')
    } catch {
      continue // no node here
    }
  }
  return null
}

function launch(
  node: string,
  ...args: string[]
): { child: ChildProcess; output: () => string; ended: Promise<number | string | null> } {
  const { npm_execpath: _, ...env } = process.env
  const child = spawn(node, [join(checkout, 'bin/penstock.js'), ...args], {
    env: { ...env, PATH: path() },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = new Promise<number | string | null>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? signal)),
  )
  return { child, output: () => output, ended }
}

const main = (text: string): void => writeFileSync(join(checkout, 'src/cli/main.ts'), text)
const installed = (): void => symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'))
const says = (process_: { output: () => string }, text: string): Promise<void> =>
  vi.waitFor(() => expect(process_.output()).toContain(text), { timeout: 60_000, interval: 20 })

describe('bin/penstock.js', () => {
  it.each([
    [[], 0, /^penstock COMMAND\n/],
    [['--help'], 0, /^penstock COMMAND\n/],
    [['help'], 0, /^penstock COMMAND\n/],
    [['--version'], 0, /^penstock \d+\.\d+\.\d+\n$/],
    [['version'], 0, /^penstock \d+\.\d+\.\d+\n$/],
    [['woker'], 2, /^penstock: unknown command "woker"; did you mean "worker"\?\n\npenstock COMMAND/],
    [['quikstrat'], 2, /^penstock: unknown command "quikstrat"\n/],
    [['constructor'], 2, /^penstock: unknown command "constructor"\n/],
  ])('serves %j before anything is installed', async (args, code, output) => {
    writeFileSync(join(checkout, 'path/npm'), '#!/bin/sh\nexit 7\n', { mode: 0o755 })
    const run = launch(process.execPath, ...args)
    expect(await run.ended, run.output()).toBe(code)
    expect(run.output()).toMatch(output)
  })

  it('installs what is missing once, however many start together, and continues', async () => {
    main("const answer: number = 42\nconsole.log('answer', answer, ...process.argv.slice(3))")
    const npm = `#!/bin/sh\necho "$*" >>${checkout}/calls\n[ -e node_modules ] || ln -s ${root}/node_modules node_modules\n`
    writeFileSync(join(checkout, 'path/npm'), npm, { mode: 0o755 })
    const runs = [launch(process.execPath, 'broker', 'a'), launch(process.execPath, 'broker', 'b')]
    expect(await Promise.all(runs.map((run) => run.ended))).toEqual([0, 0])
    expect(runs.map((run) => run.output()).join('')).toMatch(/answer 42 a[^]*answer 42 b|answer 42 b[^]*answer 42 a/)
    expect(readFileSync(join(checkout, 'calls'), 'utf8').trim().split('\n')).toEqual([expect.stringMatching(/^ci /)])
  })

  it('says how to continue when the installation fails', async () => {
    writeFileSync(join(checkout, 'path/npm'), '#!/bin/sh\nexit 7\n', { mode: 0o755 })
    const run = launch(process.execPath, 'broker')
    expect(await run.ended).toBe(1)
    expect(run.output()).toContain('npm ci failed (exit code 7). Run it in')
  })

  describe.runIf(oldNode() !== null)('on an older Node', () => {
    const node = oldNode() ?? ''

    it('hands over to Node 24 with signals and exit code', async () => {
      installed()
      main("process.on('SIGTERM', () => process.exit(7))\nsetInterval(() => {}, 1000)\nconsole.log(process.version)")
      const run = launch(node, 'broker')
      await says(run, 'v24.')
      run.child.kill('SIGTERM')
      expect(await run.ended).toBe(7)
    })

    it('ends as its worker ends when that is killed', async () => {
      installed()
      main("process.kill(process.pid, 'SIGKILL')")
      expect(await launch(node, 'broker').ended).toBe('SIGKILL')
    })

    it('leaves a worker that ends within a second after it is killed itself', async () => {
      installed()
      main("process.on('SIGTERM', () => {})\nsetInterval(() => {}, 1000)\nconsole.log('pid', process.pid)")
      const run = launch(node, 'broker')
      await says(run, 'pid ')
      const worker = Number(/pid (\d+)/.exec(run.output())?.[1])
      run.child.kill('SIGKILL')
      await vi.waitFor(() => expect(isAlive(worker)).toBe(false), { timeout: 60_000, interval: 20 })
    })
  })
})
