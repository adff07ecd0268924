import type { Schema } from 'penstock/api'

import type { FormatWriter } from '../format/object-format.ts'
import type { ObjectPlacement } from '../object/object-placement.ts'
import type { ObjectUpload } from '../object/object-upload.ts'
import type { ObjectProgress } from './rotation.ts'

/** An object that takes records, or waits for its place in the store. */
export interface FilledObject {
  /** Its directory. */
  readonly path: string
  readonly upload: ObjectUpload
  readonly placement: ObjectPlacement
  readonly writer: FormatWriter
  /** Of its first record: of the values in it. */
  readonly schema: Schema | null
  records: number
  /** The memory of the writer that the budget counts. */
  counted: number
}

/**
 * The objects of a partition that end together, one for each directory. Together they hold the records of a range of offsets, so
 * one offset says what is stored.
 */
export class ObjectSet implements ObjectProgress {
  readonly firstRecordMs: number
  readonly openedAtMs: number
  readonly scheduledAtMs: number | null
  readonly #objects = new Map<string, FilledObject>()
  #begun = 0
  #records = 0
  #bytes = 0
  /** The object of the record that was added last. */
  #last: FilledObject | null = null

  constructor(times: Pick<ObjectProgress, 'firstRecordMs' | 'openedAtMs' | 'scheduledAtMs'>) {
    this.firstRecordMs = times.firstRecordMs
    this.openedAtMs = times.openedAtMs
    this.scheduledAtMs = times.scheduledAtMs
  }

  get records(): number {
    return this.#records
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The directory of the record that was added last. */
  get lastPath(): string | null {
    return this.#last?.path ?? null
  }

  /** The number of objects, those in the store included. */
  get size(): number {
    return this.#begun
  }

  /** Whether all objects are in the store. */
  get isPlaced(): boolean {
    return this.#objects.size === 0
  }

  /** The objects that are not in the store. */
  get objects(): readonly FilledObject[] {
    return [...this.#objects.values()]
  }

  /** The bytes that are in memory and not being uploaded. */
  get openBytes(): number {
    let sum = 0
    for (const { upload, writer } of this.#objects.values()) sum += upload.held + writer.held - upload.leaving
    return sum
  }

  /** The bytes that are being uploaded. */
  get leavingBytes(): number {
    let sum = 0
    for (const { upload } of this.#objects.values()) sum += upload.leaving
    return sum
  }

  objectAt(path: string): FilledObject | null {
    return path === this.#last?.path ? this.#last : (this.#objects.get(path) ?? null)
  }

  begin(object: FilledObject): void {
    this.#objects.set(object.path, object)
    this.#begun += 1
  }

  /** A record was added to the object. */
  added(object: FilledObject, bytes: number): void {
    object.records += 1
    this.#records += 1
    this.#bytes += bytes
    this.#last = object
  }

  /** The object is in the store. */
  placed({ path }: FilledObject): void {
    this.#objects.delete(path)
  }
}
