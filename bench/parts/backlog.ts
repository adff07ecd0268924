import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { BenchError } from './bench-error.ts'

const slotBase = 'bench_base'

/**
 * A table, and a replication slot that was created before its rows. Every run reads the same backlog from a copy of that slot.
 * Rows have about 200 bytes.
 */
export class Backlog {
  readonly url: string
  readonly rows: number
  readonly table = 'bench_orders'
  readonly publication = 'bench_publication'
  readonly #client: pg.Client

  private constructor(url: string, rows: number, client: pg.Client) {
    this.url = url
    this.rows = rows
    this.#client = client
  }

  /** Writes the rows, 1,000 per transaction. */
  static async make(url: string, rows: number): Promise<Backlog> {
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    const backlog = new Backlog(url, rows, client)
    await client.query(`DROP PUBLICATION IF EXISTS ${backlog.publication}`)
    await client.query(`DROP TABLE IF EXISTS ${backlog.table}`)
    await client.query(
      `CREATE TABLE ${backlog.table} (id bigint PRIMARY KEY, customer int NOT NULL, status text NOT NULL, total numeric(12,2) NOT NULL, note text, created_at timestamptz NOT NULL, updated_at timestamptz)`,
    )
    await client.query(`CREATE PUBLICATION ${backlog.publication} FOR TABLE ${backlog.table}`)
    await backlog.dropSlots()
    await client.query(`SELECT pg_create_logical_replication_slot('${slotBase}', 'pgoutput')`)
    for (let from = 1; from <= rows; from += 1000) {
      await client.query(
        `INSERT INTO ${backlog.table} SELECT i, i % 5000, 'paid', i / 100.0, repeat('n', 100), '2024-01-31 10:20:30+00', NULL FROM generate_series($1::bigint, $2::bigint) i`,
        [from, Math.min(rows, from + 999)],
      )
    }
    return backlog
  }

  /** Creates a copy of the slot. */
  async slot(name: string): Promise<string> {
    await this.#client.query(`SELECT pg_copy_logical_replication_slot('${slotBase}', '${name}')`)
    return name
  }

  /** Drops a slot after its reader has disconnected. */
  async dropSlot(name: string): Promise<void> {
    const deadline = performance.now() + 30_000
    while (performance.now() < deadline) {
      const { rowCount } = await this.#client.query(
        `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND NOT active`,
        [name],
      )
      if (rowCount === 1) return
      await delay(50)
    }
    throw new BenchError(`slot ${name} is still read 30 s after its reader was stopped`)
  }

  async dropSlots(): Promise<void> {
    await this.#client.query(
      `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name LIKE 'bench\\_%' AND NOT active`,
    )
  }

  /** The end of the written WAL. */
  async walEnd(): Promise<string> {
    const { rows } = await this.#client.query<{ lsn: string }>('SELECT pg_current_wal_flush_lsn()::text AS lsn')
    return rows[0]?.lsn ?? '0/0'
  }

  async close(): Promise<void> {
    await this.dropSlots()
    await this.#client.query(`DROP PUBLICATION IF EXISTS ${this.publication}`)
    await this.#client.query(`DROP TABLE IF EXISTS ${this.table}`)
    await this.#client.end()
  }
}
