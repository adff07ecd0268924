import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { seededRandom } from '../seeded-random.ts'
import { eventually } from '../worker/worker-process.ts'

const perTransaction = 10

/** Columns of every kind that is hard to capture; `rev` counts the changes of a row, `big` is a TOAST value. */
const schema = `
CREATE TABLE orders (
  id bigint PRIMARY KEY, rev int NOT NULL, total numeric(14,4), at timestamptz, meta jsonb, tags text[], big text
);
CREATE TABLE ledger (id bigint PRIMARY KEY, rev int NOT NULL, amount numeric, note text);
`

/** The size and rate of a load. */
export interface LoadSize {
  /** Rows of the ledger that a snapshot reads. */
  readonly ledgerRows: number
  readonly seed: number
  /** Connections that write at the same time. */
  readonly connections?: number
}

/** A database under load: several connections insert, update, re-key and delete rows at a steady rate. */
export class ChangeLoad {
  readonly url: string
  #admin: pg.Client
  readonly #connections: number
  readonly #random: () => number
  readonly #stop = new AbortController()
  #writers: Promise<void>[] = []
  #nextOrder = 1
  #changes = 0

  private constructor(url: string, admin: pg.Client, { seed, connections = 4 }: LoadSize) {
    this.url = url
    this.#admin = admin
    this.#connections = connections
    this.#random = seededRandom(seed)
  }

  /** Creates the database `name` on the server at `url`. */
  static async make(url: string, name: string, size: LoadSize): Promise<ChangeLoad> {
    const server = await connected(url)
    await server.query(`CREATE DATABASE ${name}`)
    await server.end()
    const own = new URL(url)
    own.pathname = `/${name}`
    const load = new ChangeLoad(String(own), await connected(String(own)), size)
    await load.#admin.query(schema)
    await load.#admin.query(
      `INSERT INTO ledger SELECT i, 0, i * 1.5, 'entry ' || i FROM generate_series(1, $1::bigint) i`,
      [size.ledgerRows],
    )
    for (let i = 0; i < 200; i++) await load.#admin.query(...load.#newOrder())
    return load
  }

  /** Changes written so far. */
  get changes(): number {
    return this.#changes
  }

  /** Starts to write `rate` changes a second, over ledger rows 1..`ledgerRows` and the orders. */
  start(rate: number, ledgerRows: number): void {
    const pauseMs = (1000 * perTransaction * this.#connections) / rate
    this.#writers = Array.from({ length: this.#connections }, (_, writer) => this.#write(writer, pauseMs, ledgerRows))
  }

  /** Stops writing; the database stays as it is. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#writers)
  }

  /** Reconnects after the server was unreachable. */
  async reconnect(): Promise<void> {
    this.#admin = await connected(this.url)
  }

  async rows(sql: string, values?: unknown[]): Promise<readonly Record<string, unknown>[]> {
    return (await this.#admin.query<Record<string, unknown>>(sql, values)).rows
  }

  /** Drops slots and database, and terminates their sessions. */
  async drop(): Promise<void> {
    const name = new URL(this.url).pathname.slice(1)
    await this.#admin.end()
    const server = await connected(this.url.replace(`/${name}`, '/postgres'))
    await server.query(
      `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = '${name}' AND active`,
    )
    await eventually('the slots are free', 60_000, async () => {
      const { rows } = await server.query(`SELECT 1 FROM pg_replication_slots WHERE database = '${name}' AND active`)
      return rows.length === 0 ? true : null
    })
    await server.query(
      `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = '${name}'`,
    )
    await server.query(`DROP DATABASE ${name} WITH (FORCE)`)
    await server.end()
  }

  /** Writes until it is stopped; waits for an unreachable server. */
  async #write(writer: number, pauseMs: number, ledgerRows: number): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        await this.#session(writer, pauseMs, ledgerRows)
      } catch (error) {
        if (!isConnectionLost(error)) throw error
        await delay(100)
      }
    }
  }

  async #session(writer: number, pauseMs: number, ledgerRows: number): Promise<void> {
    const client = await connected(this.url)
    let due = performance.now()
    while (!this.#stop.signal.aborted) {
      await client.query('BEGIN')
      for (let i = 0; i < perTransaction; i++) await client.query(...this.#change(writer, ledgerRows))
      await client.query('COMMIT')
      this.#changes += perTransaction
      due += pauseMs
      const wait = due - performance.now()
      if (wait > 1) await delay(wait)
    }
    await client.end()
  }

  /** Each writer has its own rows (by the remainder of the id), so that no two of them wait for each other. */
  #change(writer: number, ledgerRows: number): [string, unknown[]] {
    const dice = this.#random()
    const order = this.#own(writer, this.#nextOrder)
    if (dice < 0.1) return this.#newOrder()
    if (dice < 0.4)
      return ['UPDATE orders SET rev = rev + 1, total = total + 0.0001, at = clock_timestamp() WHERE id = $1', [order]]
    if (dice < 0.5)
      return [
        "UPDATE orders SET rev = rev + 1, meta = jsonb_build_object('rev', rev), tags = tags || 'x'::text WHERE id = $1",
        [order],
      ]
    if (dice < 0.53) return ['DELETE FROM orders WHERE id = $1', [order]]
    // The row's TOAST value is not in the WAL: the sink must find it under the previous key.
    if (dice < 0.55) return ['UPDATE orders SET id = $2, rev = 0 WHERE id = $1', [order, this.#nextOrder++]]
    const entry = this.#own(writer, ledgerRows)
    if (dice < 0.97) return ['UPDATE ledger SET rev = rev + 1, amount = amount * 1.01 WHERE id = $1', [entry]]
    return ['DELETE FROM ledger WHERE id = $1', [entry]]
  }

  #own(writer: number, below: number): number {
    const any = Math.floor(this.#random() * below)
    return Math.max(1, any - (any % this.#connections) + writer)
  }

  /** One in twenty orders has 100 kB that do not compress and that no update changes. */
  #newOrder(): [string, unknown[]] {
    const id = this.#nextOrder++
    const big =
      id % 20 === 0
        ? Buffer.from(Array.from({ length: 50_000 }, () => Math.floor(this.#random() * 256))).toString('hex')
        : null
    return [
      `INSERT INTO orders VALUES ($1, 0, $2, clock_timestamp(), $3, $4, $5)`,
      [id, (this.#random() * 1e9).toFixed(4), JSON.stringify({ id, note: 'ünïcode' }), ['a', 'b "quoted"', null], big],
    ]
  }
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {}) // the next query fails with it
  await client.connect()
  return client
}

/** Whether the server is unreachable: by SQLSTATE class, or by a socket error. */
function isConnectionLost(error: unknown): boolean {
  const code = error instanceof Error ? String(Reflect.get(error, 'code') ?? '') : ''
  return (
    /^(57P0|08|ECONN|EPIPE)/.test(code) || (error instanceof Error && /terminated|not queryable/.test(error.message))
  )
}
