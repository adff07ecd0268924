import { ConfigError, type Clock, type ConnectError } from 'penstock/api'
import { Socket, type SocketConstructorOpts } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import pg from 'pg'
import type { ConnectionSettings } from './connection-settings.ts'
import { CopyStream, type FrameHandler } from './copy-stream.ts'
import { pgError } from './pg-error.ts'
import { canFallBack, tlsAttempts } from './tls-options.ts'

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
  /** The purpose of its queries, as the start of a message. */
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
