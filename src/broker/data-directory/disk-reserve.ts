import { randomFillSync } from 'node:crypto'
import type { Logger } from '../../foundation/logging/logger.ts'
import { isDiskFull, type SpaceReserve } from '../../log/disk/disk-full.ts'
import type { FileSystem } from '../../log/disk/file-system.ts'

const directoryName = '__cluster'
const fileName = 'reserve'
const writeBytes = 64 * 1024

/** What is kept at least. */
export const defaultReserveBytes = 1024 * 1024

/** The path of the reserve of a data directory. */
export function reservePath(dataDirectory: string): string {
  return `${dataDirectory}/${directoryName}/${fileName}`
}

/**
 * Space that is kept for what frees space: a deletion has to be written down before anything may be removed, and a disk may be
 * full to its last block. A file without meaning; removing it makes the room. Its bytes are random, so that no file system
 * keeps it in less space than it seems to take.
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
   * Makes the room. What needs it has to write before it gives up its turn: whatever else is appended would take it.
   * @returns whether there was a reserve.
   */
  release(): boolean {
    if (!this.#fs.exists(this.#path)) return false
    this.#fs.remove(this.#path)
    return true
  }

  /** Runs `action`; on a full disk, once more with the room of the reserve. @throws what `action` throws. */
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

  /** Fills the reserve up to `bytes`, as far as there is room. Never throws. */
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
          await file.sync() // Some file systems find the blocks only now.
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
