import {
  ConnectError,
  type Clock,
  type DurableOffset,
  type Logger,
  type SinkRecord,
  type TopicPartition,
} from 'penstock/api'

import { LineBuffer } from '../object/line-buffer.ts'
import type { MemoryBudget } from '../object/memory-budget.ts'
import { objectKey } from '../object/object-key.ts'
import { ObjectPlacement } from '../object/object-placement.ts'
import { ObjectUpload } from '../object/object-upload.ts'
import type { PartitionLedger } from './partition-ledger.ts'
import type { RecordText } from '../object/record-text.ts'
import { deadlineMs, rotatesAfter, rotatesAt, rotatesBefore, type RotationReason } from './rotation.ts'
import type { S3Store } from '../s3-client/s3-store.ts'
import type { S3SinkSettings } from '../config/settings.ts'

/** What the writers of a task have in common. */
export interface WriterSurroundings {
  readonly settings: S3SinkSettings
  readonly store: S3Store
  readonly budget: MemoryBudget
  readonly text: RecordText
  readonly clock: Clock
  readonly logger: Logger
  readonly minPartBytes: number
  readonly clusterId: string | null
  readonly topicId: (topic: string) => string | null
  /** The offsets before the next object are to be committed: it may not appear before. */
  readonly requestCommit: () => void
  /** An object is in the store: its offsets are to be committed. */
  readonly onCompleted: (records: number, bytes: number) => void
  /** The writer cannot go on by itself; after an {@link UploadLostError} it is to be replaced. */
  readonly onFailed: (writer: PartitionWriter, error: unknown) => void
}

interface FilledObject {
  readonly upload: ObjectUpload
  readonly lines: LineBuffer
  readonly firstRecordMs: number
  readonly openedAtMs: number
  readonly scheduledAtMs: number | null
  records: number
  bytes: number
}

/** Turns the records of one partition into objects, one after the other; {@link PartitionLedger} says when each may appear. */
export class PartitionWriter implements TopicPartition {
  readonly topic: string
  readonly partition: number
  readonly #around: WriterSurroundings
  readonly #ledger: PartitionLedger
  readonly #placement: ObjectPlacement
  readonly #ready: Promise<void>
  readonly #sealed: FilledObject[] = []
  #open: FilledObject | null = null
  #taken: number
  #completing: Promise<void> | null = null
  /** Whether the oldest object waits for a commit that proves that the partition is held. */
  #proof: 'none' | 'wanted' | 'offered' = 'none'
  #looking: Promise<void> | null = null
  readonly #closing = new AbortController()
  #closed = false

  /**
   * @param ledger of a partition that was just opened, or one that was rewound.
   * @param ready nothing is sent to the store before.
   */
  constructor(
    { topic, partition }: TopicPartition,
    ledger: PartitionLedger,
    ready: Promise<void>,
    around: WriterSurroundings,
  ) {
    this.#ready = ready
    this.topic = topic
    this.partition = partition
    this.#around = around
    this.#ledger = ledger
    this.#taken = ledger.next
    this.#placement = new ObjectPlacement({
      store: around.store,
      conditionalWrites: around.settings.conditionalWrites,
    })
  }

  /** Bytes of the open object that wait here. */
  get openBytes(): number {
    return this.#open === null ? 0 : this.#open.upload.held + this.#open.lines.held - this.#open.upload.leaving
  }

  /** Bytes that leave as fast as the store takes them. */
  get leavingBytes(): number {
    const sealed = this.#sealed.reduce((sum, { upload }) => sum + upload.leaving, 0)
    return sealed + (this.#open?.upload.leaving ?? 0)
  }

  /** When the open object ends by the clock; null when it does not. */
  get deadlineMs(): number | null {
    return this.#open === null ? null : deadlineMs(this.#around.settings.rotation, this.#open)
  }

  /** Takes a record; one that it has taken before is passed over. @throws DataError when it cannot be written as JSON. */
  append(record: SinkRecord, nowMs: number): void {
    if (record.originalOffset < this.#taken) return
    const { settings, text, budget } = this.#around
    const line = text.of(record)
    const recordMs = settings.recordTime === 'record' ? (record.timestamp ?? nowMs) : nowMs
    if (this.#open !== null) {
      const reason = rotatesBefore(settings.rotation, this.#open, recordMs, nowMs)
      if (reason !== null) this.rotate(reason)
    }
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
    const reason = rotatesAt(this.#around.settings.rotation, this.#open, nowMs)
    if (reason !== null) this.rotate(reason)
  }

  /** Ends the open object. */
  rotate(reason: RotationReason): void {
    const object = this.#open
    if (object === null) return
    this.#around.logger.debug(`${object.upload.key} ends after ${object.records} records`, { reason })
    this.#handOver(object)
    object.upload.end()
    this.#ledger.seal()
    this.#sealed.push(object)
    this.#open = null
    this.#advance()
  }

  /** Makes room: what waits leaves as a part if it is enough for one, else the object ends. */
  relieve(): void {
    const object = this.#open
    if (object === null) return
    if (this.openBytes < this.#around.minPartBytes) {
      this.rotate('memory')
      return
    }
    this.#handOver(object)
    object.upload.spill()
  }

  /** What to commit: see {@link PartitionLedger.answer}. Also the committed offset again, where a proof is wanted. */
  answer(current: number): DurableOffset | null {
    if (this.#ledger.needsLook(current)) void this.#look()
    const offset = this.#ledger.answer(current)
    const { topic, partition } = this
    if (this.#proof === 'none') return offset === null ? null : { topic, partition, offset }
    this.#proof = 'offered'
    return { topic, partition, offset: offset ?? this.#ledger.committed, asProof: true }
  }

  /** This offset, which was answered, is committed. */
  confirm(offset: number): void {
    this.#ledger.confirm(offset)
    if (this.#proof === 'offered') {
      this.#proof = 'none'
      this.#placement.proved()
    }
    this.#advance()
  }

  /** Whether what was answered is committed is not known. */
  forget(): void {
    this.#ledger.forget()
    if (this.#proof === 'none') return
    this.#proof = 'wanted'
    this.#around.requestCommit()
  }

  /** Resolves when no object is being completed. */
  async settled(): Promise<void> {
    while (this.#completing !== null) await this.#completing
  }

  /** Gives up what is not in the store. */
  async close(signal: AbortSignal): Promise<void> {
    this.#closed = true
    this.#closing.abort()
    const objects = [...this.#sealed, ...(this.#open === null ? [] : [this.#open])]
    if (this.#open !== null) this.#around.budget.add(-this.#open.lines.held)
    this.#sealed.length = 0
    this.#open = null
    const reason = new ConnectError(`${this.topic}-${this.partition} is given up`)
    await Promise.all(objects.map(async ({ upload }) => await upload.abort(reason, signal)))
    await this.settled()
    await this.#looking
  }

  /**
   * After {@link close}: a writer that reads on from the offset answered, without what did not get into the store.
   * The caller seeks there.
   */
  rewound(): { readonly writer: PartitionWriter; readonly offset: number } {
    const offset = this.#ledger.rewind()
    return { writer: new PartitionWriter(this, this.#ledger, Promise.resolve(), this.#around), offset }
  }

  /** Finds out whether an earlier life left an object where this one began. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookForLeftover()
    return this.#looking
  }

  async #lookForLeftover(): Promise<void> {
    const { settings, store, onFailed, requestCommit } = this.#around
    try {
      await this.#ready
      const key = objectKey(settings.layout, this.topic, this.partition, this.#ledger.committed)
      // Where it may not be asked for, one is taken to be there: its name is right for what comes, whether it is or not.
      this.#ledger.looked((await store.headObject(key, this.#closing.signal)) !== null)
      if (this.#closed) return
      requestCommit()
      this.#advance()
    } catch (error) {
      if (!this.#closed) onFailed(this, error)
    }
  }

  #begin({ originalOffset: offset, timestamp }: SinkRecord, firstRecordMs: number, nowMs: number): FilledObject {
    const { settings, store, budget, minPartBytes, clusterId, topicId, onFailed } = this.#around
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
    return { upload, lines: new LineBuffer(), firstRecordMs, openedAtMs: nowMs, scheduledAtMs, records: 0, bytes: 0 }
  }

  #handOver(object: FilledObject): void {
    this.#around.budget.add(-object.lines.held)
    const bytes = object.lines.take()
    if (bytes.length > 0) object.upload.append(bytes)
  }

  #advance(): void {
    const head = this.#sealed[0]
    if (head !== undefined && this.#ledger.waitsForGap) this.#around.requestCommit()
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
        this.#around.requestCommit()
        return
      }
      this.#sealed.shift()
      this.#ledger.completed()
      this.#around.onCompleted(object.records, object.bytes)
    } catch (error) {
      if (!this.#closed) this.#around.onFailed(this, error)
    } finally {
      this.#completing = null
    }
  }
}
