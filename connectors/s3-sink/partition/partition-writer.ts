import { ConnectError, type DurableOffset, type Schema, type SinkRecord, type TopicPartition } from 'penstock/api'

import type { FormatWriter } from '../format/object-format.ts'
import { objectKey } from '../object/object-key.ts'
import { ObjectPlacement } from '../object/object-placement.ts'
import { ObjectUpload } from '../object/object-upload.ts'
import type { PartitionLedger } from './partition-ledger.ts'
import { deadlineMs, rotatesAfter, rotatesAt, rotatesBefore, type RotationReason } from './rotation.ts'
import type { WriterEnvironment } from './writer-environment.ts'

interface FilledObject {
  readonly upload: ObjectUpload
  readonly writer: FormatWriter
  readonly firstRecordMs: number
  readonly openedAtMs: number
  readonly scheduledAtMs: number | null
  /** Of its first record: of the values in it. */
  readonly schema: Schema | null
  records: number
  bytes: number
  /** The memory of the writer that the budget counts. */
  counted: number
}

/** Writes the records of one partition to objects, one after another. {@link PartitionLedger} decides when each may appear. */
export class PartitionWriter implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly #environment: WriterEnvironment
  readonly #ledger: PartitionLedger
  readonly #placement: ObjectPlacement
  readonly #ready: Promise<void>
  readonly #sealed: FilledObject[] = []
  #open: FilledObject | null = null
  #taken: number
  #completing: Promise<void> | null = null
  /** Whether the oldest object waits for a commit that proves that this task still has the partition. */
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
    this.#placement = new ObjectPlacement({
      store: environment.store,
      conditionalWrites: environment.settings.conditionalWrites,
      contentOf: environment.format.contentOf ?? (async (object) => object),
    })
  }

  /** The bytes of the open object that are in memory. */
  get openBytes(): number {
    return this.#open === null ? 0 : this.#open.upload.held + this.#open.writer.held - this.#open.upload.leaving
  }

  /** The bytes that are being uploaded, as fast as the store accepts them. */
  get leavingBytes(): number {
    const sealed = this.#sealed.reduce((sum, { upload }) => sum + upload.leaving, 0)
    return sealed + (this.#open?.upload.leaving ?? 0)
  }

  /** The time at which the open object ends without further records; null: never. */
  get deadlineMs(): number | null {
    return this.#open === null ? null : deadlineMs(this.#environment.settings.rotation, this.#open)
  }

  /** Adds a record, unless it was added before. @throws DataError when it cannot be written: it then ends no object. */
  append(record: SinkRecord, nowMs: number): void {
    if (record.originalOffset < this.#taken) return
    const { settings } = this.#environment
    const recordMs = settings.recordTime === 'record' ? (record.timestamp ?? nowMs) : nowMs
    const object = this.#written(record, recordMs, nowMs)
    object.records += 1
    this.#count(object)
    this.#ledger.extend(record.originalOffset)
    this.#taken = record.originalOffset + 1
    if (object.writer.isFull) this.#drain(object)
    const reason = rotatesAfter(settings.rotation, object)
    if (reason !== null) this.rotate(reason)
  }

  /** Adds a record to the open object, or to the next one. Returns the object. @throws DataError */
  #written(record: SinkRecord, recordMs: number, nowMs: number): FilledObject {
    const { settings, schemas, format } = this.#environment
    const { valueSchema, value } = record
    const open = this.#open
    const fit = open === null ? 'not' : schemas.fit(valueSchema, open.schema)
    const next = { timeMs: recordMs, fits: fit !== 'not' }
    const ends = open === null ? null : rotatesBefore(settings.rotation, open, next, nowMs)
    if (open !== null && ends === null) {
      open.bytes += open.writer.append(record, typeof fit === 'string' ? value : fit(value))
      return open
    }
    const writer = format.begin(valueSchema)
    const bytes = writer.append(record, value)
    if (ends !== null) this.rotate(ends)
    this.#open = this.#begin(record, { writer, bytes }, recordMs, nowMs)
    return this.#open
  }

  /** Ends the open object if its time has come. */
  tick(nowMs: number): void {
    if (this.#open === null) return
    const reason = rotatesAt(this.#environment.settings.rotation, this.#open, nowMs)
    if (reason !== null) this.rotate(reason)
  }

  /** Ends the open object. */
  rotate(reason: RotationReason): void {
    const object = this.#open
    if (object === null) return
    this.#environment.logger.debug(`${object.upload.key} ends after ${object.records} records`, { reason })
    const rest = object.writer.finish()
    this.#count(object, 0)
    object.upload.append(rest)
    object.upload.end()
    this.#ledger.seal()
    this.#sealed.push(object)
    this.#open = null
    this.#advance()
  }

  /**
   * Frees memory: uploads a part if there are enough bytes for one, otherwise ends the open object. Returns the number of bytes
   * that this frees, unless the bytes that are not compressed yet turn out to be too small for a part.
   */
  releaseMemory(): number {
    const object = this.#open
    if (object === null) return 0
    const { openBytes } = this
    const { minPartBytes } = this.#environment
    const { spillable } = object.upload
    const { held } = object.writer
    if (spillable + held >= minPartBytes) {
      this.#drain(object)
      // A format may hold what it can only write at the end.
      const bytes = spillable + held - object.writer.held
      if (bytes >= minPartBytes) {
        object.upload.spill()
        return bytes
      }
    }
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
      this.#placement.proved()
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
    const objects = [...this.#sealed, ...(this.#open === null ? [] : [this.#open])]
    if (this.#open !== null) this.#environment.budget.add(-this.#open.counted)
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
    const { layout, store, onFailed, requestCommit } = this.#environment
    try {
      await this.#ready
      const key = objectKey(layout, this.topic, this.partition, this.#ledger.committed)
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
    { originalOffset: offset, timestamp, valueSchema: schema }: SinkRecord,
    { writer, bytes }: { readonly writer: FormatWriter; readonly bytes: number },
    firstRecordMs: number,
    nowMs: number,
  ): FilledObject {
    const { settings, layout, contentType, gzipLevel, store, budget, minPartBytes, clusterId, topicId, onFailed } =
      this.#environment
    const object = this.#ledger.begin(offset)
    const ready = object.isNamed ? this.#ready : this.#look()
    const upload = new ObjectUpload({
      key: () => objectKey(layout, this.topic, this.partition, object.start),
      mark: {
        writer: crypto.randomUUID(),
        topicId: topicId(this.topic),
        clusterId,
        first: timestamp === null || timestamp < 0 ? null : { offset, timestamp },
      },
      contentType,
      store,
      budget,
      partBytes: settings.partBytes,
      minPartBytes,
      gzipLevel,
      ready,
      onFailed: (error) => onFailed(this, error),
    })
    const scheduledAtMs = settings.rotation.nextScheduled?.(nowMs) ?? null
    const times = { firstRecordMs, openedAtMs: nowMs, scheduledAtMs }
    return { upload, writer, ...times, schema, records: 0, bytes, counted: 0 }
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

  async #complete(object: FilledObject): Promise<void> {
    try {
      const placed = await this.#placement.place(object.upload)
      if (this.#closed) return
      if (placed === 'unproven') {
        this.#proof = 'wanted'
        this.#environment.requestCommit()
        return
      }
      this.#sealed.shift()
      this.#ledger.completed()
      this.#environment.onCompleted(object.records, object.bytes)
    } catch (error) {
      if (!this.#closed) this.#environment.onFailed(this, error)
    } finally {
      this.#completing = null
    }
  }
}
