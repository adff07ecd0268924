import { lastHeader, type Clock, type SinkRecord } from 'penstock/api'
import { documentId } from '../document/document-id.ts'
import { firstRowVersion } from '../document/document-version.ts'
import { placeOf, type Operation } from '../bulk/operation.ts'
import type { PartitionProgress } from './partition-progress.ts'

/** How long the deletion of an old key waits where the new one may lie in another partition. */
const longestWaitMs = 10_000

/** The deletion of an old key, with its tombstone, as often as they came. */
interface Leaving {
  /** Of a row that a transform marks as deleted, a write of its document stands among them (`rewrite` of ExtractNewRecordState). */
  readonly deletes: Operation[]
  readonly since: number
  /** The same in milliseconds of the epoch. */
  readonly sinceWall: number
  /** Where the creation lies in the same partition, at most: a tombstone before it can have been left out by a transform. */
  creationAt: number
}

/** The deletions of one partition that wait. */
interface Waiting {
  /** Its creation comes next. */
  next: Leaving | null
  /** The source was killed behind them and began again with an earlier change: they come again, with their creations. */
  resent: Leaving[]
}

/**
 * A row whose key changes is deleted under the old key and then created under the new one. Where the creation lacks large
 * values that did not change, they stand in the old document alone: the deletion waits until the creation has taken them,
 * and is applied. Until then it is not committed, so that a crash loses nothing.
 */
export class KeyChanges {
  readonly #emit: (operation: Operation) => void
  readonly #clock: Clock
  readonly #waiting = new Map<PartitionProgress, Waiting>()

  constructor(emit: (operation: Operation) => void, clock: Clock) {
    this.#emit = emit
    this.#clock = clock
  }

  /** Takes the operations of each partition in the order of its log. */
  add(operation: Operation, record: SinkRecord): void {
    const waiting = this.#waiting.size === 0 ? undefined : this.#waiting.get(operation.progress)
    if (waiting !== undefined) this.#meet(operation, record, waiting)
    const leaving = waiting?.next ?? null
    if (operation.kind === 'delete' || (operation.id !== null && goes(record))) this.#leave(operation, record, leaving)
    else if (leaving !== null && operation.draft !== null && comes(record) && isOneChange(operation, leaving))
      this.#complete(operation, leaving)
    else {
      if (leaving !== null) this.#releaseNext(operation.progress)
      if (operation.draft !== null && operation.draft.from !== null) operation.barrier = 'others'
      this.#emit(operation)
    }
  }

  /** Lets deletions go whose creation does not come. Answers when to be asked again; null when nothing waits. */
  releaseLate(): number | null {
    let within: number | null = null
    for (const [progress, { next }] of this.#waiting) {
      // In one partition the creation is the next record, whenever the source sends it.
      if (!progress.shared || next === null) continue
      const left = next.since + longestWaitMs - this.#clock.monotonic()
      if (left <= 0) this.#releaseNext(progress)
      else within = Math.min(left, within ?? left)
    }
    return within
  }

  /** Lets deletions go whose creation was left out by a transform: it was read, and did not come. To be called at commits. */
  releaseSkipped(): void {
    for (const [progress, { next }] of this.#waiting)
      if (next !== null && !progress.shared && progress.delivered > next.creationAt) this.#releaseNext(progress)
  }

  /** The deletion that has waited for the longest, if that is long, as text; and when to ask again, in milliseconds. */
  overdue(): { readonly text: string | null; readonly within: number | null } {
    let oldest: Leaving | null = null
    let isResent = false
    for (const { next, resent } of this.#waiting.values()) {
      for (const leaving of next === null ? resent : [...resent, next]) {
        if (oldest !== null && oldest.since <= leaving.since) continue
        oldest = leaving
        isResent = leaving !== next
      }
    }
    if (oldest === null) return { text: null, within: null }
    const left = oldest.since + longestWaitMs - this.#clock.monotonic()
    return left > 0 ? { text: null, within: left } : { text: textOf(oldest, isResent), within: null }
  }

  /** A record of the partition became no operation: it may have been the creation. */
  release(progress: PartitionProgress): void {
    this.#releaseNext(progress)
  }

  forget(progress: PartitionProgress): void {
    this.#waiting.delete(progress)
  }

  /** Finds out from a record whether the source began again, and how far it is. */
  #meet(operation: Operation, record: SinkRecord, waiting: Waiting): void {
    const { next } = waiting
    if (next !== null && isBefore(operation, record, next)) {
      waiting.resent.push(next)
      waiting.next = null
    }
    if (waiting.resent.length === 0) return
    const { resent } = waiting
    waiting.resent = []
    for (const leaving of resent) {
      if (isBefore(operation, record, leaving)) waiting.resent.push(leaving)
      else if (waiting.next === null && isOf(operation, leaving)) waiting.next = leaving
      else this.#let(leaving)
    }
    this.#tidy(operation.progress)
  }

  #leave(operation: Operation, record: SinkRecord, leaving: Leaving | null): void {
    const { progress } = operation
    if (leaving !== null) {
      if (isOf(operation, leaving)) {
        leaving.deletes.push(operation)
        leaving.creationAt = creationAfter(record)
        return
      }
      this.#releaseNext(progress)
    }
    if (!goes(record)) this.#emit(operation)
    else {
      const [since, sinceWall] = [this.#clock.monotonic(), this.#clock.now()]
      const next = { deletes: [operation], since, sinceWall, creationAt: creationAfter(record) }
      const waiting = this.#waiting.get(progress)
      if (waiting === undefined) this.#waiting.set(progress, { next, resent: [] })
      else waiting.next = next
    }
  }

  #complete(operation: Operation, leaving: Leaving): void {
    const [first] = leaving.deletes
    this.#takeNext(operation.progress)
    if (operation.draft !== null && first !== undefined && first.index === operation.index)
      operation.draft = { ...operation.draft, from: first.id }
    operation.barrier = 'others'
    this.#emit(operation)
    for (const deletion of leaving.deletes) {
      if (deletion === first) deletion.barrier = 'all'
      this.#emit(deletion)
    }
  }

  #releaseNext(progress: PartitionProgress): void {
    const next = this.#takeNext(progress)
    if (next !== null) this.#let(next)
  }

  #takeNext(progress: PartitionProgress): Leaving | null {
    const waiting = this.#waiting.get(progress)
    if (waiting === undefined) return null
    const { next } = waiting
    waiting.next = null
    this.#tidy(progress)
    return next
  }

  #let({ deletes }: Leaving): void {
    for (const deletion of deletes) this.#emit(deletion)
  }

  #tidy(progress: PartitionProgress): void {
    const waiting = this.#waiting.get(progress)
    if (waiting !== undefined && waiting.next === null && waiting.resent.length === 0) this.#waiting.delete(progress)
  }
}

function textOf({ deletes: [first], sinceWall }: Leaving, isResent: boolean): string {
  if (first === undefined) return ''
  const why = isResent
    ? 'its source was stopped behind it and sends earlier changes again'
    : 'the record that creates the row under its new key, and takes its large values along, has not come'
  return (
    `the deletion of document '${first.id ?? ''}' of index '${first.index}' (record ${placeOf(first)}) waits since ${new Date(sinceWall).toISOString()}: ` +
    `${why}. Nothing from that record on is committed. See whether the source runs`
  )
}

function isOf({ id, index }: Operation, { deletes: [first] }: Leaving): boolean {
  return first !== undefined && first.id === id && first.index === index
}

/**
 * Whether a record lies before a change that came earlier: the source sends its changes again, up to that one at least.
 * Row versions show it. The last of a very large transaction share one version: there another row's change shows it.
 */
function isBefore(operation: Operation, record: SinkRecord, leaving: Leaving): boolean {
  const left = leaving.deletes[0]?.version ?? null
  const { version } = operation
  if (left === null || version === null || left < firstRowVersion) return false
  return version === left ? !isOf(operation, leaving) && !comes(record) : version < left
}

/** In a topic of several partitions the creation of another key change can follow. The records of one change share its version. */
function isOneChange({ version }: Operation, { deletes: [first] }: Leaving): boolean {
  const left = first?.version ?? null
  return version === null || version < firstRowVersion || version === left
}

function creationAfter({ originalOffset, value }: SinkRecord): number {
  return originalOffset + (value === null ? 1 : 2)
}

function goes({ headers }: SinkRecord): boolean {
  return lastHeader(headers, '__debezium.newkey') !== undefined
}

function comes({ headers }: SinkRecord): boolean {
  return lastHeader(headers, '__debezium.oldkey') !== undefined
}

/** The id of the document whose key a record says to have changed; null where it says nothing, or what makes no id. */
export function formerId({ headers }: SinkRecord): string | null {
  const header = lastHeader(headers, '__debezium.oldkey')
  if (header === undefined || header.value === null) return null
  const { schema, value } = header
  try {
    // A header converter that knows no structs reads a map.
    return value instanceof Map
      ? documentId(null, Object.fromEntries([...value].map(([name, part]) => [String(name), part])))
      : documentId(schema, value)
  } catch {
    return null
  }
}
