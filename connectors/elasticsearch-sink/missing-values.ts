import type { Counter, SinkTaskContext } from 'penstock/api'
import type { LogView } from './conflict-ledger.ts'
import { documentKey, type Operation } from './operation.ts'
import type { PartitionProgress } from './partition-progress.ts'

const maxFollowed = 1000
/** Told one by one at a time. */
const maxTold = 10

interface Missing {
  readonly operation: Operation
  readonly offset: number
  readonly fields: readonly string[]
  /** The log ended here: a record that makes the loss good was delivered before, or does not come. */
  readonly end: number | null
}

/**
 * Documents that were written without an unchanged large value because it was stored nowhere. While records are read again
 * that happens to documents that a later record deletes or completes; what remains then is a loss, and is told.
 */
export class MissingValues {
  readonly #context: SinkTaskContext
  readonly #log: LogView
  readonly #counter: Counter
  readonly #followed = new Map<string, Missing>()
  #documents = 0

  constructor(context: SinkTaskContext, log: LogView) {
    this.#context = context
    this.#log = log
    this.#counter = context.metrics.counter(
      'elasticsearch_missing_values_total',
      'Unchanged large values that were stored nowhere',
    )
  }

  /** Operations were applied. */
  applied(operations: Iterable<Operation>): void {
    for (const operation of operations) {
      const { missing, progress, mark } = operation
      if (missing === null) {
        if (this.#followed.size > 0) this.#followed.delete(documentKey(operation))
        continue
      }
      const end = this.#log.end(progress)
      const loss = { operation, offset: progress.offsetOf(mark), fields: missing, end }
      if (this.#followed.size < maxFollowed) this.#followed.set(documentKey(operation), loss)
      else this.#tell([loss])
    }
  }

  /** Tells what nothing made good. To be called often. */
  look(): void {
    if (this.#followed.size === 0) return
    this.#tellWhere(({ operation, end }) => end === null || this.#log.passed(operation.progress, end))
  }

  /** Offsets up to these are about to be committed: what lies before is not seen again. */
  beforeCommit(progress: PartitionProgress, offset: number): void {
    if (this.#followed.size === 0) return
    this.#tellWhere((missing) => missing.operation.progress === progress && missing.offset < offset)
  }

  forget(progress: PartitionProgress): void {
    for (const [key, { operation }] of this.#followed) if (operation.progress === progress) this.#followed.delete(key)
  }

  #tellWhere(isLost: (missing: Missing) => boolean): void {
    const lost: Missing[] = []
    for (const [key, missing] of this.#followed) {
      if (!isLost(missing)) continue
      lost.push(missing)
      this.#followed.delete(key)
    }
    this.#tell(lost)
  }

  #tell(lost: readonly Missing[]): void {
    const [first] = lost
    if (first === undefined) return
    this.#documents += lost.length
    this.#counter.add(lost.reduce((sum, { fields }) => sum + fields.length, 0))
    const { logger } = this.#context
    for (const missing of lost.slice(0, maxTold)) logger.warn(`a value is lost: ${describe(missing)}`)
    if (lost.length > maxTold) logger.warn(`and so are values of ${lost.length - maxTold} more documents`)
    this.#context.setCondition(
      'ES_VALUES_MISSING',
      `${this.#documents} documents lack large values that the source did not send, for they had not changed, and that no document holds. The last: ${describe(lost.at(-1) ?? first)}. An update of these columns, or a new snapshot, brings them`,
    )
  }
}

function describe({ operation: { id, index, progress }, offset, fields }: Missing): string {
  return `document '${id ?? ''}' of index '${index}' has no ${fields.map((field) => `'${field}'`).join(', ')} (record ${progress.name}@${offset})`
}
