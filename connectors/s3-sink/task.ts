import {
  abortable,
  ConnectError,
  DataError,
  DeadlineExceededError,
  present,
  RetriableError,
  settledWithin,
  withDeadline,
  type DurableOffset,
  type OffsetToCommit,
  type OpenedPartition,
  type SinkRecord,
  type SinkTask,
  type SinkTaskContext,
  type TopicPartition,
} from 'penstock/api'

import { hasStablePaths, isSinglePath, partitionerOf, partitionPath } from './layout/partitioner.ts'
import { MemoryBudget } from './object/memory-budget.ts'
import { abortLeftUploads } from './object/left-uploads.ts'
import { ObjectTagger } from './object/object-tagger.ts'
import { UploadLostError } from './object/object-upload.ts'
import { PartitionLedger } from './partition/partition-ledger.ts'
import { PartitionWriter } from './partition/partition-writer.ts'
import { ReplayedPartitions } from './partition/replayed-partitions.ts'
import type { WriterEnvironment } from './partition/writer-environment.ts'
import { SchemaRule } from './schema/schema-rule.ts'
import { ConcurrencyLimit } from '../s3-store/client/concurrency-limit.ts'
import { openStore } from '../s3-store/client/open-store.ts'
import type { S3Store } from '../s3-store/client/s3-store.ts'
import type { StoreEvents } from '../s3-store/client/store-requests.ts'
import type { ObjectKinds } from './view/object-kind.ts'
import { openKinds } from './view/open-kinds.ts'
import { settingsOf, type S3SinkSettings } from './config/settings.ts'

const minPartBytes = 5 * 1024 * 1024
const roomWaitMs = 2000
/** As many as Node has threads for. */
const maxEndings = 4
const rewindWaitMs = 2000

/** Everything that exists between `start` and `stop`. */
interface Running extends WriterEnvironment {
  readonly context: SinkTaskContext
}

/**
 * The S3 sink's task. Objects are built and compressed in memory and uploaded in the background; `put` waits only when the
 * memory is full. Offsets are committed object by object: the next object of a partition appears after the commit of the
 * offsets before it is acknowledged.
 */
export class S3SinkTask implements SinkTask {
  readonly #writers = new Map<string, PartitionWriter>()
  readonly #replays = new ReplayedPartitions()
  /** The writers whose upload was lost. */
  readonly #lost = new Set<TopicPartition>()
  readonly #stopped = new AbortController()
  #running: Running | null = null
  #commitWanted = false
  #wroteElsewhere = false

  async start(context: SinkTaskContext): Promise<void> {
    const settings = settingsOf(context.config, context.raw)
    const { clock, metrics } = context
    const retries = metrics.counter('s3_retries_total', 'Requests to the S3 store that were retried')
    const kinds = await openKinds(settings.kinds)
    const events: StoreEvents = {
      retried: () => retries.add(1),
      waitsFor: (reason) => {
        context.setCondition('S3_UNAVAILABLE', reason)
        context.showWaiting?.(reason === null ? null : 'requests to the S3 store are retried')
      },
    }
    const store = await openStore(settings.store, clock, events, this.#stopped.signal)
    this.#running = this.#environment(context, settings, store, kinds)
  }

  async open(partitions: readonly OpenedPartition[]): Promise<void> {
    const running = this.#started()
    for (const at of partitions) {
      await this.#writers.get(nameOf(at))?.close(this.#stopped.signal)
      this.#replays.opened(at)
      this.#begin(at, running)
    }
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    const running = this.#started()
    const rewound = await this.#rewind(running)
    if (records.length > 0) await this.#waitForRoom(running)
    const nowMs = running.clock.now()
    this.#append(records, rewound, nowMs)
    this.#endAndSpill(running, nowMs)
    this.#wakeForDeadline(running, nowMs)
  }

  async preCommit(current: readonly OffsetToCommit[]): Promise<readonly DurableOffset[]> {
    this.#started()
    this.#commitWanted = false
    const offsets: DurableOffset[] = []
    for (const at of current) {
      const offset = this.#committableOffset(at)
      if (offset !== null) offsets.push(offset)
    }
    return offsets
  }

  committed(offsets: readonly OffsetToCommit[]): void {
    for (const at of offsets) {
      this.#writers.get(nameOf(at))?.acknowledge(at.offset)
      if (this.#replays.ends(at)) this.#resume(at)
    }
  }

  commitFailed(offsets: readonly OffsetToCommit[]): void {
    for (const at of offsets) this.#writers.get(nameOf(at))?.markUnknown()
  }

  /** Open objects of other partitions continue. */
  async flush(signal: AbortSignal, partitions: readonly TopicPartition[]): Promise<void> {
    const { settings } = this.#started()
    const writers = partitions.flatMap((at) => this.#writers.get(nameOf(at)) ?? [])
    if (settings.rotateOnRevoke) for (const writer of writers) writer.rotate('revoke')
    await abortable(Promise.all(writers.map(async (writer) => await writer.settled())), signal)
  }

  async close(partitions: readonly TopicPartition[]): Promise<void> {
    const leaving = partitions.flatMap((at) => {
      const writer = this.#writers.get(nameOf(at))
      this.#writers.delete(nameOf(at))
      return writer === undefined ? [] : [writer]
    })
    this.#replays.closed(partitions)
    await this.#giveUp(leaving)
  }

  async stop(): Promise<void> {
    const writers = [...this.#writers.values()]
    this.#writers.clear()
    await this.#giveUp(writers)
    this.#stopped.abort(new ConnectError('the task has stopped'))
    this.#running?.store.close()
  }

  #environment(context: SinkTaskContext, settings: S3SinkSettings, store: S3Store, kinds: ObjectKinds): Running {
    const { clock, logger, metrics } = context
    const { tombstonePath } = settings
    const objects = metrics.counter('s3_objects_total', 'Objects completed in the S3 store')
    const written = metrics.counter('s3_records_total', 'Records in objects that were completed')
    const untagged = metrics.counter('s3_untagged_objects_total', 'Objects whose tags the S3 store refused')
    const bytes = metrics.counter('s3_bytes_total', 'Bytes of those records before compression')
    if (!hasStablePaths(settings.partitioner))
      logger.warn(
        'directories are by the time at which a record arrives: a record that is read again after a crash may then be in two directories. timestamp.extractor=Record or RecordField stores each record once.',
      )
    const onCompleted: WriterEnvironment['onCompleted'] = (stored) => {
      objects.add(stored.objects)
      written.add(stored.records)
      bytes.add(stored.bytes)
      this.#commitWanted = true
      context.requestCommit()
    }
    const onFailed = (writer: TopicPartition, error: unknown): void => {
      if (error instanceof UploadLostError) {
        this.#lost.add(writer)
        context.wakeWithin(0)
      } else context.raiseError(error instanceof Error ? error : new ConnectError(String(error)))
    }
    return {
      context,
      settings,
      store,
      kinds,
      layout: settings.layout,
      clock,
      logger,
      minPartBytes,
      clusterId: context.clusterId,
      topicId: (topic) => context.topicId(topic),
      requestCommit: () => context.requestCommit(),
      budget: new MemoryBudget(settings.bufferBytes),
      endings: new ConcurrencyLimit(maxEndings),
      partitioner: partitionerOf(settings.partitioner),
      singlePath: isSinglePath(settings.partitioner) && tombstonePath === null ? partitionPath : null,
      conditions: { isSupported: settings.conditionalWrites },
      tagger: settings.tags === null ? null : new ObjectTagger({ ...settings.tags, store, logger, untagged }),
      schemas: new SchemaRule(settings.compatibility),
      keySchemas: new SchemaRule('NONE'),
      onCompleted,
      onFailed,
    }
  }

  #append(records: readonly SinkRecord[], rewound: ReadonlySet<string>, nowMs: number): void {
    let writer: PartitionWriter | null = null
    let end: number | null = null
    for (const record of records) {
      const { originalTopic: topic, originalPartition: partition } = record
      if (writer === null || writer.topic !== topic || writer.partition !== partition) {
        if (rewound.has(nameOf({ topic, partition }))) continue
        writer = present(this.#writers.get(nameOf({ topic, partition })), `writer of ${topic}-${partition}`)
        if (record.topic !== topic) this.#noteRename(record)
        end = this.#replays.endOf(writer)
      }
      if (end !== null && record.originalOffset >= end) {
        this.#endReplay(writer)
        continue
      }
      try {
        if (record.value !== null || this.#started().settings.tombstonePath !== null) writer.append(record, nowMs)
        else this.#skip(record)
      } catch (error) {
        this.#report(record, error)
      }
    }
  }

  /** Begins objects at an offset. */
  #begin(at: OpenedPartition, running: Running): void {
    const { replay } = at
    const environment =
      replay === undefined ? running : { ...running, layout: { ...running.layout, replayId: replay.id } }
    const ledger = PartitionLedger.from(at.offset, running.singlePath !== null)
    const ready = abortLeftUploads(at, environment, this.#stopped.signal)
    this.#writers.set(nameOf(at), new PartitionWriter(at, ledger, ready, environment))
  }

  /** All records that are delivered again were: they are committed before any later record is taken. */
  #endReplay(writer: PartitionWriter): void {
    writer.rotate('replay')
    this.#commitWanted = true
    this.#started().context.requestCommit()
  }

  /** The sink is back where it was. What it was given from there on it did not take. */
  #resume({ topic, partition, offset }: OffsetToCommit): void {
    const running = this.#started()
    this.#begin({ topic, partition, offset }, running)
    running.context.seek([{ topic, partition, offset }])
  }

  #committableOffset(at: OffsetToCommit): DurableOffset | null {
    const writer = this.#writers.get(nameOf(at))
    const end = this.#replays.endOf(at)
    if (end !== null && at.offset >= end) writer?.rotate('replay')
    return writer?.committableOffset(end === null ? at.offset : Math.min(at.offset, end)) ?? null
  }

  /** @throws ConnectError by `behavior.on.null.values`. */
  #skip(record: SinkRecord): void {
    const { settings, context } = this.#started()
    if (!settings.ignoreNullValues) throw nullValue(record)
    const { errantRecordReporter: reporter } = context
    if (!settings.reportNullValues || reporter?.keepsRecords !== true) return
    // The text of Confluent's sink. A failure to write the letter is that of the task.
    reporter.report(record, new DataError('Skipping null value record.')).catch(() => undefined)
  }

  /**
   * Hands a record that cannot be written to the dead letter queue. Its offset is a gap in the objects, as that of a record without
   * a value. The worker commits no offset behind it before it is durable there. @throws the error without a dead letter queue, or when it does not concern the record
   */
  #report(record: SinkRecord, error: unknown): void {
    const { errantRecordReporter: reporter } = this.#started().context
    if (!(error instanceof DataError)) throw error
    const failure = unwritable(record, error)
    if (reporter?.keepsRecords !== true) throw failure
    // Its failure is that of the task.
    reporter.report(record, failure).catch(() => undefined)
  }

  /** Reads partitions whose upload was lost again, from the end of their objects in the store. Returns their names. */
  async #rewind(running: Running): Promise<ReadonlySet<string>> {
    const names = new Set<string>()
    for (const lost of this.#lost) {
      const writer = this.#writers.get(nameOf(lost))
      if (writer === undefined || writer !== lost) continue
      const { topic, partition } = writer
      await this.#closed(writer, running)
      const { writer: successor, offset } = writer.rewound()
      running.logger.warn(`the store no longer has an upload of ${nameOf(writer)}: reading again from offset ${offset}`)
      this.#writers.set(nameOf(writer), successor)
      running.context.seek([{ topic, partition, offset }])
      names.add(nameOf(writer))
    }
    this.#lost.clear()
    return names
  }

  /** @throws RetriableError when that takes long: the same records are delivered again later */
  async #closed(writer: PartitionWriter, { clock }: Running): Promise<void> {
    try {
      await withDeadline({ clock, ms: rewindWaitMs, signal: this.#stopped.signal }, (signal) => writer.close(signal))
    } catch (error) {
      if (!(error instanceof DeadlineExceededError)) throw error
      throw new RetriableError(
        `the store no longer has an upload of ${nameOf(writer)}, and the requests of its other uploads have not ended yet`,
        { cause: error, code: 'S3_UPLOAD_LOST' },
      )
    }
  }

  /** @throws RetriableError when the memory stays full: the same records are delivered again later. */
  async #waitForRoom(running: Running): Promise<void> {
    const { budget, clock } = running
    // A commit lets further objects complete. It happens after `put` has returned.
    if (!budget.isFull || this.#commitWanted) return
    // What was done after the last records may have freed too little: lines that became small when they were compressed.
    this.#endAndSpill(running, clock.now())
    await settledWithin(clock, roomWaitMs, abortable(budget.room(), this.#stopped.signal))
    if (!budget.isFull || this.#commitWanted) return
    throw new RetriableError(
      `${budget.used} bytes wait for the store, and s3.buffer.bytes is ${budget.limit}: reading pauses until the store accepts them`,
      { code: 'S3_BUFFER_FULL' },
    )
  }

  /** Ends the objects whose time has come, and frees memory. */
  #endAndSpill(running: Running, nowMs: number): void {
    for (const writer of this.#writers.values()) writer.tick(nowMs)
    this.#releaseMemory(running)
  }

  /** Above three quarters of the memory, the largest open objects are uploaded early. */
  #releaseMemory({ budget }: Running): void {
    const writers = [...this.#writers.values()]
    let excess = budget.used - budget.limit * 0.75
    if (excess <= 0) return
    excess -= writers.reduce((sum, writer) => sum + writer.leavingBytes, 0)
    for (const writer of writers.toSorted((a, b) => b.openBytes - a.openBytes)) {
      if (excess <= 0) return
      excess -= writer.releaseMemory()
    }
  }

  #wakeForDeadline({ context }: Running, nowMs: number): void {
    let earliest = Number.POSITIVE_INFINITY
    for (const { deadlineMs } of this.#writers.values()) earliest = Math.min(earliest, deadlineMs ?? earliest)
    if (earliest !== Number.POSITIVE_INFINITY) context.wakeWithin(Math.max(0, earliest - nowMs))
  }

  async #giveUp(writers: readonly PartitionWriter[]): Promise<void> {
    const running = this.#running
    if (running === null || writers.length === 0) return
    const { settings, clock, logger } = running
    try {
      const results = await withDeadline({ clock, ms: settings.shutdownTimeoutMs }, async (signal) => {
        return await Promise.allSettled(writers.map(async (writer) => await writer.close(signal)))
      })
      for (const result of results) {
        if (result.status === 'rejected') logger.debug('an upload was not aborted', { error: result.reason })
      }
    } catch (error) {
      if (!(error instanceof DeadlineExceededError)) throw error
      logger.debug('uploads were not aborted within shutdown.timeout.ms', { error })
    }
  }

  #noteRename({ topic, originalTopic }: SinkRecord): void {
    if (this.#wroteElsewhere) return
    this.#wroteElsewhere = true
    this.#started().logger.warn(
      `a transform renames ${originalTopic} to ${topic}: objects keep the name of the topic that was read, so that no two topics write the same object`,
    )
  }

  #started(): Running {
    return present(this.#running, 'a started task')
  }
}

function unwritable({ originalTopic, originalPartition, originalOffset }: SinkRecord, error: DataError): DataError {
  return new DataError(
    `the record ${originalTopic}-${originalPartition}@${originalOffset} cannot be written: ${error.message}`,
    { cause: error, stage: 'TASK_PUT', topicPartition: `${originalTopic}-${originalPartition}` },
  )
}

function nullValue({ originalTopic, originalPartition, originalOffset }: SinkRecord): ConnectError {
  return new ConnectError(
    `the record ${originalTopic}-${originalPartition}@${originalOffset} has no value. Set behavior.on.null.values to ignore to skip such records, or to write to store their keys.`,
    { code: 'S3_NULL_VALUE', stage: 'TASK_PUT', topicPartition: `${originalTopic}-${originalPartition}` },
  )
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}
