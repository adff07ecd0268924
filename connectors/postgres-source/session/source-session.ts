import { ConnectError, type SourceOffset, type SourceRecord } from 'penstock/api'
import type { CaptureView } from '../preflight/capture-view.ts'
import { ChangeStream, type Missing } from '../replication/change-stream.ts'
import { Connections } from '../connection/connections.ts'
import { heartbeatRecord } from '../records/heartbeat.ts'
import { identifyBySql, identifySystem, noLine, type Line, type ServerLine } from '../offsets/line.ts'
import {
  aheadOf,
  commitOffset,
  confirmable,
  onLine,
  slotLimit,
  snapshotOffset,
  withAhead,
  type StreamPoint,
} from '../offsets/offset.ts'
import { refuse, survey, type Survey } from '../preflight/preflight.ts'
import { Progress } from '../offsets/progress.ts'
import { formatLsn } from '../offsets/lsn.ts'
import { lookRegularly } from '../replication/publication-watch.ts'
import {
  publish,
  publishedAs,
  refusePassedRow,
  refuseYoungPublication,
  streamFailure,
} from '../replication/publication.ts'
import { RecordQueue } from '../records/record-queue.ts'
import { ReplicationStream } from '../replication/replication-stream.ts'
import { currentTables, planOf, snapshotTables, statusInterval, type Plan, type Start } from './session-plan.ts'
import { findLine, lineFrom, type LineFinding } from './session-line.ts'
import type { SessionParts } from './session-parts.ts'
import type { PgSession } from '../connection/session.ts'
import { versionsPerCommit } from '../offsets/row-version.ts'
import { checkSlot, createSlot, readAgain, readLogEnd, startReplication, type Slot } from '../replication/slot.ts'
import { beginSnapshot, Snapshot, snapshotPoint } from '../snapshot/snapshot.ts'
import { lockTables } from '../snapshot/snapshot-tables.ts'
import { readCatalogPosition } from '../schema/table-catalog.ts'
import { tablePart } from '../schema/table-part.ts'
import { tableTopic } from '../schema/table-shape.ts'
import { committedAt } from '../offsets/undurable.ts'

/** Everything that is known before streaming starts. */
interface Beginning {
  readonly found: Survey
  readonly start: Start
  readonly plan: Plan
  readonly finding: LineFinding
  readonly view: CaptureView
}

/**
 * One run of the source over its own connections: a snapshot if one is needed, then the stream. Any failure ends the
 * whole session; the task opens the next one.
 */
export class SourceSession {
  readonly #parts: SessionParts
  readonly #start: Start
  readonly #queue: RecordQueue
  readonly #progress: Progress
  readonly #connections: Connections
  #stream: ReplicationStream | null = null
  #changes: ChangeStream | null = null
  #snapshot: Snapshot | null = null
  #line: Line = noLine
  #stopBeating: () => void = () => undefined
  #stopWatching: () => void = () => undefined
  /** The end of the WAL as of the last periodic check: a stream under back-pressure does not report it. */
  #logEnd = 0
  /** The end of the WAL when the session started. */
  #asOf = 0
  #closed = false

  constructor(parts: SessionParts, start: Start) {
    this.#parts = parts
    this.#start = start
    this.#connections = new Connections(parts.settings, parts.clock, parts.show)
    this.#queue = new RecordQueue(parts.settings.queue)
    this.#queue.onRoom = () => {
      this.#snapshot?.resume()
      this.#stream?.setFull(false)
    }
    const { statusIntervalMs } = parts.settings
    this.#progress = new Progress(parts.clock, parts.store, statusIntervalMs * 0.9, parts.ahead)
  }

  /** Where the next session continues. `position` is null during a snapshot: the next session starts it again. */
  get next(): Omit<Start, 'first'> {
    const { emitted, durable } = this.#progress
    return { position: emitted, durable, line: this.#line === noLine ? null : this.#line }
  }

  /** Commit time, in microseconds of the epoch, of the oldest change in the queue; null when the queue is empty. */
  get waitingSince(): number | null {
    const { first } = this.#queue
    return first === null ? null : committedAt(first)
  }

  /** Bytes of WAL that the slot retains; null while the server has not reported its position. */
  get retainedBytes(): number | null {
    if (this.#stream === null) return null
    const end = Math.max(this.#stream.walEnd, this.#logEnd)
    return end === 0 ? null : Math.max(0, end - this.#stream.confirmed)
  }

  take(signal: AbortSignal): Promise<readonly SourceRecord[] | null> {
    return this.#queue.take(signal)
  }

  /** The offset is durable: the server may discard the WAL of the transactions that it covers (I2). */
  committed(offset: SourceOffset): void {
    this.#progress.onDurable(offset)
    this.#stream?.confirm(this.#progress.confirmable)
    this.#storeTransaction()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#stopBeating()
    this.#stopWatching()
    this.#progress.stop()
    this.#stream?.stop()
    this.#queue.fail(new ConnectError('the task is stopping'))
    await this.#connections.close()
  }

  /**
   * Connects, runs the preflight, and starts the snapshot or the stream. A concurrent {@link close} makes it throw.
   * @throws ConnectError with a PG_ code and the SQL that fixes it; RetriableError when a retry can succeed.
   */
  async open(): Promise<void> {
    const { settings, tables, logger } = this.#parts
    const sql = await this.#connections.open('sql', 'starting the source')
    this.#asOf = await readCatalogPosition(sql)
    const found = await survey(sql, settings)
    const start = await this.#refreshedStart(found.slot)
    const plan = planOf(settings, start)
    refuse(found, { reading: plan.snapshot, first: start.first })
    if (start.first) for (const warning of found.warnings) logger.warn(warning)
    await tables.preload(sql, found.tables, this.#asOf)
    await this.#parts.ahead.load()
    if (settings.snapshotMode === 'initial_only') {
      if (!plan.snapshot) return
      const server = await identifyBySql(sql, found.standby)
      const finding = await this.#findLine(server, start, plan, found)
      await beginSnapshot(sql, null)
      this.#onLine(finding, 0, plan, start)
      await this.#readTables(sql, null, found, null, false)
      return
    }
    const replication = await this.#connections.open('replication', 'starting the stream')
    const server = await identifySystem(replication, found.standby)
    const finding = await this.#findLine(server, start, plan, found)
    const limit = plan.snapshot || start.position === null ? null : slotLimit(start.position)
    checkSlot(found.slot, settings.slot, settings.connection.database, limit)
    refuseYoungPublication(found.slot, found.publication, settings, limit !== null)
    if (found.plan.statement !== null) {
      sql.doing = `creating or extending publication "${settings.publication}"`
      await publish(sql, found.plan.statement, settings.publication)
      logger.info(`created or extended publication "${settings.publication}": ${found.plan.statement.slice(0, 500)}`)
    }
    sql.doing = 'starting the source'
    this.#parts.watch.add(found.tables)
    const view = await this.#parts.watch.look(sql, found.serverVersion)
    if (view === null) throw new ConnectError(`publication "${settings.publication}" was not created`)
    if (!plan.snapshot) await this.#parts.known.compare(sql, view)
    await this.#begin({ sql, replication }, { found, start, plan, finding, view })
  }

  /**
   * Returns where to start, given the slot's position. Reads the stored offset after the slot: a task that used the slot
   * until now stored its offset before it confirmed it. On a reconnect, only a slot past the offset means that there was one.
   */
  async #refreshedStart(slot: Slot | null): Promise<Start> {
    const { position, first, line } = this.#start
    const limit = position === null ? null : slotLimit(position)
    if (!first && (limit === null || (slot?.confirmedLsn ?? 0) <= limit)) return this.#start
    const stored = await this.#parts.stored()
    return { position: stored, durable: stored, first, line }
  }

  async #findLine(server: ServerLine, start: Start, plan: Plan, found: Survey): Promise<LineFinding> {
    const { settings, tables, highestVersion } = this.#parts
    return await findLine(server, start.position, {
      rereads: plan.snapshot,
      asked: settings.snapshotMode === 'always' && start.first,
      previous: start.line,
      advice: readAgain(settings.slot, false),
      highest: async () => await highestVersion(found.tables.map((table) => tableTopic(table, tables.context))),
    })
  }

  /** Decides the epoch of everything that is read from `lsn` on. */
  #onLine(finding: LineFinding, lsn: number, plan: Plan, start: Start): void {
    this.#line = lineFrom(finding, lsn)
    const { position, durable } = start
    // A snapshot discards the stored position: it may belong to another server.
    if (plan.snapshot || position === null) this.#progress.begin(this.#line, null, null)
    else this.#progress.begin(this.#line, onLine(position, this.#line), durable)
  }

  /** Creates the slot if it is missing, and starts the stream. The stream is held until the snapshot is complete. */
  async #begin(
    { sql, replication }: { readonly sql: PgSession; readonly replication: PgSession },
    { found, start, plan, finding, view }: Beginning,
  ): Promise<void> {
    const { settings, logger } = this.#parts
    const created = found.slot === null ? await createSlot(replication, settings.slot, plan.snapshot, logger) : null
    const slotLsn = created?.consistentPoint ?? found.slot?.confirmedLsn ?? 0
    if (plan.snapshot) await beginSnapshot(sql, created?.snapshot ?? null)
    this.#onLine(finding, slotLsn, plan, start)
    this.#parts.ahead.open(plan.snapshot ? null : aheadOf(start.position))
    const stream = this.#makeStream(plan.resume, slotLsn, view.publication.name)
    const command = startReplication(settings.slot, view.publication.name, slotLsn, found.serverVersion)
    const confirmed = Math.max(slotLsn, this.#progress.confirmable)
    try {
      await stream.start(replication, command, confirmed, statusInterval(settings, found))
    } catch (error) {
      throw await this.#connections.waits.explainActive(error, settings.slot)
    }
    this.#watch(found)
    if (plan.snapshot) {
      await this.#readTables(sql, slotLsn, found, view, created !== null)
      return
    }
    await this.#connections.end(sql)
    this.#flow()
  }

  /** Checks the publication and the end of the WAL periodically, each time on a new connection. */
  #watch(found: Survey): void {
    if (this.#closed) return
    const { watch, known, clock, logger } = this.#parts
    this.#stopWatching = lookRegularly(clock, logger, async () => {
      const sql = await this.#connections.open('sql', 'checking the publication')
      try {
        this.#logEnd = await readLogEnd(sql, found.standby)
        const view = await watch.look(sql, found.serverVersion)
        if (view !== null) await known.follow(sql, view)
      } finally {
        await this.#connections.end(sql)
      }
    })
  }

  /** Starts to read changes, and sends heartbeats if `heartbeat.interval.ms` is set; the first one immediately. */
  #flow(): void {
    const { settings, clock } = this.#parts
    if (this.#closed || this.#stream === null) return
    this.#stream.release()
    this.#parts.logger.info(`streaming from ${formatLsn(this.#stream.confirmed)}, replication slot "${settings.slot}"`)
    if (settings.heartbeatMs === 0 || this.#changes === null) return
    this.#beat()
    this.#stopBeating = clock.every(settings.heartbeatMs, () => this.#beat())
  }

  #beat(): void {
    const { settings, clock } = this.#parts
    const offset = this.#progress.current(this.#changes?.inTransaction !== false)
    if (offset === null || this.#queue.isFull) return
    this.#queue.push(heartbeatRecord(settings.prefix, settings.heartbeatTopic, offset, clock), 0)
    this.#progress.onEmitted(offset)
    this.#advance(offset)
  }

  #makeStream(resume: StreamPoint, slotLsn: number, publication: string): ReplicationStream {
    const { settings, tables, records, clock, logger, sharedVersions } = this.#parts
    const changes = new ChangeStream(
      tables,
      records,
      {
        push: (record, bytes) => {
          this.#queue.push(record, bytes)
          this.#progress.onEmitted(record.sourceOffset)
          if (this.#queue.isFull) this.#stream?.setFull(true)
        },
        onCommit: (transaction) => {
          this.#progress.onTransaction(transaction)
          if (transaction.changes > versionsPerCommit) sharedVersions.add(transaction.changes - versionsPerCommit)
        },
      },
      settings.skippedOperations,
      {
        line: this.#line,
        resume,
        position: this.#progress.emitted ?? commitOffset(slotLsn, null, Math.floor(clock.now() * 1000), this.#line),
        advice: readAgain(settings.slot, false),
        ahead: this.#parts.ahead,
      },
    )
    const stream = new ReplicationStream(
      changes,
      {
        onKeepalive: (walEnd, awaited) => {
          if (this.#hasNothingOpen) this.#advance(this.#progress.storeLogEnd(walEnd, awaited))
        },
        provide: (missing) => this.#provide(missing),
        onNotice: (notice) => refusePassedRow(notice, publication, settings.slot),
        onEnd: (error) => {
          this.#stopBeating()
          this.#queue.fail(streamFailure(error, publication, settings.slot))
        },
      },
      clock,
      logger,
    )
    this.#changes = changes
    this.#stream = stream
    return stream
  }

  /** Starts to read the tables. Continues in the background; `take` throws what fails. */
  async #readTables(
    sql: PgSession,
    slotLsn: number | null,
    found: Survey,
    view: CaptureView | null,
    exported: boolean,
  ): Promise<void> {
    const publication = view?.publication ?? null
    const { settings, tables, records, clock, logger } = this.#parts
    await tables.context.types.reloadEnums(sql)
    const point = await snapshotPoint(sql, slotLsn, this.#line, { standby: found.standby, exported })
    const chosen = await currentTables(sql, snapshotTables(settings, found, publication))
    const parts = chosen.map((table) => tablePart(table, publishedAs(publication, table), settings))
    sql.doing = 'locking the tables for the snapshot'
    await lockTables(sql, parts)
    sql.doing = 'the snapshot'
    await tables.preload(sql, chosen, point.lsn)
    const snapshot = new Snapshot(sql, tables, records, this.#queue, point, clock, logger)
    this.#snapshot = snapshot
    logger.info(`starting snapshot of ${parts.length} tables at ${formatLsn(point.lsn)}`)
    const read = async (): Promise<void> => {
      await snapshot.read(parts)
      await sql.query('COMMIT')
      this.#parts.ahead.onRead(settings.snapshotTables.length === 0 ? null : chosen.map((table) => table.oid))
      this.#parts.ahead.open(point.ahead)
      this.#onSnapshotDone(withAhead(snapshotOffset(this.#line, point, true), point.ahead), snapshot.rows)
      if (view !== null) this.#parts.known.onRead(view, this.#asOf)
      logger.info(`snapshot complete: ${snapshot.rows} rows of ${chosen.length} tables`)
      await this.#connections.end(sql)
      this.#flow()
    }
    read().catch((error: unknown) => {
      if (!this.#closed) this.#queue.fail(error instanceof Error ? error : new ConnectError(String(error)))
    })
  }

  #onSnapshotDone(offset: SourceOffset, rows: number): void {
    this.#snapshot = null
    this.#changes?.advance(offset, null)
    if (rows === 0) this.#progress.store(offset)
    else this.#progress.onEmitted(offset)
  }

  async #provide(missing: Missing): Promise<void> {
    const { tables, logger } = this.#parts
    const sql = await this.#connections.open('sql', 'reading the catalog for the stream')
    try {
      if (missing.kind === 'relation') {
        logger.debug(`reading the catalog entry of ${missing.relation.schema}.${missing.relation.name}`)
        await tables.refresh(sql, missing.relation)
        return
      }
      const { typeOid, label } = missing.error
      const { types } = tables.context
      await types.reloadEnums(sql)
      if (types.get(typeOid)?.labels.includes(label) !== true) types.addLabel(typeOid, label)
      tables.rebuild()
    } finally {
      await this.#connections.end(sql)
    }
  }

  get #hasNothingOpen(): boolean {
    return this.#queue.isEmpty && this.#snapshot === null && this.#changes?.inTransaction === false
  }

  #storeTransaction(): void {
    if (!this.#hasNothingOpen) return
    this.#advance(
      this.#progress.storeTransaction(() => {
        this.#storeTransaction()
      }),
    )
  }

  #advance(offset: SourceOffset | null): void {
    if (offset !== null) this.#changes?.advance(offset, confirmable(offset))
  }
}
