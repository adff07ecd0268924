import { assert, ConnectError } from 'penstock/api'

import { GzipMember } from './gzip-member.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { ObjectMark } from './object-mark.ts'
import type { Condition, PutOutcome } from '../s3-client/conditions.ts'
import type { S3Store, StoredPart } from '../s3-client/s3-store.ts'

/** What an upload needs to know. */
export interface UploadOptions {
  /** Asked for once {@link ready} is done. */
  readonly key: () => string
  readonly mark: ObjectMark
  readonly store: S3Store
  readonly budget: MemoryBudget
  readonly partBytes: number
  /** A part that is not the last has at least so many bytes. */
  readonly minPartBytes: number
  /** Null: no compression. */
  readonly gzipLevel: number | null
  /** Nothing is sent before. */
  readonly ready: Promise<void>
  /** Told at once when work in the background fails. */
  readonly onFailed: (error: unknown) => void
}

/** What an object costs in memory besides its bytes. */
const overheadBytes = 4096

/** The store has forgotten the parts of an object: its records have to be read again. */
export class UploadLostError extends ConnectError {}

/**
 * The bytes of one object on their way into the store. Nothing can be seen there before {@link complete}: a small object
 * is put whole, a large one goes ahead in parts. Work is done in order, in the background; what fails is thrown by
 * `complete`, and told to `onFailed` at once.
 */
export class ObjectUpload {
  readonly #options: UploadOptions
  readonly #abort = new AbortController()
  /** Creating an upload is not cut off at once: without its answer there is no giving it up. */
  readonly #creation = new AbortController()
  readonly #gzip: GzipMember | null
  readonly #parts: StoredPart[] = []
  #work: Promise<void>
  #pending: Buffer[] = []
  #pendingBytes = 0
  #held = 0
  #uploadId: string | null = null
  #failure: Error | null = null
  #done = false
  #ended = false
  #spilling = false

  constructor(options: UploadOptions) {
    this.#options = options
    this.#gzip = options.gzipLevel === null ? null : new GzipMember(options.gzipLevel)
    this.#work = options.ready
    this.#hold(overheadBytes)
  }

  get key(): string {
    return this.#options.key()
  }

  /** Bytes that wait here, not yet in the store. */
  get held(): number {
    return this.#held
  }

  /** Of the bytes held, those that leave as fast as the store takes them. */
  get leaving(): number {
    return this.#ended || this.#spilling ? this.#held : 0
  }

  /** Fires when the upload is given up. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get mark(): ObjectMark {
    return this.#options.mark
  }

  /** After {@link end}: the whole object's bytes; null once parts of it have left. */
  async whole(): Promise<Buffer | null> {
    await this.#work
    return this.#uploadId === null ? Buffer.concat(this.#pending) : null
  }

  /** Adds bytes behind those before; they are the upload's from here on. */
  append(bytes: Buffer): void {
    this.#hold(bytes.length)
    this.#then(async () => {
      const pieces = this.#gzip === null ? [bytes] : await this.#gzip.add(bytes)
      this.#hold(-bytes.length)
      this.#queue(pieces)
      while (this.#pendingBytes >= this.#options.partBytes) await this.#uploadPart(this.#options.partBytes)
    })
  }

  /** No more bytes come. */
  end(): void {
    this.#ended = true
    this.#then(async () => {
      if (this.#gzip !== null) this.#queue(await this.#gzip.end())
    })
  }

  /** Uploads what waits as a part now, if it is enough for one: for want of memory. */
  spill(): void {
    this.#spilling = true
    this.#then(async () => {
      if (this.#pendingBytes >= this.#options.minPartBytes) await this.#uploadPart(this.#pendingBytes)
      this.#spilling = false
    })
  }

  /**
   * Makes the object appear, after {@link end}. Can be called again after `precondition-failed`.
   * @throws UploadLostError, S3RefusedError, or the reason of {@link abort}.
   */
  async complete(condition: Condition): Promise<PutOutcome> {
    await this.#work
    if (this.#failure !== null) throw this.#failure
    const { signal } = this.#abort
    const uploadId = this.#uploadId
    let outcome: PutOutcome
    if (uploadId === null) {
      const object = { key: this.key, body: this.#pending, condition, mark: this.mark }
      outcome = await this.#options.store.putObject(object, signal)
    } else {
      if (this.#pendingBytes > 0 || this.#parts.length === 0) await this.#uploadPart(this.#pendingBytes)
      const object = { key: this.key, uploadId, parts: this.#parts, condition }
      outcome = await this.#options.store.completeUpload(object, signal)
    }
    if (outcome === 'done') this.finished()
    return outcome
  }

  /** The object is in the store: nothing is held for it any more. */
  finished(): void {
    this.#done = true
    this.#pending = []
    this.#pendingBytes = 0
    this.#hold(-this.#held)
  }

  /** Gives the object up: running requests are cut off, and the store is told to forget the parts. */
  async abort(reason: Error, signal: AbortSignal): Promise<void> {
    if (this.#done) return
    this.#failure ??= reason
    this.#abort.abort(reason)
    signal.addEventListener('abort', () => this.#creation.abort(reason), { once: true })
    await this.#work
    this.finished()
    if (this.#uploadId !== null) await this.#options.store.abortUpload(this.key, this.#uploadId, signal)
  }

  #then(step: () => Promise<void>): void {
    this.#work = this.#work.then(async () => {
      if (this.#failure !== null) return
      try {
        await step()
      } catch (error) {
        if (this.#failure !== null) return
        this.#failure = error instanceof Error ? error : new ConnectError(String(error))
        this.#options.onFailed(error)
      }
    })
  }

  #queue(pieces: readonly Buffer[]): void {
    for (const piece of pieces) {
      this.#pending.push(piece)
      this.#pendingBytes += piece.length
      this.#hold(piece.length)
    }
  }

  async #uploadPart(bytes: number): Promise<void> {
    const { signal } = this.#abort
    this.#uploadId ??= await this.#options.store.createUpload(this.key, this.mark, this.#creation.signal)
    const part = await this.#options.store.uploadPart(
      { key: this.key, uploadId: this.#uploadId, number: this.#parts.length + 1, body: this.#takePending(bytes) },
      signal,
    )
    if (part === null) throw new UploadLostError(`the store has forgotten the upload of ${this.key}`)
    this.#parts.push(part)
    this.#hold(-bytes)
  }

  #takePending(bytes: number): Buffer[] {
    assert(bytes <= this.#pendingBytes, 'a part has no more bytes than there are')
    const taken: Buffer[] = []
    let missing = bytes
    while (missing > 0) {
      const piece = this.#pending.shift()
      if (piece === undefined) break
      if (piece.length > missing) this.#pending.unshift(piece.subarray(missing))
      taken.push(piece.subarray(0, missing))
      missing -= Math.min(missing, piece.length)
    }
    this.#pendingBytes -= bytes
    return taken
  }

  #hold(bytes: number): void {
    this.#held += bytes
    this.#options.budget.add(bytes)
  }
}
