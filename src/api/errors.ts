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

/** What an error of this API carries, so that it is known for what it is to another copy of this module. */
const kindOf = Symbol.for('penstock.error.kind')

/** The root of every error Penstock raises on purpose: says what failed, on what, and what to do. */
export class ConnectError extends Error {
  static readonly [kindOf]: string = 'ConnectError'

  /** Errors of a plugin that brings its own copy of the API count too: a class is told by its name, not by its identity. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true
    return value instanceof Error && Object.hasOwn(this, kindOf) && kindsOf(value).includes(this[kindOf])
  }

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
export class RetriableError extends ConnectError {
  static override readonly [kindOf]: string = 'RetriableError'
}

/** A value does not fit its schema, or bytes do not decode. Never retried. */
export class DataError extends ConnectError {
  static override readonly [kindOf]: string = 'DataError'
}

/** A configuration is wrong. Never retried. */
export class ConfigError extends ConnectError {
  static override readonly [kindOf]: string = 'ConfigError'
}

/** What was asked for does not exist. */
export class NotFoundError extends ConnectError {
  static override readonly [kindOf]: string = 'NotFoundError'
}

/** What was to be made exists already. */
export class AlreadyExistsError extends ConnectError {
  static override readonly [kindOf]: string = 'AlreadyExistsError'
}

/** The classes of this API that the error is of, the narrowest first; of an error of any copy of this module. */
function kindsOf(error: Error): readonly unknown[] {
  const kinds: unknown[] = []
  for (let at: unknown = error.constructor; typeof at === 'function'; at = Object.getPrototypeOf(at))
    if (Object.hasOwn(at, kindOf)) kinds.push(Reflect.get(at, kindOf))
  return kinds
}
