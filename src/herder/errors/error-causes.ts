import type { FetchedRecord } from '../../client/consumer/fetched-record.ts'
import { causeOf } from '../../storage/dead-letters/letter-cause.ts'
import { letterContextOf, type LetterContext } from '../../storage/dead-letters/letter-context.ts'
import { markOf, ReplayMarks } from '../../storage/dead-letters/replay-mark.ts'
import type { ErrorCause } from '../entities/connector-errors.ts'

/** Limits of what is kept (I10). */
const maxCauses = 100
const maxMessageLength = 2000

type LetterRecord = Pick<FetchedRecord, 'partition' | 'offset' | 'timestamp' | 'key' | 'headers'>

/** The dead letters of one connector by cause. */
export class ErrorCauses {
  readonly #connector: string
  readonly #causes = new Map<string, ErrorCause>()
  readonly #marks: ReplayMarks
  #records = 0
  #own = 0
  #withoutContext = 0
  #unlisted = 0

  constructor(connector: string) {
    this.#connector = connector
    this.#marks = new ReplayMarks(connector)
  }

  /**
   * @param records a part of a dead letter queue, which connectors may share; of each partition, the last part comes first
   * @param queueId the id of the queue; null if it is not known
   */
  add(records: readonly LetterRecord[], queueId: string | null): void {
    const letters = records.filter((record) => {
      const mark = markOf(record.headers)
      if (mark !== null) this.#marks.add(record.partition, mark)
      return mark === null
    })
    for (const letter of letters) this.#addLetter(letter, queueId)
  }

  #addLetter(record: LetterRecord, queueId: string | null): void {
    this.#records += 1
    const context = letterContextOf(record.headers)
    if (context === null) this.#withoutContext += 1
    if (context?.connector !== this.#connector) return
    this.#own += 1
    const isReplayed = this.#marks.cover({ ...record, queueId, context })
    const cause = single(record, context, isReplayed)
    const known = this.#causes.get(cause.id)
    if (known === undefined && this.#causes.size >= maxCauses) this.#unlisted += 1
    else this.#causes.set(cause.id, known === undefined ? cause : joined(known, cause))
  }

  /** What was added: the most frequent cause first. */
  get found(): {
    readonly causes: readonly ErrorCause[]
    readonly records: number
    readonly own: number
    readonly withoutContext: number
    readonly unlisted: number
  } {
    const causes = [...this.#causes.values()].toSorted((a, b) => b.count - a.count)
    const [records, own, withoutContext, unlisted] = [this.#records, this.#own, this.#withoutContext, this.#unlisted]
    return { causes, records, own, withoutContext, unlisted }
  }
}

function single(
  { partition, offset, timestamp }: LetterRecord,
  context: LetterContext,
  isReplayed: boolean,
): ErrorCause {
  const time = timestamp < 0 ? null : timestamp
  const message = context.message.slice(0, maxMessageLength)
  return {
    ...causeOf(context),
    count: 1,
    replayed: Number(isReplayed),
    first: time,
    last: time,
    example: { partition, offset, message, place: context.place },
  }
}

/** The example of the newest letter: of partitions, no order is known. */
function joined(known: ErrorCause, added: ErrorCause): ErrorCause {
  const isNewer =
    known.example.partition === added.example.partition
      ? added.example.offset > known.example.offset
      : (added.last ?? -1) > (known.last ?? -1)
  return {
    ...(isNewer ? added : known),
    count: known.count + added.count,
    replayed: known.replayed + added.replayed,
    first:
      known.first === null || added.first === null ? (known.first ?? added.first) : Math.min(known.first, added.first),
    last: known.last === null || added.last === null ? (known.last ?? added.last) : Math.max(known.last, added.last),
  }
}
