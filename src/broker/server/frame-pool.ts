const unit = 64 * 1024
const largest = 1024 * 1024

/**
 * Memory for the large requests of one connection, used again: a stream of batches would otherwise make the engine collect
 * the whole heap every few dozen of them.
 */
export class FramePool {
  readonly firstBytes = largest
  readonly #limit: number
  readonly #own = new WeakSet<ArrayBufferLike>()
  readonly #free: Buffer[] = []

  /** @param limit buffers that are kept. */
  constructor(limit: number) {
    this.#limit = limit
  }

  take(size: number): Buffer {
    if (size < unit) return Buffer.allocUnsafeSlow(size)
    const index = this.#free.findIndex((buffer) => buffer.length >= size)
    const [known] = index < 0 ? [] : this.#free.splice(index, 1)
    if (known !== undefined) return known
    const fresh = Buffer.allocUnsafeSlow(Math.ceil(size / unit) * unit)
    this.#own.add(fresh.buffer)
    return fresh
  }

  /** Returns the buffer of a frame to the pool, if it is from this pool. No view of it may be in use any more. */
  giveBack(frame: Buffer): void {
    const { buffer } = frame
    if (!this.#own.has(buffer) || buffer.byteLength > largest || this.#free.length >= this.#limit) return
    this.#free.push(Buffer.from(buffer))
  }
}
