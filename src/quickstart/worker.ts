import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import type { Clock } from '../foundation/clock.ts'
import { lastLines, run } from '../servers/process/command.ts'
import type { Servers } from '../servers/servers.ts'
import type { WatchedProcess } from '../servers/process/watchdog.ts'
import type { ConnectorConfig } from './demo/connectors.ts'
import { QuickstartError } from './quickstart-error.ts'

/** The worker, in its own process as a user would run it, controlled over REST. */
export class QuickstartWorker {
  readonly rest: string
  readonly broker: string
  readonly #process: WatchedProcess
  readonly #clock: Clock
  readonly #log: string

  private constructor(parts: { rest: string; broker: string; process: WatchedProcess; clock: Clock; log: string }) {
    this.rest = parts.rest
    this.broker = parts.broker
    this.#process = parts.process
    this.#clock = parts.clock
    this.#log = parts.log
  }

  /** Starts a worker on two ports, with its data in `directory`, and waits until its REST API responds. */
  static async start(
    servers: Servers,
    { directory, restPort, brokerPort }: { directory: string; restPort: number; brokerPort: number },
    clock: Clock,
    signal: AbortSignal,
  ): Promise<QuickstartWorker> {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const [rest, broker, log] = [
      `http://127.0.0.1:${restPort}`,
      `127.0.0.1:${brokerPort}`,
      join(directory, 'worker.log'),
    ]
    const settings = {
      listeners: rest,
      'embedded.broker.listener': broker,
      'embedded.broker.data.dir': join(directory, 'log'),
    }
    const process_ = await servers.run({
      command: process.execPath,
      args: [launcher, 'worker', ...Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])],
      cwd: directory,
      env: Object.fromEntries(
        Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined),
      ),
      account: null,
      logFile: log,
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 30_000,
    })
    const worker = new QuickstartWorker({ rest, broker, process: process_, clock, log })
    await worker.#responding(signal)
    return worker
  }

  /** Creates a connector, or updates the config of one from an earlier run. */
  async create(name: string, config: ConnectorConfig): Promise<void> {
    const response = await fetch(`${this.rest}/connectors`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name, config }),
    })
    if (response.status === 409) {
      const put = await fetch(`${this.rest}/connectors/${name}/config`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(config),
      })
      if (!put.ok) throw new QuickstartError(`connector ${name}: ${await messageOf(put)}`)
      return
    }
    if (!response.ok) throw new QuickstartError(`connector ${name}: ${await messageOf(response)}`)
  }

  /** Deletes a connector if it exists. */
  async delete(name: string): Promise<void> {
    await fetch(`${this.rest}/connectors/${name}`, { method: 'DELETE' })
  }

  /** @throws QuickstartError with the trace if the connector or one of its tasks has failed. */
  async check(name: string): Promise<void> {
    const response = await fetch(`${this.rest}/connectors/${name}/status`)
    if (!response.ok) return
    const status = (await response.json()) as { connector: State; tasks: State[] }
    for (const { state, trace } of [status.connector, ...status.tasks]) {
      if (state === 'FAILED')
        throw new QuickstartError(`connector ${name} failed: ${lastLines(trace ?? 'no trace', 40)}`)
    }
  }

  /** Calls `ask` until it returns a value, as long as the connector does not fail. */
  async until<T>(name: string, signal: AbortSignal, ask: () => Promise<T | null>): Promise<T> {
    for (let turn = 0; ; turn += 1) {
      const response = await ask()
      if (response !== null) return response
      if (turn % 10 === 9) await this.check(name)
      // Each call takes time from the server that is being loaded.
      await this.#clock.sleep(25, signal)
    }
  }

  /** Returns the resident memory in MB; null if `ps` does not report it. */
  async memoryMb(): Promise<number | null> {
    const text = await run('ps', ['-o', 'rss=', '-p', String(this.#process.pid)]).catch(() => '')
    const kilobytes = Number(text.trim())
    return kilobytes > 0 ? Math.round(kilobytes / 1000) : null
  }

  /** Stops the worker and waits for its end. */
  async stop(): Promise<void> {
    await this.#process.stop()
  }

  async #responding(signal: AbortSignal): Promise<void> {
    let end: string | null = null
    void this.#process.exited.then((how) => (end = how))
    const deadline = this.#clock.monotonic() + 60_000
    while (this.#clock.monotonic() < deadline) {
      const response = await fetch(this.rest, { signal }).catch(() => null) // not listening yet
      if (response?.ok === true) return
      if (end !== null) break
      await this.#clock.sleep(10, signal)
    }
    const why = end === null ? 'did not respond within 60 s' : `ended with ${String(end)}`
    throw new QuickstartError(`the worker ${why}:\n${lastLines(readFileSync(this.#log, 'utf8'))}`)
  }
}

interface State {
  readonly state: string
  readonly trace?: string
}

const launcher = fileURLToPath(new URL('../../bin/penstock.js', import.meta.url))

async function messageOf(response: Response): Promise<string> {
  const text = await response.text()
  try {
    return (JSON.parse(text) as { message: string }).message
  } catch {
    return `HTTP ${response.status} ${text}`
  }
}
