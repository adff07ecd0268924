import type { Clock, Logger } from 'penstock/api'
import { RetriableError } from 'penstock/api'
import type { CopyStream } from '../connection/copy-stream.ts'
import type { PgConnection } from '../connection/pg-connection.ts'
import type { PostgresServerError } from '../connection/pg-error.ts'
import { readLsn } from '../offsets/lsn.ts'
import type { ChangeEventDecoder, MissingSchema } from './change-event-decoder.ts'
import { frame, statusUpdate, walDataHeader } from './replication-protocol.ts'

/** Receives the events of a stream. */
export interface StreamEvents {
  /**
   * Everything before `walEnd` was sent and read. The server sends a keepalive for every status update. `awaited`: it waits
   * for a reply, as a server that shuts down does repeatedly until everything that it sent is confirmed.
   */
  onKeepalive(walEnd: number, awaited: boolean): void
  /** Loads what a message needs; the message is then read again. */
  fetchMissingSchema(missing: MissingSchema): Promise<void>
  /** A server notice, in its place in the stream. Throws when the stream cannot continue after it. */
  onNotice(notice: PostgresServerError): void
  onEnd(error: Error): void
}

/** The connection counts as lost after this time without a byte from the server, although a reply was requested. */
const silenceMs = 60_000

/**
 * The CopyBoth stream of a slot: reads frames and sends standby status updates. Status updates are sent on a timer, also
 * under back-pressure: a walsender ends clients that are silent for `wal_sender_timeout`.
 * @see https://www.postgresql.org/docs/current/protocol-replication.html
 */
export class ReplicationStream {
  readonly #decoder: ChangeEventDecoder
  readonly #events: StreamEvents
  readonly #clock: Clock
  readonly #logger: Logger
  #copy: CopyStream | null = null
  #stopStatus: () => void = () => undefined
  #confirmed = 0
  #received = 0
  #walEnd = 0
  #held = true
  #full = false
  #readableSince: number
  #fetching = false

  constructor(decoder: ChangeEventDecoder, events: StreamEvents, clock: Clock, logger: Logger) {
    this.#decoder = decoder
    this.#events = events
    this.#clock = clock
    this.#logger = logger
    this.#readableSince = clock.monotonic()
  }

  /** The end of the server's WAL as last reported. */
  get walEnd(): number {
    return this.#walEnd
  }

  get confirmed(): number {
    return this.#confirmed
  }

  /** Starts the stream but reads nothing before {@link release}. Resolves when the server has accepted. */
  async start(connection: PgConnection, sql: string, confirmed: number, statusIntervalMs: number): Promise<void> {
    this.#confirmed = confirmed
    this.#received = confirmed
    const copy = connection.copy(sql, (bytes, start, end) => this.#onFrame(bytes, start, end))
    copy.onNotice = (notice) => this.#events.onNotice(notice)
    this.#copy = copy
    const cancel = this.#clock.after(silenceMs, () => copy.abort(silent()))
    try {
      await copy.started
    } finally {
      cancel()
    }
    copy.done.then(
      () => this.#end(new RetriableError('the server ended the replication stream', { code: 'PG_CONNECTION_LOST' })),
      (error: unknown) => this.#end(error instanceof Error ? error : new RetriableError(String(error))),
    )
    if (this.#held) copy.pause()
    this.#stopStatus = this.#clock.every(statusIntervalMs, () => this.#onTick())
    this.#sendStatus(false)
  }

  /** Starts to read. */
  release(): void {
    this.#held = false
    this.#readableSince = this.#clock.monotonic()
    this.#copy?.proceed()
    this.#updateFlow()
  }

  /** Stops reading while the queue is full. */
  setFull(full: boolean): void {
    this.#full = full
    this.#updateFlow()
  }

  /** Tells the server that everything before `lsn` is durable downstream (I2). */
  confirm(lsn: number): void {
    if (lsn <= this.#confirmed) return
    this.#confirmed = lsn
    this.#sendStatus(false)
  }

  /** Sends the last status update and stops. The session closes the connection. */
  stop(): void {
    this.#stopStatus()
    this.#sendStatus(false)
    this.#copy = null
  }

  #updateFlow(): void {
    if (this.#copy === null) return
    if (this.#held || this.#full) this.#copy.pause()
    else if (this.#copy.paused) {
      this.#readableSince = this.#clock.monotonic()
      this.#copy.resume()
    }
  }

  #onFrame(bytes: Buffer, start: number, end: number): boolean {
    // The first frames may arrive together with the server's response, before reading could be paused.
    if (this.#held) return false
    if (bytes[start] === frame.keepalive) {
      this.#onKeepalive(readLsn(bytes, start + 1), bytes[start + 17] === 1)
      return true
    }
    if (bytes[start] !== frame.walData) return true
    const lsn = readLsn(bytes, start + 1)
    const missing = this.#decoder.read(bytes, start + walDataHeader, end, lsn)
    if (missing !== null) {
      this.#fetch(missing)
      return false
    }
    if (lsn > this.#received) this.#received = lsn
    const walEnd = readLsn(bytes, start + 9)
    if (walEnd > this.#walEnd) this.#walEnd = walEnd
    return true
  }

  #fetch(missing: MissingSchema): void {
    if (this.#fetching) return
    this.#fetching = true
    this.#events
      .fetchMissingSchema(missing)
      .then(() => {
        this.#fetching = false
        this.#decoder.onSchemaFetched(missing)
        this.#readableSince = this.#clock.monotonic()
        this.#copy?.proceed()
      })
      .catch((error: unknown) => this.#end(error instanceof Error ? error : new RetriableError(String(error))))
  }

  #onKeepalive(walEnd: number, replyRequested: boolean): void {
    if (walEnd > this.#walEnd) this.#walEnd = walEnd
    if (walEnd > this.#received) this.#received = walEnd
    if (replyRequested) this.#sendStatus(false)
    this.#events.onKeepalive(walEnd, replyRequested)
  }

  #onTick(): void {
    this.#sendStatus(true)
    const copy = this.#copy
    if (copy === null || copy.paused) return
    const silentFor = this.#clock.monotonic() - Math.max(copy.lastReadAt, this.#readableSince)
    if (silentFor < silenceMs) return
    this.#logger.warn(`Postgres has sent nothing for ${Math.round(silentFor / 1000)} s`)
    copy.abort(silent())
  }

  #sendStatus(replyRequested: boolean): void {
    this.#copy?.send(statusUpdate(this.#received, this.#confirmed, this.#clock.now(), replyRequested))
  }

  #end(error: Error): void {
    this.#stopStatus()
    this.#copy = null
    this.#events.onEnd(error)
  }
}

function silent(): RetriableError {
  return new RetriableError('the server has sent nothing for a minute', { code: 'PG_CONNECTION_LOST' })
}
