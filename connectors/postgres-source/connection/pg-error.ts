import { ConnectError, RetriableError } from 'penstock/api'

/** object_in_use: another session reads the slot. */
export const objectInUse = '55006'

/** SQLSTATEs after which the same call may succeed. */
const passing = new Set([
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '53300', // too_many_connections
  '53400', // configuration_limit_exceeded
  objectInUse, // the slot's old walsender has not ended yet
  '57014', // query_canceled
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '25P03', // idle_in_transaction_session_timeout
  '57P05', // idle_session_timeout
])
const unreachable = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
  'ENOTFOUND',
  'ECONNABORTED',
])

/** The driver's message when the server refuses TLS. */
export const withoutTls = 'The server does not support SSL connections'

/** The driver's message when the response to its SSLRequest is neither yes nor no. */
const noPostgres = 'There was an error establishing an SSL connection'

/** character_not_in_repertoire: bytes that are not valid in the client's encoding. */
export const invalidText = '22021'
const lockNotAvailable = '55P03'
const protocolViolation = '08P01'
/** Messages of poolers about startup parameters that they do not pass on. */
const poolerRefusal = /unsupported startup parameter|pgbouncer|RDS Proxy/i

/** The driver's messages when a connection ends, or has ended before a query. */
const connectionEnded = /terminated|timeout|closed|not queryable/i

/** OpenSSL's error codes for a rejected certificate. */
const tlsRefusal = /^(?:ERR_TLS_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/

/** An error that the server sent, with its SQLSTATE. @see https://www.postgresql.org/docs/current/errcodes-appendix.html */
export class PostgresServerError extends ConnectError {
  readonly sqlState: string
  readonly detail: string | null
  readonly hint: string | null

  constructor(message: string, sqlState: string, detail: string | null, hint: string | null) {
    super(message)
    this.sqlState = sqlState
    this.detail = detail
    this.hint = hint
  }
}

/** Parses an ErrorResponse or NoticeResponse. @see https://www.postgresql.org/docs/current/protocol-error-fields.html */
export function serverError(payload: Buffer): PostgresServerError {
  const fields = new Map<string, string>()
  let position = 0
  while (position < payload.length && payload[position] !== 0) {
    const end = payload.indexOf(0, position + 1)
    fields.set(String.fromCharCode(payload[position] ?? 0), payload.toString('utf8', position + 1, end))
    position = end + 1
  }
  return new PostgresServerError(
    fields.get('M') ?? 'the server reported an error',
    fields.get('C') ?? 'XX000',
    fields.get('D') ?? null,
    fields.get('H') ?? null,
  )
}

/** The connection ended unexpectedly. */
export function connectionLost(cause: unknown): RetriableError {
  const reason = cause instanceof Error ? `: ${cause.message}` : ''
  return new RetriableError(`the connection to Postgres was lost${reason}`, { code: 'PG_CONNECTION_LOST', cause })
}

/** The SQLSTATE or system error code (`ECONNREFUSED`) of an error; null when it has none. */
export function codeOf(error: unknown): string | null {
  if (error instanceof PostgresServerError) return error.sqlState
  if (!(error instanceof Error)) return null
  const code: unknown = Reflect.get(error, 'code')
  if (typeof code === 'string') return code
  // Node tries every address of a host and aggregates the failures.
  return error instanceof AggregateError ? codeOf(error.errors[0]) : null
}

function textOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(textOf).join('; ')
  if (!(error instanceof Error)) return String(error)
  const details = [Reflect.get(error, 'detail'), Reflect.get(error, 'hint')].filter((part) => typeof part === 'string')
  return [error.message, ...details].join(' — ')
}

/**
 * Converts an error of the driver or the server: the message says what was being done, and the class says whether a retry
 * can succeed. Returns errors of this connector unchanged.
 */
export function pgError(error: unknown, purpose: string): ConnectError {
  if (error instanceof ConnectError && !(error instanceof PostgresServerError)) return error
  const code = codeOf(error)
  const text = `${purpose}: ${textOf(error)}`
  if (code !== null && unreachable.has(code)) {
    return new RetriableError(
      `${text}. Check that the server runs, and that database.hostname and database.port are right. A running task reconnects on its own.`,
      { code: 'PG_UNREACHABLE', cause: error },
    )
  }
  if (code === lockNotAvailable) {
    return new RetriableError(
      `${text}. Another transaction holds the lock (snapshot.lock.timeout.ms); the task retries.`,
      { code: 'PG_LOCK_TIMEOUT', cause: error },
    )
  }
  if (code === objectInUse) {
    return new RetriableError(
      `${text}. The task retries until the slot is free. If another connector reads it, give each its own slot.name.`,
      { code: 'PG_SLOT_ACTIVE', cause: error },
    )
  }
  if (code !== null && poolerRefusal.test(textOf(error))) {
    return new ConnectError(
      `${text}. This is a connection pooler, which does not support replication: set database.hostname and database.port to those of ` +
        'Postgres itself.',
      { code: 'PG_POOLER', cause: error },
    )
  }
  if (code !== null && (passing.has(code) || (code.startsWith('08') && code !== protocolViolation))) {
    return new RetriableError(text, { code: 'PG_UNAVAILABLE', cause: error })
  }
  if (code === null && connectionEnded.test(textOf(error))) {
    return new RetriableError(text, { code: 'PG_CONNECTION_LOST', cause: error })
  }
  if (code === null && text.includes(withoutTls)) {
    return new ConnectError(
      `${text}. Set database.sslmode to prefer or disable to connect without encryption, or enable TLS on the server: ` +
        'ssl = on with ssl_cert_file and ssl_key_file in postgresql.conf; then reload the configuration.',
      { code: 'PG_TLS', cause: error },
    )
  }
  if (code === null && text.includes(noPostgres)) {
    return new ConnectError(
      `${text}. The server at this address does not speak the Postgres protocol: correct database.hostname and database.port. If a ` +
        'proxy there expects TLS from the first byte, connect to Postgres directly.',
      { code: 'PG_NOT_POSTGRES', cause: error },
    )
  }
  if (code !== null && tlsRefusal.test(code)) {
    return new ConnectError(
      `${text}. Set database.sslrootcert to the certificate of the authority that signed the server certificate.`,
      {
        code: 'PG_TLS',
        cause: error,
      },
    )
  }
  return new ConnectError(`${text}${remedy(code)}`, { code: nameOf(code), cause: error })
}

function nameOf(code: string | null): string {
  if (code === null) return 'PG_ERROR'
  if (code.startsWith('28')) return 'PG_AUTHENTICATION'
  if (code === '3D000') return 'PG_DATABASE'
  if (code === '42501') return 'PG_PRIVILEGE'
  return 'PG_ERROR'
}

function remedy(code: string | null): string {
  if (code === null) return ''
  if (code.startsWith('28')) {
    return '. Check database.user and database.password, and that pg_hba.conf allows this user to connect (also for replication).'
  }
  if (code === '3D000') return '. Check database.dbname.'
  return ` (SQLSTATE ${code})`
}
