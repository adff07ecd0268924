import { strict as assert } from 'node:assert'
import { setImmediate as turn } from 'node:timers/promises'
import { present } from '../../../src/foundation/assert.ts'
import { StorageError } from '../../../src/log/log-error.ts'
import { checkpointName } from '../../../src/log/recovery/partition-checkpoint.ts'
import type { Appended, PartitionLog } from '../../../src/log/partition-log.ts'
import { batchFault } from '../../../src/protocol/record-batch/record-batch.ts'
import { bytesOf, logDirectory, type LogHarness } from './log-harness.ts'
import type { CrashOptions } from './memory-disk.ts'
import type { DiskFault, DiskOperation, MemoryFileSystem } from './memory-file-system.ts'
import { verifiedBatch } from '../../../src/log/batch-check.ts'
import { forEachBatch, readRecords } from '../protocol/read-batches.ts'

/** A batch as it was sent, with offset 0. */
interface SentBatch {
  readonly values: readonly string[]
  readonly bytes: Buffer
}

/** A record as it was acknowledged, or as the log gives it back. */
interface StoredRecord {
  readonly key: string
  readonly value: string
  readonly timestamp: number
}

/** An idempotent producer: one batch in flight, which it sends again until it is acknowledged. */
interface ModelProducer {
  readonly sequence: number
  readonly pending: SentBatch | null
  /** The last batches, which a client may have had in flight immediately. */
  readonly recent: readonly { readonly batch: SentBatch; readonly baseOffset: number }[]
}

/** What was promised at some moment. */
interface Promised {
  readonly acknowledged: ReadonlyMap<number, StoredRecord>
  readonly producers: readonly ModelProducer[]
  readonly shownEnd: number
}

/** The disk as the next process finds it, and what was promised when the power failed. */
interface PowerCut {
  readonly promised: Promised
  readonly disk: MemoryFileSystem
}

/** How a partition checkpoint is lost. */
export type CheckpointLoss = 'missing' | 'flipped' | 'cut' | 'newer version' | 'old format'

const retryPauseMs = 1000
/** What clients have in flight at most. */
const inFlight = 5

/**
 * A log beside what it has promised: which records it acknowledged and at which offsets. Tasks run immediately unless they are
 * waited for, the disk fails when it is told to, and the power goes before any operation. `verify` compares.
 */
export class LogModel {
  readonly harness: LogHarness
  readonly random: () => number
  #log: PartitionLog
  #acknowledged = new Map<number, StoredRecord>()
  #producers: ModelProducer[]
  /** The largest end that a reader was shown. */
  #shownEnd = 0
  /** Records below it may be gone: a client asked for their deletion. */
  #deletedBelow = 0
  readonly #busy = new Set<Promise<void>>()
  readonly #inFlight = new Set<number>()
  #cut: PowerCut | null = null
  #count = 0

  private constructor(harness: LogHarness, log: PartitionLog, random: () => number) {
    this.harness = harness
    this.random = random
    this.#log = log
    this.#producers = Array.from({ length: 3 }, () => ({ sequence: 0, pending: null, recent: [] }))
  }

  static async open(harness: LogHarness, random: () => number): Promise<LogModel> {
    const model = new LogModel(harness, await harness.open(), random)
    model.#prepareDisk()
    return model
  }

  /** Sends batches of these sizes immediately; an idempotent producer sends one, or again the one that was not acknowledged. */
  append(sizes: readonly number[], producer: number): void {
    if (producer < 0) for (const size of sizes) this.#start(this.#send(this.#batch(size, {}), null))
    else if (!this.#inFlight.has(producer)) this.#start(this.#produce(producer, sizes[0] ?? 1))
  }

  checkpoint(): void {
    this.#start(this.#log.checkpoint())
  }

  compact(): void {
    this.#start(this.#log.compact())
  }

  retention(hours: number): void {
    this.harness.clock.advance(hours * 3_600_000)
    this.#start(this.#log.applyRetention())
  }

  deleteRecords(at: number): void {
    const offset = Math.floor(this.#log.highWatermark * at)
    this.#deletedBelow = Math.max(this.#deletedBelow, offset)
    this.#start(this.#log.advanceLogStart(offset))
  }

  /** Waits foreverything that was begun. */
  async settle(): Promise<void> {
    while (this.#busy.size > 0) await Promise.all(this.#busy)
    this.#note()
  }

  /** From the `after`-th fitting operation on, `times` of them fail. */
  failNext(wanted: {
    readonly fits: (operation: DiskOperation) => boolean
    readonly after: number
    readonly times: number
    readonly fault: DiskFault
  }): void {
    let { after, times } = wanted
    this.harness.fs.fault = (operation) => {
      if (times <= 0 || !wanted.fits(operation)) return null
      after -= 1
      if (after >= 0) return null
      times -= 1
      return wanted.fault
    }
  }

  /** The power fails before the `after`-th operation from now, or at the next `recover`. */
  cutPowerAfter(after: number, unsynced: CrashOptions['unsynced']): void {
    const { fs } = this.harness
    let left = after
    fs.onOperation = () => {
      left -= 1
      if (left === 0) this.#cutPower(fs, unsynced)
    }
  }

  /** Stops gracefully when the disk lets it, else dies. The next process finds a disk that works. */
  async restart(loss: CheckpointLoss | null): Promise<void> {
    if (this.#cut !== null) return this.recover('keep', loss)
    await this.settle()
    try {
      await this.#log.close()
    } catch (error) {
      assert.ok(error instanceof Error)
      this.harness.crash('keep')
    }
    await this.#reopen(loss)
  }

  /** Dies, at the moment of the power cut when there was one, and starts again. */
  async recover(unsynced: CrashOptions['unsynced'], loss: CheckpointLoss | null): Promise<void> {
    this.#note()
    const { fs } = this.harness
    this.#cutPower(fs, unsynced)
    fs.onOperation = () => undefined
    await this.settle()
    await this.#log.close().catch(() => undefined) // Belongs to the world that ended.
    const { promised, disk } = present(this.#cut, 'the power cut')
    this.#cut = null
    this.#acknowledged = new Map(promised.acknowledged)
    this.#producers = [...promised.producers]
    this.#shownEnd = promised.shownEnd
    this.harness.fs = disk
    await this.#reopen(loss)
  }

  /** Compares what a reader gets with what was promised, and sends each producer's last batches again. */
  async verify(): Promise<void> {
    this.harness.fs.fault = () => null
    await this.settle()
    const held = this.#read()
    const log = this.#log
    const { retentionMs, compact } = this.harness.config
    const latest = new Map<string, number>()
    for (const [offset, record] of held) latest.set(record.key, offset)
    for (const [offset, record] of this.#acknowledged) {
      assert.ok(offset < log.highWatermark, `the log ends at ${log.highWatermark}, ${offset} was acknowledged`)
      const found = held.get(offset)
      if (found !== undefined) assert.deepEqual(found, record, `offset ${offset} was given out twice`)
      else if (compact && offset >= this.#deletedBelow) {
        assert.ok((latest.get(record.key) ?? -1) > offset, `${offset}, the last of its key, is gone`)
      } else {
        const expired = record.timestamp <= this.harness.clock.now() - retentionMs
        assert.ok(compact || offset < log.logStartOffset, `${offset} was acknowledged and is missing`)
        assert.ok(offset < this.#deletedBelow || expired, `${offset} was acknowledged and is deleted`)
      }
    }
    for (let i = 0; i < this.#producers.length; i += 1) await this.#verifyProducer(i)
  }

  /** Everything that can be read, by offset. */
  #read(): Map<number, StoredRecord> {
    const log = this.#log
    const held = new Map<number, StoredRecord>()
    const values = new Set<string>()
    const maxBytes = 1 + Math.floor(this.random() * 600)
    for (let offset = log.logStartOffset; ;) {
      const answer = log.read({ offset, maxBytes, isolation: 'read_uncommitted', minOneBatch: true })
      if (answer.batches.length === 0) break
      forEachBatch(answer.batches, (_, position) => {
        assert.equal(batchFault(answer.batches, position), null)
        for (const record of readRecords(answer.batches, position)) {
          if (record.offset < offset) continue
          const value = String(record.value)
          assert.ok(!values.has(value), `${value} is in the log twice`)
          values.add(value)
          held.set(record.offset, { key: String(record.key), value, timestamp: record.timestamp })
        }
      })
      assert.ok(answer.nextOffset > offset)
      offset = answer.nextOffset
    }
    assert.ok(log.highWatermark >= this.#shownEnd, 'the high watermark fell')
    return held
  }

  async #verifyProducer(i: number): Promise<void> {
    const { pending, recent } = this.#producers[i] as ModelProducer
    this.harness.clock.advance(retryPauseMs) // The log may have to recover first.
    if (pending !== null) await this.#produce(i, 1)
    for (const { batch, baseOffset } of pending === null ? recent : []) {
      if (baseOffset < this.#log.logStartOffset) continue
      const answer = await this.#log.append(verifiedBatch(Buffer.from(batch.bytes)))
      assert.deepEqual([answer.isDuplicate, answer.baseOffset], [true, baseOffset], 'a repeated batch')
    }
    assert.equal(this.#producers[i]?.pending, null, 'a batch is acknowledged in the end')
  }

  async #produce(i: number, size: number): Promise<void> {
    const { sequence, pending } = this.#producers[i] as ModelProducer
    const batch = pending ?? this.#batch(size, { producerId: i, producerEpoch: 0, baseSequence: sequence })
    this.#producers[i] = { ...(this.#producers[i] as ModelProducer), pending: batch }
    this.#inFlight.add(i)
    try {
      await this.#send(batch, i)
    } finally {
      this.#inFlight.delete(i)
    }
  }

  async #send(batch: SentBatch, producer: number | null): Promise<void> {
    let answer: Appended
    try {
      answer = await this.#log.append(verifiedBatch(Buffer.from(batch.bytes)))
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      this.harness.clock.advance(retryPauseMs)
      return
    }
    for (const record of readRecords(batch.bytes, 0)) {
      const offset = answer.baseOffset + record.offset
      const stored = { key: String(record.key), value: String(record.value), timestamp: record.timestamp }
      assert.deepEqual(this.#acknowledged.get(offset) ?? stored, stored, `offset ${offset} was given out twice`)
      this.#acknowledged.set(offset, stored)
    }
    if (producer === null) return
    const { sequence, recent } = this.#producers[producer] as ModelProducer
    this.#producers[producer] = {
      sequence: sequence + batch.values.length,
      pending: null,
      recent: [...recent, { batch, baseOffset: answer.baseOffset }].slice(-inFlight),
    }
  }

  #batch(size: number, options: Parameters<typeof bytesOf>[1]): SentBatch {
    const values = Array.from({ length: size }, () => `value ${(this.#count += 1)}`)
    const key = (): string => `k${Math.floor(this.random() * 5)}`
    return {
      values,
      bytes: bytesOf(
        values.map((value) => [key(), value, this.harness.clock.now()]),
        options,
      ),
    }
  }

  #start(task: Promise<unknown>): void {
    const done = task
      .then(() => this.#note())
      .catch((error: unknown) => {
        // The disk fails on purpose; a programming error and a broken promise are neither.
        if (error instanceof assert.AssertionError || error instanceof TypeError) throw error
        if (!(error instanceof Error && 'code' in error) && !(error instanceof StorageError)) throw error
      })
    this.#busy.add(done)
    void done.then(
      () => this.#busy.delete(done),
      () => undefined, // `settle` meets it.
    )
  }

  #note(): void {
    if (this.#cut === null) this.#shownEnd = Math.max(this.#shownEnd, this.#log.highWatermark)
  }

  #cutPower(fs: MemoryFileSystem, unsynced: CrashOptions['unsynced']): void {
    this.#cut ??= {
      promised: {
        acknowledged: new Map(this.#acknowledged),
        producers: [...this.#producers],
        shownEnd: this.#shownEnd,
      },
      disk: fs.crash({ unsynced, random: this.random }),
    }
  }

  #prepareDisk(): void {
    // Descriptors are short at times: appends wait for their turn.
    this.harness.fs.roomGate = () => (this.random() < 0.8 ? null : turn())
    this.harness.fs.syncTurns = () => (this.random() < 0.5 ? 0 : Math.floor(this.random() * 4))
  }

  async #reopen(loss: CheckpointLoss | null): Promise<void> {
    const { fs } = this.harness
    fs.onOperation = () => undefined
    this.#prepareDisk()
    const { fault } = fs
    fs.fault = () => null
    if (loss !== null) loseCheckpoint(fs, loss, this.random)
    fs.fault = fault
    try {
      this.#log = await this.harness.open()
    } catch (error) {
      assert.ok(error instanceof Error && 'code' in error, `a start fails for no reason of the disk: ${String(error)}`)
      fs.fault = () => null
      this.#log = await this.harness.open()
    }
    this.#note()
  }
}

function loseCheckpoint(fs: MemoryFileSystem, loss: CheckpointLoss, random: () => number): void {
  const path = `${logDirectory}/${checkpointName}`
  if (!fs.exists(path)) return
  const text = fs.contentOf(path).toString()
  const write = (replaced: string): void => {
    const file = fs.open(path, 'create')
    file.write(Buffer.from(replaced), 0)
    void file.sync().then(() => file.close())
  }
  if (loss === 'missing') fs.remove(path)
  if (loss === 'flipped') {
    const bytes = Buffer.from(text)
    const at = Math.floor(random() * text.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << Math.floor(random() * 7))
    write(bytes.toString())
  }
  if (loss === 'cut') write(text.slice(0, Math.floor(random() * text.length)))
  if (loss === 'newer version') write(text.replace('version 0', 'version 1'))
  if (loss === 'old format') write(text.replace(/^checksum .*\n/m, ''))
}
