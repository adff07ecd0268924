import { ConnectError } from 'penstock/api'
import type { Connections } from '../connection/connections.ts'
import type { PgConnection } from '../connection/pg-connection.ts'
import { readWalPosition } from '../connection/wal-position.ts'
import { slotLimit } from '../offsets/resume-point.ts'
import { identifyBySql, identifySystem, type ServerLineage } from '../offsets/wal-lineage.ts'
import { runPreflight, throwIfFound, type PreflightResult } from '../preflight/run-preflight.ts'
import type { CaptureView } from '../publication/capture-view.ts'
import { throwIfPublicationMissing } from '../publication/publication-errors.ts'
import { publish } from '../publication/publication.ts'
import { checkSlot, rereadAdvice, type Slot } from '../replication/slot.ts'
import { tableTopic } from '../schema/table-shape.ts'
import { checkLineage, type LineageCheck } from './lineage-check.ts'
import type { SessionContext } from './session-context.ts'
import { planStart, type SessionStart, type StartPlan } from './start-plan.ts'

/** A session whose server was checked, ready for the snapshot or the stream. */
export interface PreparedSession {
  readonly sql: PgConnection
  readonly preflight: PreflightResult
  readonly start: SessionStart
  readonly plan: StartPlan
  readonly lineage: LineageCheck
  /** The end of the WAL when the session started. */
  readonly asOf: number
  /** Null with `snapshot.mode` `initial_only`. */
  readonly stream: { readonly replication: PgConnection; readonly view: CaptureView } | null
}

/**
 * Connects, checks the server, and creates or extends the publication. Returns null when the session has nothing to do:
 * with `snapshot.mode` `initial_only` after the snapshot.
 * @throws ConnectError with a PG_ code and the SQL that fixes it; RetriableError when a retry can succeed
 */
export async function prepareSession(
  context: SessionContext,
  connections: Connections,
  stored: SessionStart,
): Promise<PreparedSession | null> {
  const { settings, tables, ahead } = context
  const sql = await connections.open('sql', 'starting the source')
  const asOf = await readWalPosition(sql)
  const preflight = await runPreflight(sql, settings)
  const start = await refreshedStart(context, stored, preflight.slot)
  const plan = planStart(settings, start)
  throwIfFound(preflight, { reading: plan.snapshot, first: start.first })
  if (start.first) for (const warning of preflight.warnings) context.logger.warn(warning)
  await tables.preload(sql, preflight.tables, asOf)
  await ahead.load()
  const checked = { sql, preflight, start, plan, asOf }
  if (settings.snapshotMode === 'initial_only') {
    if (!plan.snapshot) return null
    const server = await identifyBySql(sql, preflight.standby)
    return { ...checked, lineage: await lineageOfServer(context, server, checked), stream: null }
  }
  const replication = await connections.open('replication', 'starting the stream')
  const server = await identifySystem(replication, preflight.standby)
  const lineage = await lineageOfServer(context, server, checked)
  const limit = plan.snapshot || start.position === null ? null : slotLimit(start.position)
  checkSlot(preflight.slot, settings.slot, settings.connection.database, limit)
  throwIfPublicationMissing(preflight, settings, limit !== null)
  const view = await createPublication(context, sql, preflight)
  if (!plan.snapshot) await context.history.compare(sql, view)
  return { ...checked, lineage, stream: { replication, view } }
}

/**
 * Returns where to start, given the slot's position. Reads the stored offset after the slot: a task that used the slot
 * until now stored its offset before it confirmed it. On a reconnect, only a slot past the offset means that there was one.
 */
async function refreshedStart(context: SessionContext, stored: SessionStart, slot: Slot | null): Promise<SessionStart> {
  const { position, first, lineage } = stored
  const limit = position === null ? null : slotLimit(position)
  if (!first && (limit === null || (slot?.confirmedLsn ?? 0) <= limit)) return stored
  const offset = await context.stored()
  return { position: offset, durable: offset, first, lineage }
}

async function lineageOfServer(
  { settings, tables, highestVersion }: SessionContext,
  server: ServerLineage,
  { start, plan, preflight }: Pick<PreparedSession, 'start' | 'plan' | 'preflight'>,
): Promise<LineageCheck> {
  return await checkLineage(server, start.position, {
    rereads: plan.snapshot,
    requested: settings.snapshotMode === 'always' && start.first,
    previous: start.lineage,
    advice: rereadAdvice(settings.slot, false),
    highest: async () => await highestVersion(preflight.tables.map((table) => tableTopic(table, tables.context))),
  })
}

/** Creates or extends the publication as planned, and returns what it captures. */
async function createPublication(
  { settings, logger, monitor }: SessionContext,
  sql: PgConnection,
  { plan, tables, serverVersion }: PreflightResult,
): Promise<CaptureView> {
  if (plan.statement !== null) {
    sql.purpose = `creating or extending publication "${settings.publication}"`
    await publish(sql, plan.statement, settings.publication)
    logger.info(`created or extended publication "${settings.publication}": ${plan.statement.slice(0, 500)}`)
  }
  sql.purpose = 'starting the source'
  monitor.add(tables)
  const view = await monitor.check(sql, serverVersion)
  if (view === null) throw new ConnectError(`publication "${settings.publication}" was not created`)
  return view
}
