import { randomBytes } from 'node:crypto'
import { systemClock, type RawConfig } from 'penstock/api'
import pg from 'pg'
import type { TestContext } from 'vitest'
import { patienceMs, until } from '../until.ts'

/** Splits a script into statements at semicolons outside quotes, as psql does. */
export function statements(script: string): string[] {
  const parts: string[] = []
  const token = /\$(\w*)\$[^]*?\$\1\$|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|;|[^]/g
  let current = ''
  for (const [text] of script.matchAll(token)) {
    if (text === ';') {
      parts.push(current)
      current = ''
    } else if (!text.startsWith('--')) {
      current += text
    }
  }
  parts.push(current)
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

/** A test's own database on a real server, with a connection to it. */
export class TestDatabase {
  readonly name: string
  readonly url: URL
  readonly #client: pg.Client

  private constructor(name: string, url: URL, client: pg.Client) {
    this.name = name
    this.url = url
    this.#client = client
  }

  static async create(serverUrl: string, purpose: string, encoding = 'UTF8'): Promise<TestDatabase> {
    const name = `pgsrc_${purpose}_${randomBytes(4).toString('hex')}`
    await withServer(serverUrl, (admin) =>
      admin.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING '${encoding}' LC_COLLATE 'C' LC_CTYPE 'C'`),
    )
    const url = new URL(serverUrl)
    url.pathname = `/${name}`
    const client = new pg.Client({ connectionString: url.href })
    client.on('error', () => undefined)
    await client.connect()
    return new TestDatabase(name, url, client)
  }

  /** Runs each statement of a script separately, so that each is a transaction unless the script says otherwise. */
  async play(script: string): Promise<void> {
    for (const statement of statements(script)) await whenFree(() => this.#client.query(statement))
  }

  async rows<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await whenFree(() => this.#client.query<Row>(sql, [...values]))).rows
  }

  /** Another connection to the database; close it with `end`. */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url.href })
    client.on('error', () => undefined)
    await client.connect()
    return client
  }

  /** A connector config for the database; the slot is named after it. */
  config(extra: RawConfig = {}): RawConfig {
    return {
      name: this.name,
      'database.hostname': this.url.hostname,
      'database.port': this.url.port,
      'database.user': this.url.username,
      'database.password': this.url.password || 'x',
      'database.dbname': this.name,
      'topic.prefix': 't',
      'plugin.name': 'pgoutput',
      'slot.name': this.name,
      'publication.name': 'p',
      ...extra,
    }
  }

  async slot(): Promise<{ confirmed: string; active: boolean } | undefined> {
    const [row] = await this.rows<{ confirmed: string; active: boolean }>(
      'select confirmed_flush_lsn::text as confirmed, active from pg_replication_slots where slot_name = $1',
      [this.name],
    )
    return row
  }

  /** Whether a session reads the stream of the slot; false before the slot is created. */
  async isStreaming(): Promise<boolean> {
    const found = await this.rows(
      `select 1 from pg_stat_replication where state in ('catchup', 'streaming')
       and pid = (select active_pid from pg_replication_slots where slot_name = $1)`,
      [this.name],
    )
    return found.length > 0
  }

  /** Drops the database with its slots; terminates their readers. */
  async drop(): Promise<void> {
    await this.#client.end()
    await withServer(this.url.href.replace(`/${this.name}`, '/postgres'), async (admin) => {
      const slots = async (): Promise<{ slot_name: string; active_pid: number | null }[]> =>
        (await admin.query('select slot_name, active_pid from pg_replication_slots where database = $1', [this.name]))
          .rows
      for (const { slot_name: slot, active_pid: pid } of await slots()) {
        if (pid !== null) await admin.query('select pg_terminate_backend($1)', [pid])
        await until(`slot ${slot} to be free`, async () => (await slots()).every((other) => other.active_pid === null))
        // A slot that was still being created was dropped with its session.
        await admin.query('select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1', [
          slot,
        ])
      }
      await admin.query(`DROP DATABASE IF EXISTS ${this.name} WITH (FORCE)`)
    })
  }
}

const objectInUse = '55006'

/** A server releases a slot a moment after the connection that used it has ended. */
async function whenFree<T>(action: () => Promise<T>): Promise<T> {
  const end = systemClock.monotonic() + patienceMs
  for (;;) {
    try {
      return await action()
    } catch (error) {
      const isInUse = error instanceof pg.DatabaseError && error.code === objectInUse
      if (!isInUse || systemClock.monotonic() > end) throw error
      await systemClock.sleep(10)
    }
  }
}

async function withServer<T>(url: string, action: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  try {
    return await action(admin)
  } finally {
    await admin.end()
  }
}

/** Skips the test, by name, on a server that is older than this major version. */
export async function needsPostgres(db: TestDatabase, version: number, { skip }: TestContext): Promise<void> {
  const [row] = await db.rows<{ version: number }>(`select current_setting('server_version_num')::int as version`)
  skip((row?.version ?? 0) < version * 10_000, `needs Postgres ${version}`)
}
