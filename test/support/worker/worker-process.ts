import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../../../src/servers/process/port.ts'

const checkoutProgram = process.env.TEST_PROGRAM ?? fileURLToPath(new URL('../../../bin/penstock.js', import.meta.url))

/** What a test needs of a worker did not come true. */
export class WorkerProcessError extends Error {
  override readonly name = 'WorkerProcessError'
}

/** Where a worker listens and keeps its log: the same over restarts. */
export interface WorkerPlace {
  readonly rest: string
  readonly broker: string
  readonly directory: string
  /** The file of the token that its REST asks for. */
  readonly tokenFile?: string
}

/** Ports that no one listens on now, for a worker with its data in `directory`. */
export async function workerPlace(directory: string): Promise<WorkerPlace> {
  const [rest, broker] = await freePorts([null, null])
  return { rest: `http://127.0.0.1:${rest}`, broker: `127.0.0.1:${broker}`, directory }
}

/** A worker as its user runs it: `bin/penstock.js worker` in a process of its own. */
export class WorkerProcess {
  readonly place: WorkerPlace
  readonly #process: ChildProcess
  readonly #output: string[] = []

  private constructor(place: WorkerPlace, child: ChildProcess) {
    this.place = place
    this.#process = child
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (data: Buffer) => this.#output.push(data.toString()))
  }

  /** Starts it and waits until REST responds. `env` is added to the test's own; `program` may be that of an installed package. */
  static async start(
    place: WorkerPlace,
    settings: Readonly<Record<string, string>> = {},
    env: Readonly<Record<string, string>> = {},
    program: string = checkoutProgram,
  ): Promise<WorkerProcess> {
    const all = {
      listeners: place.rest,
      'embedded.broker.listener': place.broker,
      'embedded.broker.data.dir': place.directory,
      'plugin.path': 'connect-file',
      ...settings,
    }
    const sets = Object.entries(all).flatMap(([key, value]) => ['--set', `${key}=${value}`])
    const child = spawn(process.execPath, [program, 'worker', ...sets], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    })
    const worker = new WorkerProcess(place, child)
    try {
      await worker.#responding()
    } catch (error) {
      await worker.kill()
      throw error
    }
    return worker
  }

  get pid(): number {
    return this.#process.pid ?? -1
  }

  /** All it has printed. */
  get output(): string {
    return this.#output.join('')
  }

  get ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  /** Null while it runs, or when a signal ended it. */
  get exitCode(): number | null {
    return this.#process.exitCode
  }

  /** `kill -9`, and waits for the end. */
  async kill(): Promise<void> {
    if (this.ended) return
    const exit = once(this.#process, 'exit')
    this.#process.kill('SIGKILL')
    await exit
  }

  /** `kill -9` after a life of `ms`. */
  async killAfter(ms: number): Promise<void> {
    await delay(ms)
    await this.kill()
  }

  /** SIGTERM, and waits for the end; returns the exit code. */
  async stop(): Promise<number | null> {
    if (!this.ended) {
      const exit = once(this.#process, 'exit')
      this.#process.kill('SIGTERM')
      await exit
    }
    return this.#process.exitCode
  }

  /** Waits until it has ended by itself. */
  async end(timeoutMs: number): Promise<void> {
    if (this.ended) return
    const signal = AbortSignal.timeout(timeoutMs)
    try {
      await once(this.#process, 'exit', { signal })
    } catch (error) {
      throw new WorkerProcessError(`the worker did not end by itself in ${timeoutMs} ms\n${this.output.slice(-2000)}`, {
        cause: error,
      })
    }
  }

  async post(name: string, config: Readonly<Record<string, string>>): Promise<void> {
    await this.request('POST', '/connectors', { name, config })
  }

  /** The answer's JSON. @throws WorkerProcessError for a status of 400 and above. */
  async request(method: string, path: string, body?: unknown): Promise<unknown> {
    return await sendRequest(this.place.rest + path, { method, body, headers: this.#authorization() })
  }

  /** The traces of failed tasks and connectors; empty while all is well. */
  async failures(): Promise<readonly string[]> {
    const all = (await this.request('GET', '/connectors?expand=status')) as Record<string, { status: Status }>
    return Object.entries(all).flatMap(([name, { status }]) =>
      [status.connector, ...status.tasks]
        .filter(({ state }) => state === 'FAILED')
        .map(({ trace }) => `${name}: ${trace ?? ''}`),
    )
  }

  /** The worker makes the file before REST listens. */
  #authorization(): Record<string, string> {
    const { tokenFile } = this.place
    if (tokenFile === undefined || !existsSync(tokenFile)) return {}
    return { authorization: `Bearer ${readFileSync(tokenFile, 'utf8').trim()}` }
  }

  async #responding(): Promise<void> {
    const deadline = performance.now() + 60_000
    for (;;) {
      if (this.ended) throw new WorkerProcessError(`the worker ended at its start\n${this.output}`)
      if (performance.now() > deadline) throw new WorkerProcessError(`REST did not answer in 60 s\n${this.output}`)
      try {
        const answer = await fetch(this.place.rest, { headers: this.#authorization() })
        await answer.arrayBuffer()
        if (answer.ok) return
      } catch {
        await delay(20)
      }
    }
  }
}

interface Status {
  readonly connector: { readonly state: string; readonly trace?: string }
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[]
}

/** A request to a worker's REST API. The body becomes JSON. */
export interface WorkerRequest {
  readonly method: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** The answer's JSON; null for an empty answer. @throws WorkerProcessError for a status of 400 and above. */
export async function sendRequest(url: string, { method, body, headers }: WorkerRequest): Promise<unknown> {
  const answer = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (answer.status >= 400) throw new WorkerProcessError(`${method} ${url}: HTTP ${answer.status} ${text}`)
  return text === '' ? null : JSON.parse(text)
}

/** Waits until `look` returns something else than null; fails with what was expected. */
export async function eventually<T>(expectation: string, timeoutMs: number, look: () => Promise<T | null>): Promise<T> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const seen = await look()
    if (seen !== null) return seen
    if (performance.now() > deadline) throw new WorkerProcessError(`not in ${timeoutMs} ms: ${expectation}`)
    await delay(50)
  }
}
