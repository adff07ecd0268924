import { ProtocolError } from './protocol-error.ts'

/** Largest request a broker takes (`socket.request.max.bytes` of Kafka). */
export const defaultMaxFrameBytes = 100 * 1024 * 1024

/** The rest of a frame is read to its place from this size on. */
const directBytes = 16 * 1024

/** The buffers in which frames are assembled. */
export interface FrameMemory {
  /**
   * Bytes that a frame of `length` gets when it needs more than the `bytes` it has: all of `length` where it may have them. A
   * system hands memory out as it is written to, so that this costs nothing but what was received, and saves copies.
   */
  grown(length: number, bytes: number): number
  /** Bytes for one frame at first, at most: a length alone must not take more. */
  readonly firstBytes: number
  /** At least `size` bytes. */
  take(size: number): Buffer
}

const freshMemory: FrameMemory = {
  firstBytes: 1024 * 1024,
  grown: (length, bytes) => Math.min(length, 2 * bytes),
  take: (size) => Buffer.allocUnsafeSlow(size),
}

/**
 * Cuts a stream of bytes into frames, without their lengths. A frame that comes in pieces is put together once, in a buffer
 * of its own. The bytes come either in chunks that are not used again ({@link push}), or are read to where this says
 * ({@link destination}, {@link received}).
 */
export class FrameSplitter {
  /** Frames that are longer are refused. */
  maxBytes: number
  readonly #memory: FrameMemory
  readonly #length = Buffer.alloc(4)
  #lengthBytes = 0
  #frame: Buffer | null = null
  #frameLength = 0
  #filled = 0
  #isDirect = false

  constructor(maxBytes = defaultMaxFrameBytes, memory: FrameMemory = freshMemory) {
    this.maxBytes = maxBytes
    this.#memory = memory
  }

  /** Bytes that wait for the rest of their frame. */
  get pendingBytes(): number {
    return this.#lengthBytes + this.#filled
  }

  /** Memory that the frame in pieces takes so far. */
  get heldBytes(): number {
    return this.#frame?.length ?? 0
  }

  /** Whether a frame is partly received. */
  get isBegun(): boolean {
    return this.#frame !== null || this.#lengthBytes > 0
  }

  /** Whether the next bytes of the frame may need more memory than it has. */
  get needsMemory(): boolean {
    const frame = this.#frame
    return frame !== null && this.#frameLength > frame.length && frame.length - this.#filled < directBytes
  }

  /** Takes the next bytes. Returns the frames that they complete, which may be views of them. @throws ProtocolError for an invalid length. */
  push(chunk: Buffer): Buffer[] {
    return this.#cut(chunk, true)
  }

  /** Returns the buffer for the next read: `shared`, which connections use in turn, or the rest of a large frame. */
  destination(shared: Buffer): Buffer {
    const frame = this.#frame
    this.#isDirect = frame !== null && Math.min(frame.length, this.#frameLength) - this.#filled >= directBytes
    if (frame === null || !this.#isDirect) return shared
    return frame.subarray(this.#filled, Math.min(frame.length, this.#frameLength))
  }

  /** Takes `count` bytes that were read into the last {@link destination}. Returned frames are never views of `shared`. @throws ProtocolError */
  received(shared: Buffer, count: number): Buffer[] {
    if (!this.#isDirect) return this.#cut(shared.subarray(0, count), false)
    this.#filled += count
    const frame = this.#completed()
    return frame === null ? [] : [frame]
  }

  #cut(bytes: Buffer, mayView: boolean): Buffer[] {
    const frames: Buffer[] = []
    let position = 0
    while (position < bytes.length) {
      if (this.#frame !== null) {
        position += this.#fill(bytes, position)
        const frame = this.#completed()
        if (frame !== null) frames.push(frame)
        continue
      }
      position = this.#readLength(bytes, position)
      if (this.#lengthBytes < 4) break
      const length = this.#checkedLength()
      this.#lengthBytes = 0
      const end = position + length
      if (end <= bytes.length) {
        frames.push(mayView ? bytes.subarray(position, end) : Buffer.from(bytes.subarray(position, end)))
        position = end
      } else this.#begin(length)
    }
    return frames
  }

  #readLength(bytes: Buffer, start: number): number {
    let position = start
    for (; this.#lengthBytes < 4 && position < bytes.length; position += 1) {
      this.#length[this.#lengthBytes] = bytes[position] as number
      this.#lengthBytes += 1
    }
    return position
  }

  #checkedLength(): number {
    const length = this.#length.readInt32BE(0)
    if (length >= 0 && length <= this.maxBytes) return length
    throw new ProtocolError(`a frame of ${length} bytes is not between 0 and ${this.maxBytes}`)
  }

  #begin(length: number): void {
    this.#frame = this.#memory.take(Math.min(length, this.#memory.firstBytes))
    this.#frameLength = length
    this.#filled = 0
  }

  #fill(bytes: Buffer, start: number): number {
    const count = Math.min(bytes.length - start, this.#frameLength - this.#filled)
    this.#makeRoom(this.#filled + count)
    this.#frame?.set(bytes.subarray(start, start + count), this.#filled)
    this.#filled += count
    return count
  }

  /** Lets what is put together grow to `size` bytes. */
  #makeRoom(size: number): void {
    const frame = this.#frame
    if (frame === null || size <= frame.length) return
    const wanted = this.#memory.grown(this.#frameLength, frame.length)
    const grown = this.#memory.take(Math.min(this.#frameLength, Math.max(wanted, size)))
    frame.copy(grown, 0, 0, this.#filled)
    this.#frame = grown
  }

  #completed(): Buffer | null {
    const frame = this.#frame
    if (frame === null) return null
    if (this.#filled < this.#frameLength) return null
    const complete = frame.subarray(0, this.#frameLength)
    this.#frame = null
    this.#filled = 0
    return complete
  }
}
