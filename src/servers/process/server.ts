import { appendFileSync, closeSync, openSync, readSync, statSync } from 'node:fs'

import type { Deadline } from '../../foundation/async/deadline.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Cache } from '../cache.ts'
import { lastLines } from './command.ts'
import { ServerError } from '../server-error.ts'
import type { WatchedProcess, Watchdog } from './watchdog.ts'
import type { ProcessOrder } from './watchdog-messages.ts'

/** The servers that can be found or started. */
export type ServerKind = 'postgres' | 'elasticsearch' | 'versitygw' | 'minio' | 'kafka' | 'apicurio'

/** A step that takes long: `downloading Elasticsearch 8.19.21 (107 MB, once)`. */
export interface Progress {
  /** `directory` is the data directory of the servers. */
  readonly kind: ServerKind | 'directory'
  readonly doing: string
}

/** What a download needs. */
export type FetchContext = Pick<ServerContext, 'cache' | 'signal' | 'report'>

/** The environment in which servers are started. */
export interface ServerContext {
  readonly cache: Cache
  readonly watchdog: Watchdog
  readonly clock: Clock
  readonly env: NodeJS.ProcessEnv
  readonly signal: AbortSignal
  readonly report: (progress: Progress) => void
}

/** How to run a server and reach it. */
export interface ServerPlan {
  readonly kind: ServerKind
  /** A URL; `host:port` for Kafka. */
  readonly address: string
  /** `PostgreSQL 18.4 (npm package)`. */
  readonly description: string
  readonly order: ProcessOrder
  readonly readyTimeoutMs: number
  /** Returns whether the server is ready. An error means that it is not ready yet. */
  readonly probe: (signal: AbortSignal) => Promise<boolean>
}

/** A server that is ready. Only a server that was started here can be stopped. */
export interface Server {
  readonly kind: ServerKind
  readonly address: string
  readonly description: string
  /** Whether it was started here. */
  readonly ours: boolean
  /** The process id; null if it was not started here, or is stopped. */
  readonly pid: number | null
  /** Stops it and keeps its data. */
  stop(): Promise<void>
  /** Restarts it with its data, on its port. */
  start(signal?: AbortSignal): Promise<void>
  /** Sends a signal to it and its children, for fault tests. */
  kill(signal: NodeJS.Signals): void
}

/** Returns a server that runs already. @throws ServerError if it does not respond within 10 s. */
export async function givenServer(
  context: ServerContext,
  facts: Pick<ServerPlan, 'kind' | 'address' | 'description' | 'probe'>,
): Promise<Server> {
  const { clock, signal } = context
  const { kind, address, description, probe } = facts
  const failure = await waitUntilReady(probe, null, { clock, ms: 10_000, signal })
  if (failure !== null)
    throw new ServerError(`${description} at ${withoutPassword(address)} does not respond: ${failure}`)
  const refuse = (): never => {
    throw new ServerError(`${description} at ${withoutPassword(address)} was not started here`)
  }
  return {
    kind,
    address,
    description,
    ours: false,
    pid: null,
    stop: async () => refuse(),
    start: async () => refuse(),
    kill: refuse,
  }
}

/** A server that the watchdog runs. */
export class StartedServer implements Server {
  readonly kind: ServerKind
  readonly address: string
  readonly description: string
  readonly ours = true
  readonly #context: ServerContext
  readonly #plan: ServerPlan
  #process: WatchedProcess | null = null

  constructor(context: ServerContext, plan: ServerPlan) {
    this.kind = plan.kind
    this.address = plan.address
    this.description = plan.description
    this.#context = context
    this.#plan = plan
  }

  get pid(): number | null {
    return this.#process?.pid ?? null
  }

  async start(signal: AbortSignal = this.#context.signal): Promise<void> {
    const { watchdog, clock } = this.#context
    const { order, readyTimeoutMs, probe } = this.#plan
    appendFileSync(order.logFile, '')
    const logStart = statSync(order.logFile).size
    const running = await watchdog.start(order)
    this.#process = running
    const failure = await waitUntilReady(probe, running.exited, { clock, ms: readyTimeoutMs, signal })
    if (failure === null) return
    await this.stop()
    throw new ServerError(
      `${this.description} did not start: ${failure}. The end of ${order.logFile}:\n${tail(order.logFile, logStart)}`,
    )
  }

  async stop(): Promise<void> {
    const running = this.#process
    this.#process = null
    await running?.stop()
  }

  kill(signal: NodeJS.Signals): void {
    this.#process?.kill(signal)
  }
}

/** Returns null when the probe succeeds, or the reason if the process ends or the time is over. */
async function waitUntilReady(
  probe: ServerPlan['probe'],
  exited: Promise<string> | null,
  { clock, ms, signal }: Deadline & { readonly signal: AbortSignal },
): Promise<string | null> {
  let end: string | null = null
  void exited?.then((how) => (end = how))
  let reason = 'no response'
  const deadline = clock.monotonic() + ms
  while (clock.monotonic() < deadline) {
    try {
      if (await probe(AbortSignal.any([signal, AbortSignal.timeout(5000)]))) return null
      reason = 'it responds, but is not ready'
    } catch (error) {
      reason =
        error instanceof Error
          ? `${error.message}${error.cause instanceof Error ? ` (${error.cause.message})` : ''}`
          : String(error)
    }
    if (end !== null) return `it ended with ${String(end)}`
    await clock.sleep(50, signal)
  }
  return `not ready after ${ms / 1000} s (${reason})`
}

function tail(path: string, from: number): string {
  const size = statSync(path).size
  const start = Math.max(from, size - 8192)
  const buffer = Buffer.alloc(size - start)
  const file = openSync(path, 'r')
  try {
    readSync(file, buffer, 0, buffer.length, start)
  } finally {
    closeSync(file)
  }
  return lastLines(buffer.toString('utf8'), 15)
}

/** Returns an address without its password (I8). */
export function withoutPassword(address: string): string {
  return address.replace(/(:\/\/[^:@/]*):[^@/]*@/, '$1:***@')
}
