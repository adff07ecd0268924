import { ConnectError, type Clock, type Counter, type Gauge, type Logger, type SinkTaskContext } from 'penstock/api'
import { ConflictLedger, isOffset, type Conflict, type LedgerLimits, type LogView } from './conflict-ledger.ts'
import { firstRowVersion, newIndexAdvice } from '../document/document-version.ts'
import type { Operation } from '../bulk/operation.ts'
import type { PartitionProgress } from './partition-progress.ts'
import type { SinkSettings } from '../config/settings.ts'

const judgeEveryMs = 1000
/** So many operations in a row, or for so long, without one that was applied: the task says that it changes nothing. */
const manySuperseded = 1000
const longSupersededMs = 30_000
/** Anomalies told one by one at a time. */
const maxTold = 10

/** Reads again from an offset. */
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

/** Follows the version conflicts of a task, says what it makes of them, and stops it at an anomaly if it is to. */
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

  /** Operations are over that were not superseded. */
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

  /** By partition the offset from which nothing may be committed. */
  held(): ReadonlyMap<PartitionProgress, number> | null {
    return this.#ledger.empty ? null : this.#ledger.held()
  }

  /** To be called often. Answers what has to be read again. @throws ConnectError at an anomaly. */
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
      this.#logger.warn(`superseded, as behavior.on.version.conflict says: ${describe(anomaly)}`)
    if (anomalies.length > maxTold) this.#logger.warn(`and ${anomalies.length - maxTold} more documents of this kind`)
    this.#show(
      'ES_VERSION_CONFLICT',
      `${this.#told} changes were not applied: documents hold higher versions of another origin, the last ${describe(anomalies.at(-1) ?? anomalies[0])}`,
    )
  }

  #showOpen(): void {
    const { suspects, longOpen } = this.#ledger
    if (longOpen === null) this.#openSince = null
    else this.#openSince ??= new Date(this.#clock.now()).toISOString()
    const text =
      longOpen === null
        ? null
        : `documents hold higher versions than records of ${longOpen.progress.name} bring, as in a replay. It is read to where its log ended before they are judged, and its offsets are not committed meanwhile. Seen since ${this.#openSince}`
    this.#show('ES_CONFLICT_OPEN', suspects.first === null ? text : this.#suspectText(suspects))
  }

  #suspectText({ count, first }: ConflictLedger['suspects']): string {
    return `${count} documents hold higher versions than the topics have brought so far. The first: ${describe(first)}. Offsets are not committed past it. If the source does not send that version again, ${this.#policy === 'fail' ? 'the task stops' : 'it is told'} with ES_VERSION_CONFLICT`
  }

  #showSuperseded(now: number): void {
    const long = this.#inARow > 0 && now - this.#rowSince >= longSupersededMs
    this.#show(
      'ES_SUPERSEDED',
      long || this.#inARow >= manySuperseded
        ? `nothing is being changed: the last ${this.#inARow} operations met higher stored versions, as they do while records are read again`
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
  return `document '${id}' of index '${index}' holds version ${stored}, record ${placeOf(conflict)} brings ${given}`
}

function placeOf({ progress, offset }: Conflict): string {
  return `${progress.name}@${offset}`
}

function anomalyError(anomalies: readonly Conflict[]): ConnectError {
  const [first] = anomalies
  const more = anomalies.length === 1 ? '' : ` (and ${anomalies.length - 1} more documents)`
  const mixed = first !== undefined && isOffset(first) && first.stored >= firstRowVersion
  const why = mixed
    ? "the topic goes back from row versions to offsets, which are lower than the document's version"
    : 'no record of the topic brings the stored version. It has another origin: a topic that was created again, another server, another writer'
  // A source that repeats a long transaction takes longer than the five minutes: nothing but its end tells that from another source.
  const resent =
    first === undefined || isOffset(first)
      ? ''
      : 'Where the source still sends a long transaction again, restart the task when it has caught up. Else: '
  return new ConnectError(
    `${describe(first)}${more}: ${why}. The change would be lost. ${resent}${newIndexAdvice}. To keep what is stored and continue, set behavior.on.version.conflict=warn`,
    {
      code: mixed ? 'ES_VERSION_MIXED' : 'ES_VERSION_CONFLICT',
      stage: 'TASK_PUT',
      ...(first === undefined ? {} : { topicPartition: placeOf(first) }),
    },
  )
}
