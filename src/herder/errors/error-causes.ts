import { createHash } from 'node:crypto'

import type { FetchedRecord } from '../../client/consumer/fetched-record.ts'
import { letterContextOf, type LetterContext } from '../../storage/dead-letters/letter-context.ts'
import type { ErrorCause } from '../entities/connector-errors.ts'
import { normalMessage } from './normal-message.ts'

/** Limits of what is kept (I10). */
const maxCauses = 100
const maxNameLength = 300
const maxMessageLength = 2000
const idLength = 16

/** The dead letters of one connector by cause. Records may be added in any order. */
export class ErrorCauses {
  readonly #connector: string
  readonly #causes = new Map<string, ErrorCause>()
  #records = 0
  #own = 0
  #withoutContext = 0
  #unlisted = 0

  constructor(connector: string) {
    this.#connector = connector
  }

  /** @param record of a dead letter queue, which connectors may share */
  add(record: Pick<FetchedRecord, 'partition' | 'offset' | 'timestamp' | 'headers'>): void {
    this.#records += 1
    const context = letterContextOf(record.headers)
    if (context === null) this.#withoutContext += 1
    if (context?.connector !== this.#connector) return
    this.#own += 1
    const cause = causeOf(record, context)
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

function causeOf(
  { partition, offset, timestamp }: Pick<FetchedRecord, 'partition' | 'offset' | 'timestamp'>,
  context: LetterContext,
): ErrorCause {
  const [stage, exception, className] = [context.stage, context.exception, context.className].map((name) =>
    name.slice(0, maxNameLength),
  ) as [string, string, string]
  const message = normalMessage(context.message)
  const time = timestamp < 0 ? null : timestamp
  return {
    id: causeId(stage, exception, message),
    stage,
    className,
    exception,
    message,
    count: 1,
    first: time,
    last: time,
    example: { partition, offset, message: context.message.slice(0, maxMessageLength), place: context.place },
  }
}

function causeId(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, idLength)
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
    first:
      known.first === null || added.first === null ? (known.first ?? added.first) : Math.min(known.first, added.first),
    last: known.last === null || added.last === null ? (known.last ?? added.last) : Math.max(known.last, added.last),
  }
}
