import type { FileSystem, LogFile } from '../disk/file-system.ts'

const flushBytes = 64 * 1024

/**
 * A file of fixed-size entries in ascending order. New entries are buffered in memory and written in runs. Only the entries that a
 * search compares are read, so a long log takes no more memory than a short one (I10).
 */
export class IndexFile {
  readonly path: string
  readonly entrySize: number
  readonly #fs: FileSystem
  readonly #probe: Buffer
  #file: LogFile | null = null
  /** Entries in the file. */
  #written = 0
  #tail: Buffer
  /** Entries in `#tail`. */
  #pending = 0
  /** Whether the file may have bytes beyond the entries, because a write failed half-way or a cut failed. */
  #hasExcess = false
  /** Whether a sync failed: the kernel may have marked the pages clean without writing them. */
  #isDoubtful = false

  private constructor(fs: FileSystem, path: string, entrySize: number, written: number) {
    this.#fs = fs
    this.path = path
    this.entrySize = entrySize
    this.#probe = Buffer.alloc(entrySize)
    this.#written = written
    this.#tail = Buffer.alloc(0)
  }

  /** Creates an index without entries. Its file is created when the first entries are flushed. */
  static empty(fs: FileSystem, path: string, entrySize: number): IndexFile {
    const index = new IndexFile(fs, path, entrySize, 0)
    index.#hasExcess = fs.exists(path)
    return index
  }

  /** Loads an index; without a file it is empty. An incomplete last entry is ignored. */
  static load(fs: FileSystem, path: string, entrySize: number): IndexFile {
    const written = fs.exists(path) ? Math.floor(fs.sizeOf(path) / entrySize) : 0
    return new IndexFile(fs, path, entrySize, written)
  }

  get count(): number {
    return this.#written + this.#pending
  }

  get sizeInBytes(): number {
    return this.count * this.entrySize
  }

  /** Bytes of entry `i`, valid until the next call. */
  entry(i: number): Buffer {
    if (i >= this.#written) {
      const at = (i - this.#written) * this.entrySize
      return this.#tail.subarray(at, at + this.entrySize)
    }
    this.#open().read(this.#probe, 0, this.entrySize, i * this.entrySize)
    return this.#probe
  }

  /** Returns the last entry for which `isAtMost` is true; -1 when there is none. It must be true for a prefix of the entries. */
  lastWhere(isAtMost: (entry: Buffer) => boolean): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isAtMost(this.entry(middle))) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  /** Adds an entry. Returns its bytes, which the caller must fill immediately. */
  add(): Buffer {
    const at = this.#pending * this.entrySize
    if (at + this.entrySize > this.#tail.length) {
      const grown = Buffer.alloc(Math.max(this.#tail.length * 2, 32 * this.entrySize))
      this.#tail.copy(grown, 0, 0, at)
      this.#tail = grown
    }
    this.#pending += 1
    return this.#tail.subarray(at, at + this.entrySize)
  }

  /** Whether so many entries are in memory that they should be flushed. */
  get isHeavy(): boolean {
    return this.#pending * this.entrySize >= flushBytes
  }

  /** Writes the entries in memory to the file. */
  flush(): void {
    this.#trim()
    if (this.#pending === 0) return
    this.#hasExcess = true
    this.#open().write(this.#tail.subarray(0, this.#pending * this.entrySize), this.#written * this.entrySize)
    this.#hasExcess = false
    this.#written += this.#pending
    this.#pending = 0
  }

  /** Keeps the first `count` entries. Never fails: if the file cannot be cut now, the next flush cuts it. */
  truncate(count: number): void {
    if (count >= this.#written) {
      this.#pending = Math.min(this.#pending, count - this.#written)
      return
    }
    this.#pending = 0
    this.#written = count
    this.#hasExcess = true
    try {
      this.#trim()
    } catch {
      // The state in memory is right, and `flush` throws until the file is cut.
    }
  }

  /** Flushes, and makes the file durable. Its name is not, see `FileSystem.syncDirectory`. */
  async sync(): Promise<void> {
    if (this.count === 0 && !this.#fs.exists(this.path)) return
    this.flush()
    const file = this.#open()
    if (this.#isDoubtful) {
      const bytes = Buffer.allocUnsafe(this.#written * this.entrySize)
      file.write(bytes.subarray(0, file.read(bytes, 0, bytes.length, 0)), 0)
    }
    this.#isDoubtful = true
    await file.sync()
    this.#isDoubtful = false
  }

  /** Opens the file, so that it can still be read when its name is gone. */
  hold(): void {
    if (this.#written > 0) this.#open().hold()
  }

  /** Makes the file exist, even when it is empty. */
  materialize(): void {
    this.#open()
  }

  close(): void {
    this.#file?.close()
    this.#file = null
  }

  #trim(): void {
    if (!this.#hasExcess) return
    this.#open().truncate(this.#written * this.entrySize)
    this.#hasExcess = false
  }

  #open(): LogFile {
    this.#file ??= this.#fs.open(this.path, this.#fs.exists(this.path) ? 'existing' : 'create')
    return this.#file
  }
}
