import { errorMessage, DataError, type Counter, type Logger } from 'penstock/api'

/** `event.converting.failure.handling.mode`. */
export type FailureMode = 'warn' | 'fail' | 'skip'

/** The receivers of failure reports. */
export interface FailureReport {
  readonly logger: Logger
  /** Counts fields that became null although the row had a value. */
  readonly nulled: Counter
  /** Counts deletions with a key that may not be the row's. */
  readonly misdirected: Counter
  /** Sets a condition of the running task. */
  readonly setCondition: (code: string, message: string) => void
}

const maxNamed = 8
const maxExample = 80

/**
 * Reports what a record cannot represent of its row: values outside the range of their record type, text that cannot be
 * parsed, unchanged TOAST values, and keys that the WAL does not hold (I11). Reports each column and reason once, and
 * counts all of them.
 */
export class ConversionFailures {
  readonly #mode: FailureMode
  readonly #report: FailureReport
  readonly #reported = new Set<string>()
  readonly #conditions = new Map<string, string[]>()

  constructor(mode: FailureMode, report: FailureReport) {
    this.#mode = mode
    this.#report = report
  }

  /** A value of `schema.table.column` that its record type cannot represent: null, or the row fails. */
  unrepresentable(where: string, what: string): null {
    return this.#onUnrepresentable(where, what, what)
  }

  /** A text that the decoder cannot parse: null, or the row fails. */
  unparsable(where: string, text: string, cause: unknown): null {
    const reason = errorMessage(cause)
    const example = text.length > maxExample ? `${text.slice(0, maxExample)}…` : text
    return this.#onUnrepresentable(where, reason, `${reason}: ${JSON.stringify(example)}`)
  }

  /** An unchanged TOAST value without a placeholder; a header of the record lists the column. */
  unchangedToast(where: string): void {
    const what =
      'an update did not change a large value: the WAL does not hold it, and its type cannot represent a placeholder'
    if (this.#mode === 'fail') throw new UnrepresentableError(where, what)
    this.#report.nulled.add(1)
    if (this.#isReported(where, what) || this.#mode === 'skip') return
    this.#report.logger.warn(
      `PG_TOAST: ${where} is null in a record: ${what}. The header __penstock.unchanged lists the column. ` +
        'After ALTER TABLE … REPLICA IDENTITY FULL the WAL holds such values.',
    )
  }

  /** A deletion whose key the WAL does not hold: it is written with substitutes, as in Debezium. */
  keyUnknown(table: string, columns: readonly string[]): void {
    this.#report.misdirected.add(1)
    if (this.#isReported(table, 'key')) return
    this.#addToCondition(
      'PG_REPLICA_IDENTITY',
      `${table} (${columns.join(', ')})`,
      (names) =>
        `the replica identity does not include the whole key of ${names}: deletions carry substitutes for it, and delete ` +
        'nothing or another row. The header __penstock.unknown lists the columns. Run: ALTER TABLE … REPLICA IDENTITY FULL;',
    )
  }

  /** Rows lack columns of a key of `message.key.columns`. */
  keyColumnsMissing(table: string, columns: readonly string[]): void {
    const names = columns.join(', ')
    if (this.#isReported(table, `no ${names}`)) return
    this.#addToCondition(
      'PG_KEY_COLUMNS',
      `${table} (${names})`,
      (all) =>
        `message.key.columns names columns that rows do not have: ${all}. The keys consist of the other columns alone, or ` +
        'there is no key: sinks may confuse rows. Correct message.key.columns, and read all tables again.',
    )
  }

  /** A deletion that may delete another row, to which the same transaction gave the key. */
  keyReused(table: string): void {
    this.#report.misdirected.add(1)
    if (this.#isReported(table, 'reused')) return
    this.#addToCondition(
      'PG_KEY_REUSED',
      table,
      (names) =>
        `a transaction gave a key of ${names} to a second row before the first row left it, and it is ambiguous which of ` +
        'the two left it: sinks may have deleted the remaining one. Write the rows of that transaction again.',
    )
  }

  #onUnrepresentable(where: string, what: string, shown: string): null {
    if (this.#mode === 'fail') throw new UnrepresentableError(where, shown)
    this.#report.nulled.add(1)
    if (this.#isReported(where, what)) return null
    if (this.#mode === 'skip') {
      this.#report.logger.debug(`PG_VALUE: ${where} became null: ${shown}`)
      return null
    }
    this.#report.logger.warn(`PG_VALUE: ${where} became null: ${shown}. Logged once; a metric counts all of them.`)
    this.#addToCondition(
      'PG_VALUE',
      `${where} (${what})`,
      (names) => `values that records cannot represent became null: ${names}`,
    )
    return null
  }

  #isReported(where: string, what: string): boolean {
    const name = `${where}: ${what}`
    if (this.#reported.has(name)) return true
    this.#reported.add(name)
    return false
  }

  #addToCondition(code: string, name: string, message: (names: string) => string): void {
    const names = [...(this.#conditions.get(code) ?? []), name]
    this.#conditions.set(code, names)
    const more = names.length > maxNamed ? ` and ${names.length - maxNamed} more` : ''
    this.#report.setCondition(code, message(names.slice(0, maxNamed).join(', ') + more))
  }
}

/** A value cannot be represented, and the mode is `fail`: the row that holds it fails, and no other. */
export class UnrepresentableError extends DataError {
  constructor(where: string, shown: string) {
    super(
      `${where} cannot be represented: ${shown}. Set event.converting.failure.handling.mode to warn: then the field is null. ` +
        'Or set errors.tolerance to all, and errors.deadletterqueue.topic.name: then the row is kept there',
      { code: 'PG_VALUE' },
    )
  }
}
