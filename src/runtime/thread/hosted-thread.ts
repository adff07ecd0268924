import { errorMessage } from '../../foundation/error-message.ts'
import { Worker, type ResourceLimits } from 'node:worker_threads'

import { deferred } from '../../foundation/async/deferred.ts'
import { ThreadEndedError, ThreadLink, type Responses } from './thread-link.ts'

interface Message {
  readonly type: string
}

export interface HostedThreadOptions<In extends Message> {
  /** The name of the thread in logs, in `top -H`, and in the errors of calls that wait for it. */
  readonly name: string
  readonly entry: URL
  readonly workerData: unknown
  readonly resourceLimits: ResourceLimits
  readonly handle: (message: In) => unknown
  /** The thread ended without {@link HostedThread.close}. */
  readonly onDeath: (reason: Error) => void
}

/** A worker thread with its link. It ends by {@link close}, or dies: calls that wait for it fail with the reason. */
export class HostedThread<Out extends Message, OutResponses extends Responses, In extends Message> {
  readonly name: string
  readonly link: ThreadLink<Out, OutResponses, In>
  readonly #worker: Worker
  readonly #exited = deferred<void>()
  #closing = false
  #failure: Error | null = null

  constructor(options: HostedThreadOptions<In>) {
    this.name = options.name
    this.#worker = new Worker(options.entry, {
      name: options.name,
      workerData: options.workerData,
      resourceLimits: options.resourceLimits,
      execArgv: [],
    })
    this.link = new ThreadLink(this.#worker, options.handle)
    this.#worker.on('error', (error) => {
      this.#failure = error instanceof Error ? error : new ThreadEndedError(errorMessage(error))
    })
    this.#worker.on('exit', (code) => {
      const reason = new ThreadEndedError(`thread ${this.name} ended: ${this.#describeEnd(code)}`, {
        cause: this.#failure,
      })
      this.link.end(reason)
      this.#exited.resolve()
      if (!this.#closing) options.onDeath(reason)
    })
  }

  /** Ends the thread whatever it runs. `onDeath` is not called. */
  async close(): Promise<void> {
    this.#closing = true
    await this.#worker.terminate()
    await this.#exited.promise
  }

  #describeEnd(code: number): string {
    if (this.#failure !== null) return this.#failure.message
    return this.#closing ? 'it was closed' : `it exited with code ${code}`
  }
}
