const chunkBytes = 1024 * 1024
// Chunks kept for reuse. Those that a burst needs beyond them are freed.
const spareChunks = 4
// The most bytes that UTF-8 needs for one unit of UTF-16.
const maxBytesPerUnit = 3

/** Bytes that hold the lines of several operations. */
interface Chunk {
  readonly bytes: Buffer
  used: number
  /** The number of operations whose lines are in it. */
  users: number
}

/** The place of one operation's lines. */
export interface Lines {
  readonly chunk: Chunk
  readonly start: number
  readonly end: number
}

/**
 * Holds the lines of bulk bodies as bytes outside the heap: documents that wait for a slow cluster cost the garbage
 * collector nothing. Lines written one after the other are adjacent, so that a body of them needs no copy.
 */
export class BulkBodyArena {
  #open: Chunk | null = null
  readonly #spare: Chunk[] = []

  /** Stores the text until {@link release}. */
  write(text: string): Lines {
    const most = text.length * maxBytesPerUnit
    if (most > chunkBytes) {
      const bytes = Buffer.from(text)
      return { chunk: { bytes, used: bytes.length, users: 1 }, start: 0, end: bytes.length }
    }
    let chunk = this.#open
    if (chunk === null || chunk.used + most > chunkBytes) {
      chunk = this.#spare.pop() ?? { bytes: Buffer.allocUnsafeSlow(chunkBytes), used: 0, users: 0 }
      this.#open = chunk
    }
    const start = chunk.used
    const end = start + chunk.bytes.write(text, start)
    chunk.used = end
    chunk.users += 1
    return { chunk, start, end }
  }

  /** Frees the lines. No body may be made of them or be in use. */
  release({ chunk }: Lines): void {
    chunk.users -= 1
    if (chunk.users > 0) return
    chunk.used = 0
    if (chunk !== this.#open && chunk.bytes.length === chunkBytes && this.#spare.length < spareChunks)
      this.#spare.push(chunk)
  }

  /** Moves the lines to memory of their own: lines that wait for long must not keep their neighbours' memory. */
  detach(lines: Lines): Lines {
    const bytes = Buffer.from(bytesOf(lines))
    this.release(lines)
    return { chunk: { bytes, used: bytes.length, users: 1 }, start: 0, end: bytes.length }
  }
}

/** The lines' text. */
export function textOf({ chunk, start, end }: Lines): string {
  return chunk.bytes.toString('utf8', start, end)
}

/** Returns a body of these lines. It is valid until one of them is released. */
export function bodyOf(all: Iterable<Lines>): Buffer {
  const parts: Buffer[] = []
  let run: { chunk: Chunk; start: number; end: number } | null = null
  for (const { chunk, start, end } of all) {
    if (run !== null && run.chunk === chunk && run.end === start) run.end = end
    else {
      if (run !== null) parts.push(bytesOf(run))
      run = { chunk, start, end }
    }
  }
  if (run !== null) parts.push(bytesOf(run))
  const [only] = parts
  return only !== undefined && parts.length === 1 ? only : Buffer.concat(parts)
}

function bytesOf({ chunk, start, end }: Lines): Buffer {
  return chunk.bytes.subarray(start, end)
}
