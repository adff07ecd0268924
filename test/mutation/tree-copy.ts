import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { repositoryPaths } from '../tidy/source-file.ts'
import { waitMs } from './run-tests.ts'

export interface Outcome {
  /** Whether all tests passed; null when they did not end in time. */
  readonly passed: boolean | null
  readonly output: string
}

/** A copy of the files of the checkout in which tests run: the checkout itself is never changed. */
export class TreeCopy {
  readonly directory: string
  readonly #root: string

  constructor(root: string, directory: string) {
    this.#root = root
    this.directory = directory
    for (const path of repositoryPaths().filter((each) => !each.startsWith('bench/results/'))) {
      mkdirSync(dirname(join(directory, path)), { recursive: true })
      cpSync(join(root, path), join(directory, path), { verbatimSymlinks: true })
    }
    symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'))
    this.#shortenWaits()
  }

  write(path: string, text: string): void {
    writeFileSync(join(this.directory, path), text)
  }

  /** Runs test files in a process of their own. Ends it, with all it has started, after `limitMs`. */
  async runTests(environment: Readonly<Record<string, string>>, limitMs: number): Promise<Outcome> {
    const child = spawn(process.execPath, ['test/mutation/run-tests.ts'], {
      cwd: this.directory,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TEST_SERVICES: 'none', NO_COLOR: '1', ...environment },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(-20_000)))
    }
    const { promise, resolve } = Promise.withResolvers<number | null>()
    child.on('exit', resolve)
    const limit = AbortSignal.timeout(limitMs)
    limit.addEventListener('abort', () => killGroup(child.pid), { once: true })
    const code = await promise
    killGroup(child.pid)
    return { passed: limit.aborted ? null : code === 0, output }
  }

  /** Most mutants that die by a wait would cost a minute each. */
  #shortenWaits(): void {
    const path = 'test/support/until.ts'
    const text = readFileSync(join(this.#root, path), 'utf8')
    const shorter = text.replace(/(?<=patienceMs = )[\d_]+/, String(waitMs))
    if (shorter === text) throw new TypeError(`${path} does not set patienceMs`)
    this.write(path, shorter)
  }
}

/** A short hash of the contents of files. */
export function hashOf(root: string, paths: readonly string[]): string {
  const hash = createHash('sha1')
  for (const path of paths) hash.update(`${path}\n`).update(readFileSync(join(root, path)))
  return hash.digest('hex').slice(0, 16)
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
