/**
 * What the log needs of a disk, as a seam: the machine's (`NodeFileSystem`) and one in memory for tests that fails, tears
 * writes and forgets what was not synced.
 *
 * Reads and writes are synchronous: they meet the page cache, where a call costs microseconds and a trip through a thread pool
 * costs ten times as much. Syncs are asynchronous, because they wait for the disk.
 *
 * Every call throws the system's error as it is, with its `code` (`ENOSPC`, `EIO`, …).
 */
export interface FileSystem {
  /** Opens for reading and writing. `create` makes the file, or empties the one that is there. */
  open(path: string, mode: 'existing' | 'create'): LogFile
  /**
   * Null while a file may be opened; else, while too many hold what is not synced, resolves when it is the caller's turn. Not to
   * be asked is no error: then a few more files are open than there should be.
   */
  room(): Promise<void> | null
  exists(path: string): boolean
  /** Bytes of a file. */
  sizeOf(path: string): number
  /** The names in a directory, in no order. */
  list(directory: string): string[]
  /** Makes the directory and those above it; content with one that is there. */
  makeDirectory(directory: string): void
  /** Renames within one directory, over a file that is there. */
  rename(from: string, to: string): void
  remove(path: string): void
  /** Bytes that may still be written below a path; null where that is not known. Never throws. */
  freeBytes(path: string): number | null
  /** Makes the directory's names durable: files made, renamed and removed in it. */
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
