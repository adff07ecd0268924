import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'

import { isAlive } from '../../../src/foundation/process/process-identity.ts'
import { commandBlocks, substitute } from '../../support/documents/command-blocks.ts'
import { runPenstock, runProgram, written, type Program } from '../../support/worker/program.ts'
import { describeWith, service } from '../../support/services.ts'

interface Told {
  readonly event: string
  readonly step?: string
  readonly text: string
  readonly [fact: string]: unknown
}

const timeoutMs = 300_000
let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-test-'))
  // The account that root's Postgres runs as must be able to pass.
  chmodSync(directory, 0o755)
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))
/** What a test has started and, when it failed, not ended. */
const started: Program[] = []
afterEach(async () => {
  for (const program of started.splice(0)) {
    program.child.kill('SIGTERM')
    await program.ended
  }
})

const told = (program: Program): Told[] =>
  program
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Told)
const textOf = (program: Program, step: string): string =>
  told(program).find((each) => each.event === 'step' && each.step === step)?.text ?? ''
const demonstrated = (program: Program): Promise<unknown> =>
  written(program, /Press Ctrl-C to stop everything/, timeoutMs)

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(text)).rows
  } finally {
    await client.end()
  }
}

// versitygw is named so that it is there when the quickstart looks for it: building it takes a minute.
describeWith(['elasticsearch', 'versitygw', 'kcat', 'psql'], 'the quickstart', () => {
  /** Elasticsearch is that of the run; all else is the quickstart's own. */
  const environment = (): NodeJS.ProcessEnv => ({
    ...process.env,
    PENSTOCK_ELASTICSEARCH_URL: service('elasticsearch'),
  })
  const start = (...args: string[]): Program => {
    const program = runPenstock(['quickstart', '--json', '--yes', '--orders', '500', ...args], directory, environment())
    started.push(program)
    return program
  }
  /** The demonstration begins with no documents of the shop. */
  const dropIndices = async (): Promise<void> => {
    for (const table of ['customers', 'products', 'orders']) {
      await fetch(new URL(`/penstock_quickstart.public.${table}`, service('elasticsearch')), { method: 'DELETE' })
    }
  }

  it(
    'shows every step and the journey of a row, and ends with code 0 when asked for one run',
    { timeout: timeoutMs },
    async () => {
      await dropIndices()
      const program = start('--once')
      expect(await program.ended, program.output()).toBe(0)
      const events = told(program)
      expect(events.filter((each) => each.event === 'missing')).toEqual([])
      expect(new Set(events.flatMap((each) => (each.event === 'step' ? [each.step] : [])))).toEqual(
        new Set(['elasticsearch', 'store', 'postgres', 'broker', 'source', 'search', 'archive']),
      )
      expect(textOf(program, 'source')).toMatch(/^3 tables {2}snapshot 1,600 rows · \d+k rows\/s$/)
      expect(textOf(program, 'search')).toMatch(/penstock_quickstart\.public\.orders {2}500 documents$/)
      const journey = events.find((each) => each['lsn'] !== undefined)
      expect(journey?.text).toMatch(
        /order 42 [^]*commit +[0-9A-F]+\/[0-9A-F]+\n +topic +penstock_quickstart\.public\.orders-0@\d+ +\+[\d.]+ ms\n +document .* \+\d+ ms\n +object .* in ≤ 10 s$/,
      )
      expect(events.map((each) => each.text)).toContain(
        'Dropped slot penstock_quickstart and publication penstock_quickstart.',
      )
    },
  )

  it(
    'continues from its directory immediately after kill -9, with nothing left behind by the first',
    { timeout: 2 * timeoutMs },
    async () => {
      await dropIndices()
      const first = start('--data', join(directory, 'kept'))
      await demonstrated(first)
      const shop = /psql (\S+)/.exec(first.output())?.[1] ?? ''
      const [row] = await query(
        shop,
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'penstock-quickstart' LIMIT 1",
      )
      const backend = Number(row?.['pid'])
      first.child.kill('SIGKILL')
      const second = start('--data', join(directory, 'kept'))
      await demonstrated(second)
      expect(isAlive(backend)).toBe(false)
      expect(told(second).filter((each) => each.event === 'missing')).toEqual([])
      expect(textOf(second, 'source'), second.output()).toBe('3 tables  resuming from the slot')
      second.child.kill('SIGINT')
      expect(await second.ended).toBe(0)
      expect(told(second).map((each) => each.text)).toContain(
        'Kept slot penstock_quickstart: the next run with this directory resumes from it.',
      )
    },
  )

  it('waits for a run that has its directory, until it is told to stop', { timeout: timeoutMs }, async () => {
    const kept = join(directory, 'held')
    const first = start('--data', kept)
    await vi.waitFor(() => expect(existsSync(join(kept, 'servers/.lock'))).toBe(true), { timeout: timeoutMs })
    const second = start('--data', kept)
    await written(second, new RegExp(`waiting for an earlier run to stop \\(process ${first.child.pid}\\)`), timeoutMs)
    second.child.kill('SIGINT')
    expect(await second.ended, second.output()).toBe(130)
    first.child.kill('SIGTERM')
    expect(await first.ended, first.output()).toBe(130)
    expect(existsSync(join(kept, 'servers/.lock'))).toBe(false)
  })

  it('keeps what the README promises to a second terminal', { timeout: timeoutMs }, async () => {
    await dropIndices()
    const program = start()
    await demonstrated(program)
    const hints = told(program).map(({ text }) => text)
    const find = (pattern: RegExp): string => pattern.exec(hints.join('\n'))?.[1] ?? ''
    const commands = commandBlocks('README.md')[1]?.text ?? ''
    const script = substitute(commands, {
      'http://127.0.0.1:8083': find(/curl [^"]*"(http:\/\/[\d.:]+)\/connectors/),
      '127.0.0.1:19092': find(/kcat -b ([\d.:]+)/),
      'postgres://postgres@127.0.0.1:15432/shop': find(/psql (postgres:\S+)/),
      'http://127.0.0.1:19200': find(/curl [^"]*"(http:\/\/[\d.:]+)\/penstock/),
    })
    expect((await fetch(find(/dashboard (http:\S+)/))).status).toBe(200)
    const printed = hints.join('\n').split('\n')
    for (const command of script.trim().split('\n')) {
      expect(printed).toContain(`  ${command}`)
      const run = runProgram('bash', ['-euo', 'pipefail', '-c', command], directory)
      expect(await run.ended, `${command}\n${run.output()}`).toBe(0)
      expect(run.output(), command).toMatch(/\S/)
      if (command.includes('expand=status')) expect(run.output()).toContain('quickstart-source')
      if (command.startsWith('kcat')) expect(run.output()).toContain('"op":')
      if (command.startsWith('psql')) expect(run.output()).toContain('UPDATE 1')
    }
    program.child.kill('SIGTERM')
    expect(await program.ended).toBe(0)
  })

  it('names what is not available, shows the rest and says so in its exit code', { timeout: timeoutMs }, async () => {
    await dropIndices()
    const env = { ...environment(), PENSTOCK_S3_URL: 'http://key:secret@127.0.0.1:1' }
    const program = runPenstock(['quickstart', '--json', '--yes', '--once', '--orders', '100'], directory, env)
    expect(await program.ended, program.output()).toBe(2)
    const missing = told(program).filter((each) => each.event === 'missing')
    expect(missing.map((each) => each.step)).toEqual(['store'])
    expect(missing[0]?.text).toMatch(/^S3 store at http:\/\/key:\*\*\*@127\.0\.0\.1:1 does not respond: /)
    expect(textOf(program, 'search')).toMatch(/100 documents$/)
  })

  it('says what it left and how to remove it', { timeout: timeoutMs }, async () => {
    const program = start('--once')
    expect(await program.ended, program.output()).toBe(0)
    const end = told(program).find(({ text }) => text.startsWith('Data remains in servers'))?.text ?? ''
    expect(end).not.toContain('psql')
    const command = end.split('\n').find((line) => line.includes('curl')) ?? ''
    const index = new URL('/penstock_quickstart.public.orders', service('elasticsearch'))
    expect((await fetch(index)).status).toBe(200)
    const removal = runProgram('bash', ['-euc', command], directory, environment())
    expect(await removal.ended, removal.output()).toBe(0)
    expect((await fetch(index)).status).toBe(404)
  })

  it.each(['POSTGRES', 'ELASTICSEARCH', 'S3'])('writes to a given %s only when allowed', async (kind) => {
    const env = { ...process.env, [`PENSTOCK_${kind}_URL`]: 'http://u:p@127.0.0.1:1/' }
    const program = runPenstock(['quickstart', '--once'], directory, env)
    expect(await program.ended).toBe(2)
    expect(program.output()).toMatch(/would write to servers that it did not start:[^]*Add --yes to allow that/)
  })
})
