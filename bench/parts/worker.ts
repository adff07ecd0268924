import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { lastLines } from '../../src/servers/command.ts'
import { Watchdog, type WatchedProcess } from '../../src/servers/watchdog.ts'
import { treeUsage, type TreeUsage } from './process-tree.ts'

/** A measurement cannot be made. */
export class BenchError extends Error {
  override readonly name = 'BenchError'
}

const logFile = 'worker.log'

/** Opened with the first worker; workers end with us, however we end. */
let watchdog: Watchdog | null = null

/** A worker process of its own, with an embedded log in a folder of its own. */
export class BenchWorker {
  readonly rest: string
  readonly broker: string
  readonly pid: number
  readonly launchedAt: number
  readonly #process: WatchedProcess
  readonly #folder: string

  private constructor(
    running: WatchedProcess,
    parts: { rest: string; broker: string; folder: string; launchedAt: number },
  ) {
    this.#process = running
    this.#folder = parts.folder
    this.rest = parts.rest
    this.broker = parts.broker
    this.launchedAt = parts.launchedAt
    this.pid = running.pid
  }

  /** Launches `bin/penstock.js worker` (or the one of `dist`) and waits for its REST. */
  static async launch(
    options: {
      readonly program?: string
      readonly settings?: Readonly<Record<string, string>>
      readonly env?: Readonly<Record<string, string>>
    } = {},
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
    const order = {
      command: process.execPath,
      cwd: folder,
      env: {
        ...Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? ''])),
        ...options.env,
      },
      account: null,
      logFile: join(folder, logFile),
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 60_000,
    } as const
    if (watchdog === null) {
      watchdog = Watchdog.open()
      // Its own start is no part of a launch.
      const first = await watchdog.start({ ...order, args: ['--version'] })
      await first.stop()
    }
    watchdog.removeAtEnd(folder)
    const launchedAt = performance.now()
    const running = await watchdog.start({ ...order, args: [program, 'worker', ...sets] })
    const worker = new BenchWorker(running, { rest: `http://${rest}`, broker, folder, launchedAt })
    await worker.#answering()
    return worker
  }

  create(name: string, config: Readonly<Record<string, string>>): Promise<void> {
    return createConnector(this.rest, name, config)
  }

  checkRunning(name: string): Promise<void> {
    return checkRunning(this.rest, name)
  }

  remove(name: string): Promise<void> {
    return removeConnector(this.rest, name)
  }

  /** What the process tree of the worker has used. */
  usage(): TreeUsage {
    return treeUsage(this.pid)
  }

  async stop(): Promise<void> {
    await this.#process.stop()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #answering(): Promise<void> {
    for (;;) {
      const answer = await fetch(this.rest).catch(() => null)
      await answer?.arrayBuffer()
      if (answer?.ok === true) return
      const how = await Promise.race([this.#process.exited, delay(5, null)])
      if (how === null) continue
      const log = lastLines(readFileSync(join(this.#folder, logFile), 'utf8'))
      throw new BenchError(`the worker ended with ${how}. The end of its log:\n${log}`)
    }
  }
}

/** Posts a connector to the REST API that Kafka Connect and Penstock share. */
export async function createConnector(
  rest: string,
  name: string,
  config: Readonly<Record<string, string>>,
): Promise<void> {
  const answer = await fetch(`${rest}/connectors`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name, config }),
  })
  if (!answer.ok) throw new BenchError(`connector ${name}: HTTP ${answer.status} ${await answer.text()}`)
}

/** Throws with the trace when the connector or a task of it has failed. */
export async function checkRunning(rest: string, name: string): Promise<void> {
  const answer = await fetch(`${rest}/connectors/${name}/status`)
  if (!answer.ok) return
  const status = (await answer.json()) as { connector: Part; tasks: readonly Part[] }
  for (const part of [status.connector, ...status.tasks])
    if (part.state === 'FAILED') throw new BenchError(`connector ${name} failed: ${part.trace ?? ''}`)
}

interface Part {
  readonly state: string
  readonly trace?: string
}

/** Deletes a connector; its offsets and what it wrote stay. */
export async function removeConnector(rest: string, name: string): Promise<void> {
  const answer = await fetch(`${rest}/connectors/${name}`, { method: 'DELETE' })
  if (!answer.ok) throw new BenchError(`connector ${name}: HTTP ${answer.status} ${await answer.text()}`)
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
