import { randomFillSync } from 'node:crypto'
import type { Logger } from '../../foundation/logging/logger.ts'
import { isDiskFull, type SpaceReserve } from '../../log/disk/disk-full.ts'
import type { FileSystem } from '../../log/disk/file-system.ts'

const directoryName = '__cluster'
const fileName = 'reserve'
const writeBytes = 64 * 1024

/** The minimum size of the reserve. */
export const defaultReserveBytes = 1024 * 1024

/** The path of the reserve of a data directory. */
export function reservePath(dataDirectory: string): string {
  return `${dataDirectory}/${directoryName}/${fileName}`
}

/**
 * Disk space reserved for operations that free space: a deletion has to be recorded before anything is removed, and the disk may be
 * completely full. The reserve is a file that is removed when the space is needed. Its bytes are random, so that no file system
 * compresses it.
 */
export class DiskReserve implements SpaceReserve {
  readonly #fs: FileSystem
  readonly #path: string
  readonly #logger: Logger
  #filling: Promise<void> | null = null
  #isShort = false

  constructor(fs: FileSystem, dataDirectory: string, logger: Logger) {
    this.#fs = fs
    this.#path = reservePath(dataDirectory)
    this.#logger = logger
  }

  /**
   * Frees the space. The caller has to write before it awaits anything else: otherwise an append would use the space.
   * @returns whether there was a reserve.
   */
  release(): boolean {
    if (!this.#fs.exists(this.#path)) return false
    this.#fs.remove(this.#path)
    return true
  }

  /** Runs `action`; on a full disk, again with the space of the reserve. @throws what `action` throws. */
  async use<T>(action: () => Promise<T>): Promise<T> {
    try {
      return await action()
    } catch (error) {
      if (!isDiskFull(error)) throw error
      await this.#filling
      if (!this.release()) throw error
      return await action()
    }
  }

  /** Fills the reserve up to `bytes`, as far as there is space. Never throws. */
  async fill(bytes: number): Promise<void> {
    this.#filling ??= this.#fill(bytes).finally(() => {
      this.#filling = null
    })
    await this.#filling
  }

  async #fill(bytes: number): Promise<void> {
    try {
      const isThere = this.#fs.exists(this.#path)
      let size = isThere ? this.#fs.sizeOf(this.#path) : 0
      if (size < bytes) {
        const file = this.#fs.open(this.#path, isThere ? 'existing' : 'create')
        try {
          for (let length = 0; size < bytes; size += length) {
            length = Math.min(writeBytes, bytes - size)
            file.write(randomFillSync(Buffer.allocUnsafe(length)), size)
          }
          await file.sync() // Some file systems allocate the blocks only now.
        } finally {
          file.close()
        }
      }
      this.#isShort = false
    } catch (error) {
      if (this.#isShort) return
      this.#isShort = true
      this.#logger.warn('the space that is kept for deletions on a full disk cannot be reserved; trying again later', {
        path: this.#path,
        error: String(error),
      })
    }
  }
}
