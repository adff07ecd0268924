/** The stage of processing in which an error happened, as in Kafka Connect's error reports (KIP-298). */
export type Stage =
  | 'TASK_POLL'
  | 'TASK_PUT'
  | 'TRANSFORMATION'
  | 'KEY_CONVERTER'
  | 'VALUE_CONVERTER'
  | 'HEADER_CONVERTER'
  | 'KAFKA_PRODUCE'
  | 'KAFKA_CONSUME'

/** Details of an error besides its message. */
export interface ErrorDetails {
  readonly cause?: unknown
  /** A stable code such as `PG_WAL_LEVEL`; the message begins with it. */
  readonly code?: string
  readonly stage?: Stage
  /** The name of the class that failed, as Kafka Connect's error reports have it: that of a converter or transform. */
  readonly executingClass?: string | undefined
  readonly topicPartition?: string
}

/** The key of a class's name, by which another copy of this module recognizes its errors. */
const kindOf = Symbol.for('penstock.error.kind')

/** The base class of Penstock's errors, and of those that plugins throw. The message says what failed, on what, and what to do. */
export class ConnectError extends Error {
  static readonly [kindOf]: string = 'ConnectError'

  /** Compares classes by name, so that errors of a plugin with its own copy of this module match too. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    if (Function.prototype[Symbol.hasInstance].call(this, value)) return true
    return value instanceof Error && Object.hasOwn(this, kindOf) && kindsOf(value).includes(this[kindOf])
  }

  readonly code: string | null
  readonly stage: Stage | null
  readonly executingClass: string | null
  readonly topicPartition: string | null

  constructor(message: string, details: ErrorDetails = {}) {
    const text = details.code === undefined ? message : `${details.code}: ${message}`
    super(text, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = new.target.name
    this.code = details.code ?? null
    this.stage = details.stage ?? null
    this.executingClass = details.executingClass ?? null
    this.topicPartition = details.topicPartition ?? null
  }
}

/** The same call may succeed later. The runtime retries it with back-off. */
export class RetriableError extends ConnectError {
  static override readonly [kindOf]: string = 'RetriableError'
}

/** A value does not match its schema, or bytes cannot be decoded. Never retried. */
export class DataError extends ConnectError {
  static override readonly [kindOf]: string = 'DataError'
}

/**
 * A converter, transform or predicate lacks something that takes time to get, such as a schema of a registry. `ready` resolves when
 * the same call can succeed; it is called once or more, and may be given up by its signal. The runtime then makes the call again, and
 * the record keeps its place meanwhile. @see Converter, Transform
 */
export class NotReadyError extends ConnectError {
  static override readonly [kindOf]: string = 'NotReadyError'
  /** @throws RetriableError when a later attempt may succeed; any other error fails the record */
  readonly ready: (signal: AbortSignal) => Promise<void>

  /** @param missing what is lacking: `the schema with id 7` */
  constructor(missing: string, ready: (signal: AbortSignal) => Promise<void>) {
    super(`not ready: it waits for ${missing}`)
    this.ready = ready
  }
}

/** A configuration is invalid. Never retried. */
export class ConfigError extends ConnectError {
  static override readonly [kindOf]: string = 'ConfigError'

  /** The key whose value is wrong, under which a validation shows the error; null if there is no single one. */
  readonly key: string | null

  constructor(message: string, { key, ...details }: ErrorDetails & { readonly key?: string } = {}) {
    super(message, details)
    this.key = key ?? null
  }
}

/** The requested object does not exist. */
export class NotFoundError extends ConnectError {
  static override readonly [kindOf]: string = 'NotFoundError'
}

/** The object to be created exists already. */
export class AlreadyExistsError extends ConnectError {
  static override readonly [kindOf]: string = 'AlreadyExistsError'
}

/** Returns the names of the error's classes in this API, most specific first, for an error of any copy of this module. */
function kindsOf(error: Error): readonly unknown[] {
  const kinds: unknown[] = []
  for (let at: unknown = error.constructor; typeof at === 'function'; at = Object.getPrototypeOf(at))
    if (Object.hasOwn(at, kindOf)) kinds.push(Reflect.get(at, kindOf))
  return kinds
}
