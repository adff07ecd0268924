import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { until } from '../until.ts'
import type { WorkerProcess } from './worker-process.ts'

const text = 'org.apache.kafka.connect.storage.StringConverter'

/** Converters that write lines as they are. */
export const plainText = { 'key.converter': text, 'value.converter': text }

/** Lines of a file that a source reads, each with a number of its own. */
export class NumberedLines {
  readonly path: string
  readonly #format: (number: number) => string
  #count = 0

  constructor(path: string, format: (number: number) => string = (number) => `line ${number}`) {
    this.path = path
    this.#format = format
    appendFileSync(path, '')
  }

  /** All that were written. */
  get all(): readonly string[] {
    return Array.from({ length: this.#count }, (_, i) => this.#format(i))
  }

  write(count: number): void {
    for (let i = 0; i < count; i += 1) appendFileSync(this.path, `${this.#format(this.#count + i)}\n`)
    this.#count += count
  }

  source(topic: string): Readonly<Record<string, string>> {
    return { 'connector.class': 'FileStreamSource', file: this.path, topic, ...plainText }
  }
}

/** What three places of the REST API say of one connector at a time. */
export interface Shown {
  /** State and trace of connector and tasks, as GET /connectors/x/status has them. */
  readonly states: readonly { readonly state: string; readonly trace: string }[]
  /** The lines of GET /metrics that tell of what waits and of conditions: of this connector, and of the worker. */
  readonly metrics: readonly string[]
  readonly health: string
}

interface Status {
  readonly connector: { readonly state: string; readonly trace?: string }
  readonly tasks: readonly { readonly state: string; readonly trace?: string }[]
}

/** Asks all of them. Where the list of connectors does not tell what the status does, it is asked again. */
export async function shown(worker: WorkerProcess, connector: string): Promise<Shown> {
  const get = async (path: string): Promise<string> => await (await fetch(`${worker.place.rest}${path}`)).text()
  let status: Status | null = null
  await until('the list of connectors and the status of the connector tell the same', async () => {
    const one = JSON.parse(await get(`/connectors/${connector}/status`)) as Status
    const all = JSON.parse(await get('/connectors?expand=status')) as Record<string, { status: Status }>
    const same = 'tasks' in one && JSON.stringify(all[connector]?.status) === JSON.stringify(one)
    if (same) status = one
    return same
  })
  const found = status as unknown as Status
  const metrics = (await get('/metrics')).split('\n')
  return {
    states: [found.connector, ...found.tasks].map(({ state, trace = '' }) => ({ state, trace })),
    metrics: metrics.filter(
      (line) =>
        /^penstock_(broker|worker)_condition/.test(line) ||
        (/^penstock_task_(condition|waiting)/.test(line) && line.includes(`connector="${connector}"`)),
    ),
    health: (JSON.parse(await get('/health')) as { message: string }).message,
  }
}

/** Waits until the status, the metrics and, where it is given, the health show what is wrong. */
export async function untilShown(
  worker: WorkerProcess,
  connector: string,
  signs: { readonly trace: RegExp; readonly metric: RegExp; readonly health?: RegExp },
): Promise<void> {
  let last: Shown | null = null
  await until(
    () =>
      `${connector} shows ${String(signs.trace)}, ${String(signs.metric)}: ${JSON.stringify(last)}\n${tail(worker)}`,
    async () => {
      last = await shown(worker, connector)
      return (
        last.states.some(({ trace }) => signs.trace.test(trace)) &&
        last.metrics.some((line) => signs.metric.test(line)) &&
        (signs.health === undefined || signs.health.test(last.health))
      )
    },
    180_000,
  )
}

/** Waits until everything runs, and nothing is shown any more. */
export async function untilClear(worker: WorkerProcess, connector: string): Promise<void> {
  let last: Shown | null = null
  await until(
    () => `nothing is shown of ${connector} any more: ${JSON.stringify(last)}\n${tail(worker)}`,
    async () => {
      last = await shown(worker, connector)
      return (
        last.states.length > 1 &&
        last.states.every(({ state, trace }) => state === 'RUNNING' && trace === '') &&
        last.metrics.length === 0 &&
        /^Worker has completed startup and is ready to handle requests\.$/.test(last.health)
      )
    },
    180_000,
  )
}

function tail(worker: WorkerProcess): string {
  return worker.output.slice(-3000)
}

/** `penstock broker` as its user runs it, which is killed, frozen and started again at the same place. */
export class StandaloneBroker {
  readonly address: string
  readonly #directory: string
  #process: ChildProcess | null = null

  constructor(port: number, directory: string) {
    this.address = `127.0.0.1:${port}`
    this.#directory = directory
  }

  async start(): Promise<void> {
    const program = fileURLToPath(new URL('../../../bin/penstock.js', import.meta.url))
    this.#process = spawn(process.execPath, [program, 'broker', '--listen', this.address, '--data', this.#directory], {
      stdio: 'ignore',
    })
    await until(`the broker listens at ${this.address}`, async () => await listens(this.address))
  }

  signal(name: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(name)
  }

  async kill(): Promise<void> {
    const child = this.#process
    this.#process = null
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, 'exit')
    child.kill('SIGKILL')
    await exit
  }
}

async function listens(address: string): Promise<boolean> {
  const [host, port] = address.split(':')
  const socket = connect(Number(port), host)
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
