import { DataError, type Counter, type Logger, errorMessage } from 'penstock/api'

/** `event.converting.failure.handling.mode`. */
export type FailureMode = 'warn' | 'fail' | 'skip'

/** What the losses are told to. */
export interface LossReport {
  readonly logger: Logger
  /** Fields that became null though the row had a value. */
  readonly nulled: Counter
  /** Deletions with a key that is not the row's. */
  readonly misdirected: Counter
  /** Raises a named condition of the running task. */
  readonly raise: (code: string, message: string) => void
}

const maxNamed = 8
const maxExample = 80

/**
 * What records cannot say of a row: values that their types cannot hold or whose text is not understood, unchanged
 * values that the log does not have, keys that it leaves out. Each is named once by column and reason, and all are counted.
 */
export class ValueLosses {
  readonly #mode: FailureMode
  readonly #report: LossReport
  readonly #named = new Set<string>()
  readonly #conditions = new Map<string, string[]>()

  constructor(mode: FailureMode, report: LossReport) {
    this.#mode = mode
    this.#report = report
  }

  /** A value of `schema.table.column` that its type cannot hold: null, or the task fails. */
  unheld(where: string, what: string): null {
    return this.#lose(where, what, what)
  }

  /** A text that no decoder understands: null, or the task fails. */
  notUnderstood(where: string, text: string, cause: unknown): null {
    const reason = errorMessage(cause)
    const example = text.length > maxExample ? `${text.slice(0, maxExample)}…` : text
    return this.#lose(where, reason, `${reason}: ${JSON.stringify(example)}`)
  }

  /** An unchanged large value that neither the log nor a placeholder gives; the record names the column. */
  unchanged(where: string): void {
    const what =
      'an update left a large value unchanged: the log does not hold it, and its type has no room for a placeholder'
    if (this.#mode === 'fail') throw failure(where, what)
    this.#report.nulled.add(1)
    if (this.#isNamed(where, what) || this.#mode === 'skip') return
    this.#report.logger.warn(
      `PG_TOAST: ${where} is null in a record: ${what}. The header __penstock.unchanged names the column. ` +
        'After ALTER TABLE … REPLICA IDENTITY FULL the log holds such values.',
    )
  }

  /** A deletion whose key the log does not hold: it is written with stand-ins, as Debezium does. */
  keyUnknown(table: string, columns: readonly string[]): void {
    this.#report.misdirected.add(1)
    if (this.#isNamed(table, 'key')) return
    this.#stand(
      'PG_REPLICA_IDENTITY',
      `${table} (${columns.join(', ')})`,
      (names) =>
        `the replica identity does not hold the whole key of ${names}: deletions carry stand-ins for it, and delete ` +
        'nothing or another row. The header __penstock.unknown names the columns. Run: ALTER TABLE … REPLICA IDENTITY FULL;',
    )
  }

  /** A key of `message.key.columns` of which rows do not have all columns. */
  keyShort(table: string, columns: readonly string[]): void {
    const names = columns.join(', ')
    if (this.#isNamed(table, `no ${names}`)) return
    this.#stand(
      'PG_KEY_COLUMNS',
      `${table} (${names})`,
      (all) =>
        `message.key.columns names columns that rows do not have: ${all}. Their keys are made of the other columns alone, or ` +
        'there is no key: sinks may take different rows for one. Correct message.key.columns, and read everything again.',
    )
  }

  /** A deletion that may take the row away that the same transaction gave this key. */
  keyReused(table: string): void {
    this.#report.misdirected.add(1)
    if (this.#isNamed(table, 'reused')) return
    this.#stand(
      'PG_KEY_REUSED',
      table,
      (names) =>
        `a transaction gave a key of ${names} to a second row before the first one left it, and which of the two left ` +
        'it cannot be told any more: sinks may have deleted the one that stays. Write the rows of that transaction again.',
    )
  }

  #lose(where: string, what: string, shown: string): null {
    if (this.#mode === 'fail') throw failure(where, shown)
    this.#report.nulled.add(1)
    if (this.#isNamed(where, what)) return null
    if (this.#mode === 'skip') {
      this.#report.logger.debug(`PG_VALUE: ${where} became null: ${shown}`)
      return null
    }
    this.#report.logger.warn(`PG_VALUE: ${where} became null: ${shown}. Said once; a metric counts all of them.`)
    this.#stand('PG_VALUE', `${where} (${what})`, (names) => `values that records cannot hold became null: ${names}`)
    return null
  }

  #isNamed(where: string, what: string): boolean {
    const name = `${where}: ${what}`
    if (this.#named.has(name)) return true
    this.#named.add(name)
    return false
  }

  #stand(code: string, name: string, message: (names: string) => string): void {
    const names = [...(this.#conditions.get(code) ?? []), name]
    this.#conditions.set(code, names)
    const more = names.length > maxNamed ? ` and ${names.length - maxNamed} more` : ''
    this.#report.raise(code, message(names.slice(0, maxNamed).join(', ') + more))
  }
}

function failure(where: string, shown: string): DataError {
  return new DataError(
    `${where} cannot be carried: ${shown}. Set event.converting.failure.handling.mode to warn: then the field is null`,
    { code: 'PG_VALUE' },
  )
}
