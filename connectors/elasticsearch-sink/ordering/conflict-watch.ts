import { ConnectError, type Clock, type Counter, type Gauge, type Logger, type SinkTaskContext } from 'penstock/api'
import { ConflictLedger, isOffset, type Conflict, type LedgerLimits, type LogView } from './conflict-ledger.ts'
import { positionId } from '../document/document-id.ts'
import { firstRowVersion, newIndexAdvice } from '../document/document-version.ts'
import type { Operation } from '../bulk/operation.ts'
import type { PartitionProgress } from './partition-progress.ts'
import type { SinkSettings } from '../config/settings.ts'

const judgeEveryMs = 1000
/** After this many superseded operations in a row, or after this time, the task reports that it changes nothing. */
const manySuperseded = 1000
const longSupersededMs = 30_000
/** The most anomalies that are logged one by one. */
const maxTold = 10

/** A partition to read again from an offset. */
export interface Reread {
  readonly progress: PartitionProgress
  readonly offset: number
}

export interface ConflictWatchParts {
  readonly settings: Pick<SinkSettings, 'versionConflict'>
  readonly context: SinkTaskContext
  readonly log: LogView
  readonly limits: LedgerLimits
}

/** Tracks the version conflicts of a task, reports them, and fails the task at an anomaly if so configured (I7). */
export class ConflictWatch {
  readonly #policy: SinkSettings['versionConflict']
  readonly #context: SinkTaskContext
  readonly #ledger: ConflictLedger
  readonly #clock: Clock
  readonly #logger: Logger
  readonly #anomalies: Counter
  readonly #open: Gauge
  #judgeAt = 0
  #inARow = 0
  #rowSince = 0
  #told = 0
  #existing = 0
  #openSince: string | null = null
  readonly #shown = new Set<string>()

  constructor({ settings, context, log, limits }: ConflictWatchParts) {
    this.#policy = settings.versionConflict
    this.#context = context
    this.#clock = context.clock
    this.#logger = context.logger
    this.#ledger = new ConflictLedger(log, limits)
    const { metrics } = context
    this.#anomalies = metrics.counter(
      'elasticsearch_version_conflicts_total',
      'Documents with a higher stored version that no record of the topics explains',
    )
    this.#open = metrics.gauge('elasticsearch_open_conflicts', 'Conflicts whose stored version has not been read yet')
  }

  /** Operations are done that were not superseded. */
  over(operations: Iterable<Operation>): void {
    this.#inARow = 0
    if (this.#ledger.empty) return
    for (const operation of operations) this.#ledger.see(operation)
  }

  /** A higher version is stored. */
  superseded(operation: Operation, stored: number | bigint): void {
    if (this.#inARow === 0) this.#rowSince = this.#clock.monotonic()
    this.#inARow += 1
    if (this.#policy === 'ignore') return
    this.#ledger.see(operation)
    this.#ledger.note(operation, stored)
  }

  /** A data stream has a document of the operation's id already, and keeps it. */
  exists(operation: Operation): void {
    const { id, index, progress, mark } = operation
    const offset = progress.offsetOf(mark)
    // Such an id names the record: it was delivered twice.
    if (id === null || id === positionId(placeIn(progress, offset))) return
    this.#existing += 1
    if (this.#existing <= maxTold)
      this.#logger.warn(`not appended, because data stream '${index}' has document '${id}': ${progress.name}@${offset}`)
    this.#show(
      'ES_DOCUMENT_EXISTS',
      `${this.#existing} records were not appended, because data streams had documents of their keys; the last: document '${id}' of '${index}' (record ${progress.name}@${offset}). Records that are delivered again cause this, and so do several records of one key: with key.ignore=true each becomes a document`,
    )
  }

  /** The offset after which nothing must be committed, by partition; null when there is none. */
  held(): ReadonlyMap<PartitionProgress, number> | null {
    return this.#ledger.empty ? null : this.#ledger.held()
  }

  /** Call it often. Returns the partitions to read again. @throws ConnectError at an anomaly. */
  look(): readonly Reread[] {
    const now = this.#clock.monotonic()
    if (now < this.#judgeAt) return []
    const idle = this.#ledger.empty && this.#inARow === 0
    if (idle && this.#shown.size === 0) return []
    this.#judgeAt = now + judgeEveryMs
    if (!idle) this.#context.wakeWithin(judgeEveryMs)
    this.#showSuperseded(now)
    const anomalies = this.#ledger.judge()
    this.#open.set(this.#ledger.size)
    this.#showOpen()
    this.#judged(anomalies)
    return this.#ledger.takeRereads()
  }

  forget(progress: PartitionProgress): void {
    this.#ledger.forget(progress)
  }

  #judged(anomalies: readonly Conflict[]): void {
    if (anomalies.length === 0) return
    this.#anomalies.add(anomalies.length)
    if (this.#policy === 'fail') throw anomalyError(anomalies)
    this.#told += anomalies.length
    for (const anomaly of anomalies.slice(0, maxTold))
      this.#logger.warn(`change not applied (behavior.on.version.conflict=warn): ${describe(anomaly)}`)
    if (anomalies.length > maxTold)
      this.#logger.warn(`and ${anomalies.length - maxTold} more documents have such a conflict`)
    this.#show(
      'ES_VERSION_CONFLICT',
      `${this.#told} changes were not applied: documents have higher versions of another origin; the last: ${describe(anomalies.at(-1) ?? anomalies[0])}`,
    )
  }

  #showOpen(): void {
    const { suspects, longOpen } = this.#ledger
    if (longOpen === null) this.#openSince = null
    else this.#openSince ??= new Date(this.#clock.now()).toISOString()
    const text =
      longOpen === null
        ? null
        : `documents have higher versions than the records of ${longOpen.progress.name}, as in a replay. The task reads the partition to where it ended before it judges them, and does not commit its offsets until then. Since ${this.#openSince}`
    this.#show('ES_CONFLICT_OPEN', suspects.first === null ? text : this.#suspectText(suspects))
  }

  #suspectText({ count, first }: ConflictLedger['suspects']): string {
    return `${count} documents have higher versions than the records of the topics so far. The first: ${describe(first)}. Offsets after it are not committed. If the source does not send that version again, the task ${this.#policy === 'fail' ? 'fails' : 'reports it'} with ES_VERSION_CONFLICT`
  }

  #showSuperseded(now: number): void {
    const long = this.#inARow > 0 && now - this.#rowSince >= longSupersededMs
    this.#show(
      'ES_SUPERSEDED',
      long || this.#inARow >= manySuperseded
        ? `no document changes: the last ${this.#inARow} operations met higher stored versions, as in a replay`
        : null,
    )
  }

  #show(code: string, message: string | null): void {
    if (message === null && !this.#shown.delete(code)) return
    if (message !== null) this.#shown.add(code)
    this.#context.setCondition(code, message)
  }
}

function describe(conflict: Conflict | null | undefined): string {
  if (conflict === undefined || conflict === null) return ''
  const { id, index, stored, given } = conflict
  return `document '${id}' of index '${index}' has version ${stored}, record ${placeOf(conflict)} has ${given}`
}

function placeOf({ progress, offset }: Conflict): string {
  return `${progress.name}@${offset}`
}

function anomalyError(anomalies: readonly Conflict[]): ConnectError {
  const [first] = anomalies
  const more = anomalies.length === 1 ? '' : ` (and ${anomalies.length - 1} more documents)`
  const mixed = first !== undefined && isOffset(first) && first.stored >= firstRowVersion
  const why = mixed
    ? "the topic changed back from row versions to offsets, which are lower than the document's version"
    : 'no record of the topic has the stored version. It has another origin: a topic that was re-created, another server, another writer'
  // A source that resends a long transaction can take longer than five minutes. Only its end shows that it is the same source.
  const resent =
    first === undefined || isOffset(first)
      ? ''
      : 'If the source is still resending a long transaction, restart the task when it has caught up. Otherwise: '
  return new ConnectError(
    `${describe(first)}${more}: ${why}. The change would be lost. ${resent}${newIndexAdvice}. To keep the stored documents and continue, set behavior.on.version.conflict=warn`,
    {
      code: mixed ? 'ES_VERSION_MIXED' : 'ES_VERSION_CONFLICT',
      stage: 'TASK_PUT',
      ...(first === undefined ? {} : { topicPartition: placeOf(first) }),
    },
  )
}

function placeIn({ topic, partition }: PartitionProgress, offset: number): Parameters<typeof positionId>[0] {
  return { originalTopic: topic, originalPartition: partition, originalOffset: offset }
}
