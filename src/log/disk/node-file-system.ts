import * as fs from 'node:fs'
import { DescriptorPool } from './descriptor-pool.ts'
import { DiskSync } from './disk-sync.ts'
import type { FileSystem, LogFile } from './file-system.ts'
import { NodeFile } from './node-file.ts'

const directoriesAtATime = 32
const mebibyte = 1024 * 1024
/** From this size on, freeing the blocks of a file may take so long that it is done in steps. */
const largeBytes = 32 * mebibyte
/** Syncs of others get their turn between steps. */
const stepBytes = 64 * mebibyte
const freedAtATime = 16
const directoryMode = 0o700

/** The machine's file system. Files are readable by their owner only. `close` ends the threads that sync. */
export class NodeFileSystem implements FileSystem {
  readonly #sync: DiskSync
  readonly #freeing = new Set<Promise<void>>()
  #isClosing = false
  readonly #pool: DescriptorPool
  /** Directories are open only while they are synced. */
  readonly #directories = new DescriptorPool(directoriesAtATime)

  /**
   * @param options.maxOpenFiles descriptors that files may hold; a few more where none can be closed.
   * @param options.onSyncDeath called when a sync thread ends unexpectedly. Nothing can be made durable any more, so by default this
   * ends the process (docs/decisions/0013).
   * @param options.onSync called when the sync of a file is requested; the function that it returns, when the sync has ended.
   */
  constructor(
    options: {
      readonly maxOpenFiles?: number
      readonly onSyncDeath?: (failure: Error) => void
      readonly onSync?: () => () => void
    } = {},
  ) {
    const { maxOpenFiles = Infinity, onSyncDeath = raise, onSync } = options
    this.#pool = new DescriptorPool(maxOpenFiles)
    this.#sync = new DiskSync(onSyncDeath, onSync)
  }

  open(path: string, mode: 'existing' | 'create'): LogFile {
    return new NodeFile(path, mode, { pool: this.#pool, sync: this.#sync })
  }

  /** Descriptors that files hold. */
  get openFiles(): number {
    return this.#pool.open
  }

  room(): Promise<void> | null {
    return this.#pool.room()
  }

  exists(path: string): boolean {
    return fs.existsSync(path)
  }

  sizeOf(path: string): number {
    return fs.statSync(path).size
  }

  list(directory: string): string[] {
    return fs.readdirSync(directory)
  }

  makeDirectory(directory: string): void {
    fs.mkdirSync(directory, { recursive: true, mode: directoryMode })
  }

  rename(from: string, to: string): void {
    fs.renameSync(from, to)
  }

  /** Removes the name of a large file immediately. Its blocks are freed later, in steps, on another thread. */
  remove(path: string): void {
    const { size } = fs.statSync(path)
    const descriptor = size >= largeBytes && this.#freeing.size < freedAtATime ? openOrNull(path) : null
    try {
      fs.unlinkSync(path)
    } catch (error) {
      if (descriptor !== null) fs.closeSync(descriptor)
      throw error
    }
    if (descriptor === null) return
    const freed = this.#free(descriptor, path, size).finally(() => this.#freeing.delete(freed))
    this.#freeing.add(freed)
  }

  freeBytes(path: string): number | null {
    return freeBytesAt(path)
  }

  async syncDirectory(directory: string): Promise<void> {
    if (process.platform === 'win32') return // Windows makes names durable itself, and cannot open a directory.
    for (let room = this.#directories.room(); room !== null; room = null) await room
    this.#directories.opening()
    let descriptor: number | null = null
    const closed = { wasUsed: false, rest: () => undefined }
    try {
      descriptor = fs.openSync(directory, 'r')
      await this.#sync.syncDirectory(descriptor, directory)
    } finally {
      if (descriptor !== null) fs.closeSync(descriptor)
      this.#directories.closed(closed)
    }
  }

  async close(): Promise<void> {
    this.#isClosing = true
    await Promise.all(this.#freeing)
    await this.#sync.close()
  }

  /** If this ends early, the system frees the remaining blocks when the descriptor closes. */
  async #free(descriptor: number, path: string, size: number): Promise<void> {
    try {
      for (let left = size; left > 0 && !this.#isClosing;) {
        left = Math.max(left - stepBytes, 0)
        await this.#sync.cut(descriptor, path, Math.ceil(left / mebibyte))
      }
    } catch {
      // The file has no name any more: nothing can be done about it.
    } finally {
      fs.closeSync(descriptor)
    }
  }
}

/** Without a descriptor the file is removed all the same. */
function openOrNull(path: string): number | null {
  try {
    return fs.openSync(path, 'r+')
  } catch {
    return null
  }
}

function raise(failure: Error): never {
  throw failure
}

/** See {@link FileSystem.freeBytes}. */
export function freeBytesAt(path: string): number | null {
  try {
    const { bavail, bsize } = fs.statfsSync(path)
    return bavail * bsize
  } catch {
    return null // The caller reports a failure of its own.
  }
}
