import { assert, present, type ConnectValue, type Schema, type SinkRecord } from 'penstock/api'

import { NumberList } from '../../s3-store/manifest/number-list.ts'
import type { ManifestGroup } from '../../s3-store/manifest/manifest.ts'
import type { RecordIndex } from '../manifest/record-index.ts'
import { partOf, schemaText } from '../manifest/schema-text.ts'

import type { FormatWriter } from '../format/object-format.ts'
import type { MemoryBudget } from '../object/memory-budget.ts'
import type { ObjectPlacement } from '../object/object-placement.ts'
import type { ObjectTagger } from '../object/object-tagger.ts'
import type { ObjectUpload } from '../object/object-upload.ts'
import type { Fit, SchemaRule } from '../schema/schema-rule.ts'
import type { ObjectKind } from '../view/object-kind.ts'

/** Writes one part of the records of a group. */
export interface PartWriter {
  readonly kind: ObjectKind
  readonly writer: FormatWriter
  /** Of the first record. */
  readonly schema: Schema | null
  /** Of the first record. */
  readonly firstBytes: number
}

/** An object that takes parts of records, or waits for its place in the store. */
export interface GroupObject extends PartWriter {
  readonly upload: ObjectUpload
  readonly placement: ObjectPlacement
}

interface CountedObject extends GroupObject {
  /** Of its records, for a manifest. */
  readonly sizes: NumberList | null
  /** The memory of the writer that the budget counts. */
  counted: number
  /** Of the record that was added last. */
  lastBytes: number
  isPlaced: boolean
}

/**
 * Begins writers with a record, one for each kind. @param value of the record. @throws DataError when one of its parts cannot be written
 */
export function beginParts(
  kinds: readonly ObjectKind[],
  record: SinkRecord,
): { readonly parts: readonly PartWriter[]; readonly bytes: number } {
  let bytes = 0
  const parts = kinds.map((kind) => {
    const schema = kind.view.schemaOf(record)
    const value = kind.view.valueOf(record)
    const writer = kind.format.begin(schema)
    const firstBytes = writer.append(record, value)
    bytes += firstBytes
    return { kind, writer, schema, firstBytes }
  })
  return { parts, bytes }
}

/**
 * The objects of one directory of a set: that of values, and beside it those of keys and headers, which hold parts of the same records
 * in the same order. Tombstones have no values, and so no object of them.
 */
export class ObjectGroup {
  /** The directory; null: that of tombstones, which may have the name of another one. */
  readonly directory: string | null
  readonly #objects: readonly CountedObject[]
  readonly #budget: MemoryBudget
  readonly #tagger: ObjectTagger | null
  readonly #start: number
  #last: number
  #records = 1
  /** Of all records; null: there is no manifest. */
  readonly #index: RecordIndex | null

  /** @param objects that of values last. They have their first record. */
  constructor(directory: string | null, objects: readonly GroupObject[], options: GroupOptions) {
    const { first, budget, tagger, index } = options
    assert(objects.length > 0, 'a group has objects')
    this.directory = directory
    this.#start = first
    this.#last = first
    this.#tagger = tagger
    this.#index = index
    this.#objects = objects.map((object) => {
      const sizes = index === null || object.kind.format.separatorBytes === undefined ? null : new NumberList()
      return { ...object, sizes, counted: 0, lastBytes: object.firstBytes, isPlaced: false }
    })
    this.#budget = budget
    for (const object of this.#objects) noteSize(object)
    this.#settle()
  }

  get size(): number {
    return this.#objects.length
  }

  /** The bytes that are in memory. */
  get held(): number {
    return this.#objects.reduce((sum, { upload, writer }) => sum + upload.held + writer.held, 0)
  }

  /** The bytes that are being uploaded. */
  get leaving(): number {
    return this.#objects.reduce((sum, { upload }) => sum + upload.leaving, 0)
  }

  /** Returns how the value of a record gets into the group; keys and headers do it as they are. */
  fit(record: SinkRecord, values: SchemaRule, companions: SchemaRule): Fit {
    let fit: Fit = 'as it is'
    for (const { kind, schema } of this.#objects) {
      const isValue = kind.view.infix === ''
      const own = (isValue ? values : companions).fit(kind.view.schemaOf(record), schema)
      if (own === 'not') return 'not'
      if (isValue) fit = own
    }
    return fit
  }

  /** Adds a record with this value. Returns its bytes. @throws DataError when it cannot be written; then nothing was added. */
  append(record: SinkRecord, value: ConnectValue): number {
    const objects = this.#objects
    let bytes = 0
    let added = 0
    try {
      for (const object of objects) {
        const { view } = object.kind
        object.lastBytes = object.writer.append(record, view.infix === '' ? value : view.valueOf(record))
        bytes += object.lastBytes
        added += 1
      }
    } catch (error) {
      // The objects hold the same records.
      for (let i = 0; i < added; i += 1) present(objects[i], 'an object').writer.takeBack()
      throw error
    }
    this.#records += 1
    this.#last = record.originalOffset
    this.#index?.add(record)
    for (const object of objects) noteSize(object)
    this.#settle()
    return bytes
  }

  /** Uploads parts of the objects that have enough bytes for one. Returns their bytes. */
  spill(minPartBytes: number): number {
    return this.#objects.reduce((sum, object) => sum + this.#spilled(object, minPartBytes), 0)
  }

  #spilled(object: CountedObject, minPartBytes: number): number {
    const { spillable } = object.upload
    const { held } = object.writer
    if (spillable + held < minPartBytes) return 0
    this.#drain(object)
    // A format may hold what it can only write at the end.
    const bytes = spillable + held - object.writer.held
    if (bytes < minPartBytes) return 0
    object.upload.spill()
    return bytes
  }

  /** There are no more records. */
  end(): void {
    for (const { writer, upload } of this.#objects) {
      upload.end(writer.finish())
    }
    for (const object of this.#objects) this.#countOne(object, this.#indexBytes(object))
  }

  /** What a manifest says of the group, once its objects are in the store. */
  get content(): ManifestGroup {
    const objects = this.#objects.toReversed().map(({ kind, schema, sizes, upload }) => {
      const { bytes, sha256 } = upload.digest
      const part = partOf(kind.view)
      return { key: upload.key, part, bytes, sha256, schema: schemaText(schema), sizes: sizes?.text ?? null }
    })
    return { ...present(this.#index, 'an index of the records').summary, objects }
  }

  /**
   * Puts the objects into their places, that of values when the others are there: it never lacks its keys and headers. Returns whether
   * all are there. If not, call it again after {@link proved}.
   * @param signal aborts the requests for objects that are in the store.
   */
  async place(signal: AbortSignal): Promise<boolean> {
    const isLast = (object: CountedObject): boolean => object === this.#objects.at(-1)
    if (
      !(await this.#placed(
        this.#objects.filter((object) => !isLast(object)),
        signal,
      ))
    )
      return false
    if (!(await this.#placed(this.#objects.filter(isLast), signal))) return false
    this.#uncount()
    return true
  }

  /** See {@link ObjectPlacement.proved}. */
  proved(): void {
    for (const { placement } of this.#objects) placement.proved()
  }

  /** Gives up the objects that are not in the store. */
  async abort(reason: Error, signal: AbortSignal): Promise<void> {
    this.#uncount()
    await Promise.all(this.#objects.map(async ({ upload }) => await upload.abort(reason, signal)))
  }

  #drain(object: CountedObject): void {
    const content = object.writer.drain()
    this.#countOne(object, object.writer.held + this.#indexBytes(object))
    object.upload.append(content)
  }

  /** After a record. */
  #settle(): void {
    for (const object of this.#objects) {
      if (object.writer.isFull) this.#drain(object)
      else this.#countOne(object, object.writer.held + this.#indexBytes(object))
    }
  }

  /** The memory of what a manifest says of the records counts with the first object. */
  #indexBytes(object: CountedObject): number {
    const own = object === this.#objects[0] ? (this.#index?.held ?? 0) : 0
    return own + (object.sizes?.held ?? 0)
  }

  #uncount(): void {
    for (const object of this.#objects) this.#countOne(object, 0)
  }

  #countOne(object: CountedObject, held: number): void {
    if (held === object.counted) return
    this.#budget.add(held - object.counted)
    object.counted = held
  }

  /** Puts objects into their places. Returns whether all are there. */
  async #placed(objects: readonly CountedObject[], signal: AbortSignal): Promise<boolean> {
    const results = await Promise.allSettled(objects.map(async (object) => await this.#placeOne(object, signal)))
    for (const result of results) if (result.status === 'rejected') throw result.reason
    return objects.every(({ isPlaced }) => isPlaced)
  }

  async #placeOne(object: CountedObject, signal: AbortSignal): Promise<void> {
    const { placement, upload } = object
    if (object.isPlaced || (await placement.place(upload)) !== 'done') return
    const records = { start: this.#start, last: this.#last, count: this.#records }
    await this.#tagger?.tag(upload.key, records, signal)
    object.isPlaced = true
  }
}

interface GroupOptions {
  /** The offset of the first record. */
  readonly first: number
  readonly budget: MemoryBudget
  /** Null: objects have no tags. */
  readonly tagger: ObjectTagger | null
  /** Of the first record; null: there is no manifest. */
  readonly index: RecordIndex | null
}

/** Notes the size of the record that was added last, where only a separator tells it. */
function noteSize({ sizes, lastBytes, kind }: CountedObject): void {
  sizes?.add(lastBytes - (kind.format.separatorBytes ?? 0))
}
