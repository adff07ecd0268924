/** Shows a named condition of the task; null takes it away. */
export type ShowCondition = (code: string, message: string | null) => void

/** Something that keeps rows from being captured, and the SQL or the option that helps. */
export interface Finding {
  readonly code: string
  /** The option it belongs to. */
  readonly key: string
  readonly message: string
  /**
   * What it stops: every connection and all below (the default), a connection that reads tables, the start of the task
   * and validation, validation alone, or nothing. What does not stop a task that runs, it shows as a condition.
   */
  readonly stops?: 'reading' | 'start' | 'validation' | 'nothing'
}
