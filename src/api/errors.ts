/** Where in a record's life an error happened, as Connect names the stages in its reports. */
export type Stage =
  | 'TASK_POLL'
  | 'TASK_PUT'
  | 'TRANSFORMATION'
  | 'KEY_CONVERTER'
  | 'VALUE_CONVERTER'
  | 'HEADER_CONVERTER'
  | 'KAFKA_PRODUCE'
  | 'KAFKA_CONSUME'

/** What an error knows beyond its text. */
export interface ErrorDetails {
  readonly cause?: unknown
  /** A stable code such as `PG_WAL_LEVEL`; it also begins the message. */
  readonly code?: string
  readonly stage?: Stage
  readonly topicPartition?: string
}

/** The root of every error Penstock raises on purpose: says what failed, on what, and what to do. */
export class ConnectError extends Error {
  readonly code: string | null
  readonly stage: Stage | null
  readonly topicPartition: string | null

  constructor(message: string, details: ErrorDetails = {}) {
    const text = details.code === undefined ? message : `${details.code}: ${message}`
    super(text, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = details.code ?? null
    this.stage = details.stage ?? null
    this.topicPartition = details.topicPartition ?? null
  }
}

/** The same call may succeed later; the runtime backs off and calls again. */
export class RetriableError extends ConnectError {}

/** A value does not fit its schema, or bytes do not decode. Never retried. */
export class DataError extends ConnectError {}

/** A configuration is wrong. Never retried. */
export class ConfigError extends ConnectError {}

/** What was asked for does not exist. */
export class NotFoundError extends ConnectError {}

/** What was to be made exists already. */
export class AlreadyExistsError extends ConnectError {}
