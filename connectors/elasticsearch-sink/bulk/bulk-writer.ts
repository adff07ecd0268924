import { abortable, ConnectError, deferred, type Clock, type Deferred } from 'penstock/api'
import { BulkBodyArena } from './bulk-body-arena.ts'
import type { SinkSettings } from '../config/settings.ts'
import type { Operation } from './operation.ts'
import { WriteQueue, type InFlightBulk } from './write-queue.ts'

type Settings = Pick<SinkSettings, 'batchSize' | 'bulkSizeBytes' | 'maxInFlight' | 'maxBuffered' | 'lingerMs'>

// The limit of buffered bytes, however large a request may be (I10).
const maxBufferedBytes = 128 * 1024 * 1024

/** Keeps up to `max.in.flight.requests` bulk requests in flight, and the order of each document's writes. */
export class BulkWriter {
  /** Holds the lines of its operations. */
  readonly arena = new BulkBodyArena()
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #deliver: (batch: readonly Operation[]) => Promise<void>
  readonly #onFailure: (error: Error) => void
  readonly #queue: WriteQueue
  readonly #maxBytes: number
  #inFlight = 0
  #buffered = 0
  #bufferedBytes = 0
  #lingered = false
  #draining = 0
  #cancelLinger: (() => void) | null = null
  #room: Deferred<void> | null = null
  #idle: Deferred<void> | null = null
  #failure: Error | null = null

  /** @param onFailure called once, with the error that ended a batch permanently; nothing is sent after it. */
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
    const { batchSize, bulkSizeBytes, maxInFlight } = settings
    this.#queue = new WriteQueue(this.arena, { maxOperations: batchSize, maxBytes: bulkSizeBytes })
    this.#maxBytes = Math.min(maxBufferedBytes, bulkSizeBytes * (maxInFlight + 1))
  }

  get failure(): Error | null {
    return this.#failure
  }

  /** Operations that were added and are not done. */
  get buffered(): number {
    return this.#buffered
  }

  /** Adds an operation. Call {@link pump} after a group of them. */
  add(operation: Operation): void {
    this.#buffered += 1
    this.#bufferedBytes += operation.weight
    this.#queue.add(operation)
    if (this.#queue.full) this.pump()
  }

  /** Returns null while there is room; else a promise that resolves when there is, or when the writer has failed. */
  room(): Promise<void> | null {
    const hasRoom = this.#buffered < this.#settings.maxBuffered && this.#bufferedBytes < this.#maxBytes
    if (hasRoom || this.#failure !== null) return null
    this.#room ??= deferred<void>()
    return this.#room.promise
  }

  /** Sends what may be sent: full requests always, a smaller one when none is in flight or it has lingered. */
  pump(): void {
    while (this.#failure === null && this.#inFlight < this.#settings.maxInFlight && this.#queue.ready > 0) {
      if (!this.#queue.full && this.#inFlight > 0 && !this.#lingered && this.#draining === 0) break
      const bulk = this.#queue.take()
      if (bulk === null) break
      this.#inFlight += 1
      void this.#run(bulk)
    }
    if (this.#queue.ready === 0) this.#stopLinger()
    else if (this.#cancelLinger === null && !this.#lingered) this.#startLinger()
  }

  /** Resolves when every added operation is done. @throws the writer's failure, or the signal's reason. */
  async drain(signal: AbortSignal): Promise<void> {
    this.#draining += 1
    try {
      this.pump()
      while (this.#buffered > 0 && this.#failure === null) {
        this.#idle ??= deferred<void>()
        await abortable(this.#idle.promise, signal)
      }
      if (this.#failure !== null) throw this.#failure
    } finally {
      this.#draining -= 1
    }
  }

  /** Stops sending. Requests in flight count as failed. */
  fail(error: Error): void {
    if (this.#failure !== null) return
    this.#failure = error
    this.#stopLinger()
    this.#onFailure(error)
  }

  /** Stops sending, and releases waiters. */
  stop(): void {
    this.#failure ??= new ConnectError('the sink was stopped')
    this.#stopLinger()
    this.#wake()
  }

  async #run(bulk: InFlightBulk): Promise<void> {
    const { operations } = bulk
    try {
      await this.#deliver(operations)
    } catch (error) {
      this.fail(error instanceof Error ? error : new ConnectError(String(error)))
    }
    for (const { progress, lines, weight } of operations) {
      progress.advance()
      if (lines !== null) this.arena.release(lines)
      this.#bufferedBytes -= weight
    }
    this.#queue.settle(bulk)
    this.#inFlight -= 1
    this.#buffered -= operations.length
    this.#wake()
    this.pump()
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
