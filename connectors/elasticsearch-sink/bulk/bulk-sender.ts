import type { estypes } from '@elastic/elasticsearch'
import { ConnectError, RetriableError, type Clock, type ErrantRecordReporter, type Logger } from 'penstock/api'
import { bodyOf, type Lines } from './bulk-body-arena.ts'
import type { BulkPace } from './bulk-pace.ts'
import { classify, opensShard, parseItems, succeeded, type BulkItem, type Outcome } from './bulk-response.ts'
import type { SinkSettings } from '../config/settings.ts'
import type { ConflictWatch } from '../ordering/conflict-watch.ts'
import type { IndexWatch } from '../indices/index-watch.ts'
import { documentKey, placeOf, type BulkActionEncoder, type Operation } from './operation.ts'
import { RequestGate } from './request-gate.ts'
import { TimedOutError, type Cluster } from '../client/cluster.ts'
import { rejection, troubleOf } from '../client/requests.ts'
import type { Retries, Trouble } from '../client/retries.ts'
import type { SenderMetrics } from './sender-metrics.ts'
import type { MissingValues } from '../stored-values/missing-values.ts'
import { SnapshotRows } from '../stored-values/snapshot-rows.ts'
import { fillHoles } from '../stored-values/stored-values.ts'

export interface SenderParts {
  readonly cluster: Cluster
  readonly watch: IndexWatch
  readonly retries: Retries
  readonly settings: Pick<SinkSettings, 'malformed' | 'requireAlias' | 'pipeline'>
  readonly pace: BulkPace
  readonly encoder: BulkActionEncoder
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: SenderMetrics
  readonly conflicts: ConflictWatch
  readonly missing: MissingValues
  /** Keeps the records whose documents Elasticsearch rejects; null without a dead letter queue. */
  readonly letters: ErrantRecordReporter | null
  readonly signal: AbortSignal
}

type BulkOperations = NonNullable<estypes.BulkRequest['operations']>

// At most this many documents of a request are filled with stored values, whose size is not known.
const maxFilled = 16

/** Delivers a batch to Elasticsearch, with retries, until each operation is applied, superseded, or rejected. */
export class BulkSender {
  readonly #parts: SenderParts
  readonly #query: Pick<estypes.BulkRequest, 'filter_path' | 'require_alias' | 'pipeline'>
  readonly #snapshotRows = new SnapshotRows()
  readonly #gate: RequestGate

  constructor(parts: SenderParts) {
    this.#parts = parts
    this.#gate = new RequestGate(parts.pace)
    this.#showPace()
    const filter = { filter_path: 'errors,items.*._seq_no,items.*.status,items.*.error' }
    const { requireAlias, pipeline } = parts.settings
    this.#query = {
      ...filter,
      ...(requireAlias ? { require_alias: true } : {}),
      ...(pipeline === null ? {} : { pipeline }),
    }
  }

  /** Marks each operation as it is done. @throws ConnectError when Elasticsearch rejects one. */
  async deliver(batch: readonly Operation[]): Promise<void> {
    for (let start = 0; start < batch.length;) {
      const end = filledEnd(batch, start)
      const part = batch.slice(start, end)
      if (part.some((operation) => operation.draft !== null)) await this.#fill(part)
      await this.#deliverParts(part)
      start = end
    }
  }

  async #fill(part: readonly Operation[]): Promise<void> {
    const { cluster, retries, signal, encoder } = this.#parts
    await fillHoles(part, encoder, { cluster, retries, signal }, this.#snapshotRows)
  }

  /** Sends requests of the size that the cluster takes. */
  async #deliverParts(operations: readonly Operation[]): Promise<void> {
    const { pace } = this.#parts
    for (const request of cut(operations, pace)) await this.#deliverRequest(request)
  }

  async #deliverRequest(operations: readonly Operation[]): Promise<void> {
    const { retries, signal, pace } = this.#parts
    const streak = retries.begin()
    let remaining = operations
    for (;;) {
      const step = await this.#attempt(remaining)
      if (step.kind === 'done') return streak.over()
      if (step.kind === 'again') {
        remaining = step.remaining
        await streak.wait(step.trouble, signal)
        if (remaining.length <= pace.operations) continue
      }
      streak.over()
      return this.#deliverParts(remaining)
    }
  }

  async #attempt(operations: readonly Operation[]): Promise<Step> {
    const { signal, pace } = this.#parts
    await this.#gate.enter(signal)
    const epoch = pace.begin()
    let step: Step
    try {
      step = await this.#send(operations)
    } finally {
      this.#gate.leave()
    }
    if (step.kind === 'done') pace.applied()
    else if (step.kind === 'smaller') pace.tooLarge(step.bytes)
    else if (step.overloaded) pace.overloaded(epoch)
    this.#showPace()
    return step
  }

  async #send(operations: readonly Operation[]): Promise<Step> {
    const { cluster, signal, clock, metrics } = this.#parts
    const bytes = bodyOf(linesOf(operations))
    // The client sends a Buffer as it is; its types name objects only.
    const body = bytes as unknown as BulkOperations
    const began = clock.monotonic()
    try {
      const response = await cluster.request(
        (client, options) => client.bulk({ ...this.#query, operations: body }, options),
        signal,
      )
      metrics.bulkSeconds.observe((clock.monotonic() - began) / 1000)
      if (response.status === 413) return this.#tooLarge(operations, bytes.length)
      const trouble = troubleOf(response)
      if (trouble !== null) return again(operations, trouble)
      if (response.status >= 300)
        throw rejection(
          `a bulk request of ${operations.length} operations (${operations.slice(0, 1).map(placeOf).join()} …)`,
          response,
        )
      return await this.#read(operations, response.body)
    } catch (error) {
      if (!(error instanceof RetriableError)) throw error
      const trouble = { code: 'ES_UNAVAILABLE' as const, reason: error.message }
      return again(operations, trouble, error instanceof TimedOutError)
    }
  }

  /** One document that no request can hold is rejected like one that does not fit its index. */
  #tooLarge(operations: readonly Operation[], bytes: number): Step {
    const [only] = operations
    if (only === undefined || operations.length > 1) return { kind: 'smaller', remaining: operations, bytes }
    const reason = `HTTP 413: a request with this document alone (${bytes} bytes) is too large for Elasticsearch (http.max_content_length) or a proxy in front of it`
    this.#reject(only, reason)
    return done
  }

  #reject(operation: Operation, reason: string): void {
    const { letters } = this.#parts
    if (letters === null) this.#finish(operation, { kind: 'malformed', reason })
    else this.#report(operation, reason, letters)
  }

  #showPace(): void {
    const { metrics, pace } = this.#parts
    metrics.requestsLimit.set(pace.inFlight)
    metrics.operationsLimit.set(pace.operations)
  }

  async #read(operations: readonly Operation[], body: string): Promise<Step> {
    const { watch, signal, settings } = this.#parts
    watch.wrote()
    if (opensShard(body)) await watch.suspect(indicesOf(operations), signal)
    if (succeeded(body, operations.length)) {
      for (const { progress, mark } of operations) progress.finish(mark)
      this.#parts.conflicts.over(operations)
      this.#parts.missing.applied(operations)
      this.#parts.metrics.documents.add(operations.length)
      return done
    }
    const items = parseItems(body)
    if (items === null || items.length !== operations.length) {
      const reason = `the response to a bulk request of ${operations.length} operations is cut or is not JSON: ${body.slice(0, 200)}`
      return again(operations, { code: 'ES_UNAVAILABLE', reason })
    }
    const failed = new Set<Operation>()
    let trouble: Trouble | null = null
    for (const [i, operation] of operations.entries()) {
      const outcome = classify(items[i] as BulkItem, operation)
      if (outcome.kind === 'malformed') {
        this.#reject(operation, outcome.reason)
        continue
      }
      if (outcome.kind !== 'unavailable' && outcome.kind !== 'no-index') {
        this.#finish(operation, outcome)
        continue
      }
      failed.add(operation)
      const code = outcome.kind === 'no-index' ? 'ES_INDEX_MISSING' : outcome.code
      trouble ??= { code, reason: `${describe(operation)}: ${outcome.reason}` }
    }
    if (trouble?.code === 'ES_INDEX_MISSING' && !settings.requireAlias) await watch.suspect(indicesOf(failed), signal)
    return trouble === null ? done : again(toRepeat(operations, failed), trouble)
  }

  /**
   * The record becomes a dead letter with Elasticsearch's reason, and its operation is done. The worker commits no offset behind it
   * before it is durable. Waiting here would hold the request, and with it those that follow.
   */
  #report(operation: Operation, reason: string, letters: ErrantRecordReporter): void {
    const { progress, mark } = operation
    const record = {
      originalTopic: progress.topic,
      originalPartition: progress.partition,
      originalOffset: progress.offsetOf(mark),
    }
    // Its failure is that of the task.
    letters.report(record, malformed(operation, reason)).catch(() => undefined)
    this.#parts.metrics.malformed.add(1)
    this.#parts.conflicts.over([operation])
    progress.finish(mark)
  }

  #finish(operation: Operation, outcome: Outcome): void {
    const { metrics, settings, logger, conflicts, missing } = this.#parts
    if (outcome.kind === 'superseded') {
      metrics.conflicts.add(1)
      conflicts.superseded(operation, outcome.stored)
      operation.progress.finish(operation.mark)
      return
    }
    if (outcome.kind === 'exists') {
      metrics.conflicts.add(1)
      conflicts.exists(operation)
    } else if (outcome.kind === 'done') {
      metrics.documents.add(1)
      missing.applied([operation])
    } else if (outcome.kind === 'malformed' && settings.malformed !== 'fail') {
      metrics.malformed.add(1)
      if (settings.malformed === 'warn')
        logger.warn(`dropped, as behavior.on.malformed.documents says: ${describe(operation)}: ${outcome.reason}`)
    } else if (outcome.kind !== 'unavailable' && outcome.kind !== 'no-index') {
      throw outcome.kind === 'malformed'
        ? malformed(operation, `${outcome.reason}${malformedRemedy}`)
        : indexingFailed(operation, 'ES_REFUSED', outcome.reason)
    }
    conflicts.over([operation])
    operation.progress.finish(operation.mark)
  }
}

const malformedRemedy =
  '. Give the index a mapping that takes such values (docs/guides/schema-evolution.md says how when a column has another type), or set behavior.on.malformed.documents to warn: the sink then skips such documents'

function malformed(operation: Operation, reason: string): ConnectError {
  return indexingFailed(operation, 'ES_MALFORMED', reason)
}

function indexingFailed(operation: Operation, code: string, reason: string): ConnectError {
  return new ConnectError(`Indexing failed: ${describe(operation)}: ${reason}`, {
    code,
    stage: 'TASK_PUT',
    topicPartition: placeOf(operation),
  })
}

type Step =
  | { readonly kind: 'done' }
  | {
      readonly kind: 'again'
      readonly remaining: readonly Operation[]
      readonly trouble: Trouble
      readonly overloaded: boolean
    }
  /** The request had `bytes`, and was too large. */
  | { readonly kind: 'smaller'; readonly remaining: readonly Operation[]; readonly bytes: number }

function again(remaining: readonly Operation[], trouble: Trouble, timedOut = false): Step {
  return { kind: 'again', remaining, trouble, overloaded: timedOut || trouble.code === 'ES_OVERLOADED' }
}

const done: Step = { kind: 'done' }

/**
 * Returns the operations to resend: those that failed, and after each every later write of its document, applied or not (I12).
 * A version alone does not keep their order: equal versions pass one another, and Elasticsearch forgets the version of a
 * deleted document after `index.gc_deletes`.
 */
export function toRepeat(operations: readonly Operation[], failed: ReadonlySet<Operation>): readonly Operation[] {
  const again = new Set<string>()
  return operations.filter((operation) => {
    if (operation.id === null) return failed.has(operation)
    if (failed.has(operation)) again.add(documentKey(operation))
    return again.size > 0 && again.has(documentKey(operation))
  })
}

function describe(operation: Operation): string {
  return `record ${placeOf(operation)}, document ${operation.id === null ? '(id chosen by Elasticsearch)' : `'${operation.id}'`} of index '${operation.index}'`
}

function indicesOf(operations: Iterable<Operation>): ReadonlySet<string> {
  const indices = new Set<string>()
  for (const { index } of operations) indices.add(index)
  return indices
}

function* linesOf(operations: readonly Operation[]): Generator<Lines> {
  for (const { lines } of operations) if (lines !== null) yield lines
}

/** Returns the end of the run that begins at `start` and has at most {@link maxFilled} documents to fill. */
function filledEnd(batch: readonly Operation[], start: number): number {
  let filled = 0
  for (let i = start; i < batch.length; i++) {
    if (batch[i]?.draft === null) continue
    filled += 1
    if (filled > maxFilled) return i
  }
  return batch.length
}

/** Splits into runs of at most so many bytes and operations, or of one larger operation. The limits may change meanwhile. */
function* cut(
  all: readonly Operation[],
  limits: Pick<BulkPace, 'bytes' | 'operations'>,
): Generator<readonly Operation[]> {
  let start = 0
  let bytes = 0
  for (const [i, operation] of all.entries()) {
    const own = operation.lines === null ? 0 : operation.lines.end - operation.lines.start
    if (i > start && (bytes + own > limits.bytes || i - start >= limits.operations)) {
      yield all.slice(start, i)
      start = i
      bytes = 0
    }
    bytes += own
  }
  if (start < all.length) yield all.slice(start)
}
