import type { Line } from '../offsets/line.ts'
import { resumePoint, type StreamPoint } from '../offsets/offset.ts'
import type { Survey } from '../preflight/preflight.ts'
import type { Publication } from '../replication/publication.ts'
import type { PgSession } from '../connection/session.ts'
import type { SourceSettings } from '../config/settings.ts'
import { readTables, type CatalogTable } from '../schema/table-catalog.ts'
import { fullName } from '../schema/table-filter.ts'
import type { SourceOffset } from 'penstock/api'

/** Where a session starts. */
export interface Start {
  /** The offset to continue from: the stored offset, or the last emitted one after a lost connection. */
  readonly position: SourceOffset | null
  /** The stored offset. */
  readonly durable: SourceOffset | null
  /** Whether the task starts, not only its connection. */
  readonly first: boolean
  /** The lineage that the session before has read; null when the task starts. */
  readonly line: Line | null
}

/** Whether the session takes a snapshot, and where its stream continues. */
export interface Plan {
  readonly snapshot: boolean
  readonly resume: StreamPoint
}

const fromSlot: StreamPoint = { kind: 'stream', skipBefore: 0, lastCommit: null, open: null }

/**
 * The tables of the snapshot: those under whose names the publication sends changes, so that a partitioned table is
 * read as itself or as its partitions. Without a publication, each table that holds rows is read.
 */
export function snapshotTables(
  settings: SourceSettings,
  found: Survey,
  publication: Publication | null,
): CatalogTable[] {
  const isSent = (table: CatalogTable): boolean =>
    publication === null || publication.tables.some((other) => other.oid === table.oid)
  const isChosen = (table: CatalogTable): boolean =>
    settings.snapshotTables.length === 0 ||
    settings.snapshotTables.some((pattern) => pattern.regex.test(fullName(table)))
  return found.tables.filter((table) => isSent(table) && isChosen(table))
}

/** Reads the tables again inside the snapshot: they may have changed since the preflight. */
export async function currentTables(sql: PgSession, tables: readonly CatalogTable[]): Promise<CatalogTable[]> {
  const found = await readTables(
    sql,
    tables.map((table) => table.oid),
  )
  return tables.flatMap((table) => found.find((other) => other.oid === table.oid) ?? [])
}

/** Applies `snapshot.mode` to the stored offset. */
export function planOf(settings: SourceSettings, start: Start): Plan {
  const point = resumePoint(start.position)
  const mode = settings.snapshotMode
  const again = mode === 'always' && start.first
  if (point.kind === 'begin') return { snapshot: mode !== 'no_data', resume: fromSlot }
  return again ? { snapshot: true, resume: fromSlot } : { snapshot: false, resume: point }
}

/** At most a third of `wal_sender_timeout`, whatever `status.update.interval.ms` says. */
export function statusInterval(settings: SourceSettings, found: Survey): number {
  const { senderTimeoutMs } = found
  return senderTimeoutMs === 0 ? settings.statusIntervalMs : Math.min(settings.statusIntervalMs, senderTimeoutMs / 3)
}
