import { promisify } from 'node:util'
import { constants, crc32, deflateRaw } from 'node:zlib'

const deflate = promisify(deflateRaw)
const windowBytes = 32 * 1024
const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])

/**
 * Writes one gzip member from blocks that are compressed one by one, off the thread: each is a run of deflate blocks
 * that ends at a byte (RFC 1951, as `pigz` does it), and begins with the last 32 KiB before it as its dictionary.
 */
export class GzipMember {
  readonly #level: number
  #window: Buffer = Buffer.alloc(0)
  #sum = 0
  #length = 0
  #begun = false

  /** @param level 0 to 9; -1 is zlib's own choice. */
  constructor(level: number) {
    this.#level = level
  }

  /** The next bytes of the member. Calls do not overlap. */
  async add(block: Buffer): Promise<Buffer[]> {
    const compressed = await deflate(block, this.#options(constants.Z_SYNC_FLUSH))
    this.#sum = crc32(block, this.#sum)
    this.#length += block.length
    this.#window = lastBytes(this.#window, block)
    return [...this.#head(), compressed]
  }

  /** The bytes that end the member. */
  async end(): Promise<Buffer[]> {
    const last = await deflate(Buffer.alloc(0), this.#options(constants.Z_FINISH))
    const trailer = Buffer.alloc(8)
    trailer.writeUInt32LE(this.#sum >>> 0, 0)
    trailer.writeUInt32LE(this.#length % 2 ** 32, 4)
    return [...this.#head(), last, trailer]
  }

  #head(): Buffer[] {
    if (this.#begun) return []
    this.#begun = true
    return [header]
  }

  #options(finishFlush: number): { level: number; finishFlush: number; dictionary?: Buffer } {
    const options = { level: this.#level, finishFlush }
    return this.#window.length === 0 ? options : { ...options, dictionary: this.#window }
  }
}

/** A copy: a view would keep the whole block alive. */
function lastBytes(window: Buffer, block: Buffer): Buffer {
  if (block.length >= windowBytes) return Buffer.from(block.subarray(block.length - windowBytes))
  return Buffer.concat([window.subarray(Math.max(0, window.length + block.length - windowBytes)), block])
}
