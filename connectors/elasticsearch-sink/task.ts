import {
  ConnectError,
  RetriableError,
  withDeadline,
  type OffsetToCommit,
  type SinkRecord,
  type SinkTask,
  type SinkTaskContext,
  type TopicPartition,
} from 'penstock/api'
import { placeOf } from './document/document-version.ts'
import { ledgerLimits, type LedgerLimits } from './ordering/conflict-ledger.ts'
import type { PartitionProgress } from './ordering/partition-progress.ts'
import type { Reread } from './ordering/conflict-watch.ts'
import { PutPatience, type LongWait } from './put-patience.ts'
import { openSink, type Sink } from './sink.ts'

/** Writes records to Elasticsearch or OpenSearch; the connector's README describes how. */
export class ElasticsearchSinkTask implements SinkTask {
  readonly #limits: LedgerLimits
  #sink: Sink | null = null
  #stopped = false
  /** The partitions to read again when the operations in progress are done. */
  #rereads: readonly Reread[] = []

  constructor(limits: LedgerLimits = ledgerLimits) {
    this.#limits = limits
  }

  async start(context: SinkTaskContext): Promise<void> {
    this.#sink = await openSink(context, this.#limits)
    if (this.#stopped) await this.stop()
  }

  async open(partitions: readonly OffsetToCommit[]): Promise<void> {
    this.#started().partitions.open(partitions)
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    const sink = this.#started()
    const { intake, writer, missing, context, stop, partitions } = sink
    const patience = new PutPatience(context.clock, stop.signal)
    let taken = 0
    try {
      for (const record of records) {
        const room = writer.room()
        if (room !== null) {
          writer.pump()
          await patience.wait(async () => await room, bufferFull(sink))
        }
        if (writer.failure !== null) throw writer.failure
        for (let wait = intake.take(record); wait !== null; wait = intake.take(record)) {
          const prepared = wait
          await patience.wait(async () => await prepared, indexWaits(record))
        }
        taken += 1
      }
      releaseLate(sink)
      writer.pump()
      if (writer.failure !== null) throw writer.failure
      missing.look()
      await this.#readAgain(sink, patience)
    } catch (error) {
      // The whole batch is delivered again.
      if (error instanceof RetriableError) partitions.noteTaken(records.slice(0, taken))
      throw error
    }
  }

  async preCommit(current: readonly OffsetToCommit[]): Promise<readonly OffsetToCommit[]> {
    const { writer, watch, partitions, conflicts, missing, keyChanges, stop } = this.#started()
    if (writer.failure !== null) throw writer.failure
    partitions.noteDelivered(current)
    keyChanges.releaseSkipped()
    writer.pump()
    const offsets = partitions.committable(current, conflicts.held(), (progress, offset) =>
      missing.beforeCommit(progress, offset),
    )
    try {
      await watch.confirm(stop.signal)
    } catch (error) {
      if (error instanceof ConnectError && !(error instanceof RetriableError)) writer.fail(error)
      throw error
    }
    return offsets
  }

  async flush(signal: AbortSignal): Promise<void> {
    const { writer, settings, context } = this.#started()
    const deadline = { clock: context.clock, ms: settings.flushTimeoutMs, signal }
    await withDeadline(deadline, (bound) => writer.drain(bound))
  }

  async close(closed: readonly TopicPartition[]): Promise<void> {
    const sink = this.#started()
    for (const progress of sink.partitions.close(closed)) {
      forget(progress, sink)
      this.#rereads = this.#rereads.filter((reread) => reread.progress !== progress)
    }
  }

  /** A start that has not returned stops what it has opened. */
  async stop(): Promise<void> {
    this.#stopped = true
    const sink = this.#sink
    if (sink === null) return
    this.#sink = null
    sink.stop.abort(new ConnectError('the sink was stopped'))
    sink.writer.stop()
    await sink.cluster.close()
  }

  /** Reads partitions again whose conflicts the ledger had no room for. */
  async #readAgain(sink: Sink, patience: PutPatience): Promise<void> {
    const { conflicts, writer, partitions, context } = sink
    const found = conflicts.look()
    if (found.length > 0) this.#rereads = [...this.#rereads, ...found]
    if (this.#rereads.length === 0) return
    await patience.wait(async (signal) => await writer.drain(signal), drainWaits)
    const rereads = this.#rereads
    this.#rereads = []
    for (const { progress, offset } of rereads) forget(progress, sink, offset)
    const offsets = rereads.map(({ progress: { topic, partition }, offset }) => ({ topic, partition, offset }))
    partitions.open(offsets)
    context.seek(offsets)
  }

  #started(): Sink {
    if (this.#sink === null) throw new ConnectError('the Elasticsearch sink is not started')
    return this.#sink
  }
}

/** Releases deletions of old keys whose creation does not come, and reports those that wait for long. */
function releaseLate({ keyChanges, context }: Sink): void {
  const within = keyChanges.releaseLate()
  if (within !== null) context.wakeWithin(within)
  const overdue = keyChanges.overdue()
  context.setCondition('ES_DELETION_WAITS', overdue.text)
  if (overdue.within !== null) context.wakeWithin(overdue.within)
}

const drainWaits: LongWait = {
  code: 'ES_REREAD_WAITS',
  message: () =>
    'partitions are read again when Elasticsearch has taken the operations before: reading pauses until then',
}

function bufferFull({ writer }: Sink): LongWait {
  return {
    code: 'ES_BUFFER_FULL',
    message: () =>
      `${writer.buffered} operations wait for Elasticsearch, as many as max.buffered.records and bulk.size.bytes allow: reading ` +
      'pauses until it accepts them',
  }
}

function indexWaits(record: SinkRecord): LongWait {
  return {
    code: 'ES_INDEX_WAITS',
    message: () =>
      `the index of record ${placeOf(record)} is not ready: reading pauses until Elasticsearch has created or shown it`,
  }
}

/** The task no longer has the partition, or reads it again from an offset. */
function forget(progress: PartitionProgress, { conflicts, missing, keyChanges }: Sink, from = 0): void {
  conflicts.forget(progress)
  missing.forget(progress, from)
  keyChanges.forget(progress)
}
