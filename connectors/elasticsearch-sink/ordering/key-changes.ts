import { lastHeader, type Clock, type SinkRecord } from 'penstock/api'
import type { documentId } from '../document/document-id.ts'
import { firstRowVersion } from '../document/document-version.ts'
import { placeOf, type Operation } from '../bulk/operation.ts'
import type { PartitionProgress } from './partition-progress.ts'

/** How long the deletion of an old key waits when the new key may be in another partition. */
const longestWaitMs = 10_000

/** The deletion of an old key and its tombstone, each as often as it came. */
interface Leaving {
  /** With `rewrite` of ExtractNewRecordState it includes the write that marks the document as deleted. */
  readonly deletes: Operation[]
  readonly since: number
  /** The same as wall-clock time, in milliseconds of the epoch. */
  readonly sinceWall: number
  /** The highest possible offset of the creation in the same partition: a transform can have dropped the tombstone before it. */
  creationAt: number
}

/** The deletions of one partition that wait for their creations. */
interface Waiting {
  /** The one whose creation comes next. */
  next: Leaving | null
  /** Deletions after which the source was killed: it resends them, and their creations, after earlier changes. */
  resent: Leaving[]
}

/**
 * A row whose key changes is deleted under the old key and then created under the new one. If the creation lacks unchanged large
 * values, only the old document has them: the deletion waits until the creation has copied them, and is then applied. Its offset
 * is not committed before, so that a crash loses nothing (I9).
 */
export class KeyChanges {
  readonly #emit: (operation: Operation) => void
  readonly #clock: Clock
  readonly #waiting = new Map<PartitionProgress, Waiting>()

  constructor(emit: (operation: Operation) => void, clock: Clock) {
    this.#emit = emit
    this.#clock = clock
  }

  /** Adds an operation. Call it in the order of each partition. */
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

  /** Adds an operation that replaces no document: it has nothing to wait for. */
  append(operation: Operation): void {
    this.#emit(operation)
  }

  /** Releases deletions whose creation does not come. Returns after how many milliseconds to call it again; null when none waits. */
  releaseLate(): number | null {
    let within: number | null = null
    for (const [progress, { next }] of this.#waiting) {
      // Within one partition the creation is the next record, however late the source sends it.
      if (!progress.shared || next === null) continue
      const left = next.since + longestWaitMs - this.#clock.monotonic()
      if (left <= 0) this.#releaseNext(progress)
      else within = Math.min(left, within ?? left)
    }
    return within
  }

  /** Releases deletions whose creation a transform dropped: its offset was read. Call it at commits. */
  releaseSkipped(): void {
    for (const [progress, { next }] of this.#waiting)
      if (next !== null && !progress.shared && progress.delivered > next.creationAt) this.#releaseNext(progress)
  }

  /** Describes the deletion that has waited longest, if that is long; and returns after how many milliseconds to call it again. */
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

  /** A record of the partition was dropped: it may have been the creation. */
  release(progress: PartitionProgress): void {
    this.#releaseNext(progress)
  }

  forget(progress: PartitionProgress): void {
    this.#waiting.delete(progress)
  }

  /** Detects from a record whether the source resends changes, and how far it has come. */
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
      operation.draft = { ...operation.draft, from: first.id, fromRouting: first.routing }
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
    ? 'its source was stopped after it and resends earlier changes'
    : 'the record that creates the row under its new key, and copies its large values, has not come'
  return (
    `the deletion of document '${first.id ?? ''}' of index '${first.index}' (record ${placeOf(first)}) has waited since ${new Date(sinceWall).toISOString()}: ` +
    `${why}. Offsets from that record on are not committed. Check that the source is running`
  )
}

function isOf({ id, index }: Operation, { deletes: [first] }: Leaving): boolean {
  return first !== undefined && first.id === id && first.index === index
}

/**
 * Returns whether a record precedes a change that came earlier: the source resends its changes, up to that one at least.
 * Row versions show it. The last changes of a very large transaction share one version: there a change of another row shows it.
 */
function isBefore(operation: Operation, record: SinkRecord, leaving: Leaving): boolean {
  const left = leaving.deletes[0]?.version ?? null
  const { version } = operation
  if (left === null || version === null || left < firstRowVersion) return false
  return version === left ? !isOf(operation, leaving) && !comes(record) : version < left
}

/** In a topic with several partitions the creation of another key change can follow. Records of one change share a version. */
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

/**
 * The former id of the record's document; null where the record names no former key, or one that makes no id.
 * @param idOf the id of a key.
 */
export function formerId({ headers }: SinkRecord, idOf: typeof documentId): string | null {
  const header = lastHeader(headers, '__debezium.oldkey')
  if (header === undefined || header.value === null) return null
  const { schema, value } = header
  try {
    // A header converter without structs returns a map.
    return value instanceof Map
      ? idOf(null, Object.fromEntries([...value].map(([name, part]) => [String(name), part])))
      : idOf(schema, value)
  } catch {
    return null
  }
}
