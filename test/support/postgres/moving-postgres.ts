import { chmodSync, cpSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RawConfig } from 'penstock/api'
import pg from 'pg'
import type { Server } from '../../../src/servers/process/server.ts'
import { Servers } from '../../../src/servers/servers.ts'
import { statements } from './postgres.ts'
import { until } from '../until.ts'

/** Without vacuum of the catalogs, which would invalidate logical slots on standbys, and without unneeded WAL. */
const quiet = { autovacuum: 'off', fsync: 'off', hot_standby_feedback: 'on', shared_buffers: '32MB' }
const deadlineMs = 120_000

/** Postgres servers that move: copies, standbys, restored backups. All in database `postgres`. */
export class MovingPostgres {
  readonly #servers = Servers.open()

  async start(name: string, port: number | null = null): Promise<Server> {
    return await this.#servers.get('postgres', { name, port, settings: quiet })
  }

  /** Copies the data of a stopped server. */
  copy(from: string, to: string): void {
    const { directory } = this.#servers
    cpSync(join(directory, from), join(directory, to), { recursive: true, preserveTimestamps: true })
    rmSync(join(directory, to, 'data', 'postmaster.pid'), { force: true })
    chmodSync(join(directory, to, 'data'), 0o700)
  }

  /** Starts a copy as a standby of a server. */
  async standby(name: string, primary: Server): Promise<Server> {
    const { hostname, port } = new URL(primary.address)
    writeFileSync(join(this.#servers.directory, name, 'data', 'standby.signal'), '')
    const settings = { ...quiet, primary_conninfo: `host=${hostname} port=${port} user=postgres` }
    return await this.#servers.get('postgres', { name, settings })
  }

  async close(): Promise<void> {
    await this.#servers.close()
  }
}

/** Runs statements one by one, and returns the rows of the last one. */
export async function play(server: Server, script: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: server.address })
  client.on('error', () => undefined)
  await client.connect()
  try {
    let rows: Record<string, unknown>[] = []
    for (const statement of statements(script)) rows = (await client.query<Record<string, unknown>>(statement)).rows
    return rows
  } finally {
    await client.end()
  }
}

/** Grows the WAL by a few segments. */
export async function growWal(server: Server): Promise<void> {
  await play(server, 'create table if not exists filler (id int)')
  for (let i = 0; i < 4; i += 1) await play(server, 'insert into filler values (1); select pg_switch_wal()')
}

/** Waits until the standby has all that the primary has. */
export async function caughtUp(standby: Server, primary: Server): Promise<void> {
  const [end] = await play(primary, 'select pg_current_wal_flush_lsn()::text as lsn')
  await until(
    'the standby to catch up',
    async () => {
      const [row] = await play(standby, `select pg_last_wal_replay_lsn() >= '${String(end?.['lsn'])}'::pg_lsn as done`)
      return row?.['done'] === true
    },
    deadlineMs,
  )
}

export async function promote(standby: Server): Promise<void> {
  await play(standby, 'select pg_promote(true, 120)')
}

/** A source on a server's database `postgres`. */
export function configOn(server: Server, extra: RawConfig = {}): RawConfig {
  const { hostname, port, username } = new URL(server.address)
  return {
    name: 'moving',
    'database.hostname': hostname,
    'database.port': port,
    'database.user': username,
    'database.password': 'x',
    'database.dbname': 'postgres',
    'topic.prefix': 't',
    'plugin.name': 'pgoutput',
    'slot.name': 'moving',
    'publication.name': 'moving',
    'publication.autocreate.mode': 'filtered',
    'table.include.list': 'public.item',
    ...extra,
  }
}
