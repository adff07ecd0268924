import { ConnectError, type DurableOffset, type Schema, type SinkRecord, type TopicPartition } from 'penstock/api'

import { LineBuffer } from '../object/line-buffer.ts'
import { objectKey } from '../object/object-key.ts'
import { ObjectPlacement } from '../object/object-placement.ts'
import { ObjectUpload } from '../object/object-upload.ts'
import type { PartitionLedger } from './partition-ledger.ts'
import type { Fit } from '../schema/schema-rule.ts'
import { deadlineMs, rotatesAfter, rotatesAt, rotatesBefore, type RotationReason } from './rotation.ts'
import type { WriterEnvironment } from './writer-environment.ts'

interface FilledObject {
  readonly upload: ObjectUpload
  readonly lines: LineBuffer
  readonly firstRecordMs: number
  readonly openedAtMs: number
  readonly scheduledAtMs: number | null
  /** Of its first record: of the values in it. */
  readonly schema: Schema | null
  records: number
  bytes: number
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
    })
  }

  /** The bytes of the open object that are in memory. */
  get openBytes(): number {
    return this.#open === null ? 0 : this.#open.upload.held + this.#open.lines.held - this.#open.upload.leaving
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

  /** Adds a record, unless it was added before. @throws DataError when it cannot be written as JSON. */
  append(record: SinkRecord, nowMs: number): void {
    if (record.originalOffset < this.#taken) return
    const { settings, schemas, budget } = this.#environment
    const recordMs = settings.recordTime === 'record' ? (record.timestamp ?? nowMs) : nowMs
    const fit = this.#open === null ? 'as it is' : schemas.fit(record.valueSchema, this.#open.schema)
    const next = { timeMs: recordMs, fits: fit !== 'not' }
    const ends = this.#open === null ? null : rotatesBefore(settings.rotation, this.#open, next, nowMs)
    const line = this.#lineOf(record, ends === null ? fit : 'as it is')
    if (ends !== null) this.rotate(ends)
    this.#open ??= this.#begin(record, recordMs, nowMs)
    const object = this.#open
    const heldBefore = object.lines.held
    object.bytes += object.lines.append(line)
    object.records += 1
    budget.add(object.lines.held - heldBefore)
    this.#ledger.extend(record.originalOffset)
    this.#taken = record.originalOffset + 1
    if (object.lines.isFull) this.#handOver(object)
    const reason = rotatesAfter(settings.rotation, object)
    if (reason !== null) this.rotate(reason)
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
    this.#handOver(object)
    object.upload.end()
    this.#ledger.seal()
    this.#sealed.push(object)
    this.#open = null
    this.#advance()
  }

  /**
   * Frees memory: uploads a part if there are enough bytes for one, otherwise ends the open object. Returns the number of bytes
   * that this frees, unless the lines that are not compressed yet turn out to be too small for a part.
   */
  releaseMemory(): number {
    const object = this.#open
    if (object === null) return 0
    const bytes = object.upload.spillable + object.lines.held
    if (bytes < this.#environment.minPartBytes) {
      const { openBytes } = this
      this.rotate('memory')
      return openBytes
    }
    this.#handOver(object)
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
    if (this.#open !== null) this.#environment.budget.add(-this.#open.lines.held)
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
    const { settings, store, onFailed, requestCommit } = this.#environment
    try {
      await this.#ready
      const key = objectKey(settings.layout, this.topic, this.partition, this.#ledger.committed)
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
    firstRecordMs: number,
    nowMs: number,
  ): FilledObject {
    const { settings, store, budget, minPartBytes, clusterId, topicId, onFailed } = this.#environment
    const object = this.#ledger.begin(offset)
    const ready = object.isNamed ? this.#ready : this.#look()
    const upload = new ObjectUpload({
      key: () => objectKey(settings.layout, this.topic, this.partition, object.start),
      mark: {
        writer: crypto.randomUUID(),
        topicId: topicId(this.topic),
        clusterId,
        first: timestamp === null || timestamp < 0 ? null : { offset, timestamp },
      },
      store,
      budget,
      partBytes: settings.partBytes,
      minPartBytes,
      gzipLevel: settings.gzipLevel,
      ready,
      onFailed: (error) => onFailed(this, error),
    })
    const scheduledAtMs = settings.rotation.nextScheduled?.(nowMs) ?? null
    const lines = new LineBuffer()
    return { upload, lines, firstRecordMs, openedAtMs: nowMs, scheduledAtMs, schema, records: 0, bytes: 0 }
  }

  /** The line of a record for the open object, or for the next one if it does not fit. @throws DataError */
  #lineOf({ valueSchema, value }: SinkRecord, fit: Fit): string | Buffer {
    const { text } = this.#environment
    if (typeof fit === 'string' || this.#open === null) return text.of(valueSchema, value)
    return text.of(this.#open.schema, fit(value))
  }

  #handOver(object: FilledObject): void {
    this.#environment.budget.add(-object.lines.held)
    const bytes = object.lines.take()
    if (bytes.length > 0) object.upload.append(bytes)
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
