import { present } from 'penstock/api'

import type { ManifestGroup } from '../../s3-store/manifest/manifest.ts'
import type { SetManifest } from '../manifest/set-manifest.ts'
import type { ObjectMark } from '../../s3-store/object/object-mark.ts'
import type { ObjectGroup } from './object-group.ts'
import type { LedgerObject } from './partition-ledger.ts'
import type { ObjectProgress } from './rotation.ts'

/**
 * The objects of a partition that end together, a group for each directory. Together they hold the records of a range of offsets, so
 * one offset says what is stored.
 */
export class ObjectSet implements ObjectProgress {
  /** Of its first object. */
  readonly named: LedgerObject
  readonly mark: ObjectMark
  /** Null until the objects are in the store, and where there is none. */
  manifest: SetManifest | null = null
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

  /** What the groups in the store hold. */
  readonly #stored: ObjectGroup[] = []

  constructor(named: LedgerObject, mark: ObjectMark, times: Pick<ObjectProgress, 'openedAtMs' | 'scheduledAtMs'>) {
    this.named = named
    this.mark = mark
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
  placed(group: ObjectGroup): void {
    const { directory } = group
    this.#stored.push(group)
    this.#groups.delete(directory)
    if (this.#last?.directory === directory) this.#last = null
  }

  /** What the groups in the store hold, in the order of their first records. */
  get contents(): readonly ManifestGroup[] {
    const firstOf = ({ offsets }: ManifestGroup): number => present(offsets[0], 'a record')[0]
    return this.#stored.map(({ content }) => content).toSorted((a, b) => firstOf(a) - firstOf(b))
  }

  /** The task had the partition when it saw the objects that are in the place of these. */
  proved(): void {
    for (const group of this.#groups.values()) group.proved()
    this.manifest?.proved()
  }

  /** Gives up the objects that are not in the store. */
  async abort(reason: Error, signal: AbortSignal): Promise<void> {
    await Promise.all([...this.#groups.values()].map(async (group) => await group.abort(reason, signal)))
    await this.manifest?.abort(reason, signal)
  }
}
