import { lastHeader, type Clock, type SinkRecord } from 'penstock/api'
import { documentId } from './document-id.ts'
import type { Operation } from './operation.ts'
import type { PartitionProgress } from './partition-progress.ts'

/** How long the deletion of an old key waits where the new one may lie in another partition. */
const longestWaitMs = 10_000

interface Leaving {
  /** Of a row that a transform marks as deleted, a write of its document stands among them (`rewrite` of ExtractNewRecordState). */
  readonly deletes: Operation[]
  readonly since: number
  /** Where the creation lies in the same partition, at most: a tombstone before it can have been left out by a transform. */
  creationAt: number
}

/**
 * A row whose key changes is deleted under the old key and then created under the new one. Where the creation lacks large
 * values that did not change, they stand in the old document alone: the deletion waits until the creation has taken them,
 * and is applied. Until then it is not committed, so that a crash loses nothing.
 */
export class KeyChanges {
  readonly #emit: (operation: Operation) => void
  readonly #clock: Clock
  readonly #leaving = new Map<PartitionProgress, Leaving>()

  constructor(emit: (operation: Operation) => void, clock: Clock) {
    this.#emit = emit
    this.#clock = clock
  }

  /** Takes the operations of each partition in the order of its log. */
  add(operation: Operation, record: SinkRecord): void {
    const { progress } = operation
    const leaving = this.#leaving.size === 0 ? undefined : this.#leaving.get(progress)
    if (operation.kind === 'delete' || (operation.id !== null && goes(record))) this.#leave(operation, record, leaving)
    else if (leaving !== undefined && operation.draft !== null && comes(record)) this.#complete(operation, leaving)
    else {
      if (leaving !== undefined) this.#release(progress, leaving)
      if (operation.draft !== null && operation.draft.from !== null) operation.barrier = 'others'
      this.#emit(operation)
    }
  }

  /** Lets deletions go whose creation does not come. Answers when to be asked again; null when nothing waits. */
  releaseLate(): number | null {
    let within: number | null = null
    for (const [progress, leaving] of this.#leaving) {
      // In one partition the creation is the next record, whenever the source sends it.
      if (!progress.shared) continue
      const left = leaving.since + longestWaitMs - this.#clock.monotonic()
      if (left <= 0) this.#release(progress, leaving)
      else within = Math.min(left, within ?? left)
    }
    return within
  }

  /** Lets deletions go whose creation was left out by a transform: it was read, and did not come. To be called at commits. */
  releaseSkipped(): void {
    for (const [progress, leaving] of this.#leaving)
      if (!progress.shared && progress.delivered > leaving.creationAt) this.#release(progress, leaving)
  }

  /** A record of the partition became no operation: it may have been the creation. */
  release(progress: PartitionProgress): void {
    const leaving = this.#leaving.get(progress)
    if (leaving !== undefined) this.#release(progress, leaving)
  }

  forget(progress: PartitionProgress): void {
    this.#leaving.delete(progress)
  }

  #leave(operation: Operation, record: SinkRecord, leaving: Leaving | undefined): void {
    const { progress } = operation
    const [first] = leaving?.deletes ?? []
    if (leaving !== undefined && first !== undefined) {
      if (first.id === operation.id && first.index === operation.index) {
        leaving.deletes.push(operation)
        leaving.creationAt = creationAfter(record)
        return
      }
      this.#release(progress, leaving)
    }
    if (!goes(record)) this.#emit(operation)
    else {
      const since = this.#clock.monotonic()
      this.#leaving.set(progress, { deletes: [operation], since, creationAt: creationAfter(record) })
    }
  }

  #complete(operation: Operation, leaving: Leaving): void {
    const [first] = leaving.deletes
    this.#leaving.delete(operation.progress)
    if (operation.draft !== null && first !== undefined && first.index === operation.index)
      operation.draft = { ...operation.draft, from: first.id }
    operation.barrier = 'others'
    this.#emit(operation)
    for (const deletion of leaving.deletes) {
      if (deletion === first) deletion.barrier = 'all'
      this.#emit(deletion)
    }
  }

  #release(progress: PartitionProgress, { deletes }: Leaving): void {
    this.#leaving.delete(progress)
    for (const deletion of deletes) this.#emit(deletion)
  }
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
