import { createServer, connect, type Server, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { systemClock, type ConfigProblem, type RawConfig } from 'penstock/api'
import { expect, it } from 'vitest'
import { plugin } from '../../../connectors/postgres-source/index.ts'
import { PgConnection } from '../../../connectors/postgres-source/connection/pg-connection.ts'
import { settingsOf } from '../../../connectors/postgres-source/config/source-settings.ts'
import { lockTables } from '../../../connectors/postgres-source/snapshot/lock-tables.ts'
import { beginSnapshot } from '../../../connectors/postgres-source/snapshot/snapshot-point.ts'
import { readTables } from '../../../connectors/postgres-source/schema/table-catalog.ts'
import { tableProjection } from '../../../connectors/postgres-source/schema/table-projection.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import { rowOf, sourceBench, story, type SourceBench } from '../../support/postgres/postgres-source.ts'
import { needsPostgres, type TestDatabase } from '../../support/postgres/postgres.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryOffsets } from '../../support/task/source-task-harness.ts'

const disabled = { 'publication.autocreate.mode': 'disabled' }
/** A queue that stops the snapshot after a few rows until the test polls again. */
const shortQueue = { 'max.batch.size': '10', 'max.queue.size': '11' }

async function check(raw: RawConfig): Promise<readonly ConfigProblem[]> {
  const config = parseConfig(plugin.configDef, raw)
  return (await plugin.check?.(config, raw, AbortSignal.timeout(60_000))) ?? []
}

/** A role that goes with the test's database. */
async function login(bench: SourceBench, db: TestDatabase, attributes: string): Promise<string> {
  const name = `${db.name}_cdc`
  await db.play(`create role ${name} login ${attributes}`)
  bench.onEnd(async () => await db.play(`drop owned by ${name}; drop role ${name}`))
  return name
}

function rows(records: Parameters<typeof story>[0]): string[] {
  return records.map((record) => `${story([record])[0]?.slice(0, 1)} ${JSON.stringify(rowOf(record))}`)
}

describeWith(['postgres'], 'the snapshot reads what the stream sends', () => {
  const bench = sourceBench(() => service('postgres'))
  const two = `create table a (id int primary key, v text);
    insert into a select g, repeat('x', 1000) from generate_series(1, 20000) g;
    create table z (id int primary key, n int); insert into z select g, g from generate_series(1, 100) g;
    create publication p for table a, z`

  it('locks every table before it reads the first, so that a rewrite of a later one waits', async () => {
    const db = await bench.database(two)
    const source = await bench.source(db.config({ ...disabled, ...shortQueue }), new MemoryOffsets(), 20)
    await source.waitForRecords(20)
    const other = await db.connect()
    bench.onEnd(() => other.end())
    const rewrite = other.query('alter table z alter n type bigint')
    await source.waitFor('the rewrite to wait', async () => {
      const waiting = await db.rows(`select 1 from pg_locks where relation = 'z'::regclass and not granted`)
      return waiting.length > 0
    })
    source.goOn()
    await source.waitForRecords(20_100, 60_000)
    await rewrite
    await db.play('update z set n = 7 where id <= 2')
    const records = await source.waitForRecords(20_102)
    const ofZ = records.filter((record) => record.topic === 't.public.z')
    expect(story(ofZ)).toEqual([...Array.from({ length: 100 }, (_, i) => `r [${i + 1}]`), 'u [1]', 'u [2]'])
    expect(source.retried).toEqual([])
  })

  it.each([
    ['rewritten', 'alter table z alter n type bigint'],
    ['truncated', 'truncate z'],
    ['rewritten as a partition', 'alter table y1 alter n set default 1; vacuum full y1'],
    ['dropped', 'drop table z'],
    ['altered', 'alter table z drop column n'],
  ])('begins again when a table was %s between its snapshot and its lock', async (_title, change) => {
    const db = await bench.database(`create table z (id int primary key, n int); insert into z values (1, 1);
      create table y (id int primary key, n int) partition by range (id);
      create table y1 partition of y for values from (0) to (10); insert into y values (1, 1)`)
    const config = db.config()
    const settings = settingsOf(parseConfig(plugin.configDef, config), config)
    const session = await PgConnection.connect(settings.connection, 'sql', systemClock)
    bench.onEnd(() => session.close())
    await beginSnapshot(session, null)
    const oids = await session.query<{ oid: number }>(`select oid::int from pg_class where relname in ('z', 'y')`)
    const tables = await readTables(
      session,
      oids.map(({ oid }) => oid),
    )
    expect(tables.map((table) => table.columns.length)).toEqual([2, 2])
    await db.play(change)
    const parts = tables.map((table) => tableProjection(table, null, settings))
    await expect(lockTables(session, parts)).rejects.toThrow(
      /^PG_TABLE_CHANGED: public\.\w+ was altered or dropped while the snapshot was taken: the snapshot starts again$/,
    )
  })

  it('waits for a lock no longer than snapshot.lock.timeout.ms, reports its holder, and retries', async () => {
    const db = await bench.database(`create table t (id int primary key); insert into t values (1);
      create publication p for table t`)
    await db.rows(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [db.name])
    const other = await db.connect()
    bench.onEnd(() => other.end())
    await other.query('begin; lock table t in access exclusive mode')
    const source = await bench.source(db.config({ ...disabled, 'snapshot.lock.timeout.ms': '100' }))
    await source.waitFor('a retry', () => source.retried.length > 0)
    // The probe may not be quick enough.
    expect(source.retried[0]?.message).toMatch(
      /^PG_LOCK_TIMEOUT: .*lock timeout.*(?:Blocked by: pid \d|pg_blocking_pids)/,
    )
    await other.query('rollback')
    expect(story(await source.waitForRecords(1))).toEqual(['r [1]'])
  })

  it('rejects row-level security, which the stream ignores, until the role bypasses it', async () => {
    const db = await bench.database(`create table acct (id int primary key, tenant text, v int);
      insert into acct values (1, 'a', 1), (2, 'b', 2), (3, 'a', 3);
      alter table acct enable row level security;
      create policy p on acct using (tenant = current_setting('app.tenant', true));
      create publication p for table acct`)
    const user = await login(bench, db, 'replication')
    await db.play(`grant select on acct to ${user}`)
    const config = db.config({ ...disabled, 'database.user': user, 'table.include.list': 'public.acct' })
    const problem = {
      key: 'database.user',
      message:
        `PG_PRIVILEGE: row-level security hides rows of public.acct from user "${user}", but the stream sends all rows. ` +
        `Run as a superuser: ALTER ROLE "${user}" BYPASSRLS;`,
    }
    expect(await check(config)).toEqual([problem])
    const refused = await bench.source(config)
    expect((await refused.failure()).message).toBe(problem.message)
    await db.play(`alter role ${user} bypassrls`)
    expect(await check(config)).toEqual([])
    const source = await bench.source(config)
    await source.waitForRecords(3)
    await db.play(`insert into acct values (4, 'b', 4)`)
    expect(story(await source.waitForRecords(4))).toEqual(['r [1]', 'r [2]', 'r [3]', 'c [4]'])
  })

  it('reports the remedy for the owner of a table that forces its policies', async () => {
    const db = await bench.database('create table t (id int primary key); insert into t values (1)')
    const user = await login(bench, db, 'replication')
    await db.play(`alter table t owner to ${user}; alter table t enable row level security;
      alter table t force row level security; create publication p for table t`)
    const config = db.config({ ...disabled, 'database.user': user })
    const [problem] = await check(config)
    expect(problem?.message).toContain('or as the owner: ALTER TABLE "public"."t" NO FORCE ROW LEVEL SECURITY;')
    await db.play('alter table t no force row level security')
    expect(await check(config)).toEqual([])
  })

  it('reads rows of inheriting tables only under their own names, also with a row filter', async (test) => {
    const db = await bench.database(`create table payment (id int primary key, amount int);
      create table stripe_payment (fk int, primary key (id)) inherits (payment);
      insert into payment values (1, 10), (2, 20); insert into stripe_payment values (11, 110, 7), (12, 120, 8)`)
    await needsPostgres(db, 15, test)
    await db.play('create publication p for table only payment where (id > 0)')
    const source = await bench.source(db.config({ ...disabled, 'table.include.list': 'public.payment' }))
    await source.waitForRecords(2)
    await db.play('insert into payment values (3, 30); insert into stripe_payment values (13, 130, 9)')
    await db.play('insert into payment values (4, 40)')
    expect(story(await source.waitForRecords(4))).toEqual(['r [1]', 'r [2]', 'c [3]', 'c [4]'])
  })

  it('includes the generated columns that are published', async (test) => {
    const db = await bench.database(`create table article (id int primary key, title text not null,
      slug text generated always as (lower(title)) stored, views int not null default 0)`)
    await needsPostgres(db, 18, test)
    await db.play(`create publication p for table article with (publish_generated_columns = stored);
      insert into article (id, title) values (1, 'Hello')`)
    const source = await bench.source(db.config(disabled))
    await source.waitForRecords(1)
    await db.play(`insert into article (id, title) values (3, 'Third')`)
    const records = await source.waitForRecords(2)
    expect(rows(records)).toEqual([
      'r {"id":1,"title":"Hello","slug":"hello","views":0}',
      'c {"id":3,"title":"Third","slug":"third","views":0}',
    ])
    expect(records[1]?.valueSchema).toBe(records[0]?.valueSchema)
  })

  it('excludes generated columns that are not published', async () => {
    const db = await bench.database(`create table article (id int primary key, title text,
      slug text generated always as (lower(title)) stored); insert into article (id, title) values (1, 'Hello')`)
    const source = await bench.source(db.config())
    await source.waitForRecords(1)
    await db.play(`insert into article (id, title) values (2, 'Two')`)
    expect(rows(await source.waitForRecords(2))).toEqual(['r {"id":1,"title":"Hello"}', 'c {"id":2,"title":"Two"}'])
  })

  it('does not read excluded columns, and reports which others the user cannot read', async () => {
    const db = await bench.database(`create table priv (id int primary key, open text, secret text);
      insert into priv values (1, 'o', 's'); create publication p for table priv`)
    const user = await login(bench, db, 'replication')
    await db.play(`grant select (id, open) on priv to ${user}`)
    const config = db.config({ ...disabled, 'database.user': user })
    const [problem] = await check(config)
    expect(problem).toEqual({
      key: 'database.user',
      message:
        `PG_PRIVILEGE: user "${user}" cannot read columns of public.priv (secret). Run: GRANT SELECT ("secret") ON ` +
        `"public"."priv" TO "${user}"; or exclude the columns with column.exclude.list.`,
    })
    const excluded = { ...config, 'column.exclude.list': 'public.priv.secret' }
    expect(await check(excluded)).toEqual([])
    const source = await bench.source(excluded)
    await source.waitForRecords(1)
    await db.play(`insert into priv values (2, 'p', 't')`)
    expect(rows(await source.waitForRecords(2))).toEqual(['r {"id":1,"open":"o"}', 'c {"id":2,"open":"p"}'])
    await db.play(
      problem?.message.slice(problem.message.indexOf('GRANT'), problem.message.indexOf(' or exclude')) ?? '',
    )
    expect(await check(config)).toEqual([])
  })

  it('reads a table whose columns are all excluded, and keeps the key of one whose key is excluded', async () => {
    const db =
      await bench.database(`create table none (v text); alter table none replica identity full; insert into none values ('a'), ('b');
      create table keyed (id int primary key, v text); insert into keyed values (1, 'a')`)
    const lists = { 'table.include.list': 'public.none,public.keyed', 'column.exclude.list': '.*\\.v,.*\\.id' }
    const source = await bench.source(db.config(lists))
    expect(story(await source.waitForRecords(3))).toEqual(['r null', 'r null', 'r [1]'])
  })

  it('reports table and columns when a privilege is revoked before the rows are read', async () => {
    const db = await bench.database(two)
    const user = await login(bench, db, 'replication')
    await db.play(`grant select on a, z to ${user}`)
    const config = db.config({ ...disabled, ...shortQueue, 'database.user': user })
    const source = await bench.source(config, new MemoryOffsets(), 20)
    await source.waitForRecords(20)
    await db.play(`revoke select on z from ${user}`)
    source.goOn()
    expect((await source.failure(60_000)).message).toMatch(
      /^PG_PRIVILEGE: the snapshot may not read public\.z \(id, n\): permission denied for table z\. .*GRANT SELECT \("id", "n"\) ON "public"\."z"/,
    )
  })

  it('is not affected by the timeouts that the database sets for its sessions', async (test) => {
    const db = await bench.database(two)
    await needsPostgres(db, 17, test)
    for (const name of ['transaction_timeout', 'statement_timeout', 'idle_in_transaction_session_timeout']) {
      await db.play(`alter database ${db.name} set ${name} = '700ms'`)
    }
    await db.play(`alter database ${db.name} set idle_session_timeout = '700ms'`)
    const source = await bench.source(db.config({ ...disabled, ...shortQueue }), new MemoryOffsets(), 20)
    await source.waitForRecords(20)
    await source.waitFor('a transaction that is older than the timeouts', async () => {
      const old = await db.rows(
        `select 1 from pg_stat_activity where datname = $1 and application_name = $2
        and xact_start < clock_timestamp() - interval '1500 ms'`,
        [db.name, 'Penstock General'],
      )
      return old.length > 0
    })
    source.goOn()
    await source.waitForRecords(20_100, 60_000)
    expect(source.retried).toEqual([])
  })

  it('takes no transaction id, so that other slots of the server can be created meanwhile', async () => {
    const db = await bench.database(two)
    const source = await bench.source(db.config({ ...disabled, ...shortQueue }), new MemoryOffsets(), 20)
    await source.waitForRecords(20)
    const ids = await db.rows(
      `select 1 from pg_stat_activity where datname = $1 and application_name = $2 and backend_xid is not null`,
      [db.name, 'Penstock General'],
    )
    expect(ids).toEqual([])
    const other = await bench.database('create table t (id int primary key); insert into t values (1)')
    const quick = await bench.source(other.config())
    await quick.waitForRecords(1, 60_000)
  })
})

describeWith(['postgres'], 'a Postgres source whose database has the encoding SQL_ASCII', () => {
  const bench = sourceBench(() => service('postgres'))

  /** A database in which the byte E9 is a letter for its writers. */
  async function latin(): Promise<TestDatabase> {
    return await bench.database('create table t (id int primary key, v text)', service('postgres'), 'SQL_ASCII')
  }

  it('reports the table of a row that is not valid UTF-8, and reads it once it is corrected', async () => {
    const db = await latin()
    await db.play(`insert into t values (1, E'caf\\xE9')`)
    const source = await bench.source(db.config())
    expect((await source.failure()).message).toMatch(
      /^PG_ENCODING: the snapshot cannot read public\.t \(id, v\): invalid byte sequence for encoding "UTF8".*SQL_ASCII.*Correct the row/,
    )
    await source.stop()
    await db.play(`update t set v = 'café'`)
    const again = await bench.source(db.config())
    // The slot existed before: its stream may send the correction too.
    expect(rows((await again.waitForRecords(1)).slice(0, 1))).toEqual(['r {"id":1,"v":"café"}'])
  })

  it('reports how to continue when such a row is in the WAL', async () => {
    const db = await latin()
    await db.play(`insert into t values (1, 'a')`)
    const source = await bench.source(db.config())
    await source.waitForRecords(1)
    await source.waitFor('the stream', () => db.isStreaming())
    await db.play(`insert into t values (2, E'caf\\xE9')`)
    const { message } = await source.failure()
    expect(message).toMatch(
      /^PG_ENCODING: the stream cannot send a row: invalid byte sequence.*To read all tables again/,
    )
    await source.stop()
    await db.play(`update t set v = 'b' where id = 2; select pg_drop_replication_slot('${db.name}')`)
    const again = await bench.source(db.config({ 'snapshot.mode': 'always' }), source.offsets)
    expect(story(await again.waitForRecords(2))).toEqual(['r [1]', 'r [2]'])
  })
})

/** Responds as pgbouncer does to a startup message with one of these parameters; forwards the others. */
class Pooler {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(target: URL, refused: readonly string[]) {
    this.#server = createServer((client) => {
      this.#keep(client)
      client.once('data', (first) => {
        // No TLS; the start-up packet follows.
        if (first.length === 8) {
          client.write('N')
          client.once('data', (packet) => this.#startUp(client, packet, target, refused))
        } else {
          this.#startUp(client, first, target, refused)
        }
      })
    })
  }

  static async open(target: URL, refused: readonly string[]): Promise<Pooler> {
    const pooler = new Pooler(target, refused)
    await new Promise<void>((resolve) => pooler.#server.listen(0, '127.0.0.1', resolve))
    return pooler
  }

  get port(): string {
    return String((this.#server.address() as AddressInfo).port)
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('error', () => undefined)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  #startUp(client: Socket, packet: Buffer, target: URL, refused: readonly string[]): void {
    const words = packet.toString('latin1', 8).split('\0')
    const name = refused.find((parameter) => words.includes(parameter))
    if (name === undefined) {
      const server = connect(Number(target.port), target.hostname)
      this.#keep(server)
      server.write(packet)
      client.pipe(server).pipe(client)
      return
    }
    const fields = Buffer.from(`SERROR\0C08P01\0Munsupported startup parameter: ${name}\0\0`)
    const head = Buffer.from([0x45, 0, 0, 0, 0])
    head.writeInt32BE(fields.length + 4, 1)
    client.end(Buffer.concat([head, fields]))
  }
}

describeWith(['postgres'], 'a Postgres source behind a connection pooler', () => {
  const bench = sourceBench(() => service('postgres'))

  it.each([
    ['that refuses options', ['options']],
    ['that ignores options and refuses replication', ['replication']],
  ])('%s is refused in one sentence, and does not wait for it to pass', async (_title, refused) => {
    const db = await bench.database('create table t (id int primary key)')
    const pooler = await Pooler.open(db.url, refused)
    bench.onEnd(() => pooler.close())
    const config = db.config({ 'database.port': pooler.port, 'publication.autocreate.mode': 'filtered' })
    const problems = await check(config)
    expect(problems).toEqual([
      {
        key: 'database.hostname',
        message: expect.stringMatching(
          /^PG_POOLER: connecting to .*: unsupported startup parameter: \w+\. This is a connection pooler, which does not support replication: set database\.hostname and database\.port to those of Postgres itself\.$/,
        ),
      },
    ])
    const source = await bench.source(config)
    expect((await source.failure()).message).toBe(problems[0]?.message)
    expect(source.retried).toEqual([])
  })
})
