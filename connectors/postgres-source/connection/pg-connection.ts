import { errorMessage, ConfigError, type Clock, type ConnectError } from 'penstock/api'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Socket, type SocketConstructorOpts } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import pg from 'pg'
import { CopyStream, type FrameHandler } from './copy-stream.ts'
import { pgError, withoutTls } from './pg-error.ts'

export type SslMode = 'disable' | 'allow' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'

/** How to reach the database. Files are PEM. */
export interface ConnectionSettings {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string | null
  readonly database: string
  readonly sslMode: SslMode
  readonly sslRootCert: string | null
  readonly sslCert: string | null
  readonly sslKey: string | null
  readonly sslPassword: string | null
  readonly tcpKeepAlive: boolean
  readonly connectTimeoutMs: number
  /** Timeout of a query; 0 for none. */
  readonly queryTimeoutMs: number
}

/** The text formats that the value decoders expect, and no timeouts: settings of the server or the user must not change them. */
const sessionOptions = [
  'DateStyle=ISO,MDY',
  'IntervalStyle=postgres',
  'extra_float_digits=3',
  'bytea_output=hex',
  'TimeZone=UTC',
  'statement_timeout=0',
  'lock_timeout=0',
  'idle_in_transaction_session_timeout=0',
  'default_transaction_read_only=off',
  // A row-level security policy would hide rows from the snapshot that the stream sends: the server then rejects the query.
  'row_security=off',
  'client_min_messages=warning',
]
  .map((option) => `-c ${option}`)
  .join(' ')

/** Timeouts that older servers do not know: they would reject them in the startup message. */
const newerTimeoutsSql = `select set_config(name, '0', false) from pg_settings
  where name in ('transaction_timeout', 'idle_session_timeout') and setting <> '0'`

/** Larger reads cost more than they save, because Node allocates the buffer for every packet. */
const socketOptions: SocketConstructorOpts & { highWaterMark: number } = { highWaterMark: 16_384 }
/** Only probes detect a dead peer: a COPY sends nothing while it waits for the server. */
const keepAliveMs = 30_000
const endTimeoutMs = 2_000

/** A running query, as its observer sees it. */
export interface ObservedQuery {
  /** Called when the query failed: returns the error to throw. */
  explain(error: ConnectError): ConnectError
  /** Called when the query has ended. */
  end(): void
}

/** Called when a query starts. `slot`: the name of the slot that it creates. */
export type QueryObserver = (connection: PgConnection, slot: string | null) => ObservedQuery

/** One connection to Postgres, for SQL or for replication. One query or copy at a time. */
export class PgConnection {
  readonly #client: pg.Client
  readonly #clock: Clock
  readonly #queryTimeoutMs: number
  readonly #observe: QueryObserver | null
  /** What its queries are for, as the start of a message. */
  purpose = 'the source'
  #copy: CopyStream | null = null
  #closed = false

  private constructor(client: pg.Client, clock: Clock, queryTimeoutMs: number, observe: QueryObserver | null) {
    this.#client = client
    this.#clock = clock
    this.#queryTimeoutMs = queryTimeoutMs
    this.#observe = observe
    // The running query or copy fails too; without a listener Node would end the process.
    client.on('error', () => {
      this.#closed = true
    })
  }

  /** @throws RetriableError when the server is unreachable, ConnectError when it refuses */
  static async connect(
    settings: ConnectionSettings,
    kind: 'sql' | 'replication',
    clock: Clock,
    observe: QueryObserver | null = null,
  ): Promise<PgConnection> {
    const attempts = await tlsAttempts(settings)
    for (const [index, ssl] of attempts.entries()) {
      try {
        return await connectOnce(settings, kind, ssl, (client) => {
          return new PgConnection(client, clock, settings.queryTimeoutMs, observe)
        })
      } catch (error) {
        if (index + 1 < attempts.length && canFallBack(error, ssl)) continue
        throw pgError(error, `connecting to ${settings.host}:${settings.port}/${settings.database} as ${settings.user}`)
      }
    }
    throw new ConfigError(`database.sslmode ${settings.sslMode} names no way to connect`)
  }

  /** Returns rows as objects by column name. A replication connection takes no `values`. */
  async query<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return await this.#query<Row>(sql, values, this.#queryTimeoutMs, null)
  }

  /** Runs a query that creates a slot: without a timeout, because it waits for open transactions however long they take. */
  async slotQuery<Row extends object>(sql: string, slot: string): Promise<Row[]> {
    return await this.#query<Row>(sql, [], 0, slot)
  }

  /** The pid of the server process of this connection. */
  get pid(): number {
    // The driver's types lack this property.
    return Number(Reflect.get(this.#client, 'processID') ?? 0)
  }

  async #query<Row extends object>(
    sql: string,
    values: readonly unknown[],
    timeoutMs: number,
    slot: string | null,
  ): Promise<Row[]> {
    const query: pg.QueryConfig & { query_timeout?: number } = {
      text: sql,
      ...(values.length === 0 ? {} : { values: [...values] }),
      ...(timeoutMs === 0 ? {} : { query_timeout: timeoutMs }),
    }
    const observed = this.#observe?.(this, slot) ?? null
    try {
      return (await this.#client.query(query)).rows as Row[]
    } catch (error) {
      const failure = pgError(error, `running "${sql.trim().replace(/\s+/g, ' ').slice(0, 200)}"`)
      throw observed === null ? failure : observed.explain(failure)
    } finally {
      observed?.end()
    }
  }

  /** Starts a COPY … TO STDOUT or START_REPLICATION; the handler receives the frames until the copy is complete. */
  copy(sql: string, onFrame: FrameHandler): CopyStream {
    const socket = this.#client.connection.stream
    this.#copy = new CopyStream(socket, sql, this.#clock, onFrame)
    return this.#copy
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Closes the connection, forcibly when the server does not respond in time. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const socket = this.#client.connection.stream
    if (socket.destroyed) return
    const ended = new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
    })
    if (this.#copy !== null && !this.#copy.finished) this.#copy.end()
    else this.#client.end().catch(() => undefined)
    const cancel = this.#clock.after(endTimeoutMs, () => socket.destroy())
    await ended
    cancel()
  }
}

async function connectOnce(
  settings: ConnectionSettings,
  kind: 'sql' | 'replication',
  ssl: ConnectionOptions | false,
  wrap: (client: pg.Client) => PgConnection,
): Promise<PgConnection> {
  const config: pg.ClientConfig & { replication?: string } = {
    host: settings.host,
    port: settings.port,
    user: settings.user,
    ...(settings.password === null ? {} : { password: settings.password }),
    database: settings.database,
    ssl,
    application_name: kind === 'replication' ? 'Penstock Streaming' : 'Penstock General',
    options: sessionOptions,
    keepAlive: settings.tcpKeepAlive,
    keepAliveInitialDelayMillis: keepAliveMs,
    connectionTimeoutMillis: settings.connectTimeoutMs,
    stream: () => new Socket(socketOptions),
    ...(kind === 'replication' ? { replication: 'database' } : {}),
  }
  const client = new pg.Client(config)
  const connection = wrap(client)
  await client.connect()
  try {
    const query: pg.QueryConfig & { query_timeout: number } = {
      text: newerTimeoutsSql,
      query_timeout: settings.connectTimeoutMs,
    }
    await client.query(query)
  } catch (error) {
    await connection.close()
    throw error
  }
  return connection
}

/** The ways to connect, in order; `false` is without TLS. Modes as in libpq: https://www.postgresql.org/docs/current/libpq-ssl.html */
async function tlsAttempts(settings: ConnectionSettings): Promise<readonly (ConnectionOptions | false)[]> {
  if (settings.sslMode === 'disable') return [false]
  const { sslRootCert, sslCert, sslKey, sslPassword } = settings
  const certificate = (bytes: Buffer): unknown => new X509Certificate(bytes)
  const privateKey = (bytes: Buffer): unknown => createPrivateKey({ key: bytes, passphrase: sslPassword ?? '' })
  const files: ConnectionOptions = {
    ...(sslRootCert === null ? {} : { ca: await pem(sslRootCert, 'database.sslrootcert', 'certificate', certificate) }),
    ...(sslCert === null ? {} : { cert: await pem(sslCert, 'database.sslcert', 'certificate', certificate) }),
    ...(sslKey === null ? {} : { key: await pem(sslKey, 'database.sslkey', 'key', privateKey) }),
    ...(sslPassword === null ? {} : { passphrase: sslPassword }),
  }
  const unverified = { ...files, rejectUnauthorized: false }
  switch (settings.sslMode) {
    case 'allow':
      return [false, unverified]
    case 'prefer':
      return [unverified, false]
    case 'require':
      // As in libpq, a given root certificate is verified.
      return [settings.sslRootCert === null ? unverified : verifyCa(files)]
    case 'verify-ca':
      return [verifyCa(files)]
    case 'verify-full':
      return [files]
  }
}

function verifyCa(files: ConnectionOptions): ConnectionOptions {
  return { ...files, checkServerIdentity: () => undefined }
}

/** A certificate or key file cannot be read or parsed. */
export class TlsFileError extends ConfigError {
  /** The option with the path of the file. */
  readonly key: string

  constructor(key: string, path: string, problem: string, cause: unknown) {
    super(`${key} ${problem}: ${path}`, { code: 'PG_TLS_FILE', cause })
    this.key = key
  }
}

/** @param parse throws when the file holds something else: TLS would not name the file, or would ignore it silently */
async function pem(path: string, key: string, what: string, parse: (bytes: Buffer) => unknown): Promise<Buffer> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new TlsFileError(key, path, 'cannot be read', error)
  })
  try {
    parse(bytes)
    return bytes
  } catch (error) {
    const reason = errorMessage(error)
    throw new TlsFileError(key, path, `holds no usable ${what} (${reason})`, error)
  }
}

/** Returns whether the failure is about TLS itself, so that the mode's second attempt may succeed. */
function canFallBack(error: unknown, ssl: ConnectionOptions | false): boolean {
  if (!(error instanceof Error)) return false
  if (ssl === false) return /no pg_hba\.conf entry|SSL|encryption/i.test(error.message)
  return error.message === withoutTls
}
