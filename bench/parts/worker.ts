import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { lastLines } from '../../src/servers/process/command.ts'
import { freePorts } from '../../src/servers/process/port.ts'
import { Watchdog, type WatchedProcess } from '../../src/servers/process/watchdog.ts'
import { BenchError } from './bench-error.ts'
import { ConnectorRest } from './connector-rest.ts'
import { treeUsage, type TreeUsage } from './process-tree.ts'
import { untilEnded } from './until-ended.ts'

const logFile = 'worker.log'

/** Opened with the first worker. Workers are stopped when this process ends, even by SIGKILL. */
let watchdog: Watchdog | null = null

/** A worker process with an embedded broker in its own directory. */
export class BenchWorker extends ConnectorRest {
  readonly broker: string
  readonly pid: number
  readonly launchedAt: number
  readonly #process: WatchedProcess
  readonly #directory: string

  private constructor(
    running: WatchedProcess,
    parts: { rest: string; broker: string; directory: string; launchedAt: number },
  ) {
    super(parts.rest)
    this.#process = running
    this.#directory = parts.directory
    this.broker = parts.broker
    this.launchedAt = parts.launchedAt
    this.pid = running.pid
  }

  /** Launches `bin/penstock.js worker` (or the one of `dist`) and waits for its REST API. */
  static async launch(
    options: {
      readonly program?: string
      readonly settings?: Readonly<Record<string, string>>
      readonly env?: Readonly<Record<string, string>>
    } = {},
  ): Promise<BenchWorker> {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-bench-'))
    const [restPort, brokerPort] = await freePorts([null, null])
    const [rest, broker] = [`127.0.0.1:${restPort}`, `127.0.0.1:${brokerPort}`]
    const settings = {
      listeners: `http://${rest}`,
      'embedded.broker.listener': broker,
      'embedded.broker.data.dir': join(directory, 'log'),
      'value.converter.schemas.enable': 'false',
      'key.converter.schemas.enable': 'false',
      ...options.settings,
    }
    const sets = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`])
    const program = options.program ?? fileURLToPath(new URL('../../bin/penstock.js', import.meta.url))
    const order = {
      command: process.execPath,
      cwd: directory,
      env: {
        ...Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? ''])),
        ...options.env,
      },
      account: null,
      logFile: join(directory, logFile),
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 60_000,
    } as const
    if (watchdog === null) {
      watchdog = Watchdog.open()
      // The start of the watchdog is not part of a launch.
      const first = await watchdog.start({ ...order, args: ['--version'] })
      await first.stop()
    }
    watchdog.removeAtEnd(directory)
    const launchedAt = performance.now()
    const running = await watchdog.start({ ...order, args: [program, 'worker', ...sets] })
    const worker = new BenchWorker(running, { rest: `http://${rest}`, broker, directory, launchedAt })
    await worker.#responding()
    return worker
  }

  /** Returns the usage of the worker's process tree. */
  usage(): TreeUsage {
    return treeUsage(this.pid)
  }

  /** Ends it by a signal, and waits for its end. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#process.kill(signal)
    await untilEnded(this.#process)
  }

  async stop(): Promise<void> {
    await this.#process.stop()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  async #responding(): Promise<void> {
    for (;;) {
      const answer = await fetch(this.rest).catch(() => null)
      await answer?.arrayBuffer()
      if (answer?.ok === true) return
      const how = await Promise.race([this.#process.exited, delay(5, null)])
      if (how === null) continue
      const log = lastLines(readFileSync(join(this.#directory, logFile), 'utf8'))
      throw new BenchError(`the worker ended with ${how}. The end of its log:\n${log}`)
    }
  }
}
