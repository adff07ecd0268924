import { createHash, type Hash } from 'node:crypto'

import { assert, ConnectError, present } from 'penstock/api'

import type { ConcurrencyLimit } from '../../s3-store/client/concurrency-limit.ts'
import { PackedStream, type WholePacking } from './packed-stream.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { ObjectMark } from '../../s3-store/object/object-mark.ts'
import type { Unpacked } from '../format/object-format.ts'
import type { Condition, PutOutcome } from '../../s3-store/client/input/conditions.ts'
import type { S3Store, StoredPart } from '../../s3-store/client/s3-store.ts'

/** What an upload needs to know. */
export interface UploadOptions {
  /** Called after {@link ready} has resolved. */
  readonly key: () => string
  readonly mark: ObjectMark
  readonly contentType: string
  readonly store: S3Store
  readonly budget: MemoryBudget
  readonly partBytes: number
  /** The minimum size of a part that is not the last one. */
  readonly minPartBytes: number
  /** Null: no compression. */
  readonly packing: WholePacking | null
  /** Of the uploads of a task that compress their object at its end, so that few compressors are open at a time. */
  readonly endings: ConcurrencyLimit
  /** Whether {@link ObjectUpload.digest} is needed. */
  readonly digests: boolean
  /** Nothing is sent before it resolves. */
  readonly ready: Promise<void>
  /** Called immediately when work in the background fails. */
  readonly onFailed: (error: unknown) => void
}

/** What an object is in the store. */
export interface ObjectDigest {
  readonly bytes: number
  /** In hex. */
  readonly sha256: string
}

/** Memory of an object besides its bytes. */
const overheadBytes = 4096

/** The store no longer has the parts of an object: its records have to be read again. */
export class UploadLostError extends ConnectError {}

/**
 * The upload of one object. The object is not visible before {@link complete}: a small one is put whole, a large one is uploaded
 * in parts before. Steps run in the background, one after another. A failure is passed to `onFailed` immediately, and thrown
 * by `complete`.
 */
export class ObjectUpload {
  readonly #options: UploadOptions
  readonly #abort = new AbortController()
  /** The creation of an upload is not aborted immediately: without its response the upload cannot be aborted. */
  readonly #creation = new AbortController()
  readonly #packed: PackedStream | null
  readonly #parts: StoredPart[] = []
  readonly #hash: Hash | null
  #digest: ObjectDigest | null = null
  #bytes = 0
  #work: Promise<void>
  #pending: Buffer[] = []
  #pendingBytes = 0
  #held = 0
  #uploadId: string | null = null
  #failure: Error | null = null
  #done = false
  #ended = false
  #spilling = false
  #compressing = false

  constructor(options: UploadOptions) {
    this.#options = options
    this.#packed = options.packing === null ? null : new PackedStream(options.packing)
    this.#hash = options.digests ? createHash('sha256') : null
    this.#work = options.ready
    this.#hold(overheadBytes)
  }

  get key(): string {
    return this.#options.key()
  }

  /** Bytes in memory. */
  get held(): number {
    return this.#held
  }

  /** The part of them that is uploaded as fast as the store accepts it. */
  get leaving(): number {
    if (this.#ended) return this.#held
    return this.#spilling ? this.#contentBytes : 0
  }

  /** The bytes of the object that {@link spill} would upload, if there are enough of them. */
  get spillable(): number {
    return this.#ended || this.#spilling ? 0 : this.#contentBytes
  }

  /** The rest is needed until the object is finished, whatever of its content is uploaded. */
  get #contentBytes(): number {
    return this.#done ? 0 : this.#held - overheadBytes - (this.#compressing ? this.#stateBytes : 0)
  }

  /** Aborts when the upload is given up. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** What the object is in the store, once it is there. */
  get digest(): ObjectDigest {
    return present(this.#digest, 'the digest of a whole object')
  }

  /** How the object is compressed as a whole; null: it is not. */
  get packing(): WholePacking | null {
    return this.#options.packing
  }

  get #stateBytes(): number {
    return this.#packed?.stateBytes ?? 0
  }

  get mark(): ObjectMark {
    return this.#options.mark
  }

  /** After {@link end}: the bytes of the object; null when parts of it are already in the store. */
  async whole(): Promise<Buffer | null> {
    await this.#work
    return this.#uploadId === null ? Buffer.concat(this.#pending) : null
  }

  /** Appends bytes. The caller does not use them afterwards. */
  append(content: Buffer | Unpacked): void {
    if (Buffer.isBuffer(content) && content.length === 0) return
    const held = Buffer.isBuffer(content) ? content.length : content.held
    this.#hold(held)
    this.#then(async () => await this.#take(content, held))
  }

  /** Appends the last bytes. */
  end(rest: Buffer | Unpacked): void {
    this.#ended = true
    const held = Buffer.isBuffer(rest) ? rest.length : rest.held
    this.#hold(held)
    this.#then(async () => {
      const packed = this.#packed
      const finish = async (): Promise<void> => {
        await this.#take(rest, held)
        if (packed !== null) {
          this.#queue(await packed.end())
          this.#holdCompressor(false)
        }
        if (this.#hash !== null) this.#digest = { bytes: this.#bytes, sha256: this.#hash.digest('hex') }
      }
      // Objects that end together are many where there are many directories, and most have opened no compressor yet.
      if (packed === null || this.#compressing) await finish()
      else await this.#options.endings.run(this.signal, finish)
    })
  }

  async #take(content: Buffer | Unpacked, held: number): Promise<void> {
    const bytes = Buffer.isBuffer(content) ? content : await content.pack(this.signal)
    const pieces = bytes.length === 0 ? [] : await this.#compressed(bytes)
    this.#hold(-held)
    this.#queue(pieces)
    while (this.#pendingBytes >= this.#options.partBytes) await this.#uploadPart(this.#options.partBytes)
  }

  /** Uploads the bytes in memory as a part, if there are enough for one: memory is short. */
  spill(): void {
    this.#spilling = true
    this.#then(async () => {
      if (this.#pendingBytes >= this.#options.minPartBytes) await this.#uploadPart(this.#pendingBytes)
      this.#spilling = false
    })
  }

  /**
   * Creates the object, after {@link end}. It can be called again after `precondition-failed`.
   * @throws UploadLostError, S3RefusedError, or the reason of {@link abort}.
   */
  async complete(condition: Condition): Promise<PutOutcome> {
    await this.#work
    if (this.#failure !== null) throw this.#failure
    const { signal } = this.#abort
    const uploadId = this.#uploadId
    let outcome: PutOutcome
    if (uploadId === null) {
      const { contentType } = this.#options
      const object = { key: this.key, body: this.#pending, condition, mark: this.mark, contentType }
      outcome = await this.#options.store.putObject(object, signal)
    } else {
      if (this.#pendingBytes > 0 || this.#parts.length === 0) await this.#uploadPart(this.#pendingBytes)
      const object = { key: this.key, uploadId, parts: this.#parts, condition }
      outcome = await this.#options.store.completeUpload(object, signal)
    }
    if (outcome === 'done') this.finished()
    return outcome
  }

  /** The object is in the store, or given up: its memory is released. */
  finished(): void {
    this.#done = true
    this.#packed?.close()
    this.#pending = []
    this.#pendingBytes = 0
    this.#hold(-this.#held)
  }

  /** Gives the object up: aborts the requests in flight, and the upload in the store. */
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

  async #compressed(bytes: Buffer): Promise<readonly Buffer[]> {
    if (this.#packed === null) return [bytes]
    this.#holdCompressor(true)
    return await this.#packed.add(bytes)
  }

  /** An open compressor counts as memory from its first bytes on (I10). */
  #holdCompressor(open: boolean): void {
    if (this.#compressing === open) return
    this.#compressing = open
    this.#hold(open ? this.#stateBytes : -this.#stateBytes)
  }

  #queue(pieces: readonly Buffer[]): void {
    for (const piece of pieces) {
      this.#pending.push(piece)
      this.#pendingBytes += piece.length
      this.#bytes += piece.length
      this.#hash?.update(piece)
      this.#hold(piece.length)
    }
  }

  async #uploadPart(bytes: number): Promise<void> {
    const { signal } = this.#abort
    const { contentType } = this.#options
    const object = { key: this.key, mark: this.mark, contentType }
    this.#uploadId ??= await this.#options.store.createUpload(object, this.#creation.signal)
    const part = await this.#options.store.uploadPart(
      { key: this.key, uploadId: this.#uploadId, number: this.#parts.length + 1, body: this.#takePending(bytes) },
      signal,
    )
    if (part === null) throw new UploadLostError(`the store no longer has the upload of ${this.key}`)
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
