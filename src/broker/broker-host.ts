import { settledWithin } from '../foundation/async/deadline.ts'
import type { ListenAddress } from '../foundation/network/listen-address.ts'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Clock } from '../foundation/clock.ts'
import { deferred, type Deferred } from '../foundation/async/deferred.ts'
import type { Logger } from '../foundation/logging/logger.ts'
import type { Sample } from '../foundation/metrics/meters.ts'
import { BrokerError } from './broker-error.ts'
import type { BrokerOptions } from './broker.ts'
import type { BrokerThreadData, FromBrokerThread, ToBrokerThread } from './broker-thread-messages.ts'

/** The broker could not start. `reason` is the name of the error in its thread. */
export class BrokerStartError extends BrokerError {
  readonly reason: string

  constructor(reason: string, message: string) {
    super(message)
    this.reason = reason
  }
}

type Listening = Pick<BrokerHost, 'address' | 'ownPath'>

interface Closing {
  asked: boolean
  isOver: boolean
}

/** The request for samples in flight, which concurrent callers share. */
interface Measured {
  asked: PromiseWithResolvers<readonly Sample[]> | null
}

/** Timeout for the samples of the thread. */
const samplesLimitMs = 2000

/** Timeout of a graceful stop, after which the thread is terminated (I9): acknowledged records are durable already. */
const stopLimitMs = 20_000

/** Small heaps: the broker moves buffers, which are outside the heap. */
const resourceLimits = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 256 }

/** The embedded broker in a thread. It starts before everything that uses it, and stops after it. */
export class BrokerHost {
  readonly address: ListenAddress
  /** The path of the socket for the worker that owns the broker; null when there is none. */
  readonly ownPath: string | null
  /** Resolves when the thread has ended: with null after `close`, else with the reason. */
  readonly ended: Promise<Error | null>
  /** Current conditions by code: what is wrong, and what to do. */
  readonly conditions: ReadonlyMap<string, string>
  readonly #worker: Worker
  readonly #clock: Clock
  readonly #closing: Closing
  readonly #measured: Measured

  private constructor(
    worker: Worker,
    clock: Clock,
    state: { readonly closing: Closing; readonly measured: Measured },
    told: Pick<BrokerHost, 'address' | 'ownPath' | 'ended' | 'conditions'>,
  ) {
    this.#worker = worker
    this.#clock = clock
    this.#closing = state.closing
    this.#measured = state.measured
    this.address = told.address
    this.ownPath = told.ownPath
    this.ended = told.ended
    this.conditions = told.conditions
  }

  /** Starts the thread and waits until it listens. @throws BrokerStartError, or the reason why the thread ended. */
  static async start(options: Omit<BrokerOptions, 'fs' | 'createTcpServer' | 'onCondition'>): Promise<BrokerHost> {
    const { clock, logger, ...rest } = options
    const workerData: BrokerThreadData = { ...rest, loggerName: logger.name }
    const entry = new URL(`./broker-thread${extname(import.meta.url)}`, import.meta.url)
    const worker = new Worker(entry, { name: 'broker', workerData, resourceLimits })
    const closing: Closing = { asked: false, isOver: false }
    const started = deferred<Listening>()
    const conditions = new Map<string, string>()
    const measured: Measured = { asked: null }
    const ended = watch(worker, closing, { started, conditions, measured, log: forwardTo(logger) })
    const state = { closing, measured }
    const { address, ownPath } = await started.promise
    return new BrokerHost(worker, clock, state, { address, ownPath, ended, conditions })
  }

  /** Returns the metrics of the broker; none while it is too busy to respond. */
  async samples(): Promise<readonly Sample[]> {
    if (this.#closing.asked || this.#closing.isOver) return []
    const asked = this.#measured.asked ?? Promise.withResolvers<readonly Sample[]>()
    if (this.#measured.asked === null) {
      this.#measured.asked = asked
      const message: ToBrokerThread = { type: 'samples' }
      this.#worker.postMessage(message)
    }
    return (await settledWithin(this.#clock, samplesLimitMs, asked.promise)) ?? []
  }

  /**
   * Stops the broker: finishes requests in flight, writes checkpoints, releases the data directory. Bounded (I9).
   * @throws the error that prevented a graceful stop.
   */
  async close(): Promise<void> {
    if (this.#closing.isOver) return
    this.#closing.asked = true
    const stop: ToBrokerThread = { type: 'stop' }
    this.#worker.postMessage(stop)
    const cancel = this.#clock.after(stopLimitMs, () => void this.#worker.terminate())
    const failure = await this.ended
    cancel()
    if (failure !== null) throw failure
  }
}

function watch(
  worker: Worker,
  closing: Closing,
  into: {
    readonly started: Deferred<Listening>
    readonly conditions: Map<string, string>
    readonly measured: Measured
    readonly log: (line: FromBrokerThread & { readonly type: 'log' }) => void
  },
): Promise<Error | null> {
  const { started, conditions, measured, log } = into
  const ended = deferred<Error | null>()
  let failure: Error | null = null
  worker.on('message', (message: FromBrokerThread) => {
    if (message.type === 'started') started.resolve(message)
    else if (message.type === 'refused') failure = new BrokerStartError(message.name, message.message)
    else if (message.type === 'log') log(message)
    else if (message.type === 'samples') {
      measured.asked?.resolve(message.samples)
      measured.asked = null
    } else if (message.type === 'condition') {
      if (message.message === null) conditions.delete(message.code)
      else conditions.set(message.code, message.message)
    }
  })
  worker.on('error', (error: unknown) => {
    failure = error instanceof Error ? error : new BrokerError(String(error))
  })
  worker.on('exit', (code) => {
    const reason = failure ?? (closing.asked ? null : new BrokerError(`the broker's thread ended with code ${code}`))
    closing.isOver = true
    ended.resolve(reason)
    started.reject(reason ?? new BrokerError('the broker was stopped before it had started'))
  })
  return ended.promise
}

/** Forwards log lines of the thread to the loggers of this thread, by name. */
function forwardTo(root: Logger): (line: FromBrokerThread & { readonly type: 'log' }) => void {
  const children = new Map<string, Logger>([[root.name, root]])
  return ({ name, level, message, fields }) => {
    let logger = children.get(name)
    if (logger === undefined) {
      logger = root.child(name.slice(root.name.length + 1))
      children.set(name, logger)
    }
    logger[level](message, fields)
  }
}
