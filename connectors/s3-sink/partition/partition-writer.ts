import { ConnectError, present, type DurableOffset, type SinkRecord, type TopicPartition } from 'penstock/api'

import { checkPath, objectKey } from '../../s3-store/object/object-key.ts'
import type { ObjectMark } from '../../s3-store/object/object-mark.ts'
import { ManifestChain } from '../manifest/manifest-chain.ts'
import { RecordIndex } from '../manifest/record-index.ts'
import { SetManifest } from '../manifest/set-manifest.ts'
import { ObjectPlacement } from '../object/object-placement.ts'
import { ObjectUpload } from '../object/object-upload.ts'
import { allKinds, type ObjectKind } from '../view/object-kind.ts'
import { beginParts, ObjectGroup, type GroupObject, type PartWriter } from './object-group.ts'
import { ObjectSet } from './object-set.ts'
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
  /** Null: there are no manifests. */
  readonly #chain: ManifestChain | null
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
    const { settings, store, layout } = environment
    this.#chain = settings.manifests ? new ManifestChain(store, layout, { topic, partition }) : null
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
    const { settings } = this.#environment
    this.#write(record, this.#placeOf(record, nowMs), nowMs)
    this.#ledger.extend(record.originalOffset)
    this.#taken = record.originalOffset + 1
    const reason = rotatesAfter(settings.rotation, present(this.#open, 'open objects'))
    if (reason !== null) this.rotate(reason)
  }

  /** @throws DataError when the record has no time or no directory. */
  #placeOf(record: SinkRecord, nowMs: number): RecordPlace {
    const { settings, partitioner } = this.#environment
    if (record.value === null) return { path: settings.tombstonePath ?? '', directory: null, timeMs: null }
    const timeMs = partitioner.timeOf(record, nowMs)
    const path = partitioner.pathOf(record, timeMs)
    return { path, directory: path, timeMs }
  }

  /** Adds a record to the open objects of its directory, or to new ones. @throws DataError */
  #write(record: SinkRecord, place: RecordPlace, nowMs: number): void {
    const { settings, schemas, keySchemas } = this.#environment
    const { value } = record
    const set = this.#open
    const { directory, timeMs } = place
    const open = set?.groupIn(directory) ?? null
    const fit = open === null ? 'as it is' : open.fit(record, schemas, keySchemas)
    const next = { timeMs, fits: fit !== 'not', directory, isNew: open === null }
    const ends = set === null ? null : rotatesBefore(settings.rotation, set, next, nowMs)
    if (set !== null && open !== null && ends === null) {
      const bytes = open.append(record, typeof fit === 'string' ? value : fit(value))
      set.added(open, bytes, timeMs)
      return
    }
    const kinds = this.#kindsOf(record)
    for (const { extension } of kinds) {
      const { topic, partition } = this
      checkPath(this.#environment.layout, { topic, partition, path: place.path, extension }, record.originalOffset)
    }
    const { parts, bytes } = beginParts(kinds, record)
    if (ends !== null) this.rotate(ends)
    const opened = this.#begin(record, parts, place, nowMs)
    present(this.#open, 'open objects').added(opened, bytes, timeMs)
  }

  /** The objects that have a part of the record: a tombstone has no value. */
  #kindsOf({ value }: SinkRecord): readonly ObjectKind[] {
    const { kinds } = this.#environment
    return value === null ? kinds.companions : allKinds(kinds)
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
    this.#environment.logger.debug(`${set.objects} objects of ${topic}-${partition} end after ${set.records} records`, {
      reason,
    })
    for (const group of set.groups) group.end()
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
    const freed = set.groups.reduce((sum, group) => sum + group.spill(this.#environment.minPartBytes), 0)
    if (freed > 0) return freed
    this.rotate('memory')
    return openBytes
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
      this.#sealed[0]?.proved()
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
    const sets = [...this.#sealed, ...(this.#open === null ? [] : [this.#open])]
    this.#sealed.length = 0
    this.#open = null
    await Promise.all(sets.map(async (set) => await set.abort(this.#givenUp(), signal)))
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
    const { layout, singlePath, kinds, store, onFailed, requestCommit } = this.#environment
    try {
      await this.#ready
      const path = present(singlePath, 'one directory')(this.partition)
      const { topic, partition } = this
      const heads = await Promise.all(
        allKinds(kinds).map(async ({ extension }) => {
          const key = objectKey(layout, { topic, partition, path, extension }, this.#ledger.committed)
          return await store.headObject(key, this.#closing.signal)
        }),
      )
      // Without the permission to look, assume that it is there: its name is correct for the records in either case.
      this.#ledger.looked(heads.some((head) => head !== null))
      if (this.#closed) return
      requestCommit()
      this.#advance()
    } catch (error) {
      if (!this.#closed) onFailed(this, error)
    }
  }

  #begin(record: SinkRecord, parts: readonly PartWriter[], place: RecordPlace, nowMs: number): ObjectGroup {
    const { settings, budget, tagger } = this.#environment
    let set = this.#open
    // The first objects of a set may have the names of those that an earlier run left, see PartitionLedger.
    let named: LedgerObject = { start: record.originalOffset, isNamed: true }
    const mark = this.#mark(record)
    if (set === null) {
      named = this.#ledger.begin(record.originalOffset)
      const scheduledAtMs = settings.rotation.nextScheduled?.(nowMs) ?? null
      set = new ObjectSet(named, mark, { openedAtMs: nowMs, scheduledAtMs })
      this.#open = set
    }
    const objects = parts.map((part) => this.#object(part, { named, path: place.path, mark }))
    const index = this.#chain === null ? null : new RecordIndex()
    index?.add(record)
    const group = new ObjectGroup(place.directory, objects, { first: record.originalOffset, budget, tagger, index })
    set.begin(group)
    return group
  }

  /** Objects that belong together have the same mark, and so the same writer. */
  #mark({ originalOffset: offset, timestamp }: SinkRecord): ObjectMark {
    const { clusterId, topicId } = this.#environment
    return {
      writer: crypto.randomUUID(),
      topicId: topicId(this.topic),
      clusterId,
      first: timestamp === null || timestamp < 0 ? null : { offset, timestamp },
    }
  }

  #object(
    part: PartWriter,
    { named, path, mark }: { readonly named: LedgerObject; readonly path: string; readonly mark: ObjectMark },
  ): GroupObject {
    const { settings, layout, store, conditions, budget, endings, minPartBytes, onFailed } = this.#environment
    const { topic, partition } = this
    const { extension, contentType, packing, format } = part.kind
    const upload = new ObjectUpload({
      key: () => objectKey(layout, { topic, partition, path, extension }, named.start),
      mark,
      contentType,
      store,
      budget,
      partBytes: settings.partBytes,
      minPartBytes,
      packing,
      endings,
      digests: this.#chain !== null,
      ready: named.isNamed ? this.#ready : this.#look(),
      onFailed: (error) => onFailed(this, error),
    })
    const contentOf = format.contentOf ?? (async (whole: Buffer) => whole)
    return { ...part, upload, placement: new ObjectPlacement({ store, conditions, contentOf }) }
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
      const results = await Promise.allSettled(set.groups.map(async (group) => await this.#place(set, group)))
      if (this.#closed) return
      const failed = results.find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      const isWhole = set.isPlaced && (await this.#placeManifest(set))
      if (this.#closed) return
      if (!isWhole) {
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

  /** Returns whether the manifest is there, if there has to be one. */
  async #placeManifest(set: ObjectSet): Promise<boolean> {
    if (this.#chain === null) return true
    const { signal } = this.#closing
    if (set.manifest === null) {
      const groups = set.contents
      const content = { partition: this, start: set.named.start, mark: set.mark, groups }
      set.manifest = await SetManifest.of(content, this.#chain, this.#environment, signal)
    }
    if (!this.#closed) return await set.manifest.place()
    await set.manifest.abort(this.#givenUp(), signal)
    return false
  }

  #givenUp(): ConnectError {
    return new ConnectError(`${this.topic}-${this.partition} is given up`)
  }

  async #place(set: ObjectSet, group: ObjectGroup): Promise<void> {
    if (await group.place(this.#closing.signal)) set.placed(group)
  }
}

/** Where a record belongs. */
interface RecordPlace {
  readonly path: string
  /** Null: that of tombstones. */
  readonly directory: string | null
  /** By `timestamp.extractor`; null: a tombstone has no time, since it may have no field. */
  readonly timeMs: number | null
}
