import {
  ConnectError,
  DataError,
  lastHeader,
  type Counter,
  type OffsetToCommit,
  type SinkRecord,
  type SinkTask,
  type SinkTaskContext,
  type TopicPartition,
} from 'penstock/api'
import { BulkSender } from './bulk-sender.ts'
import { BulkWriter } from './bulk-writer.ts'
import { settingsOf, type SinkSettings } from './settings.ts'
import { documentId, positionId } from './document-id.ts'
import { DocumentVersions } from './document-version.ts'
import { DocumentReader, type Document } from './document.ts'
import { indexName } from './index-name.ts'
import { InfinityCount } from './infinity-count.ts'
import { Indices } from './indices.ts'
import { LineWriter } from './operation.ts'
import { PartitionProgress } from './partition-progress.ts'
import { placeholderOf } from './placeholder.ts'
import { retriesOf } from './requests.ts'
import { openTransport, type Transport } from './transport.ts'

interface Running {
  readonly context: SinkTaskContext
  readonly settings: SinkSettings
  readonly transport: Transport
  readonly indices: Indices
  readonly writer: BulkWriter
  readonly reader: DocumentReader
  readonly versions: DocumentVersions
  readonly lineWriter: LineWriter
  readonly infinities: InfinityCount
  readonly dropped: Counter
  readonly stop: AbortController
}

/** Writes records to Elasticsearch or OpenSearch; see the connector's README for what becomes of each. */
export class ElasticsearchSinkTask implements SinkTask {
  #running: Running | null = null
  readonly #progress = new Map<string, PartitionProgress>()
  readonly #indexOfTopic = new Map<string, string>()
  /** Records of one partition come in runs. */
  #lastProgress: { readonly topic: string; readonly partition: number; readonly progress: PartitionProgress } | null =
    null

  async start(context: SinkTaskContext): Promise<void> {
    const settings = settingsOf(context.config)
    const transport = openTransport(settings, context.clock)
    const stop = new AbortController()
    const { metrics, clock, logger } = context
    const retried = metrics.counter(
      'elasticsearch_retries_total',
      'Requests sent again because Elasticsearch was not available',
    )
    const retries = retriesOf(
      settings,
      clock,
      logger,
      () => retried.add(1),
      (reason) => context.showWaiting?.(reason),
    )
    const indices = new Indices(transport, retries, logger, settings.values === 'exact')
    const writer = new BulkWriter(
      settings,
      clock,
      (batch) => sender.deliver(batch),
      (error) => {
        if (!stop.signal.aborted) context.raiseError(error)
      },
    )
    const lineWriter = new LineWriter(writer.lines, Math.min(settings.maxInFlight, 5))
    const sender = new BulkSender({
      transport,
      indices,
      retries,
      settings,
      writer: lineWriter,
      clock,
      logger,
      signal: stop.signal,
      metrics: senderMetrics(context),
    })
    const infinities = new InfinityCount(
      metrics.counter('elasticsearch_infinities_total', 'Infinite dates and timestamps written as null'),
      logger,
    )
    const reader = new DocumentReader({
      exact: settings.values === 'exact',
      compactMaps: settings.compactMaps,
      unwrap: settings.unwrap,
      placeholder: placeholderOf(settings.placeholder),
      onInfinity: infinities.note,
    })
    const dropped = metrics.counter('elasticsearch_records_dropped_total', 'Records dropped by drop.invalid.message')
    this.#running = {
      context,
      settings,
      transport,
      indices,
      writer,
      reader,
      versions: new DocumentVersions(settings),
      lineWriter,
      infinities,
      dropped,
      stop,
    }
  }

  async open(partitions: readonly OffsetToCommit[]): Promise<void> {
    for (const partition of partitions) {
      const name = nameOf(partition)
      this.#progress.set(name, new PartitionProgress(name))
    }
    this.#lastProgress = null
  }

  async put(records: readonly SinkRecord[]): Promise<void> {
    const running = this.#present()
    const { writer } = running
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
    writer.pump()
    if (writer.failure !== null) throw writer.failure
  }

  /** Null when the record was taken; else it has to be offered again when the promise is done (the index is ready then). */
  #take(record: SinkRecord, running: Running): Promise<void> | null {
    const progress = this.#progressOf(record)
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
      return null
    }
  }

  #progressOf(record: SinkRecord): PartitionProgress {
    const { originalTopic: topic, originalPartition: partition } = record
    const last = this.#lastProgress
    if (last !== null && last.partition === partition && last.topic === topic) return last.progress
    const progress = this.#progress.get(nameOf({ topic, partition }))
    if (progress === undefined)
      throw new ConnectError(`record ${placeOf(record)} is of a partition the task does not hold`)
    this.#lastProgress = { topic, partition, progress }
    return progress
  }

  #write(record: SinkRecord, progress: PartitionProgress, running: Running): Promise<void> | null {
    const { settings, reader } = running
    const index = this.#indexFor(record.topic, settings)
    if (record.value === null) return this.#tombstone(record, index, progress, running)
    const change = reader.read(record.valueSchema, record.value, unchangedColumns(record))
    if (change.kind === 'delete') {
      if (settings.keyIgnored(record.topic)) progress.skip(record.originalOffset)
      else this.#add(record, 'delete', index, null, progress, running)
      return null
    }
    const schema = settings.schemaIgnored(record.topic) || settings.externalResources !== null ? null : change.rowSchema
    if (settings.externalResources === null && !running.indices.ready(index, schema)) {
      running.infinities.settle(false)
      return running.indices.ensure(index, schema, running.stop.signal)
    }
    this.#add(record, 'index', index, change.document, progress, running)
    running.infinities.settle(true)
    return null
  }

  #tombstone(record: SinkRecord, index: string, progress: PartitionProgress, running: Running): null {
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
      settings.autoIds
    )
      progress.skip(record.originalOffset)
    else this.#add(record, 'delete', index, null, progress, running)
    return null
  }

  #add(
    record: SinkRecord,
    kind: 'index' | 'delete',
    index: string,
    document: Document | null,
    progress: PartitionProgress,
    running: Running,
  ): void {
    const { settings, versions, writer, lineWriter } = running
    const upsert = kind === 'index' && settings.writeMethod === 'upsert'
    const action = upsert ? 'update' : kind
    const byKey = !settings.keyIgnored(record.topic)
    const id =
      settings.autoIds && kind === 'index'
        ? null
        : byKey
          ? documentId(record.keySchema, record.key)
          : positionId(record.topic, record.partition, record.offset)
    const version = byKey && id !== null ? versions.of(record, progress.versionKinds) : null
    const source = document?.json ?? ''
    // An update leaves fields alone by itself; a document of its own has no stored value to keep.
    const holes = upsert || !byKey || id === null ? null : (document?.holes ?? null)
    const lines = holes === null ? lineWriter.write(action, index, id, version, source) : null
    writer.add({
      kind: action,
      index,
      id,
      version,
      weight: lines === null ? source.length + draftWeight : lines.end - lines.start,
      mark: progress.begin(record.originalOffset),
      progress,
      lines,
      draft: holes === null ? null : { source, version, holes },
    })
  }

  #indexFor(topic: string, settings: SinkSettings): string {
    const known = this.#indexOfTopic.get(topic)
    if (known !== undefined) return known
    const index =
      settings.externalResources === null ? ownIndex(topic, this.#indexOfTopic) : settings.externalResources.get(topic)
    if (index === undefined)
      throw new ConnectError(`topic '${topic}' is not in topic.to.external.resource.mapping`, { code: 'ES_INDEX_NAME' })
    this.#indexOfTopic.set(topic, index)
    return index
  }

  async preCommit(current: readonly OffsetToCommit[]): Promise<readonly OffsetToCommit[]> {
    const { writer } = this.#present()
    if (writer.failure !== null) throw writer.failure
    writer.pump()
    const offsets: OffsetToCommit[] = []
    for (const { topic, partition, offset } of current) {
      const committable = this.#progress.get(`${topic}-${partition}`)?.committable ?? null
      if (committable !== null) offsets.push({ topic, partition, offset: Math.min(committable, offset) })
    }
    return offsets
  }

  async flush(signal: AbortSignal): Promise<void> {
    const { writer, settings } = this.#present()
    await writer.drain(AbortSignal.any([signal, AbortSignal.timeout(settings.flushTimeoutMs)]))
  }

  async close(partitions: readonly TopicPartition[]): Promise<void> {
    for (const partition of partitions) this.#progress.delete(nameOf(partition))
    this.#lastProgress = null
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

// A document with holes grows by its stored values, whose size is not known beforehand.
const draftWeight = 64 * 1024

const noColumns: readonly string[] = []

/** Our source names here the unchanged columns whose type has no placeholder: they arrive as null. */
function unchangedColumns(record: SinkRecord): readonly string[] {
  const header = lastHeader(record.headers, '__penstock.unchanged')
  return header === undefined ? noColumns : String(header.value).split(',')
}

function senderMetrics({ metrics }: SinkTaskContext): ConstructorParameters<typeof BulkSender>[0]['metrics'] {
  return {
    bulkSeconds: metrics.histogram(
      'elasticsearch_bulk_seconds',
      'Time from sending a bulk request to its answer',
      [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    ),
    documents: metrics.counter('elasticsearch_documents_total', 'Operations that Elasticsearch applied'),
    conflicts: metrics.counter('elasticsearch_conflicts_total', 'Operations that a newer stored version made needless'),
    malformed: metrics.counter(
      'elasticsearch_malformed_total',
      'Documents that Elasticsearch refused and behavior.on.malformed.documents let pass',
    ),
    missingValues: metrics.counter(
      'elasticsearch_missing_values_total',
      'Unchanged large values that were stored nowhere',
    ),
  }
}

/** The index named after a topic. @throws ConnectError when the name is illegal or another topic's already. */
function ownIndex(topic: string, taken: ReadonlyMap<string, string>): string {
  const { name, problem } = indexName(topic)
  if (problem !== null)
    throw new ConnectError(
      `topic '${topic}' has no legal index name: ${problem}. Rename it with a RegexRouter transform`,
      { code: 'ES_INDEX_NAME' },
    )
  for (const [other, index] of taken) {
    if (index === name)
      throw new ConnectError(
        `topics '${other}' and '${topic}' would both be written to index '${name}'. Route one elsewhere with a RegexRouter transform`,
        { code: 'ES_INDEX_NAME' },
      )
  }
  return name
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}-${partition}`
}

function placeOf(record: SinkRecord): string {
  return `${record.originalTopic}-${record.originalPartition}@${record.originalOffset}`
}
