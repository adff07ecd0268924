/** Something that the connector cannot run with, and the SQL or the option that mends it. */
export interface Finding {
  readonly code: string
  /** The option it belongs to. */
  readonly key: string
  readonly message: string
}
