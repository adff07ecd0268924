import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

import { deferred, type Deferred } from '../../foundation/async/deferred.ts'
import { ServerError } from '../server-error.ts'
import type { FromWatchdog, ProcessOrder, ToWatchdog } from './watchdog-messages.ts'

/** A process that the watchdog runs. */
export interface WatchedProcess {
  readonly pid: number
  /** Resolves at its end with the exit code or signal: `code 0`, `SIGKILL`. */
  readonly exited: Promise<string>
  /** Stops it, kills it after the timeout, and waits for its end. */
  stop(): Promise<string>
  /** Sends a signal to it and its children, for fault tests. */
  kill(signal: NodeJS.Signals): void
}

// TypeScript in a checkout, JavaScript in a published package.
const extension = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
const program = fileURLToPath(new URL(`./watchdog-process${extension}`, import.meta.url))

/** Starts processes through the watchdog process, which stops them when this process ends, even by SIGKILL. */
export class Watchdog {
  readonly #child: ChildProcess
  readonly #starting = new Map<number, Deferred<number>>()
  readonly #running = new Map<number, Deferred<string>>()
  #lastId = 0
  #waiting = 0

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (message: FromWatchdog) => this.#receive(message))
    child.once('exit', () => this.#fail())
  }

  /** Starts the watchdog process. It does not keep this process alive. */
  static open(): Watchdog {
    const child = fork(program, [], {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: ['--max-old-space-size=32'],
    })
    child.unref()
    child.channel?.unref()
    return new Watchdog(child)
  }

  /** Starts a process. @throws ServerError if it cannot be started. */
  async start(order: ProcessOrder): Promise<WatchedProcess> {
    this.#lastId += 1
    const id = this.#lastId
    const [starting, exited] = [deferred<number>(), deferred<string>()]
    this.#starting.set(id, starting)
    this.#running.set(id, exited)
    return this.#keepAlive(async () => {
      this.#send({ type: 'start', id, order })
      const pid = await starting.promise
      return {
        pid,
        exited: exited.promise,
        stop: () => this.#stop(id, exited.promise),
        kill: (signal) => this.#send({ type: 'kill', id, signal }),
      }
    })
  }

  /** The pid of the watchdog process; 0 if it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** Removes a directory after everything has stopped. */
  removeAtEnd(path: string): void {
    this.#send({ type: 'remove-at-end', path })
  }

  /** Releases a lock of the watchdog after everything has stopped. */
  unlockAtEnd(path: string): void {
    this.#send({ type: 'unlock-at-end', path })
  }

  /** Runs a command after everything has stopped. */
  runAtEnd(command: string, args: readonly string[]): void {
    this.#send({ type: 'run-at-end', command, args })
  }

  /** Stops everything and waits for it. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || !this.#child.connected) return
    const gone = new Promise<void>((resolve) => this.#child.once('exit', () => resolve()))
    this.#child.ref()
    this.#child.disconnect()
    await gone
  }

  #stop(id: number, exited: Promise<string>): Promise<string> {
    return this.#keepAlive(() => {
      if (this.#running.has(id)) this.#send({ type: 'stop', id })
      return exited
    })
  }

  /** The channel keeps this process alive only while a call waits for a response. */
  async #keepAlive<T>(action: () => Promise<T>): Promise<T> {
    this.#waiting += 1
    this.#child.channel?.ref()
    try {
      return await action()
    } finally {
      this.#waiting -= 1
      if (this.#waiting === 0) this.#child.channel?.unref()
    }
  }

  #send(message: ToWatchdog): void {
    if (!this.#child.connected) throw new ServerError('the watchdog process has ended')
    this.#child.send(message)
  }

  #receive(message: FromWatchdog): void {
    switch (message.type) {
      case 'started':
        this.#starting.get(message.id)?.resolve(message.pid)
        break
      case 'failed':
        this.#starting.get(message.id)?.reject(new ServerError(message.reason))
        break
      case 'exited':
        this.#running.get(message.id)?.resolve(message.how)
        this.#running.delete(message.id)
    }
    this.#starting.delete(message.id)
  }

  #fail(): void {
    for (const starting of this.#starting.values()) starting.reject(new ServerError('the watchdog process has ended'))
    for (const exited of this.#running.values()) exited.resolve('the watchdog process has ended')
    this.#starting.clear()
    this.#running.clear()
  }
}
