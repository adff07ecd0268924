import {
  DataError,
  lastHeader,
  type ConnectValue,
  type Counter,
  type ErrantRecordReporter,
  type Schema,
  type SinkRecord,
  type SinkTaskContext,
} from 'penstock/api'
import type { BulkActionEncoder, Operation } from './bulk/operation.ts'
import { findsDeleted } from './config/check-templates.ts'
import type { SinkSettings } from './config/settings.ts'
import { boundedId, documentId, positionId } from './document/document-id.ts'
import { DocumentVersions, firstRowVersion, placeOf, versionIn, type Version } from './document/document-version.ts'
import { DocumentReader, type Change, type Document } from './document/document.ts'
import { InfinityCount } from './document/infinity-count.ts'
import { placeholderOf } from './document/placeholder.ts'
import { withTimestamp } from './document/stream-timestamp.ts'
import type { IndexWatch } from './indices/index-watch.ts'
import type { Indices } from './indices/indices.ts'
import { TopicIndices } from './indices/topic-indices.ts'
import { formerId, type KeyChanges } from './ordering/key-changes.ts'
import type { PartitionProgress } from './ordering/partition-progress.ts'
import type { Partitions } from './ordering/partitions.ts'

export interface RecordIntakeParts {
  readonly settings: SinkSettings
  readonly context: SinkTaskContext
  readonly partitions: Partitions
  readonly indices: Indices
  readonly watch: IndexWatch
  readonly encoder: BulkActionEncoder
  /** Receives the operations. */
  readonly keyChanges: KeyChanges
  /** Keeps records that make no document; null without a dead letter queue. */
  readonly letters: ErrantRecordReporter | null
  readonly signal: AbortSignal
}

// A document with holes grows by its stored values, whose size is not known yet.
const draftWeight = 64 * 1024

const noColumns: readonly string[] = []
const deletion: Change = { kind: 'delete' }

/** Turns records into operations: record → change → index that is ready → operation with its lines of a bulk body. */
export class RecordIntake {
  readonly #parts: RecordIntakeParts
  readonly #reader: DocumentReader
  readonly #versions: DocumentVersions
  readonly #topicIndices: TopicIndices
  /** Whether a deletion tells which document it deletes. */
  readonly #finds: boolean
  readonly #infinities: InfinityCount
  readonly #dropped: Counter
  /** The indices that are being prepared. */
  readonly #preparing = new Map<string, Promise<void>>()

  constructor(parts: RecordIntakeParts) {
    const { settings, context } = parts
    const { metrics, logger } = context
    this.#parts = parts
    this.#infinities = new InfinityCount(
      metrics.counter('elasticsearch_infinities_total', 'Infinite dates and timestamps written as null'),
      logger,
    )
    this.#dropped = metrics.counter('elasticsearch_records_dropped_total', 'Records dropped by drop.invalid.message')
    this.#reader = new DocumentReader({
      exact: settings.values === 'exact',
      compactMaps: settings.compactMaps,
      unwrap: settings.unwrap,
      placeholder: placeholderOf(settings.placeholder),
      onInfinity: this.#infinities.note,
    })
    this.#versions = new DocumentVersions(settings)
    this.#topicIndices = new TopicIndices(settings)
    const templates = [settings.idTemplate, settings.indexName, settings.routing]
    this.#finds = !settings.appendOnly && templates.every((template) => template === null || findsDeleted(template))
  }

  /**
   * Takes a record, unless it was taken before. Returns null, or a promise after which the record must be passed again: its index
   * is being prepared.
   */
  take(record: SinkRecord): Promise<void> | null {
    const progress = this.#parts.partitions.of(record)
    if (record.originalOffset <= progress.taken) return null
    try {
      return this.#accept(record, progress)
    } catch (error) {
      if (!(error instanceof DataError)) throw error
      this.#infinities.settle(false)
      this.#drop(record, progress, error)
      return null
    }
  }

  #accept(record: SinkRecord, progress: PartitionProgress): Promise<void> | null {
    const change = this.#changeOf(record)
    if (change === null) {
      progress.skip(record.originalOffset)
      return null
    }
    const index = this.#topicIndices.of(record, change.kind === 'delete' ? null : change.document.json)
    const wait = this.#prepared(index, record.topic, change)
    if (wait === null) {
      const document = change.kind === 'delete' ? null : change.document
      this.#emit(this.#operationOf(record, progress, index, document), record)
    }
    this.#infinities.settle(wait === null)
    return wait
  }

  #emit(operation: Operation, record: SinkRecord): void {
    const { keyChanges, settings } = this.#parts
    if (settings.appendOnly) keyChanges.append(operation)
    else keyChanges.add(operation, record)
  }

  /** Returns null where nothing changes. @throws DataError when the value makes no document. */
  #changeOf(record: SinkRecord): Change | null {
    const { settings } = this.#parts
    if (record.value === null) return this.#tombstoneChange(record)
    const change = this.#reader.read(record.valueSchema, record.value, unchangedColumns(record))
    if (change.kind !== 'delete') return change
    if (!this.#finds) return this.#keptDocument()
    return settings.keyIgnored(record.topic) || this.#isKeyUnknown(record) ? null : change
  }

  #tombstoneChange(record: SinkRecord): Change | null {
    const { nullValues, keyIgnored, autoIds } = this.#parts.settings
    if (!this.#finds) return this.#keptDocument()
    if (nullValues === 'fail') {
      throw new DataError(
        'the record has a key and no value (behavior.on.null.values=fail). Set behavior.on.null.values to delete or ignore',
        { code: 'ES_NULL_VALUE' },
      )
    }
    // Without a key, or with the key ignored, it names no document.
    if (nullValues === 'ignore' || record.key === null || keyIgnored(record.topic) || autoIds) return null
    return this.#isKeyUnknown(record) ? null : deletion
  }

  /** @throws DataError unless such records are ignored. */
  #keptDocument(): null {
    const { nullValues, appendOnly } = this.#parts.settings
    if (nullValues === 'ignore') return null
    const why = appendOnly
      ? 'a data stream keeps its documents'
      : 'a template of the sink (document.id, index.name, document.routing) uses what a deletion does not have'
    throw new DataError(
      `the record deletes a document, and ${why} (behavior.on.null.values=fail). Set behavior.on.null.values=ignore, or document.envelope=keep to write the change events themselves`,
      { code: 'ES_NULL_VALUE' },
    )
  }

  /** Returns null when the index exists and has the fields of the change; else what to wait for. */
  #prepared(index: string, topic: string, change: Change): Promise<void> | null {
    const { settings, indices, watch, signal } = this.#parts
    if (settings.externalResources !== null)
      return watch.knows(index) ? null : this.#once(index, () => watch.remember(index, signal))
    const schema = change.kind === 'delete' || settings.schemaIgnored(topic) ? null : change.rowSchema
    if (indices.ready(index, schema)) return null
    return this.#once(index, () => indices.ensure(index, this.#topicIndices.ownerOf(topic), schema, signal))
  }

  /** What prepares an index continues while the task gives its batch back, and is not started twice. */
  #once(index: string, prepare: () => Promise<void>): Promise<void> {
    let preparing = this.#preparing.get(index)
    if (preparing === undefined) {
      preparing = prepare().finally(() => this.#preparing.delete(index))
      // The next attempt shows its error if the task does not wait now.
      preparing.catch(() => undefined)
      this.#preparing.set(index, preparing)
    }
    return preparing
  }

  /** @param document null deletes. */
  #operationOf(record: SinkRecord, progress: PartitionProgress, index: string, document: Document | null): Operation {
    const { settings, encoder } = this.#parts
    const upsert = document !== null && settings.writeMethod === 'upsert'
    const byKey = !settings.keyIgnored(record.topic)
    const id = settings.autoIds && document !== null ? null : this.#idOf(record, byKey, document)
    const isVersioned = byKey && id !== null && settings.idTemplate?.uses.has('offset') !== true
    const version = isVersioned ? this.#versions.of(record, progress.versionKinds) : null
    const routing = settings.routing?.render(record, document?.json ?? null) ?? null
    noteRecord(record, version, progress)
    const source = this.#sourceOf(record, document)
    // A data stream keeps the earlier document: its values are not this one's.
    const holes = byKey && id !== null && !settings.appendOnly ? (document?.holes ?? null) : null
    const from = holes === null ? null : formerId(record, (schema, key) => this.#idOfKey(record, schema, key, document))
    // An update keeps the fields that it does not contain.
    const isDraft = holes !== null && (!upsert || from !== null)
    const operation: Operation = {
      kind: document === null ? 'delete' : settings.appendOnly ? 'create' : upsert ? 'update' : 'index',
      index,
      id,
      routing,
      version,
      timestamp: record.timestamp ?? 0,
      weight: source.length + draftWeight,
      mark: progress.begin(record.originalOffset),
      progress,
      lines: null,
      draft: isDraft
        ? { source, holes, from, fromRouting: routing, ahead: versionIn(record, '__penstock.ahead') }
        : null,
      barrier: 'none',
      missing: null,
    }
    if (isDraft) return operation
    const lines = encoder.encode(operation, source)
    operation.lines = lines
    operation.weight = lines.end - lines.start
    return operation
  }

  #idOf(record: SinkRecord, byKey: boolean, document: Document | null): string {
    return byKey ? this.#idOfKey(record, record.keySchema, record.key, document) : positionId(record)
  }

  #idOfKey(record: SinkRecord, keySchema: Schema | null, key: ConnectValue, document: Document | null): string {
    const { idTemplate } = this.#parts.settings
    if (idTemplate === null) return documentId(keySchema, key)
    return boundedId(idTemplate.render({ ...record, keySchema, key }, document?.json ?? null))
  }

  #sourceOf(record: SinkRecord, document: Document | null): string {
    const { appendOnly, timestampFields } = this.#parts.settings
    if (document === null) return ''
    return appendOnly ? withTimestamp(document.json, record.timestamp, timestampFields) : document.json
  }

  /** @throws DataError unless the record is kept as a dead letter, or `drop.invalid.message` is set. */
  #drop(record: SinkRecord, progress: PartitionProgress, error: DataError): void {
    const { settings, context, keyChanges, letters } = this.#parts
    const place = placeOf(record)
    if (letters !== null) {
      // Its failure is that of the task. The worker commits no offset behind the record before it is durable.
      letters.report(record, error).catch(() => undefined)
      progress.skip(record.originalOffset)
      keyChanges.release(progress)
      return
    }
    if (!settings.dropInvalid)
      throw new DataError(`record ${place}: ${error.message}`, {
        cause: error,
        stage: 'TASK_PUT',
        topicPartition: place,
      })
    this.#dropped.add(1)
    context.logger.warn(`record ${place} was dropped (drop.invalid.message=true): ${error.message}`)
    progress.skip(record.originalOffset)
    keyChanges.release(progress)
  }

  /** With this header, our source names key columns whose values are unknown: the key may be that of another row. */
  #isKeyUnknown(record: SinkRecord): boolean {
    if (lastHeader(record.headers, '__penstock.unknown') === undefined) return false
    this.#parts.context.setCondition(
      'ES_KEY_UNKNOWN',
      `deletions in ${record.originalTopic} do not name their row and are skipped, so that documents of deleted rows remain: ` +
        'the replica identity of the table does not contain its key. Run in Postgres: ALTER TABLE … REPLICA IDENTITY FULL; and ' +
        'delete the documents of deleted rows',
    )
    return true
  }
}

/** Notes the data that conflicts are judged by. */
function noteRecord(record: SinkRecord, version: Version, progress: PartitionProgress): void {
  if (record.timestamp !== null) progress.timestamp = record.timestamp
  if (record.topic !== record.originalTopic) progress.routed = progress.shared = true
  if (progress.shared && version !== null && version >= firstRowVersion)
    progress.line.note(record.originalOffset, version)
}

/** With this header, our source names unchanged columns whose type has no placeholder: their values are null. */
function unchangedColumns(record: SinkRecord): readonly string[] {
  const header = lastHeader(record.headers, '__penstock.unchanged')
  return header === undefined ? noColumns : String(header.value).split(',')
}
