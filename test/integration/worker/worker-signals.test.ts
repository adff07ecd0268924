import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { afterEach, describe, expect, it } from 'vitest'

import { BrokerProcess } from '../../support/broker/broker-process.ts'
import { eventually, workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'

const program = fileURLToPath(new URL('../../../bin/penstock.js', import.meta.url))
const directories: string[] = []
const processes: ChildProcess[] = []

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'penstock-signals-'))
  directories.push(made)
  return made
}

/** A worker that may never get up; what it prints is gathered. */
function launch(...settings: string[]): { readonly child: ChildProcess; readonly output: () => string } {
  const sets = settings.flatMap((setting) => ['--set', setting])
  const child = spawn(process.execPath, [program, 'worker', ...sets], { stdio: ['ignore', 'pipe', 'pipe'] })
  processes.push(child)
  const pieces: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data: Buffer) => pieces.push(data.toString()))
  return { child, output: () => pieces.join('') }
}

afterEach(async () => {
  for (const child of processes.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }
  for (const made of directories.splice(0)) rmSync(made, { recursive: true, force: true })
})

describe('a signal to a worker', () => {
  it('ends one that still waits for its cluster', async () => {
    const { child, output } = launch('bootstrap.servers=127.0.0.1:1', 'listeners=http://127.0.0.1:0')
    await eventually('it waits', 60_000, async () => (output().includes('cannot reach the brokers') ? true : null))
    const exit = once(child, 'exit', { signal: AbortSignal.timeout(60_000) })
    child.kill('SIGTERM')
    expect(await exit).toEqual([0, null])
  })

  // SIGKILL: connections are refused. SIGSTOP: they are accepted, and nothing is ever returned.
  it.each(['SIGKILL', 'SIGSTOP'] as const)('ends one whose broker is gone (%s), tasks and all', async (fate) => {
    const place = directory()
    const broker = await BrokerProcess.start(join(place, 'data'))
    const input = join(place, 'input')
    writeFileSync(input, 'a\n'.repeat(1000))
    const replication = ['config', 'offset', 'status'].map((name) => `${name}.storage.replication.factor=1`)
    const { child, output } = launch(
      `bootstrap.servers=127.0.0.1:${broker.address.port}`,
      'listeners=http://127.0.0.1:0',
      'plugin.path=connect-file',
      ...replication,
    )
    try {
      const rest = await eventually('it is ready', 60_000, async () => /REST (\S+),/.exec(output())?.[1] ?? null)
      const put = async (name: string, config: Record<string, string>) => {
        const headers = { 'content-type': 'application/json' }
        const sent = { method: 'PUT', headers, body: JSON.stringify(config) }
        expect((await fetch(`${rest}/connectors/${name}/config`, sent)).status).toBe(201)
      }
      await put('source', { 'connector.class': 'FileStreamSource', topic: 't', file: input })
      await put('sink', { 'connector.class': 'FileStreamSink', topics: 't', file: join(place, 'output') })
      await eventually('lines flow', 60_000, async () => (existsSync(join(place, 'output')) ? true : null))
      process.kill(broker.pid, fate)
      writeFileSync(input, 'b\n'.repeat(1000), { flag: 'a' })
      const exit = once(child, 'exit', { signal: AbortSignal.timeout(120_000) })
      child.kill('SIGTERM')
      // Not 2: with that code the worker ends itself when its stop has taken a minute.
      expect(await exit).toEqual([0, null])
    } finally {
      await broker.end('SIGKILL')
    }
  })

  it('is not taken when it only says that the terminal has gone and there never was one', async () => {
    const worker = await WorkerProcess.start(await workerPlace(join(directory(), 'log')))
    try {
      process.kill(worker.pid, 'SIGHUP')
      await eventually('it says so', 60_000, async () => (worker.output.includes('SIGHUP') ? true : null))
      expect(await worker.request('GET', '/connectors')).toEqual([])
      expect(await worker.stop()).toBe(0)
    } finally {
      await worker.kill()
    }
  })
})

describe('a worker whose data directory cannot be used reports which, why, and what to do', () => {
  const said = async (data: string): Promise<string> => {
    const { child, output } = launch(`embedded.broker.data.dir=${data}`, 'embedded.broker.listener=127.0.0.1:0')
    await once(child, 'exit', { signal: AbortSignal.timeout(60_000) })
    expect(child.exitCode).toBe(2)
    return output()
  }

  it('when it is a file', async () => {
    const file = join(directory(), 'file')
    writeFileSync(file, '')
    const text = await said(file)
    expect(text).toContain(`The directory of the embedded broker, ${file}, cannot be used: EEXIST`)
    expect(text).toContain('embedded.broker.data.dir')
    expect(text).not.toContain('    at ')
  })

  it('when it would lie in a file', async () => {
    const file = join(directory(), 'file')
    writeFileSync(file, '')
    expect(await said(join(file, 'log'))).toContain(`${join(file, 'log')}, cannot be used: ENOTDIR`)
  })
})
