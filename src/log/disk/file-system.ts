/**
 * The operations of a disk that a partition log needs. There are two implementations: `NodeFileSystem`, and one in memory for tests
 * that fails, tears writes and loses what was not synced.
 *
 * Reads and writes are synchronous: they hit the page cache, where a call takes microseconds, and a thread pool would take ten times
 * as long. Syncs are asynchronous, because they wait for the disk.
 *
 * Every call throws the unchanged error of the system, with its `code` (`ENOSPC`, `EIO`, …).
 */
export interface FileSystem {
  /** Opens a file for reading and writing. `create` creates it, or empties an existing one. */
  open(path: string, mode: 'existing' | 'create'): LogFile
  /**
   * Returns null while a file may be opened. While too many files have unsynced writes, resolves when it is the caller's turn. A
   * caller that does not ask only opens a few files above the limit.
   */
  room(): Promise<void> | null
  exists(path: string): boolean
  /** Bytes of a file. */
  sizeOf(path: string): number
  /** The names in a directory, unsorted. */
  list(directory: string): string[]
  /** Creates a directory and its parents, unless they exist. */
  makeDirectory(directory: string): void
  /** Renames a file within one directory; replaces an existing one. */
  rename(from: string, to: string): void
  remove(path: string): void
  /** Free bytes of the disk of a path; null where unknown. Never throws. */
  freeBytes(path: string): number | null
  /** Makes the names of a directory durable: files that were created, renamed and removed in it. */
  syncDirectory(directory: string): Promise<void>
}

/** An open file. Positions and sizes in bytes. */
export interface LogFile {
  readonly path: string
  /** Reads up to `length` bytes at `position` into `target` at `offset`. Returns fewer only at the end of the file. */
  read(target: Buffer, offset: number, length: number, position: number): number
  /** Writes all of `bytes`, or throws; then a part of them may have been written. */
  write(bytes: Buffer, position: number): void
  truncate(size: number): void
  size(): number
  /** Makes the content durable (not the name: see {@link FileSystem.syncDirectory}). Never called concurrently for one file. */
  sync(): Promise<void>
  /** Keeps the content within reach when the name is given to another file, until the file is closed. */
  hold(): void
  /** Whether a use of it opens nothing. */
  readonly isOpen: boolean
  close(): void
}

/** The whole of a small file. */
export function readWholeFile(fs: FileSystem, path: string): Buffer {
  const file = fs.open(path, 'existing')
  try {
    const bytes = Buffer.allocUnsafeSlow(file.size())
    return bytes.subarray(0, file.read(bytes, 0, bytes.length, 0))
  } finally {
    file.close()
  }
}

/** Replaces a small file so that a crash leaves the old content or the new one: beside it, synced, renamed, directory synced. */
export async function replaceFile(fs: FileSystem, directory: string, name: string, bytes: Buffer): Promise<void> {
  const beside = `${directory}/${name}.tmp`
  const file = fs.open(beside, 'create')
  try {
    file.write(bytes, 0)
    await file.sync()
  } finally {
    file.close()
  }
  fs.rename(beside, `${directory}/${name}`)
  await fs.syncDirectory(directory)
}
