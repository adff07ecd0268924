import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** A measurement cannot be made. */
export class BenchError extends Error {
  override readonly name = 'BenchError'
}

/** A worker process of its own, with an embedded log in a folder of its own. */
export class BenchWorker {
  readonly rest: string
  readonly broker: string
  readonly pid: number
  readonly launchedAt: number
  readonly #process: ChildProcess
  readonly #folder: string

  private constructor(
    child: ChildProcess,
    parts: { rest: string; broker: string; folder: string; launchedAt: number },
  ) {
    this.#process = child
    this.#folder = parts.folder
    this.rest = parts.rest
    this.broker = parts.broker
    this.launchedAt = parts.launchedAt
    this.pid = child.pid ?? -1
  }

  /** Launches `bin/penstock.js worker` (or the one of `dist`) and waits for its REST. */
  static async launch(
    options: { readonly program?: string; readonly settings?: Readonly<Record<string, string>> } = {},
  ): Promise<BenchWorker> {
    const folder = mkdtempSync(join(tmpdir(), 'penstock-bench-'))
    const rest = `127.0.0.1:${await freePort()}`
    const broker = `127.0.0.1:${await freePort()}`
    const settings = {
      listeners: `http://${rest}`,
      'embedded.broker.listener': broker,
      'embedded.broker.data.dir': join(folder, 'log'),
      'value.converter.schemas.enable': 'false',
      'key.converter.schemas.enable': 'false',
      ...options.settings,
    }
    const sets = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
    const program = options.program ?? fileURLToPath(new URL('../../bin/penstock.js', import.meta.url))
    const launchedAt = performance.now()
    const child = spawn(process.execPath, [program, 'worker', ...sets], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const worker = new BenchWorker(child, { rest: `http://${rest}`, broker, folder, launchedAt })
    await worker.#answering()
    return worker
  }

  /** Posts a connector. */
  async create(name: string, config: Readonly<Record<string, string>>): Promise<void> {
    const answer = await fetch(`${this.rest}/connectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, config }),
    })
    if (!answer.ok) throw new BenchError(`connector ${name}: HTTP ${answer.status} ${await answer.text()}`)
  }

  /** Throws with the trace when a task of the connector has failed. */
  async checkRunning(name: string): Promise<void> {
    const answer = await fetch(`${this.rest}/connectors/${name}/status`)
    if (!answer.ok) return
    const status = (await answer.json()) as { tasks: { state: string; trace?: string }[] }
    for (const task of status.tasks)
      if (task.state === 'FAILED') throw new BenchError(`connector ${name} failed: ${task.trace ?? ''}`)
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      this.#process.kill('SIGTERM')
      await once(this.#process, 'exit')
    }
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #answering(): Promise<void> {
    for (;;) {
      if (this.#process.exitCode !== null) throw new BenchError(`the worker ended with ${this.#process.exitCode}`)
      try {
        const answer = await fetch(this.rest)
        await answer.arrayBuffer()
        if (answer.ok) return
      } catch {
        await delay(5)
      }
    }
  }
}

/** A port nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
