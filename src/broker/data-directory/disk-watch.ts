import type { Clock } from '../../foundation/clock.ts'
import type { Conditions } from '../../foundation/metrics/conditions.ts'
import { diskFullAdvice, diskFullCode, isDiskFull } from '../../log/disk/disk-full.ts'
import type { FileSystem } from '../../log/disk/file-system.ts'
import { defaultReserveBytes } from './disk-reserve.ts'

const lookEveryMs = 1000
/** The condition ends when the reserve fits on the disk twice. */
const enoughBytes = 2 * defaultReserveBytes

/** Raises the condition of a full disk after a failed write, and withdraws it when there is space again. */
export class DiskWatch {
  readonly #fs: FileSystem
  readonly #dataDirectory: string
  readonly #clock: Clock
  readonly #conditions: Conditions
  #stopLooking: (() => void) | null = null

  constructor(options: {
    readonly fs: FileSystem
    readonly dataDirectory: string
    readonly clock: Clock
    readonly conditions: Conditions
  }) {
    this.#fs = options.fs
    this.#dataDirectory = options.dataDirectory
    this.#clock = options.clock
    this.#conditions = options.conditions
  }

  /** Reports a failed write. Failures for other reasons than a full disk are ignored. */
  failed(error: unknown): void {
    if (!isDiskFull(error) || this.#conditions.standing.has(diskFullCode)) return
    const advice = diskFullAdvice(this.#dataDirectory, this.#fs.freeBytes(this.#dataDirectory))
    this.#conditions.raise(diskFullCode, advice.slice(diskFullCode.length + 2))
    this.#stopLooking ??= this.#clock.every(lookEveryMs, () => this.#look())
  }

  close(): void {
    this.#stopLooking?.()
    this.#stopLooking = null
  }

  /** If the free space is unknown, the condition ends, and the next failure raises it again. */
  #look(): void {
    if ((this.#fs.freeBytes(this.#dataDirectory) ?? Infinity) < enoughBytes) return
    this.close()
    this.#conditions.withdraw(diskFullCode)
  }
}
