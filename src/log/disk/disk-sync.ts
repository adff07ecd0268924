import { extname } from 'node:path'
import { getSystemErrorName } from 'node:util'
import { Worker } from 'node:worker_threads'
import { systemClock } from '../../foundation/clock.ts'
import { deferred, type Deferred } from '../../foundation/async/deferred.ts'
import { completedAt, kinds, next, ringLength, slot, slotOf, submittedAt } from './disk-sync-ring.ts'
import { StorageError } from '../log-error.ts'

interface Request {
  readonly kind: number
  readonly descriptor: number
  readonly argument: number
  readonly path: string
  /** By the monotonic clock, ms. */
  readonly askedAt: number
  readonly done: Deferred<void>
}

/**
 * A disk folds syncs that come at the same time into one write of its journal: 400 files take a tenth of the time of one after
 * the other. More threads than these gain nothing more.
 */
const maxThreads = 4
/** Another thread is started when so many requests wait for each that runs: one hot partition never has that many. */
const requestsPerThread = 4
/** … and the oldest has waited this long, ms. A thread takes 8 MB and 25 ms of CPU; a quick disk ends a launch's burst without one. */
const slowAfterMs = 20

/**
 * Syncs files on threads of its own, several at a time.
 *
 * Not through `fs.promises`: four blocked file operations (or DNS look-ups) anywhere in the process stop every sync that goes
 * through libuv's pool. Not synchronously in the caller's thread either: that is 0.05 ms quicker on a fast disk, but a disk that
 * takes 20 ms then stops every fetch and heartbeat of the broker for 20 ms, while requests that could join the next group
 * commit lie unread in their sockets. Measured on an SSD: 0.23 ms in the caller's thread, 0.28 ms here, 0.37 ms through a
 * message port.
 */
export class DiskSync {
  readonly #ring = new Int32Array(new SharedArrayBuffer(ringLength * Int32Array.BYTES_PER_ELEMENT))
  /** By slot. */
  readonly #inFlight = new Map<number, Request>()
  readonly #waiting: Request[] = []
  readonly #threads: { readonly worker: Worker; readonly ended: Promise<void> }[] = []
  readonly #onDeath: (failure: StorageError) => void
  readonly #onSync: () => () => void
  #failure: StorageError | null = null
  #isClosing = false
  #watching = false

  /**
   * @param onDeath called when a sync thread ends unexpectedly: whether its last syncs were durable is unknown, and no more are possible.
   * @param onSync called when the sync of a file is requested; the function that it returns is called when the sync has ended.
   */
  constructor(onDeath: (failure: StorageError) => void, onSync: () => () => void = () => () => undefined) {
    this.#onDeath = onDeath
    this.#onSync = onSync
  }

  /** Makes what was written to a file durable. Rejects with the system's error. */
  syncFile(descriptor: number, path: string): Promise<void> {
    const ended = this.#onSync()
    return this.#submit(kinds.file, descriptor, path).finally(ended)
  }

  /** Makes the names in a directory durable. */
  syncDirectory(descriptor: number, path: string): Promise<void> {
    return this.#submit(kinds.directory, descriptor, path)
  }

  /** Cuts a file to so many MiB: that of a large file takes long. */
  cut(descriptor: number, path: string, mebibytes: number): Promise<void> {
    return this.#submit(kinds.cut, descriptor, path, mebibytes)
  }

  /** Ends the threads once what was asked of them is done. */
  async close(): Promise<void> {
    this.#isClosing = true
    for (const _ of this.#threads) {
      this.#submit(kinds.stop, -1, '').catch(() => undefined) // The end of the thread is awaited, not this request.
    }
    await Promise.all(this.#threads.map(({ ended }) => ended))
    this.#rejectAll(new StorageError('the threads that sync files have ended'))
  }

  #submit(kind: number, descriptor: number, path: string, argument = 0): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    const request: Request = {
      kind,
      descriptor,
      argument,
      path,
      askedAt: systemClock.monotonic(),
      done: deferred<void>(),
    }
    this.#waiting.push(request)
    this.#fillRing()
    this.#startThreads()
    if (!this.#watching) void this.#watch()
    return request.done.promise
  }

  /** Requests wait where a slot is taken by one that is not done, though later ones may be. */
  #fillRing(): void {
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const sequence = Atomics.load(this.#ring, submittedAt)
      const at = slotOf(sequence)
      if (this.#inFlight.has(at)) return
      this.#waiting.shift()
      Atomics.store(this.#ring, at + slot.kind, first.kind)
      Atomics.store(this.#ring, at + slot.descriptor, first.descriptor)
      Atomics.store(this.#ring, at + slot.argument, first.argument)
      Atomics.store(this.#ring, at + slot.done, 0)
      this.#inFlight.set(at, first)
      Atomics.store(this.#ring, submittedAt, next(sequence))
      Atomics.notify(this.#ring, submittedAt, 1)
    }
  }

  async #watch(): Promise<void> {
    this.#watching = true
    for (const { worker } of this.#threads) worker.ref()
    while (this.#inFlight.size > 0) {
      const completed = Atomics.load(this.#ring, completedAt)
      if (this.#collect()) {
        this.#startThreads()
        continue
      }
      const wake = Atomics.waitAsync(this.#ring, completedAt, completed)
      if (wake.async) await wake.value
    }
    for (const { worker } of this.#threads) worker.unref()
    this.#watching = false
  }

  /** @returns whether anything was done. */
  #collect(): boolean {
    let any = false
    for (const [at, request] of this.#inFlight) {
      if (Atomics.load(this.#ring, at + slot.done) === 0) continue
      any = true
      this.#inFlight.delete(at)
      const outcome = Atomics.load(this.#ring, at + slot.outcome)
      if (outcome === 0) request.done.resolve()
      else request.done.reject(systemError(outcome, request.path))
    }
    if (any) this.#fillRing()
    return any
  }

  #startThreads(): void {
    if (this.#isClosing) return
    const running = this.#threads.length
    if (running === 0) return this.#start()
    if (running === maxThreads || this.#inFlight.size <= running * requestsPerThread) return
    const [oldest] = this.#inFlight.values()
    if (oldest !== undefined && systemClock.monotonic() - oldest.askedAt >= slowAfterMs) this.#start()
  }

  #start(): void {
    const worker = new Worker(new URL(`./disk-sync-thread${extname(import.meta.url)}`, import.meta.url), {
      name: 'disk-sync',
      workerData: this.#ring,
      resourceLimits: { maxYoungGenerationSizeMb: 1, maxOldGenerationSizeMb: 16 },
    })
    const ended = deferred<void>()
    this.#threads.push({ worker, ended: ended.promise })
    let cause: unknown
    worker.on('error', (error) => {
      cause = error
    })
    worker.once('exit', () => {
      if (!this.#isClosing) this.#die(cause)
      ended.resolve()
    })
  }

  #die(cause: unknown): void {
    if (this.#failure !== null) return
    const failure = new StorageError('a thread that syncs files has ended', { cause })
    this.#rejectAll(failure)
    this.#onDeath(failure)
  }

  /** Rejects all requests to a thread that has ended. */
  #rejectAll(failure: StorageError): void {
    this.#failure ??= failure
    for (const request of this.#inFlight.values()) request.done.reject(failure)
    for (const request of this.#waiting.splice(0)) request.done.reject(failure)
    this.#inFlight.clear()
    Atomics.notify(this.#ring, completedAt)
  }
}

function systemError(errno: number, path: string): StorageError {
  const code = getSystemErrorName(errno)
  return new StorageError(`sync of ${path} failed: ${code}`, { code })
}
