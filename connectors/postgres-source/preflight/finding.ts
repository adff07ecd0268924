/** Sets a named condition of the task; null clears it. */
export type SetCondition = (code: string, message: string | null) => void

/** A problem that keeps rows from being captured, with the SQL or the option that fixes it. */
export interface Finding {
  readonly code: string
  /** The option that it concerns. */
  readonly key: string
  readonly message: string
  /**
   * What the problem stops: every session and all of the following (the default), a session with a snapshot (`reading`),
   * the start of the task and validation, only validation, or nothing. A running task shows other problems as conditions.
   */
  readonly stops?: 'reading' | 'start' | 'validation' | 'nothing'
}
