import { abortable, ConnectError, type Clock } from 'penstock/api'
import type { ConnectionSettings } from '../connection/connection-settings.ts'
import { PgConnection } from '../connection/pg-connection.ts'
import { codeOf } from '../connection/pg-error.ts'
import { tableKey, type ChunkOwner } from './chunk-owner.ts'

/** Asks a database that has TimescaleDB. */
export interface ChunkReader {
  /** Returns the owners of all chunks by their {@link tableKey}. @throws RetriableError, ConnectError */
  chunks(): Promise<ReadonlyMap<string, ChunkOwner>>
  /** Returns whether a transaction has not ended for other sessions. */
  isInProgress(transaction: number): Promise<boolean>
}

/** Runs a function with a reader. @throws RetriableError while the database cannot be reached, ConnectError when it refuses */
export type ReadChunks = <T>(use: (reader: ChunkReader) => Promise<T>, signal: AbortSignal) => Promise<T>

// One statement, so that both parts are of one snapshot. A chunk that was dropped may still be in the catalog.
const chunksSql = `select c.schema_name as schema, c.table_name as table,
    h.schema_name as hypertable_schema, h.table_name as hypertable_table,
    a.user_view_schema as aggregate_schema, a.user_view_name as aggregate_table
  from _timescaledb_catalog.chunk c
  join _timescaledb_catalog.hypertable h on h.id = c.hypertable_id
  left join _timescaledb_catalog.continuous_agg a on a.mat_hypertable_id = h.id`

// A transaction holds the lock on its id until other sessions see what it did.
const inProgressSql = `select exists (
    select from pg_catalog.pg_locks where locktype = 'transactionid' and transactionid = $1::text::xid
  ) as "isInProgress"`

const undefinedTable = '42P01'
const undefinedSchema = '3F000'

interface ChunkRow {
  readonly schema: string
  readonly table: string
  readonly hypertable_schema: string
  readonly hypertable_table: string
  readonly aggregate_schema: string | null
  readonly aggregate_table: string | null
}

/** Returns a function that opens a connection for each read: chunks are created rarely, and an idle connection has a cost. */
export function chunkReader(settings: ConnectionSettings, clock: Clock): ReadChunks {
  return async (use, signal) => {
    signal.throwIfAborted()
    const opening = PgConnection.connect(settings, 'sql', clock)
    const close = async (): Promise<void> => {
      const connection = await opening.catch(() => null)
      await connection?.close()
    }
    try {
      const connection = await abortable(opening, signal)
      connection.purpose = 'reading the chunks of TimescaleDB'
      return await abortable(use(readerOn(connection, settings)), signal)
    } finally {
      const closed = close()
      // A connection that is still being opened would hold up the end of the task.
      if (!signal.aborted) await closed
    }
  }
}

function readerOn(connection: PgConnection, { database, host, port }: ConnectionSettings): ChunkReader {
  return {
    async chunks() {
      const rows = await connection.query<ChunkRow>(chunksSql).catch((error: unknown) => {
        const code = error instanceof ConnectError ? codeOf(error.cause) : null
        if (code !== undefinedTable && code !== undefinedSchema) throw error
        throw new ConnectError(
          `the database ${database} at ${host}:${port} has no catalog of TimescaleDB (_timescaledb_catalog): set database.dbname of the ` +
            'transform to the database of the hypertables, which has the extension timescaledb',
          { code: 'PG_TIMESCALEDB', cause: error },
        )
      })
      return new Map(rows.map((row) => [tableKey(row), ownerIn(row)]))
    },
    async isInProgress(transaction) {
      const [row] = await connection.query<{ readonly isInProgress: boolean }>(inProgressSql, [String(transaction)])
      return row?.isInProgress === true
    },
  }
}

function ownerIn(row: ChunkRow): ChunkOwner {
  const { aggregate_schema: schema, aggregate_table: table } = row
  return {
    hypertable: { schema: row.hypertable_schema, table: row.hypertable_table },
    aggregate: schema === null || table === null ? null : { schema, table },
  }
}
