import { deferred, type Deferred } from '../../foundation/async/deferred.ts'

/** A file whose descriptor may be closed while it is not in use, and is reopened by its path. */
export interface PooledFile {
  /** Whether it was used since the last check. */
  wasUsed: boolean
  /** Closes the descriptor. Called only while the file is idle. */
  rest(): void
}

/**
 * Limits the open descriptors of a file system (I10). A file is idle, and may be closed, unless it has unsynced writes (a failed
 * sync would not be reported), a sync in progress, or a reader that needs it although its name is removed. Closes about the least
 * recently used file (the clock algorithm): a file that was used is skipped once.
 */
export class DescriptorPool {
  readonly #limit: number
  readonly #idle = new Set<PooledFile>()
  readonly #waiting: Deferred<void>[] = []
  #open = 0
  /** Callers whose turn has come and that have not yet opened a file. */
  #admitted = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Descriptors that are open. */
  get open(): number {
    return this.#open
  }

  /** Must be called before a descriptor is opened: closes an idle one at the limit. Never fails: above the limit there is a reserve. */
  opening(): void {
    if (this.#open >= this.#limit) this.#restOne()
    this.#open += 1
    if (this.#admitted > 0) this.#admitted -= 1
  }

  closed(file: PooledFile): void {
    this.#idle.delete(file)
    this.#open -= 1
    this.#letIn()
  }

  /** The file may be closed from here on. */
  idle(file: PooledFile): void {
    this.#idle.add(file)
    this.#letIn()
  }

  /** It may not be closed. */
  busy(file: PooledFile): void {
    this.#idle.delete(file)
  }

  /** Null while a descriptor may be opened; else resolves when it is this caller's turn to open one. */
  room(): Promise<void> | null {
    if (!this.#isTight && this.#waiting.length === 0) return null
    const turn = deferred<void>()
    this.#waiting.push(turn)
    return turn.promise
  }

  get #isTight(): boolean {
    return this.#open - this.#idle.size >= this.#limit
  }

  #letIn(): void {
    const before = this.#admitted
    for (let free = this.#limit - this.#open + this.#idle.size - before; free > 0; free -= 1) {
      const turn = this.#waiting.shift()
      if (turn === undefined) break
      this.#admitted += 1
      turn.resolve()
    }
    if (before > 0 || this.#admitted === 0) return
    // Callers that have not opened a file by now no longer need one.
    setImmediate(() => {
      this.#admitted = 0
      this.#letIn()
    })
  }

  #restOne(): void {
    for (const file of this.#idle) {
      this.#idle.delete(file)
      if (!file.wasUsed) {
        file.rest()
        this.#open -= 1
        return
      }
      file.wasUsed = false
      this.#idle.add(file)
    }
  }
}
