import type { ObjectGroup } from './object-group.ts'
import type { ObjectProgress } from './rotation.ts'

/**
 * The objects of a partition that end together, a group for each directory. Together they hold the records of a range of offsets, so
 * one offset says what is stored.
 */
export class ObjectSet implements ObjectProgress {
  readonly openedAtMs: number
  readonly scheduledAtMs: number | null
  readonly #groups = new Map<string | null, ObjectGroup>()
  #begun = 0
  #objects = 0
  #records = 0
  #bytes = 0
  #lastPath: string | null = null
  #firstRecordMs: number | null = null
  /** The group of the record that was added last. */
  #last: ObjectGroup | null = null

  constructor(times: Pick<ObjectProgress, 'openedAtMs' | 'scheduledAtMs'>) {
    this.openedAtMs = times.openedAtMs
    this.scheduledAtMs = times.scheduledAtMs
  }

  get records(): number {
    return this.#records
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The time of the first record that has one. */
  get firstRecordMs(): number | null {
    return this.#firstRecordMs
  }

  /** The directory of the record with a value that was added last. */
  get lastPath(): string | null {
    return this.#lastPath
  }

  /** The number of directories. */
  get size(): number {
    return this.#begun
  }

  /** The number of objects, those in the store included. */
  get objects(): number {
    return this.#objects
  }

  /** Whether all objects are in the store. */
  get isPlaced(): boolean {
    return this.#groups.size === 0
  }

  /** The groups that are not in the store. */
  get groups(): readonly ObjectGroup[] {
    return [...this.#groups.values()]
  }

  /** The bytes that are in memory and not being uploaded. */
  get openBytes(): number {
    let sum = 0
    for (const group of this.#groups.values()) sum += group.held - group.leaving
    return sum
  }

  /** The bytes that are being uploaded. */
  get leavingBytes(): number {
    let sum = 0
    for (const group of this.#groups.values()) sum += group.leaving
    return sum
  }

  /** @param directory null: that of tombstones. */
  groupIn(directory: string | null): ObjectGroup | null {
    return directory === this.#last?.directory ? this.#last : (this.#groups.get(directory) ?? null)
  }

  begin(group: ObjectGroup): void {
    this.#groups.set(group.directory, group)
    this.#begun += 1
    this.#objects += group.size
  }

  /** A record was added to the group. */
  added(group: ObjectGroup, bytes: number, timeMs: number | null): void {
    this.#records += 1
    this.#bytes += bytes
    this.#last = group
    this.#firstRecordMs ??= timeMs
    this.#lastPath = group.directory ?? this.#lastPath
  }

  /** The objects of the group are in the store. */
  placed({ directory }: ObjectGroup): void {
    this.#groups.delete(directory)
    if (this.#last?.directory === directory) this.#last = null
  }
}
