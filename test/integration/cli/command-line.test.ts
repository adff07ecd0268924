import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { runCli, type CliResult } from '../../support/cli/run-cli.ts'
import { describeWith } from '../../support/services.ts'
import { untilPasses } from '../../support/until.ts'
import { BothWorkers } from '../../support/worker/both-workers.ts'

describeWith(['kafka'], 'the command line with Penstock and with Kafka Connect', () => {
  let workers: BothWorkers
  beforeAll(async () => {
    workers = await BothWorkers.start()
  })
  afterAll(async () => await workers.close())

  /** Runs a command on both workers, which have to end alike. Returns what it printed with each. */
  const both = async (...args: readonly string[]): Promise<readonly [string, string]> => {
    const run = async (url: string): Promise<CliResult> => await runCli(args, { env: { PENSTOCK_URL: url } })
    const results = await Promise.all([run(workers.ours.place.rest), run(workers.theirs.place.rest)])
    expect(results[1].code, `${args.join(' ')}\n${results[1].err}`).toBe(results[0].code)
    return [results[0].out + results[0].err, results[1].out + results[1].err]
  }
  const alike = async (...args: readonly string[]): Promise<string> => {
    const [ours, theirs] = await both(...args)
    expect(theirs).toBe(ours)
    return ours
  }

  it('does the same for both', async () => {
    const file = join(workers.directory, 'lines.yaml')
    const source = `name: lines\nconnector.class: FileStreamSource\nfile: ${workers.input}\ntopic: lines\n`
    const sink = `name: copy\nconnector.class: FileStreamSink\nfile: ${workers.directory}/none/out\ntopics: lines\n`
    writeFileSync(file, `${source}---\n${sink}`)
    expect(await alike('connectors', 'validate', file)).toContain('✔ copy is valid')
    expect(await alike('connectors', 'create', file)).toContain('✔ created lines')
    expect(await alike('connectors', 'create', file)).toContain('Connector lines already exists')
    await untilPasses(async () =>
      expect(await alike('connectors', 'list')).toMatch(/copy +sink +RUNNING +1 FAILED of 1/),
    )
    expect(await alike('connectors', 'pause', 'lines')).toBe('✔ lines is PAUSED, 1 task\n')
    expect(await alike('connectors', 'resume', 'lines')).toBe('✔ lines is RUNNING, 1 task\n')
    const [ours, theirs] = await both('connectors', 'restart', 'copy', '--only-failed')
    for (const text of [ours, theirs]) expect(text).toMatch(/task 0 failed: .*Couldn't find or create file/)
    await both('tasks', 'get', 'copy', '0')
    await untilPasses(async () => expect(await alike('offsets', 'get', 'lines')).toContain('"position":14'))
    expect(await alike('offsets', 'reset', 'lines', '--yes')).toContain('Run: penstock connectors stop lines')
    expect(await alike('connectors', 'stop', 'lines')).toBe('✔ lines is STOPPED, 0 tasks\n')
    expect(await alike('offsets', 'reset', 'lines', '--yes')).toContain('✔')
    expect(await alike('loggers', 'set', 'connect.none', 'DEBUG')).toContain('✔')
    const plugins = await both('plugins', 'describe', 'FileStreamSource', '--required')
    for (const text of plugins) expect(text).toMatch(/^topic +string +required/m)
    expect(await alike('connectors', 'delete', 'copy', 'lines', '--yes')).toBe('✔ deleted copy\n✔ deleted lines\n')
    expect(await alike('connectors', 'get', 'copy')).toContain('Connector copy not found')
  })
})
