import { ConnectError, type SourceOffset, type SourceRecord } from 'penstock/api'
import { Connections } from '../connection/connections.ts'
import { readWalPosition } from '../connection/wal-position.ts'
import { formatLsn } from '../offsets/lsn.ts'
import { OffsetTracker } from '../offsets/offset-tracker.ts'
import { committedAt } from '../offsets/pending-changes.ts'
import { confirmableLsn } from '../offsets/resume-point.ts'
import { versionsPerCommit } from '../offsets/row-version.ts'
import { aheadOf, commitOffset, snapshotOffset, withAhead, withLineage } from '../offsets/source-offset.ts'
import { unknownLineage, type WalLineage } from '../offsets/wal-lineage.ts'
import { streamFailure, throwOnSkippedRow } from '../publication/publication-errors.ts'
import { checkPeriodically } from '../publication/publication-monitor.ts'
import { publishedAs } from '../publication/publication.ts'
import { heartbeatRecord } from '../records/heartbeat.ts'
import { RecordQueue } from '../records/record-queue.ts'
import { ChangeEventDecoder, type ChangeSink, type MissingSchema } from '../replication/change-event-decoder.ts'
import { fetchMissingSchema } from '../replication/fetch-missing-schema.ts'
import { ReplicationStream, type StreamEvents } from '../replication/replication-stream.ts'
import { createSlot, rereadAdvice, startReplication } from '../replication/slot.ts'
import { tableProjection } from '../schema/table-projection.ts'
import { lockTables } from '../snapshot/lock-tables.ts'
import { beginSnapshot, snapshotPoint, type SnapshotPoint } from '../snapshot/snapshot-point.ts'
import { SnapshotReader } from '../snapshot/snapshot-reader.ts'
import { currentTables, expectedRows, selectSnapshotTables } from '../snapshot/snapshot-tables.ts'
import { lineageFrom } from './lineage-check.ts'
import { prepareSession, type PreparedSession } from './prepare-session.ts'
import type { SessionContext } from './session-context.ts'
import { statusIntervalOf, type SessionStart } from './start-plan.ts'

/**
 * One run of the source over its own connections: a snapshot if one is needed, then the stream. Any failure ends the
 * whole session; the task opens the next one.
 */
export class CaptureSession {
  readonly #context: SessionContext
  readonly #start: SessionStart
  readonly #queue: RecordQueue
  readonly #offsets: OffsetTracker
  readonly #connections: Connections
  #stream: ReplicationStream | null = null
  #decoder: ChangeEventDecoder | null = null
  #snapshot: SnapshotReader | null = null
  #lineage: WalLineage = unknownLineage
  #stopHeartbeats: () => void = () => undefined
  #stopChecks: () => void = () => undefined
  /** The end of the WAL as of the last periodic check: a stream under back-pressure does not report it. */
  #walEnd = 0
  /** The most WAL that the server keeps for the slot; null without limit. */
  #walBudget: number | null = null
  /** The rows of the snapshot in progress; null without an estimate. */
  #expectedRows: number | null = null
  #closed = false

  constructor(context: SessionContext, start: SessionStart) {
    this.#context = context
    this.#start = start
    const { settings, clock, store, ahead } = context
    this.#connections = new Connections(settings, clock, context.setCondition)
    this.#queue = new RecordQueue(settings.queue)
    this.#queue.onRoom = () => {
      this.#snapshot?.resume()
      this.#stream?.setFull(false)
    }
    this.#offsets = new OffsetTracker(clock, store, settings.statusIntervalMs * 0.9, ahead)
  }

  /** The start position of the next session. `position` is null during a snapshot: the next session starts it again. */
  get next(): Omit<SessionStart, 'first'> {
    const { emitted, durable } = this.#offsets
    return { position: emitted, durable, lineage: this.#lineage === unknownLineage ? null : this.#lineage }
  }

  /** Commit time, in microseconds of the epoch, of the oldest change in the queue; null when the queue is empty. */
  get oldestQueued(): number | null {
    const { first } = this.#queue
    return first === null ? null : committedAt(first)
  }

  /** Bytes of WAL that the slot retains; null while the server has not reported its position. */
  get retainedBytes(): number | null {
    if (this.#stream === null) return null
    const end = Math.max(this.#stream.walEnd, this.#walEnd)
    return end === 0 ? null : Math.max(0, end - this.#stream.confirmed)
  }

  /** The most WAL that the server keeps for a slot; null without limit. */
  get walBudgetBytes(): number | null {
    return this.#walBudget
  }

  /** Rows read of those expected, of which there may be no estimate; null while no snapshot is in progress. */
  get snapshotProgress(): { readonly rows: number; readonly expected: number | null } | null {
    return this.#snapshot === null ? null : { rows: this.#snapshot.rows, expected: this.#expectedRows }
  }

  take(signal: AbortSignal): Promise<readonly SourceRecord[] | null> {
    return this.#queue.take(signal)
  }

  /** The offset is durable: the server may discard the WAL of the transactions that it covers (I2). */
  committed(offset: SourceOffset): void {
    this.#offsets.onDurable(offset)
    this.#stream?.confirm(this.#offsets.confirmableLsn)
    this.#storeTransaction()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stopHeartbeats()
    this.#stopChecks()
    this.#offsets.stop()
    this.#stream?.stop()
    this.#queue.fail(new ConnectError('the task is stopping'))
    await this.#connections.close()
  }

  /**
   * Connects, runs the preflight, and starts the snapshot or the stream. A concurrent {@link close} makes it throw.
   * @throws ConnectError with a PG_ code and the SQL that fixes it; RetriableError when a retry can succeed
   */
  async open(): Promise<void> {
    const session = await prepareSession(this.#context, this.#connections, this.#start)
    if (session === null) return
    if (session.stream !== null) {
      await this.#startStream(session, session.stream)
      return
    }
    await beginSnapshot(session.sql, null)
    this.#setLineage(session, 0)
    await this.#startSnapshot(session, { slotLsn: null, exported: false })
  }

  /** Decides the epoch of everything that is read from `lsn` on. */
  #setLineage({ lineage, plan, start }: PreparedSession, lsn: number): void {
    this.#lineage = lineageFrom(lineage, lsn)
    const { position, durable } = start
    // A snapshot discards the stored position: it may belong to another server.
    const isFresh = plan.snapshot || position === null
    const at = isFresh ? { emitted: null, durable: null } : { emitted: withLineage(position, this.#lineage), durable }
    this.#offsets.begin(this.#lineage, lsn, at)
  }

  /** Creates the slot if it is missing, and starts the stream. The stream is held until the snapshot is complete. */
  async #startStream(session: PreparedSession, stream: NonNullable<PreparedSession['stream']>): Promise<void> {
    const { settings, logger, ahead } = this.#context
    const { sql, preflight, start, plan } = session
    const { replication, view } = stream
    const created = preflight.slot === null ? await createSlot(replication, settings.slot, plan.snapshot, logger) : null
    const slotLsn = created?.consistentPoint ?? preflight.slot?.confirmedLsn ?? 0
    if (plan.snapshot) await beginSnapshot(sql, created?.snapshot ?? null)
    this.#setLineage(session, slotLsn)
    ahead.open(plan.snapshot ? null : aheadOf(start.position))
    const changes = this.#createStream(session, slotLsn, view.publication.name)
    const command = startReplication(settings.slot, view.publication.name, slotLsn, preflight.serverVersion)
    const confirmed = Math.max(slotLsn, this.#offsets.confirmableLsn)
    try {
      await changes.start(replication, command, confirmed, statusIntervalOf(settings, preflight.senderTimeoutMs))
    } catch (error) {
      throw await this.#connections.waits.explainSlotInUse(error, settings.slot)
    }
    this.#walBudget = preflight.walBudgetBytes
    this.#startChecks(preflight.serverVersion)
    if (plan.snapshot) {
      await this.#startSnapshot(session, { slotLsn, exported: created !== null })
      return
    }
    await this.#connections.end(sql)
    this.#release()
  }

  /** Checks the publication and the end of the WAL periodically, each time on a new connection. */
  #startChecks(serverVersion: number): void {
    if (this.#closed) return
    const { monitor, history, clock, logger } = this.#context
    this.#stopChecks = checkPeriodically(clock, logger, async () => {
      const sql = await this.#connections.open('sql', 'checking the publication')
      try {
        this.#walEnd = await readWalPosition(sql)
        const view = await monitor.check(sql, serverVersion)
        if (view !== null) await history.update(sql, view)
      } finally {
        await this.#connections.end(sql)
      }
    })
  }

  /** Starts to read changes, and sends heartbeats if `heartbeat.interval.ms` is set; the first one immediately. */
  #release(): void {
    const { settings, clock, logger } = this.#context
    if (this.#closed || this.#stream === null) return
    this.#stream.release()
    logger.info(`streaming from ${formatLsn(this.#stream.confirmed)}, replication slot "${settings.slot}"`)
    if (settings.heartbeatMs === 0 || this.#decoder === null) return
    this.#sendHeartbeat()
    this.#stopHeartbeats = clock.every(settings.heartbeatMs, () => this.#sendHeartbeat())
  }

  #sendHeartbeat(): void {
    const { settings, clock } = this.#context
    const offset = this.#offsets.current(this.#decoder?.inTransaction !== false)
    if (offset === null || this.#queue.isFull) return
    this.#queue.push(heartbeatRecord(settings.prefix, settings.heartbeatTopic, offset, clock), 0)
    this.#offsets.onEmitted(offset)
    this.#advance(offset)
  }

  #createStream({ plan }: PreparedSession, slotLsn: number, publication: string): ReplicationStream {
    const { settings, tables, records, clock, logger, ahead } = this.#context
    const lineage = this.#lineage
    const position = this.#offsets.emitted ?? commitOffset(slotLsn, null, Math.floor(clock.now() * 1000), lineage)
    const advice = rereadAdvice(settings.slot, false)
    const decoder = new ChangeEventDecoder({
      tables,
      records,
      sink: this.#sink(),
      skippedOperations: settings.skippedOperations,
      start: { lineage, resume: plan.resume, position, slotLsn, advice, ahead },
    })
    const stream = new ReplicationStream(decoder, this.#events(publication), clock, logger)
    this.#decoder = decoder
    this.#stream = stream
    return stream
  }

  #sink(): ChangeSink {
    const { sharedVersions } = this.#context
    return {
      push: (record, bytes, isLast) => {
        this.#queue.push(record, bytes, isLast)
        this.#offsets.onEmitted(record.sourceOffset)
        if (this.#queue.isFull) this.#stream?.setFull(true)
      },
      onCommit: (transaction) => {
        this.#offsets.onTransaction(transaction)
        if (transaction.changes > versionsPerCommit) sharedVersions.add(transaction.changes - versionsPerCommit)
      },
    }
  }

  #events(publication: string): StreamEvents {
    const { slot } = this.#context.settings
    return {
      onKeepalive: (walEnd, awaited) => {
        if (this.#isBetweenTransactions) this.#advance(this.#offsets.storeWalEnd(walEnd, awaited))
      },
      fetchMissingSchema: (missing) => this.#fetchMissingSchema(missing),
      onNotice: (notice) => throwOnSkippedRow(notice, publication, slot),
      onEnd: (error) => {
        this.#stopHeartbeats()
        this.#queue.fail(streamFailure(error, publication, slot))
      },
    }
  }

  async #fetchMissingSchema(missing: MissingSchema): Promise<void> {
    const { tables, logger } = this.#context
    const sql = await this.#connections.open('sql', 'reading the catalog for the stream')
    try {
      await fetchMissingSchema(sql, missing, tables, logger)
    } finally {
      await this.#connections.end(sql)
    }
  }

  /** Starts to read the tables. Continues in the background; `take` throws what fails. */
  async #startSnapshot(
    session: PreparedSession,
    { slotLsn, exported }: { readonly slotLsn: number | null; readonly exported: boolean },
  ): Promise<void> {
    const { settings, tables, records, clock, logger } = this.#context
    const { sql, preflight } = session
    const publication = session.stream?.view.publication ?? null
    await tables.context.types.reloadEnums(sql)
    const point = await snapshotPoint(sql, slotLsn, this.#lineage, { standby: preflight.standby, exported })
    const selected = await currentTables(sql, selectSnapshotTables(settings, preflight.tables, publication))
    const projections = selected.map((table) => tableProjection(table, publishedAs(publication, table), settings))
    sql.purpose = 'locking the tables for the snapshot'
    await lockTables(sql, projections)
    sql.purpose = 'the snapshot'
    await tables.preload(sql, selected, point.lsn)
    this.#expectedRows = await expectedRows(sql, selected)
    const snapshot = new SnapshotReader({ connection: sql, tables, records, queue: this.#queue, point, clock, logger })
    this.#snapshot = snapshot
    logger.info(`starting snapshot of ${projections.length} tables at ${formatLsn(point.lsn)}`)
    const read = async (): Promise<void> => {
      await snapshot.read(projections)
      await sql.query('COMMIT')
      const oids = settings.snapshotTables.length === 0 ? null : selected.map((table) => table.oid)
      this.#onSnapshotRead(session, point, { oids, rows: snapshot.rows })
      logger.info(`snapshot complete: ${snapshot.rows} rows of ${selected.length} tables`)
      await this.#connections.end(sql)
      this.#release()
    }
    read().catch((error: unknown) => {
      if (!this.#closed) this.#queue.fail(error instanceof Error ? error : new ConnectError(String(error)))
    })
  }

  /** @param read the tables that were read, null for all, and the number of their rows */
  #onSnapshotRead(
    { asOf, stream }: PreparedSession,
    point: SnapshotPoint,
    read: { readonly oids: readonly number[] | null; readonly rows: number },
  ): void {
    const { ahead, history } = this.#context
    ahead.onRead(read.oids)
    ahead.open(point.ahead)
    const offset = withAhead(snapshotOffset(this.#lineage, point, true), point.ahead)
    this.#snapshot = null
    this.#decoder?.advance(offset, null)
    if (read.rows === 0) this.#offsets.store(offset)
    else this.#offsets.onEmitted(offset)
    if (stream !== null) history.onRead(stream.view, asOf)
  }

  get #isBetweenTransactions(): boolean {
    return this.#queue.isEmpty && this.#snapshot === null && this.#decoder?.inTransaction === false
  }

  #storeTransaction(): void {
    if (!this.#isBetweenTransactions) return
    this.#advance(
      this.#offsets.storeTransaction(() => {
        this.#storeTransaction()
      }),
    )
  }

  #advance(offset: SourceOffset | null): void {
    if (offset !== null) this.#decoder?.advance(offset, confirmableLsn(offset))
  }
}
