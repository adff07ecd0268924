import type { Counter, SinkTaskContext } from 'penstock/api'
import type { LogView } from '../ordering/conflict-ledger.ts'
import { documentKey, documentOf, type Operation } from '../bulk/operation.ts'
import type { PartitionProgress } from '../ordering/partition-progress.ts'

/** The most documents that are tracked, of each kind (I10). */
const maxFollowed = 5000
/** The most documents that are logged one by one. */
const maxTold = 10
/** Each new text of the condition writes the task's status. */
const showEveryMs = 10_000

interface Missing {
  readonly index: string
  readonly id: string
  readonly progress: PartitionProgress
  readonly offset: number
  readonly fields: readonly string[]
  /** The end of the partition at that time: a record that restores the values has a lower offset, or does not exist. */
  readonly end: number | null
  /** Whether an offset after the record was committed. */
  committed: boolean
}

/**
 * Tracks documents that were written without an unchanged large value, because no document had it. In a replay that happens to
 * documents that a later record deletes or completes. So the condition is raised once the partition is read to where it
 * ended, or when an offset after the record is committed (a crash would forget it), and is cleared when a write brings the
 * values or deletes the document. Only values that are missing at that end are counted and logged as lost.
 */
export class MissingValues {
  readonly #context: SinkTaskContext
  readonly #log: LogView
  readonly #counter: Counter
  /** By document: values that a record may still restore. */
  readonly #open = new Map<string, Missing>()
  /** By document: values that no record restored. */
  readonly #lost = new Map<string, Missing>()
  /** The number of lost ones that exceed the limit. */
  #omitted = 0
  #changed = false
  #showAt = 0

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
      if (operation.missing !== null) this.#note(operation, operation.missing)
      else if (this.#open.size > 0 || this.#lost.size > 0) this.#heal(operation)
    }
  }

  /** Judges, and updates the condition. Call it often. */
  look(): void {
    if (this.#open.size > 0) this.#judge()
    if (this.#changed) this.#show()
  }

  /** Offsets up to this one are about to be committed: records before it will not be read again. */
  beforeCommit(progress: PartitionProgress, offset: number): void {
    if (this.#open.size === 0) return
    this.#judge()
    const passed = [...this.#open.values()].filter((one) => one.progress === progress && one.offset < offset)
    const news = passed.filter(({ committed }) => !committed)
    for (const one of news) one.committed = true
    this.#tell(news, 'a value is missing, unless a record up to the end of the partition has it')
    if (news.length > 0) this.#changed = true
    if (this.#changed) this.#show()
  }

  /** The task no longer has the partition, or reads it again from an offset. Values before the offset stay lost. */
  forget(progress: PartitionProgress, from = 0): void {
    for (const [key, one] of this.#open) if (one.progress === progress) this.#open.delete(key)
    for (const [key, one] of this.#lost)
      if (one.progress.name === progress.name && one.offset >= from) this.#lost.delete(key)
    this.#changed = true
  }

  #note(operation: Operation, fields: readonly string[]): void {
    const key = documentKey(operation)
    if (this.#lost.has(key)) return
    const { index, id, progress, mark } = operation
    const end = this.#log.end(progress)
    const one = { index, id: id ?? '', progress, offset: progress.offsetOf(mark), fields, end, committed: false }
    if (this.#open.size < maxFollowed) this.#open.set(key, one)
    else this.#lose([one])
  }

  /** The write may bring the values, or delete the document. */
  #heal(operation: Operation): void {
    const key = documentKey(operation)
    const one = this.#open.get(key) ?? this.#lost.get(key)
    if (one === undefined || !brings(operation, one.fields)) return
    this.#open.delete(key)
    this.#lost.delete(key)
    this.#changed = true
  }

  #judge(): void {
    const lost: Missing[] = []
    for (const [key, one] of this.#open) {
      if (one.end !== null && !this.#log.passed(one.progress, one.end)) continue
      lost.push(one)
      this.#open.delete(key)
    }
    this.#lose(lost)
  }

  #lose(lost: readonly Missing[]): void {
    if (lost.length === 0) return
    this.#changed = true
    this.#counter.add(lost.reduce((sum, { fields }) => sum + fields.length, 0))
    this.#tell(lost, 'a value is lost')
    for (const one of lost) {
      if (this.#lost.size < maxFollowed) this.#lost.set(documentKey(one), one)
      else this.#omitted += 1
    }
  }

  #tell(all: readonly Missing[], what: string): void {
    const { logger } = this.#context
    for (const one of all.slice(0, maxTold)) logger.warn(`${what}: ${describe(one)}`)
    if (all.length > maxTold) logger.warn(`values of ${all.length - maxTold} more documents are missing too`)
  }

  #show(): void {
    const now = this.#context.clock.monotonic()
    const shown = [...this.#lost.values(), ...[...this.#open.values()].filter(({ committed }) => committed)]
    const last = shown.at(-1)
    if (last !== undefined && now < this.#showAt) {
      this.#context.wakeWithin(this.#showAt - now)
      return
    }
    this.#changed = false
    const count = shown.length + this.#omitted
    this.#showAt = count === 0 ? 0 : now + showEveryMs
    this.#context.setCondition(
      'ES_VALUES_MISSING',
      count === 0
        ? null
        : `${count} documents lack large values that the source did not send, because they had not changed, and that no document has. ${last === undefined ? 'The logs name them' : `The last: ${describe(last)}`}. An update of these columns, or a new snapshot, restores them`,
    )
  }
}

/** An update keeps the fields that it does not contain; any other write replaces or deletes the document. */
function brings(operation: Operation, fields: readonly string[]): boolean {
  if (operation.kind !== 'update') return true
  const text = documentOf(operation)
  if (text === null) return false
  const { doc } = JSON.parse(text) as { doc: Readonly<Record<string, unknown>> }
  return fields.every((field) => Object.hasOwn(doc, field))
}

function describe({ id, index, progress, fields, offset }: Missing): string {
  return `document '${id}' of index '${index}' has no ${fields.map((field) => `'${field}'`).join(', ')} (record ${progress.name}@${offset})`
}
