import {
  ConnectError,
  DataError,
  lastHeader,
  RetriableError,
  type Counter,
  type OffsetToCommit,
  type Schema,
  type SinkRecord,
  type SinkTask,
  type SinkTaskContext,
  type TopicPartition,
} from 'penstock/api'
import { BulkSender } from './bulk/bulk-sender.ts'
import { BulkWriter } from './bulk/bulk-writer.ts'
import { ledgerLimits, type LedgerLimits } from './ordering/conflict-ledger.ts'
import { ConflictWatch } from './ordering/conflict-watch.ts'
import { settingsOf, type SinkSettings } from './config/settings.ts'
import { documentId, positionId } from './document/document-id.ts'
import { DocumentVersions, firstRowVersion, placeOf, versionIn, type Version } from './document/document-version.ts'
import { DocumentReader, type Document } from './document/document.ts'
import { InfinityCount } from './document/infinity-count.ts'
import { IndexWatch } from './indices/index-watch.ts'
import { Indices } from './indices/indices.ts'
import { formerId, KeyChanges } from './ordering/key-changes.ts'
import { MissingValues } from './stored-values/missing-values.ts'
import { LineWriter, type Operation } from './bulk/operation.ts'
import type { PartitionProgress } from './ordering/partition-progress.ts'
import { Partitions } from './ordering/partitions.ts'
import { placeholderOf } from './document/placeholder.ts'
import { Retries, type TroubleCode } from './client/retries.ts'
import { senderMetrics } from './bulk/sender-metrics.ts'
import { TopicIndices } from './indices/topic-indices.ts'
import { openTransport, type Transport } from './client/transport.ts'

interface Running {
  readonly context: SinkTaskContext
  readonly settings: SinkSettings
  readonly transport: Transport
  readonly indices: Indices
  readonly watch: IndexWatch
  readonly writer: BulkWriter
  readonly reader: DocumentReader
  readonly versions: DocumentVersions
  readonly conflicts: ConflictWatch
  readonly missing: MissingValues
  readonly keyChanges: KeyChanges
  readonly topicIndices: TopicIndices
  readonly partitions: Partitions
  readonly lineWriter: LineWriter
  readonly infinities: InfinityCount
  readonly dropped: Counter
  readonly stop: AbortController
}

/** Writes records to Elasticsearch or OpenSearch; see the connector's README for what becomes of each. */
export class ElasticsearchSinkTask implements SinkTask {
  readonly #limits: LedgerLimits
  #running: Running | null = null

  constructor(limits: LedgerLimits = ledgerLimits) {
    this.#limits = limits
  }

  async start(context: SinkTaskContext): Promise<void> {
    const settings = settingsOf(context.config)
    const transport = openTransport(settings, context.clock)
    const stop = new AbortController()
    const { metrics, clock, logger } = context
    const retries = retriesFor(settings, context)
    const watch = new IndexWatch({ transport, retries, context, requireAlias: settings.requireAlias })
    const indices = new Indices({ transport, retries, watch, logger, exact: settings.values === 'exact' })
    const writer = new BulkWriter(
      settings,
      clock,
      (batch) => sender.deliver(batch),
      (error) => {
        if (!stop.signal.aborted) context.raiseError(error)
      },
    )
    const lineWriter = new LineWriter(writer.lines, Math.min(settings.maxInFlight, 5))
    const partitions = new Partitions(context)
    const conflicts = new ConflictWatch({ settings, context, log: partitions, limits: this.#limits })
    const missing = new MissingValues(context, partitions)
    const sender = new BulkSender({
      transport,
      watch,
      retries,
      settings,
      writer: lineWriter,
      clock,
      logger,
      signal: stop.signal,
      metrics: senderMetrics(metrics),
      conflicts,
      missing,
    })
    const infinities = new InfinityCount(
      metrics.counter('elasticsearch_infinities_total', 'Infinite dates and timestamps written as null'),
      logger,
    )
    const dropped = metrics.counter('elasticsearch_records_dropped_total', 'Records dropped by drop.invalid.message')
    this.#running = {
      context,
      settings,
      transport,
      indices,
      watch,
      writer,
      reader: readerFor(settings, infinities),
      versions: new DocumentVersions(settings),
      conflicts,
      missing,
      keyChanges: new KeyChanges((operation) => writer.add(operation), clock),
      topicIndices: new TopicIndices(settings.externalResources),
      partitions,
      lineWriter,
      infinities,
      dropped,
      stop,
    }
  }

  async open(partitions: readonly OffsetToCommit[]): Promise<void> {
    this.#present().partitions.open(partitions)
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    const running = this.#present()
    const { writer, keyChanges, missing, context } = running
    for (const record of records) {
      const room = writer.room()
      if (room !== null) {
        writer.pump()
        await room
      }
      if (writer.failure !== null) throw writer.failure
      let wait = this.#take(record, running)
      while (wait !== null) {
        await wait
        wait = this.#take(record, running)
      }
    }
    const within = keyChanges.releaseLate()
    if (within !== null) context.wakeWithin(within)
    const overdue = keyChanges.overdue()
    context.setCondition('ES_DELETION_WAITS', overdue.text)
    if (overdue.within !== null) context.wakeWithin(overdue.within)
    writer.pump()
    if (writer.failure !== null) throw writer.failure
    missing.look()
    await this.#readAgain(running)
  }

  /** Conflicts that found no room to be followed are met again. */
  async #readAgain(running: Running): Promise<void> {
    const { conflicts, writer, partitions, context, stop } = running
    const rereads = conflicts.look()
    if (rereads.length === 0) return
    await writer.drain(stop.signal)
    for (const { progress, offset } of rereads) forget(progress, running, offset)
    const offsets = rereads.map(({ progress: { topic, partition }, offset }) => ({ topic, partition, offset }))
    partitions.open(offsets)
    context.seek(offsets)
  }

  /** Null when the record was taken; else it has to be offered again when the promise is done (the index is ready then). */
  #take(record: SinkRecord, running: Running): Promise<void> | null {
    const progress = running.partitions.of(record)
    try {
      return this.#write(record, progress, running)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      running.infinities.settle(false)
      if (!running.settings.dropInvalid) {
        throw new DataError(`record ${placeOf(record)}: ${error.message}`, {
          cause: error,
          stage: 'TASK_PUT',
          topicPartition: placeOf(record),
        })
      }
      running.dropped.add(1)
      running.context.logger.warn(`dropped, as drop.invalid.message says: record ${placeOf(record)}: ${error.message}`)
      progress.skip(record.originalOffset)
      running.keyChanges.release(progress)
      return null
    }
  }

  #write(record: SinkRecord, progress: PartitionProgress, running: Running): Promise<void> | null {
    const { settings, reader, topicIndices } = running
    const index = topicIndices.of(record.topic)
    if (record.value === null) return this.#tombstone(record, index, progress, running)
    const change = reader.read(record.valueSchema, record.value, unchangedColumns(record))
    const deletes = change.kind === 'delete'
    if (deletes && (settings.keyIgnored(record.topic) || isKeyUnknown(record, running))) {
      progress.skip(record.originalOffset)
      return null
    }
    const schema = deletes || settings.schemaIgnored(record.topic) ? null : change.rowSchema
    const wait = readied(index, record.topic, schema, running)
    if (wait !== null) {
      running.infinities.settle(false)
      return wait
    }
    this.#add(record, deletes ? 'delete' : 'index', index, deletes ? null : change.document, progress, running)
    running.infinities.settle(true)
    return null
  }

  #tombstone(record: SinkRecord, index: string, progress: PartitionProgress, running: Running): Promise<void> | null {
    const { settings } = running
    if (settings.nullValues === 'fail') {
      throw new DataError(
        'the record has a key and no value (behavior.on.null.values=fail). Set behavior.on.null.values to delete or ignore',
        { code: 'ES_NULL_VALUE' },
      )
    }
    // Without a key, or with the key ignored, there is no document that it could delete.
    if (
      settings.nullValues === 'ignore' ||
      record.key === null ||
      settings.keyIgnored(record.topic) ||
      settings.autoIds ||
      isKeyUnknown(record, running)
    ) {
      progress.skip(record.originalOffset)
      return null
    }
    const wait = readied(index, record.topic, null, running)
    if (wait === null) this.#add(record, 'delete', index, null, progress, running)
    return wait
  }

  #add(
    record: SinkRecord,
    kind: 'index' | 'delete',
    index: string,
    document: Document | null,
    progress: PartitionProgress,
    running: Running,
  ): void {
    const { settings, versions, lineWriter, keyChanges } = running
    const upsert = kind === 'index' && settings.writeMethod === 'upsert'
    const action = upsert ? 'update' : kind
    const byKey = !settings.keyIgnored(record.topic)
    const id =
      settings.autoIds && kind === 'index'
        ? null
        : byKey
          ? documentId(record.keySchema, record.key)
          : positionId(record)
    const version = byKey && id !== null ? versions.of(record, progress.versionKinds) : null
    noteRecord(record, version, progress)
    const source = document?.json ?? ''
    const holes = byKey && id !== null ? (document?.holes ?? null) : null
    const from = holes === null ? null : formerId(record)
    // An update leaves fields alone by itself. A document of its own has no stored value to keep.
    const isDraft = holes !== null && (!upsert || from !== null)
    const lines = isDraft ? null : lineWriter.write(action, index, id, version, source)
    const operation: Operation = {
      kind: action,
      index,
      id,
      version,
      timestamp: record.timestamp ?? 0,
      weight: lines === null ? source.length + draftWeight : lines.end - lines.start,
      mark: progress.begin(record.originalOffset),
      progress,
      lines,
      draft: isDraft ? { source, version, holes, from, ahead: versionIn(record, '__penstock.ahead') } : null,
      barrier: 'none',
      missing: null,
    }
    keyChanges.add(operation, record)
  }

  async preCommit(current: readonly OffsetToCommit[]): Promise<readonly OffsetToCommit[]> {
    const { writer, watch, partitions, conflicts, missing, keyChanges, stop } = this.#present()
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
    const { writer, settings } = this.#present()
    await writer.drain(AbortSignal.any([signal, AbortSignal.timeout(settings.flushTimeoutMs)]))
  }

  async close(closed: readonly TopicPartition[]): Promise<void> {
    const running = this.#present()
    for (const progress of running.partitions.close(closed)) forget(progress, running)
  }

  async stop(): Promise<void> {
    const running = this.#running
    if (running === null) return
    this.#running = null
    running.stop.abort(new ConnectError('the sink was stopped'))
    running.writer.stop()
    await running.transport.close()
  }

  #present(): Running {
    if (this.#running === null) throw new ConnectError('the Elasticsearch sink is not started')
    return this.#running
  }
}

function retriesFor(settings: SinkSettings, context: SinkTaskContext): Retries {
  const { metrics, clock, logger } = context
  const retried = metrics.counter(
    'elasticsearch_retries_total',
    'Requests sent again because Elasticsearch was not available',
  )
  const shown = new Set<TroubleCode>()
  return new Retries(settings, clock, logger, {
    onRetry: () => retried.add(1),
    show(code, message) {
      if (message === null) shown.delete(code)
      else shown.add(code)
      context.setCondition(code, message)
      context.showWaiting?.(shown.size === 0 ? null : 'requests to Elasticsearch are tried again')
    },
  })
}

/** Null when the index is there and known; else what to wait for. @param schema null wants no mapping. */
function readied(
  index: string,
  topic: string,
  schema: Schema | null,
  { settings, indices, watch, stop }: Running,
): Promise<void> | null {
  if (settings.externalResources !== null) return watch.knows(index) ? null : watch.remember(index, stop.signal)
  return indices.ready(index, schema) ? null : indices.ensure(index, topic, schema, stop.signal)
}

function readerFor(settings: SinkSettings, infinities: InfinityCount): DocumentReader {
  return new DocumentReader({
    exact: settings.values === 'exact',
    compactMaps: settings.compactMaps,
    unwrap: settings.unwrap,
    placeholder: placeholderOf(settings.placeholder),
    onInfinity: infinities.note,
  })
}

/** The partition is held no more, or is read again from an offset. */
function forget(progress: PartitionProgress, { conflicts, missing, keyChanges }: Running, from = 0): void {
  conflicts.forget(progress)
  missing.forget(progress, from)
  keyChanges.forget(progress)
}

/** What conflicts are judged by. */
function noteRecord(record: SinkRecord, version: Version, progress: PartitionProgress): void {
  if (record.timestamp !== null) progress.timestamp = record.timestamp
  if (record.topic !== record.originalTopic) progress.routed = progress.shared = true
  if (progress.shared && version !== null && version >= firstRowVersion)
    progress.line.note(record.originalOffset, version)
}

// A document with holes grows by its stored values, whose size is not known beforehand.
const draftWeight = 64 * 1024

const noColumns: readonly string[] = []

/** Our source names here the unchanged columns whose type has no placeholder: they arrive as null. */
function unchangedColumns(record: SinkRecord): readonly string[] {
  const header = lastHeader(record.headers, '__penstock.unchanged')
  return header === undefined ? noColumns : String(header.value).split(',')
}

/** Our source names here the key columns whose values stand in for unknown ones: the key may be that of another row. */
function isKeyUnknown(record: SinkRecord, { context }: Running): boolean {
  if (lastHeader(record.headers, '__penstock.unknown') === undefined) return false
  context.setCondition(
    'ES_KEY_UNKNOWN',
    `deletions in ${record.originalTopic} do not name their row and are left out, so that documents of deleted rows stay: ` +
      'the replica identity of the table does not hold its key. Run in Postgres: ALTER TABLE … REPLICA IDENTITY FULL; and ' +
      'delete the documents whose rows are gone',
  )
  return true
}
