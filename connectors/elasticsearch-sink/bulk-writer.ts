import { ConnectError, deferred, type Clock, type Deferred } from 'penstock/api'
import type { SinkSettings } from './settings.ts'
import type { Operation } from './operation.ts'
import { WriteQueue } from './write-queue.ts'

type Settings = Pick<SinkSettings, 'batchSize' | 'bulkSizeBytes' | 'maxInFlight' | 'maxBuffered' | 'lingerMs'>

/** Keeps up to `max.in.flight.requests` bulk requests under way, in the order each document needs. */
export class BulkWriter {
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #deliver: (batch: readonly Operation[]) => Promise<void>
  readonly #onFailure: (error: Error) => void
  readonly #queue: WriteQueue
  #inFlight = 0
  #buffered = 0
  #lingered = false
  #draining = 0
  #cancelLinger: (() => void) | null = null
  #room: Deferred<void> | null = null
  #idle: Deferred<void> | null = null
  #failure: Error | null = null

  /** @param onFailure called once, with what ended a batch for good; nothing is sent after it. */
  constructor(
    settings: Settings,
    clock: Clock,
    deliver: (batch: readonly Operation[]) => Promise<void>,
    onFailure: (error: Error) => void,
  ) {
    this.#settings = settings
    this.#clock = clock
    this.#deliver = deliver
    this.#onFailure = onFailure
    this.#queue = new WriteQueue({ maxOperations: settings.batchSize, maxBytes: settings.bulkSizeBytes })
  }

  get failure(): Error | null {
    return this.#failure
  }

  /** Operations taken in and not over. */
  get buffered(): number {
    return this.#buffered
  }

  /** Takes an operation in; call {@link pump} after a group of them. */
  add(operation: Operation): void {
    this.#buffered += 1
    this.#queue.add(operation)
    if (this.#queue.full) this.pump()
  }

  /** Null while there is room for more; else resolves when there is, or the writer has failed. */
  room(): Promise<void> | null {
    if (this.#buffered < this.#settings.maxBuffered || this.#failure !== null) return null
    this.#room ??= deferred<void>()
    return this.#room.promise
  }

  /** Starts what may leave: full requests always, a smaller one when nothing is under way or it has lingered. */
  pump(): void {
    while (this.#failure === null && this.#inFlight < this.#settings.maxInFlight && this.#queue.ready > 0) {
      if (!this.#queue.full && this.#inFlight > 0 && !this.#lingered && this.#draining === 0) break
      const batch = this.#queue.take()
      if (batch.length === 0) break
      this.#inFlight += 1
      void this.#run(batch)
    }
    if (this.#queue.ready === 0) this.#stopLinger()
    else if (this.#cancelLinger === null && !this.#lingered) this.#startLinger()
  }

  /** Resolves when all that was added is over. @throws what ended the writer, or the signal's reason. */
  async drain(signal: AbortSignal): Promise<void> {
    const abort = deferred<void>()
    const onAbort = (): void => abort.reject(signal.reason)
    signal.addEventListener('abort', onAbort)
    this.#draining += 1
    try {
      this.pump()
      while (this.#buffered > 0 && this.#failure === null) {
        signal.throwIfAborted()
        this.#idle ??= deferred<void>()
        await Promise.race([this.#idle.promise, abort.promise])
      }
      if (this.#failure !== null) throw this.#failure
    } finally {
      this.#draining -= 1
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Nothing is sent any more; waiters go on. */
  stop(): void {
    this.#failure ??= new ConnectError('the sink was stopped')
    this.#stopLinger()
    this.#wake()
  }

  async #run(batch: readonly Operation[]): Promise<void> {
    try {
      await this.#deliver(batch)
    } catch (error) {
      this.#fail(error instanceof Error ? error : new ConnectError(String(error)))
    }
    for (const operation of batch) operation.progress.advance()
    this.#queue.settle(batch)
    this.#inFlight -= 1
    this.#buffered -= batch.length
    this.#wake()
    this.pump()
  }

  #fail(error: Error): void {
    if (this.#failure !== null) return
    this.#failure = error
    this.#stopLinger()
    this.#onFailure(error)
  }

  #wake(): void {
    this.#room?.resolve()
    this.#room = null
    this.#idle?.resolve()
    this.#idle = null
  }

  #startLinger(): void {
    this.#cancelLinger = this.#clock.after(this.#settings.lingerMs, () => {
      this.#cancelLinger = null
      this.#lingered = true
      this.pump()
    })
  }

  #stopLinger(): void {
    this.#cancelLinger?.()
    this.#cancelLinger = null
    this.#lingered = false
  }
}
