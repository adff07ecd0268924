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
import { ledgerLimits, type LedgerLimits } from './ordering/conflict-ledger.ts'
import type { PartitionProgress } from './ordering/partition-progress.ts'
import { openSink, type Sink } from './sink.ts'

/** Writes records to Elasticsearch or OpenSearch; the connector's README describes how. */
export class ElasticsearchSinkTask implements SinkTask {
  readonly #limits: LedgerLimits
  #sink: Sink | null = null
  #stopped = false

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
    const { intake, writer, missing } = sink
    for (const record of records) {
      const room = writer.room()
      if (room !== null) {
        writer.pump()
        await room
      }
      if (writer.failure !== null) throw writer.failure
      for (let wait = intake.take(record); wait !== null; wait = intake.take(record)) await wait
    }
    releaseLate(sink)
    writer.pump()
    if (writer.failure !== null) throw writer.failure
    await intake.reported()
    missing.look()
    await readAgain(sink)
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
    for (const progress of sink.partitions.close(closed)) forget(progress, sink)
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

/** Reads partitions again whose conflicts the ledger had no room for. */
async function readAgain(sink: Sink): Promise<void> {
  const { conflicts, writer, partitions, context, stop } = sink
  const rereads = conflicts.look()
  if (rereads.length === 0) return
  await writer.drain(stop.signal)
  for (const { progress, offset } of rereads) forget(progress, sink, offset)
  const offsets = rereads.map(({ progress: { topic, partition }, offset }) => ({ topic, partition, offset }))
  partitions.open(offsets)
  context.seek(offsets)
}

/** The task no longer has the partition, or reads it again from an offset. */
function forget(progress: PartitionProgress, { conflicts, missing, keyChanges }: Sink, from = 0): void {
  conflicts.forget(progress)
  missing.forget(progress, from)
  keyChanges.forget(progress)
}
