import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, expect, vi } from 'vitest'

import { checkoutFolder, runProgram, type Program } from '../worker/program.ts'
import { commandBlocks, substitute } from './command-blocks.ts'

/** One reader of a document: the directory in which they type its commands, and the programs that they left running. */
export class GuideRun {
  readonly directory = checkoutFolder(join(mkdtempSync(join(tmpdir(), 'penstock-test-')), 'penstock'))
  readonly #running = new Map<Program, string>()

  /** Starts a program that runs next to the commands that follow. */
  begin(command: string): Program {
    // The shell hands itself over to the command, so that a signal reaches that.
    const program = runProgram('bash', ['-c', `exec ${command}`], this.directory)
    this.#running.set(program, command)
    return program
  }

  /** Runs a script, which has to succeed. Returns its output. */
  async run(script: string): Promise<string> {
    return await outputOf(script, this.directory)
  }

  /**
   * Runs the blocks of a document in order, with its addresses replaced by those of the test. A background block is started,
   * and the next one waits until `url` responds, if there is one. Returns the outputs of the other blocks.
   */
  async follow(
    document: string,
    addresses: Readonly<Record<string, string>>,
    url: string | ((script: string) => string | null),
    before: (script: string) => Promise<unknown> = () => Promise.resolve(),
  ): Promise<string[]> {
    const outputs: string[] = []
    for (const { text, background } of commandBlocks(document)) {
      const script = substitute(text, addresses)
      if (background) {
        this.begin(script.trim())
        const awaited = typeof url === 'string' ? url : url(script)
        if (awaited !== null) await responds(awaited)
        continue
      }
      await before(script)
      outputs.push(await this.run(script))
    }
    return outputs
  }

  /** Ends the programs that still run, or those of them whose command has this text. */
  async endAll(text = ''): Promise<void> {
    const programs = [...this.#running].filter(([, command]) => command.includes(text)).map(([program]) => program)
    for (const program of programs) program.child.kill('SIGTERM')
    await Promise.all(programs.map((program) => program.ended))
    for (const program of programs) this.#running.delete(program)
  }

  async close(): Promise<void> {
    await this.endAll()
    rmSync(join(this.directory, '..'), { recursive: true, force: true })
  }
}

async function outputOf(script: string, directory: string): Promise<string> {
  const program = runProgram('bash', ['-euo', 'pipefail', '-c', script], directory)
  expect(await program.ended, `${script}\n${program.output()}`).toBe(0)
  return program.output()
}

/** Gives each test of the suite a run of its own. */
export function guideRuns(): () => GuideRun {
  let run: GuideRun | null = null
  beforeEach(() => {
    run = new GuideRun()
  })
  afterEach(async () => {
    await run?.close()
    run = null
  })
  return () => {
    if (run === null) throw new TypeError('a run exists only inside a test')
    return run
  }
}

/** Waits until an address responds with success. */
export const responds = (url: string): Promise<void> =>
  vi.waitFor(async () => expect((await fetch(url)).ok).toBe(true), { timeout: 60_000, interval: 50 })
