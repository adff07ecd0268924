import { ConfigError, type Clock, type ConnectError, errorMessage } from 'penstock/api'
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
  /** How long an answer to a query may take; 0 for ever. */
  readonly queryTimeoutMs: number
}

/** The text forms that the value decoders read; the server's or the user's own settings must not change them. */
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
  // A policy would hide rows from the snapshot that the stream sends: the server refuses such a query instead.
  'row_security=off',
  'client_min_messages=warning',
]
  .map((option) => `-c ${option}`)
  .join(' ')

/** Timeouts that older servers do not know, and so would refuse in the start-up packet. */
const newerTimeoutsSql = `select set_config(name, '0', false) from pg_settings
  where name in ('transaction_timeout', 'idle_session_timeout') and setting <> '0'`

/** Larger socket reads cost more than they give: Node allocates the buffer for every packet. */
const socketOptions: SocketConstructorOpts & { highWaterMark: number } = { highWaterMark: 16_384 }
/** A dead peer is noticed by probes: a COPY that waits for its server asks for nothing itself. */
const keepAliveMs = 30_000
const endTimeoutMs = 2_000

/** A query that runs, to whoever is told of it. */
export interface ObservedQuery {
  /** The query failed with this; the answer is what is thrown. */
  explain(error: ConnectError): ConnectError
  /** The query has ended. */
  end(): void
}

/** Told of a query that begins. `slot`: the name of the slot that it makes. */
export type QueryObserver = (session: PgSession, slot: string | null) => ObservedQuery

/** One connection to Postgres, for SQL or for replication. One query or copy at a time. */
export class PgSession {
  readonly #client: pg.Client
  readonly #clock: Clock
  readonly #queryTimeoutMs: number
  readonly #observe: QueryObserver | null
  /** What its queries are for, as a message begins with it. */
  doing = 'the source'
  #copy: CopyStream | null = null
  #closed = false

  private constructor(client: pg.Client, clock: Clock, queryTimeoutMs: number, observe: QueryObserver | null) {
    this.#client = client
    this.#clock = clock
    this.#queryTimeoutMs = queryTimeoutMs
    this.#observe = observe
    // What runs on the connection meets the failure itself; without a listener Node would end the process.
    client.on('error', () => {
      this.#closed = true
    })
  }

  /** @throws RetriableError when the server cannot be reached now, ConnectError when it refuses. */
  static async connect(
    settings: ConnectionSettings,
    kind: 'sql' | 'replication',
    clock: Clock,
    observe: QueryObserver | null = null,
  ): Promise<PgSession> {
    const attempts = await tlsAttempts(settings)
    for (const [index, ssl] of attempts.entries()) {
      try {
        return await connectOnce(settings, kind, ssl, (client) => {
          return new PgSession(client, clock, settings.queryTimeoutMs, observe)
        })
      } catch (error) {
        if (index + 1 < attempts.length && canFallBack(error, ssl)) continue
        throw pgError(error, `connecting to ${settings.host}:${settings.port}/${settings.database} as ${settings.user}`)
      }
    }
    throw new ConfigError(`database.sslmode ${settings.sslMode} names no way to connect`)
  }

  /** Rows as objects by column name. A replication session takes no `values`. */
  async query<Row extends object>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return await this.#query<Row>(sql, values, this.#queryTimeoutMs, null)
  }

  /** A query that makes a slot, and so waits for the transactions of others, however long they take. */
  async slotQuery<Row extends object>(sql: string, slot: string): Promise<Row[]> {
    return await this.#query<Row>(sql, [], 0, slot)
  }

  /** The server's process of this connection. */
  get pid(): number {
    // The driver keeps it, and its types do not say so.
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

  /** Starts a COPY … TO STDOUT or START_REPLICATION; frames go to the handler until the copy is done. */
  copy(sql: string, onFrame: FrameHandler): CopyStream {
    const socket = this.#client.connection.stream
    this.#copy = new CopyStream(socket, sql, this.#clock, onFrame)
    return this.#copy
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Ends the connection, by force when the server does not answer in time. */
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
  wrap: (client: pg.Client) => PgSession,
): Promise<PgSession> {
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
  const session = wrap(client)
  await client.connect()
  try {
    const query: pg.QueryConfig & { query_timeout: number } = {
      text: newerTimeoutsSql,
      query_timeout: settings.connectTimeoutMs,
    }
    await client.query(query)
  } catch (error) {
    await session.close()
    throw error
  }
  return session
}

/** The ways to try in order; `false` is without TLS. Modes as libpq defines them. */
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
      // As libpq: a root certificate that is given is also checked.
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

/** A file of certificates or keys cannot be read, or holds something else. */
export class TlsFileError extends ConfigError {
  /** The option that names the file. */
  readonly key: string

  constructor(key: string, path: string, problem: string, cause: unknown) {
    super(`${key} ${problem}: ${path}`, { code: 'PG_TLS_FILE', cause })
    this.key = key
  }
}

/** @param parse throws when the file holds something else: TLS itself would not say which file, or leave it out silently. */
async function pem(path: string, key: string, what: string, parse: (bytes: Buffer) => unknown): Promise<Buffer> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw new TlsFileError(key, path, 'cannot be read', error)
  })
  try {
    parse(bytes)
    return bytes
  } catch (error) {
    const reason = errorMessage(error)
    throw new TlsFileError(key, path, `holds no ${what} that can be used (${reason})`, error)
  }
}

/** Whether the refusal was about TLS itself, so that the mode's other way may do. */
function canFallBack(error: unknown, ssl: ConnectionOptions | false): boolean {
  if (!(error instanceof Error)) return false
  if (ssl === false) return /no pg_hba\.conf entry|SSL|encryption/i.test(error.message)
  return error.message === withoutTls
}
