import type { ListenAddress } from '../../../src/foundation/network/listen-address.ts'
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { deferred } from '../../../src/foundation/async/deferred.ts'

const program = fileURLToPath(new URL('./broker-program.ts', import.meta.url))

/** How a broker process ended. */
export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stderr: string
}

/** A broker in a process of its own, which can be killed. */
export class BrokerProcess {
  readonly address: ListenAddress
  readonly ended: Promise<ProcessEnd>
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, address: ListenAddress, ended: Promise<ProcessEnd>) {
    this.#child = child
    this.address = address
    this.ended = ended
  }

  /** Starts it and waits for the line that says where it listens. Rejects with what it printed when it ends before. */
  static start(dataDir: string, ...args: readonly string[]): Promise<BrokerProcess> {
    return BrokerProcess.startIn({}, dataDir, ...args)
  }

  /** The same with limits and settings of the process. */
  static async startIn(
    surroundings: { readonly openFiles?: number; readonly nodeOptions?: string },
    dataDir: string,
    ...args: readonly string[]
  ): Promise<BrokerProcess> {
    const { openFiles, nodeOptions = process.env['NODE_OPTIONS'] } = surroundings
    const limit = openFiles === undefined ? '' : `ulimit -n ${openFiles}; `
    const command = [process.execPath, program, '--listen', '127.0.0.1:0', '--data', dataDir, ...args]
    const child = spawn('/bin/sh', ['-c', `${limit}exec "$@"`, 'sh', ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...(nodeOptions === undefined ? {} : { NODE_OPTIONS: nodeOptions }) },
    })
    const ready = deferred<ListenAddress>()
    const ended = deferred<ProcessEnd>()
    let stdout = ''
    let stderr = ''
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
      const port = /log on 127\.0\.0\.1:(\d+)/.exec(stdout)?.[1]
      if (port !== undefined) ready.resolve({ host: '127.0.0.1', port: Number(port) })
    })
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString()
    })
    child.on('close', (code, signal) => {
      ended.resolve({ code, signal, stderr })
      ready.reject(new RangeError(`the broker ended with ${code ?? signal}: ${stderr}`))
    })
    return new BrokerProcess(child, await ready.promise, ended.promise)
  }

  get pid(): number {
    return this.#child.pid ?? -1
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<ProcessEnd> {
    this.#child.kill(signal)
    return this.ended
  }
}
