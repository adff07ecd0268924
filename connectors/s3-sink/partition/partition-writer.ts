import { ConnectError, present, type DurableOffset, type SinkRecord, type TopicPartition } from 'penstock/api'

import type { FormatWriter } from '../format/object-format.ts'
import { checkPath, objectKey } from '../../s3-store/object/object-key.ts'
import { ObjectPlacement } from '../object/object-placement.ts'
import { ObjectUpload } from '../object/object-upload.ts'
import { ObjectSet, type FilledObject } from './object-set.ts'
import type { LedgerObject, PartitionLedger } from './partition-ledger.ts'
import { deadlineMs, rotatesAfter, rotatesAt, rotatesBefore, type RotationReason } from './rotation.ts'
import type { WriterEnvironment } from './writer-environment.ts'

/**
 * Writes the records of one partition to sets of objects, one set after another. {@link PartitionLedger} decides when each may appear.
 */
export class PartitionWriter implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly #environment: WriterEnvironment
  readonly #ledger: PartitionLedger
  readonly #ready: Promise<void>
  readonly #sealed: ObjectSet[] = []
  #open: ObjectSet | null = null
  #taken: number
  #completing: Promise<void> | null = null
  /** Whether the oldest set waits for a commit that proves that this task still has the partition. */
  #proof: 'none' | 'wanted' | 'offered' = 'none'
  #looking: Promise<void> | null = null
  readonly #closing = new AbortController()
  #closed = false

  /**
   * @param ledger of a partition that was just opened, or of a writer that was rewound.
   * @param ready nothing is sent to the store before it resolves.
   */
  constructor(
    { topic, partition }: TopicPartition,
    ledger: PartitionLedger,
    ready: Promise<void>,
    environment: WriterEnvironment,
  ) {
    this.#ready = ready
    this.topic = topic
    this.partition = partition
    this.#environment = environment
    this.#ledger = ledger
    this.#taken = ledger.next
  }

  /** The bytes of the open objects that are in memory. */
  get openBytes(): number {
    return this.#open?.openBytes ?? 0
  }

  /** The bytes that are being uploaded, as fast as the store accepts them. */
  get leavingBytes(): number {
    const sealed = this.#sealed.reduce((sum, { leavingBytes }) => sum + leavingBytes, 0)
    return sealed + (this.#open?.leavingBytes ?? 0)
  }

  /** The time at which the open objects end without further records; null: never. */
  get deadlineMs(): number | null {
    return this.#open === null ? null : deadlineMs(this.#environment.settings.rotation, this.#open)
  }

  /** Adds a record, unless it was added before. @throws DataError when it cannot be written: it then ends no object. */
  append(record: SinkRecord, nowMs: number): void {
    if (record.originalOffset < this.#taken) return
    const { settings, partitioner } = this.#environment
    const recordMs = partitioner.timeOf(record, nowMs)
    const object = this.#written(record, partitioner.pathOf(record, recordMs), recordMs, nowMs)
    this.#count(object)
    this.#ledger.extend(record.originalOffset)
    this.#taken = record.originalOffset + 1
    if (object.writer.isFull) this.#drain(object)
    const reason = rotatesAfter(settings.rotation, present(this.#open, 'open objects'))
    if (reason !== null) this.rotate(reason)
  }

  /** Adds a record to the open object of its directory, or to a new one. Returns the object. @throws DataError */
  #written(record: SinkRecord, path: string, recordMs: number, nowMs: number): FilledObject {
    const { settings, schemas, format, layout } = this.#environment
    const { valueSchema, value } = record
    const set = this.#open
    const open = set?.objectAt(path) ?? null
    const fit = open === null ? 'as it is' : schemas.fit(valueSchema, open.schema)
    const next = { timeMs: recordMs, fits: fit !== 'not', path, isNew: open === null }
    const ends = set === null ? null : rotatesBefore(settings.rotation, set, next, nowMs)
    if (set !== null && open !== null && ends === null) {
      const bytes = open.writer.append(record, typeof fit === 'string' ? value : fit(value))
      set.added(open, bytes)
      return open
    }
    checkPath(layout, { topic: this.topic, partition: this.partition, path }, record.originalOffset)
    const writer = format.begin(valueSchema)
    const bytes = writer.append(record, value)
    if (ends !== null) this.rotate(ends)
    return this.#begin(record, { writer, bytes, path }, recordMs, nowMs)
  }

  /** Ends the open objects if their time has come. */
  tick(nowMs: number): void {
    if (this.#open === null) return
    const reason = rotatesAt(this.#environment.settings.rotation, this.#open, nowMs)
    if (reason !== null) this.rotate(reason)
  }

  /** Ends the open objects. */
  rotate(reason: RotationReason): void {
    const set = this.#open
    if (set === null) return
    const { topic, partition } = this
    this.#environment.logger.debug(`${set.size} objects of ${topic}-${partition} end after ${set.records} records`, {
      reason,
    })
    for (const object of set.objects) {
      const rest = object.writer.finish()
      this.#count(object, 0)
      object.upload.append(rest)
      object.upload.end()
    }
    this.#ledger.seal()
    this.#sealed.push(set)
    this.#open = null
    this.#advance()
  }

  /**
   * Frees memory: uploads parts of the objects that have enough bytes for one, otherwise ends the open objects. Returns the number of
   * bytes that this frees, unless the bytes that are not compressed yet turn out to be too small for a part.
   */
  releaseMemory(): number {
    const set = this.#open
    if (set === null) return 0
    const { openBytes } = set
    const freed = set.objects.reduce((sum, object) => sum + this.#spilled(object), 0)
    if (freed > 0) return freed
    this.rotate('memory')
    return openBytes
  }

  /** Uploads a part, and returns its bytes; 0 if there are not enough for one. */
  #spilled(object: FilledObject): number {
    const { minPartBytes } = this.#environment
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

  /**
   * Returns the offset to commit, see {@link PartitionLedger.committableOffset}. While a proof is wanted, it is the committed
   * offset once more.
   */
  committableOffset(current: number): DurableOffset | null {
    if (this.#ledger.needsLook(current)) void this.#look()
    const offset = this.#ledger.committableOffset(current)
    const { topic, partition } = this
    if (this.#proof === 'none') return offset === null ? null : { topic, partition, offset }
    this.#proof = 'offered'
    return { topic, partition, offset: offset ?? this.#ledger.committed, asProof: true }
  }

  /** The offset is committed. */
  acknowledge(offset: number): void {
    this.#ledger.acknowledge(offset)
    if (this.#proof === 'offered') {
      this.#proof = 'none'
      for (const { placement } of this.#sealed[0]?.objects ?? []) placement.proved()
    }
    this.#advance()
  }

  /** The outcome of the commit is unknown. */
  markUnknown(): void {
    this.#ledger.markUnknown()
    if (this.#proof === 'none') return
    this.#proof = 'wanted'
    this.#environment.requestCommit()
  }

  /** Resolves when no object is being completed. */
  async settled(): Promise<void> {
    while (this.#completing !== null) await this.#completing
  }

  /** Gives up the objects that are not in the store. */
  async close(signal: AbortSignal): Promise<void> {
    this.#closed = true
    this.#closing.abort()
    const objects = [...this.#sealed, ...(this.#open === null ? [] : [this.#open])].flatMap((set) => set.objects)
    for (const object of this.#open?.objects ?? []) this.#count(object, 0)
    this.#sealed.length = 0
    this.#open = null
    const reason = new ConnectError(`${this.topic}-${this.partition} is given up`)
    await Promise.all(objects.map(async ({ upload }) => await upload.abort(reason, signal)))
    await this.settled()
    await this.#looking
  }

  /**
   * After {@link close}: a writer for the records that are not in the store, and the offset from which they have to be read
   * again. The caller seeks there.
   */
  rewound(): { readonly writer: PartitionWriter; readonly offset: number } {
    const offset = this.#ledger.rewind()
    return { writer: new PartitionWriter(this, this.#ledger, Promise.resolve(), this.#environment), offset }
  }

  /** Looks whether an earlier run left an object where this one begins. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookForLeftover()
    return this.#looking
  }

  async #lookForLeftover(): Promise<void> {
    const { layout, singlePath, store, onFailed, requestCommit } = this.#environment
    try {
      await this.#ready
      const path = present(singlePath, 'one directory')(this.partition)
      const key = objectKey(layout, { topic: this.topic, partition: this.partition, path }, this.#ledger.committed)
      // Without the permission to look, assume that it is there: its name is correct for the records in either case.
      this.#ledger.looked((await store.headObject(key, this.#closing.signal)) !== null)
      if (this.#closed) return
      requestCommit()
      this.#advance()
    } catch (error) {
      if (!this.#closed) onFailed(this, error)
    }
  }

  #begin(
    record: SinkRecord,
    { writer, bytes, path }: { readonly writer: FormatWriter; readonly bytes: number; readonly path: string },
    firstRecordMs: number,
    nowMs: number,
  ): FilledObject {
    const { settings, store, conditions, format } = this.#environment
    let set = this.#open
    // The first object of a set may have the name of one that an earlier run left, see PartitionLedger.
    let named: LedgerObject = { start: record.originalOffset, isNamed: true }
    if (set === null) {
      named = this.#ledger.begin(record.originalOffset)
      const scheduledAtMs = settings.rotation.nextScheduled?.(nowMs) ?? null
      set = new ObjectSet({ firstRecordMs, openedAtMs: nowMs, scheduledAtMs })
      this.#open = set
    }
    const object: FilledObject = {
      path,
      upload: this.#upload(record, named, path),
      placement: new ObjectPlacement({ store, conditions, contentOf: format.contentOf ?? (async (whole) => whole) }),
      writer,
      schema: record.valueSchema,
      records: 0,
      counted: 0,
    }
    set.begin(object)
    set.added(object, bytes)
    return object
  }

  #upload({ originalOffset: offset, timestamp }: SinkRecord, named: LedgerObject, path: string): ObjectUpload {
    const { settings, layout, contentType, gzipLevel, store, budget, minPartBytes, clusterId, topicId, onFailed } =
      this.#environment
    const { topic, partition } = this
    return new ObjectUpload({
      key: () => objectKey(layout, { topic, partition, path }, named.start),
      mark: {
        writer: crypto.randomUUID(),
        topicId: topicId(topic),
        clusterId,
        first: timestamp === null || timestamp < 0 ? null : { offset, timestamp },
      },
      contentType,
      store,
      budget,
      partBytes: settings.partBytes,
      minPartBytes,
      gzipLevel,
      ready: named.isNamed ? this.#ready : this.#look(),
      onFailed: (error) => onFailed(this, error),
    })
  }

  #drain(object: FilledObject): void {
    const content = object.writer.drain()
    this.#count(object)
    object.upload.append(content)
  }

  #count(object: FilledObject, held = object.writer.held): void {
    this.#environment.budget.add(held - object.counted)
    object.counted = held
  }

  #advance(): void {
    const head = this.#sealed[0]
    if (head !== undefined && this.#ledger.waitsForGap) this.#environment.requestCommit()
    if (head === undefined || this.#closed || this.#completing !== null || !this.#ledger.mayComplete) return
    if (this.#proof !== 'none') return
    this.#completing = this.#complete(head)
  }

  async #complete(set: ObjectSet): Promise<void> {
    try {
      const results = await Promise.allSettled(set.objects.map(async (object) => await this.#place(set, object)))
      if (this.#closed) return
      const failed = results.find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      if (!set.isPlaced) {
        this.#proof = 'wanted'
        this.#environment.requestCommit()
        return
      }
      this.#sealed.shift()
      this.#ledger.completed()
      this.#environment.onCompleted(set)
    } catch (error) {
      if (!this.#closed) this.#environment.onFailed(this, error)
    } finally {
      this.#completing = null
    }
  }

  async #place(set: ObjectSet, object: FilledObject): Promise<void> {
    if ((await object.placement.place(object.upload)) === 'done') set.placed(object)
  }
}
