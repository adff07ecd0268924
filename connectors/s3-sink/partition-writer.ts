import { ConnectError, type Clock, type Logger, type SinkRecord, type TopicPartition } from 'penstock/api'

import { LineBuffer } from './line-buffer.ts'
import type { MemoryBudget } from './memory-budget.ts'
import { objectKey } from './object-key.ts'
import { ObjectUpload, UploadLostError } from './object-upload.ts'
import { PartitionLedger } from './partition-ledger.ts'
import type { RecordText } from './record-text.ts'
import { deadlineMs, rotatesAfter, rotatesAt, rotatesBefore, type RotationReason } from './rotation.ts'
import type { Condition, S3Store } from './s3-store.ts'
import type { S3SinkSettings } from './settings.ts'

/** What the writers of a task have in common. */
export interface WriterSurroundings {
  readonly settings: S3SinkSettings
  readonly store: S3Store
  readonly budget: MemoryBudget
  readonly text: RecordText
  readonly clock: Clock
  readonly logger: Logger
  readonly minPartBytes: number
  /** An object is in the store: its offsets are to be committed. */
  readonly onCompleted: (records: number, bytes: number) => void
  /** The writer cannot go on by itself; after an {@link UploadLostError} it is to be replaced. */
  readonly onFailed: (writer: PartitionWriter, error: unknown) => void
}

/** Another task holds the partition since later, and has written already. */
export class FencedError extends ConnectError {}

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
  readonly #assignedAtMs: number
  readonly #ready: Promise<void>
  readonly #sealed: FilledObject[] = []
  #open: FilledObject | null = null
  #taken: number
  #count = 0
  #completing: Promise<void> | null = null
  #looking: Promise<void> | null = null
  readonly #closing = new AbortController()
  #closed = false

  /**
   * @param position where reading begins: the committed offset.
   * @param ready nothing is sent to the store before.
   */
  constructor(
    { topic, partition }: TopicPartition,
    position: number,
    ready: Promise<void>,
    around: WriterSurroundings,
  ) {
    this.#ready = ready
    this.topic = topic
    this.partition = partition
    this.#around = around
    this.#ledger = new PartitionLedger(position)
    this.#taken = position
    this.#assignedAtMs = around.clock.now()
  }

  get committed(): number {
    return this.#ledger.committed
  }

  /** Whether a commit would let the next object appear. */
  get waitsForCommit(): boolean {
    return this.#sealed.length > 0 && !this.#ledger.mayComplete
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
    this.#open ??= this.#begin(recordMs, nowMs)
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

  /** See {@link PartitionLedger.answer}. */
  answer(current: number): number | null {
    if (this.#ledger.withholds(current)) this.#looking ??= this.#lookForReplay()
    return this.#ledger.answer(current)
  }

  /** What was answered is committed. */
  confirm(): void {
    this.#ledger.confirm()
    this.#advance()
  }

  /** Whether what was answered is committed is not known. */
  forget(): void {
    this.#ledger.forget()
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

  /** Whether a life before left an object where this one began. */
  async #lookForReplay(): Promise<void> {
    const { settings, store, onFailed } = this.#around
    try {
      await this.#ready
      const key = objectKey(settings.layout, this.topic, this.partition, this.#ledger.committed)
      if ((await store.headObject(key, this.#closing.signal)) === null) this.#ledger.noReplay()
    } catch (error) {
      if (!this.#closed) onFailed(this, error)
    }
  }

  #begin(firstRecordMs: number, nowMs: number): FilledObject {
    const { settings, store, budget, minPartBytes, onFailed } = this.#around
    this.#count += 1
    const upload = new ObjectUpload({
      key: objectKey(settings.layout, this.topic, this.partition, this.#ledger.begin()),
      writer: `${this.#assignedAtMs}-${this.#count}-${crypto.randomUUID()}`,
      store,
      budget,
      partBytes: settings.partBytes,
      minPartBytes,
      gzipLevel: settings.gzipLevel,
      ready: this.#ready,
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
    if (head === undefined || this.#closed || this.#completing !== null || !this.#ledger.mayComplete) return
    this.#completing = this.#complete(head)
  }

  async #complete(object: FilledObject): Promise<void> {
    try {
      await this.#makeAppear(object.upload)
      if (this.#closed) return
      this.#sealed.shift()
      this.#ledger.completed()
      this.#around.onCompleted(object.records, object.bytes)
    } catch (error) {
      if (!this.#closed) this.#around.onFailed(this, error)
    } finally {
      this.#completing = null
    }
  }

  /**
   * Puts the object where none is, or over one that is older than this hold on the partition: left by an attempt
   * before, or by records that are read once more. One that is newer was written by the partition's next holder.
   */
  async #makeAppear(upload: ObjectUpload): Promise<void> {
    let condition: Condition = { kind: this.#around.settings.conditionalWrites ? 'absent' : 'any' }
    for (;;) {
      const outcome = await upload.complete(condition)
      if (outcome === 'done') return
      if (outcome === 'conditions-unknown') {
        condition = { kind: 'any' }
        continue
      }
      // Also where an answer got lost on the way: the object may be our own.
      const found = await this.#around.store.headObject(upload.key, upload.signal)
      if (found?.writer === upload.writer) {
        upload.finished()
        return
      }
      if (outcome === 'no-such-upload') throw new UploadLostError(`the store has forgotten the upload of ${upload.key}`)
      if (found !== null && assignedAtOf(found.writer) > this.#assignedAtMs) throw fenced(upload.key)
      condition = found === null ? { kind: 'any' } : { kind: 'tag', tag: found.tag }
    }
  }
}

/** The time of the hold on a partition that a mark names; 0 for objects that are not ours. */
function assignedAtOf(mark: string | null): number {
  return Number(/^(\d+)-/.exec(mark ?? '')?.[1] ?? 0)
}

function fenced(key: string): FencedError {
  return new FencedError(
    `${key} was written by a task that holds the partition since later than this one: another worker has taken over. If this task should hold it, restart the task.`,
    { code: 'S3_FENCED' },
  )
}
