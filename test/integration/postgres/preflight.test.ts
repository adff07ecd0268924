import { once } from 'node:events'
import { writeFileSync, mkdtempSync, chmodSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ConfigError, type ConfigProblem, type RawConfig } from 'penstock/api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { plugin } from '../../../connectors/postgres-source/index.ts'
import { checkConfig, parseConfig } from '../../../src/config/definition/parse-config.ts'
import { Servers } from '../../../src/servers/servers.ts'
import { sourceBench } from '../../support/postgres/postgres-source.ts'
import type { TestDatabase } from '../../support/postgres/postgres.ts'
import { describeWith, service } from '../../support/services.ts'

async function check(raw: RawConfig): Promise<readonly ConfigProblem[]> {
  const config = parseConfig(plugin.configDef, raw)
  return (await plugin.check?.(config, raw, AbortSignal.timeout(60_000))) ?? []
}

const roles: (() => Promise<void>)[] = []
async function role(db: TestDatabase, attributes: string): Promise<string> {
  const name = `${db.name}_role`
  await db.play(`create role ${name} login ${attributes}`)
  roles.push(async () => void (await db.rows(`drop owned by ${name}`), await db.rows(`drop role ${name}`)))
  return name
}

describeWith(['postgres'], 'validation of a Postgres source reports what is wrong and how to fix it', () => {
  const bench = sourceBench(() => service('postgres'))

  it('finds nothing wrong with a prepared server', async () => {
    const db = await bench.database('create table t (id int primary key)')
    expect(await check(db.config())).toEqual([])
    expect(await db.rows('select 1 from pg_publication')).toEqual([])
  })

  it('an unreachable host', async () => {
    const db = await bench.database('create table t (id int primary key)')
    const [problem] = await check(db.config({ 'database.port': '1' }))
    expect(problem?.key).toBe('database.hostname')
    expect(problem?.message).toMatch(
      /^PG_UNREACHABLE: connecting to 127\.0\.0\.1:1\/.*ECONNREFUSED.*database\.hostname/,
    )
  })

  it('a server that is not Postgres', async () => {
    const db = await bench.database('create table t (id int primary key)')
    const server = createServer((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const [problem] = await check(db.config({ 'database.port': String(port) }))
    server.close()
    expect(problem?.message).toMatch(
      /^PG_NOT_POSTGRES: connecting to 127\.0\.0\.1:\d+\/.*does not speak the Postgres protocol: correct database\.hostname/,
    )
  })

  it('a database that does not exist', async () => {
    const db = await bench.database('create table t (id int primary key)')
    const [problem] = await check(db.config({ 'database.dbname': 'nowhere' }))
    expect(problem).toMatchObject({
      key: 'database.dbname',
      message: expect.stringMatching(/^PG_DATABASE: .*"nowhere" does not exist/),
    })
  })

  it('a user that cannot replicate, publish or read, with every statement that is needed', async () => {
    const db = await bench.database('create schema s; create table s.t (id int primary key)')
    const user = await role(db, '')
    const problems = await check(db.config({ 'database.user': user, 'publication.autocreate.mode': 'filtered' }))
    await roles.pop()?.()
    expect(problems.map((problem) => problem.message)).toEqual([
      expect.stringContaining(
        `PG_REPLICATION_ROLE: user "${user}" lacks the REPLICATION attribute. Run as a superuser: ALTER ROLE "${user}" REPLICATION;`,
      ),
      expect.stringContaining(
        `PG_PRIVILEGE: user "${user}" does not own s.t, and only an owner can add tables to a publication. As a superuser or as the ` +
          `owner, run: CREATE PUBLICATION "p" FOR TABLE "s"."t"; and set publication.autocreate.mode to disabled. Or run: ` +
          `GRANT CREATE ON DATABASE "${db.name}" TO "${user}"; ALTER TABLE "s"."t" OWNER TO "${user}";`,
      ),
      `PG_PRIVILEGE: user "${user}" cannot read s.t. Run: GRANT USAGE ON SCHEMA "s" TO "${user}"; GRANT SELECT ON "s"."t" TO "${user}";`,
    ])
  })

  it('a user that owns neither the tables nor the publication, before its task would fail', async () => {
    const db = await bench.database(`create table a (id int primary key); create table b (id int primary key);
      create table c (id int primary key)`)
    const user = await role(db, 'replication')
    await db.play(`grant select on a, b, c to ${user}; alter table a owner to ${user};
      grant create on database ${db.name} to ${user}`)
    const config = db.config({ 'database.user': user, 'publication.autocreate.mode': 'filtered' })
    const [create] = await check(config)
    expect(create?.key).toBe('publication.name')
    expect(create?.message).toMatch(/^PG_PRIVILEGE: user "\w+" does not own public\.b, public\.c, /)
    await db.play('create publication p for table a, b')
    const [alter] = await check(config)
    expect(alter?.message).toContain('does not own publication "p", public.c, ')
    expect(alter?.message).toContain('run: ALTER PUBLICATION "p" ADD TABLE "public"."c";')
    const source = await bench.source(config)
    expect((await source.failure()).message).toBe(alter?.message)
    await db.play(alter?.message.slice(alter.message.indexOf('Or run:') + 'Or run:'.length) ?? '')
    expect(await check(config)).toEqual([])
    const again = await bench.source(config)
    await again.waitFor('the stream', () => db.isStreaming())
    await again.stop()
    await db.play(
      `alter table b owner to ${user}; drop publication p; revoke create on database ${db.name} from ${user}`,
    )
    const [grant] = await check(config)
    await roles.pop()?.()
    expect(grant?.message).toContain(
      `cannot create publications. Run: GRANT CREATE ON DATABASE "${db.name}" TO "${user}";`,
    )
  })

  it('a publication for all tables that needs a superuser', async () => {
    const db = await bench.database('create table t (id int primary key)')
    const user = await role(db, 'replication')
    await db.play(`grant select on t to ${user}`)
    const problems = await check(db.config({ 'database.user': user }))
    await roles.pop()?.()
    expect(problems).toEqual([
      {
        key: 'publication.name',
        message:
          'PG_PRIVILEGE: only a superuser can create a publication for all tables. Run as a superuser: CREATE PUBLICATION "p" FOR ALL TABLES; ' +
          'or set publication.autocreate.mode to filtered.',
      },
    ])
  })

  it('a table that does not exist, and a database without any', async () => {
    const db = await bench.database('create table public.orders (id int primary key)')
    expect(await check(db.config({ 'table.include.list': 'public.order' }))).toEqual([
      {
        key: 'table.include.list',
        message: `PG_TABLE: table.include.list names "public.order", but database ${db.name} has no such table. Entries are schema.table. It has: public.orders.`,
      },
    ])
    const empty = await bench.database('')
    expect((await check(empty.config())).map((found) => found.message)).toEqual([
      `PG_TABLE: no table of database ${empty.name} is captured. The database has no tables.`,
    ])
  })

  it('a publication that is missing, or covers other tables', async () => {
    const db = await bench.database('create table a (id int primary key); create table b (id int primary key)')
    const config = db.config({ 'publication.autocreate.mode': 'disabled', 'table.include.list': 'public.a' })
    expect((await check(config))[0]?.message).toContain('Run: CREATE PUBLICATION "p" FOR TABLE "public"."a";')
    await db.play('create publication p for table b')
    expect((await check(config))[0]?.message).toContain('Run: ALTER PUBLICATION "p" ADD TABLE "public"."a";')
  })

  it('certificate files that cannot be read, by their option, and a server without TLS', async () => {
    const db = await bench.database('create table t (id int primary key)')
    for (const key of ['database.sslrootcert', 'database.sslcert', 'database.sslkey']) {
      expect(await check(db.config({ 'database.sslmode': 'require', [key]: '/nowhere' }))).toEqual([
        { key, message: `PG_TLS_FILE: ${key} cannot be read: /nowhere` },
      ])
    }
    expect(await check(db.config({ 'database.sslmode': 'require' }))).toEqual([
      {
        key: 'database.sslmode',
        message: expect.stringMatching(
          /^PG_TLS: .*does not support SSL connections\. Set database\.sslmode to prefer or disable .* ssl = on/,
        ),
      },
    ])
  })

  it('include and exclude lists of one kind, lists that are not regular expressions, unsupported options', async () => {
    const db = await bench.database('create table t (id int primary key)')
    expect(await check(db.config({ 'table.include.list': 'a', 'table.exclude.list': 'b' }))).toEqual([
      { key: 'table.exclude.list', message: '"table.include.list" is already specified' },
    ])
    const wrong = db.config({
      'table.include.list': 'public.(',
      'signal.data.collection': 'public.signals',
      'plugin.name': 'decoderbufs',
      'snapshot.mode': 'when_needed',
      'slot.name': 'Upper',
      'heartbeat.action.query': 'select 1',
    })
    const { problems } = checkConfig(plugin.configDef, wrong)
    expect(problems.find((problem) => problem.key === 'table.include.list')?.message).toMatch(
      /^Invalid value public\.\( for configuration table\.include\.list: "public\.\(" cannot be used\. ./,
    )
    const java = db.config({
      'table.include.list': '(?i)PUBLIC\\.t,\\Qpublic.t\\E',
      'column.exclude.list': '(?i).*\\.X',
    })
    expect(checkConfig(plugin.configDef, java).problems).toEqual([])
    expect(await check(java)).toEqual([])
    expect(await check(db.config({ 'message.key.columns': 'public.(:id' }))).toEqual([
      { key: 'message.key.columns', message: expect.stringContaining('"public.(" cannot be used. ') },
    ])
    expect(problems.map((problem) => problem.key).toSorted()).toEqual(
      Object.keys(wrong)
        .filter((key) => !(key in db.config()) || key === 'plugin.name' || key === 'slot.name')
        .toSorted(),
    )
    expect(() => parseConfig(plugin.configDef, {})).toThrow(ConfigError)
  })

  it('accepts a configuration of Debezium with explicit defaults', () => {
    const raw = {
      'database.hostname': 'h', 'database.user': 'u', 'database.dbname': 'd', 'topic.prefix': 'p',
      'plugin.name': 'pgoutput', 'heartbeat.interval.ms': '0', 'snapshot.max.threads': '1', 'lsn.flush.mode': 'connector',
      'provide.transaction.metadata': 'false', 'decimal.handling.mode': 'STRING',
    } // prettier-ignore
    expect(checkConfig(plugin.configDef, raw).problems).toEqual([])
  })
})

describeWith(['postgres'], 'a Postgres source that cannot continue fails by name (I7)', () => {
  const bench = sourceBench(() => service('postgres'))

  it('when its slot is ahead of the stored offset', async () => {
    const db = await bench.database('create table t (id int primary key); insert into t values (1)')
    const first = await bench.source(db.config())
    await first.waitForRecords(1)
    await first.stop()
    await db.play('insert into t values (2)')
    await db.rows('select pg_replication_slot_advance($1, pg_current_wal_lsn())', [db.name])
    const second = await bench.source(db.config(), first.offsets)
    expect((await second.failure()).message).toMatch(
      /^PG_SLOT_AHEAD: replication slot "\w+" is at [0-9A-F/]+, past the stored offset .*pg_drop_replication_slot/,
    )
  })

  it('when its slot does not exist', async () => {
    const db = await bench.database('create table t (id int primary key); insert into t values (1)')
    const first = await bench.source(db.config())
    await first.waitForRecords(1)
    await first.stop()
    await db.rows('select pg_drop_replication_slot($1)', [db.name])
    const second = await bench.source(db.config(), first.offsets)
    expect((await second.failure()).message).toMatch(/^PG_SLOT_MISSING: .*is no longer available on the server/)
  })

  it('when its slot belongs to another plugin', async () => {
    const db = await bench.database('create table t (id int primary key)')
    await db.rows(`select pg_create_logical_replication_slot($1, 'test_decoding')`, [db.name])
    const source = await bench.source(db.config())
    expect((await source.failure()).message).toMatch(/^PG_SLOT: .*exists for plugin test_decoding/)
  })

  it('when its publication is younger than its slot', async () => {
    const db = await bench.database('create table t (id int primary key)')
    await db.rows(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [db.name])
    const source = await bench.source(db.config())
    expect((await source.failure()).message).toMatch(
      /^PG_PUBLICATION: .*a slot cannot use a publication that is created after it/,
    )
  })

  it('when its publication is for all tables and the mode is filtered', async () => {
    const db = await bench.database('create table t (id int primary key); create publication p for all tables')
    const source = await bench.source(db.config({ 'publication.autocreate.mode': 'filtered' }))
    expect((await source.failure()).message).toMatch(/^PG_PUBLICATION: .*is for all tables/)
  })

  it('waits, and reports it, while another session reads its slot', async () => {
    const db = await bench.database('create table t (id int primary key)')
    const first = await bench.source(db.config())
    await first.waitFor('the stream', () => db.isStreaming())
    const second = await bench.source(db.config())
    await second.waitFor('a retry', () => second.retried.length > 0)
    expect(second.retried[0]?.message).toMatch(/^PG_SLOT_ACTIVE: .*is active for PID.*its own slot\.name/)
    await first.stop()
    await db.play('insert into t values (1)')
    await second.waitForRecords(1)
  })

  it('warns about tables whose updates the publication blocks, and about keys that changes do not carry', async () => {
    const db = await bench.database(`
      create table bare (v int); insert into bare values (1);
      create table keyless (v int); alter table keyless replica identity full;
      create table odd (id int primary key, code text not null); create unique index odd_code on odd (code);
      alter table odd replica identity using index odd_code`)
    await db.play('create publication p for all tables')
    const source = await bench.source(db.config())
    await source.waitForRecords(1)
    const warnings = source.lines.filter((line) => line.level === 'warn').map((line) => line.message)
    expect(warnings).toEqual([
      expect.stringMatching(
        /^PG_REPLICA_IDENTITY: public\.bare has no replica identity: .*ALTER TABLE "public"\."bare" REPLICA IDENTITY FULL;/,
      ),
      expect.stringMatching(/^PG_KEYLESS: public\.keyless has no primary key/),
      expect.stringMatching(
        /^PG_REPLICA_IDENTITY: the replica identity index of public\.odd does not include its key \(id\)/,
      ),
    ])
  })

  it('drops its slot at the end when the option is set', async () => {
    const db = await bench.database('create table t (id int primary key)')
    const source = await bench.source(db.config({ 'slot.drop.on.stop': 'true' }))
    await source.waitFor('the stream', () => db.isStreaming())
    await source.stop()
    expect(await db.slot()).toBeUndefined()
  })
})

describe('validation against a server that is not set up for replication', () => {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-pg-'))
  const servers = Servers.open()
  const bench = sourceBench(() => '')
  let address = ''

  beforeAll(async () => {
    chmodSync(directory, 0o755)
    const rules = join(directory, 'pg_hba.conf')
    // A user with a password; postgres needs none.
    writeFileSync(
      rules,
      'host all postgres 127.0.0.1/32 trust\nhost replication postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n',
    )
    const server = await servers.get('postgres', {
      settings: { wal_level: 'replica', max_replication_slots: '1', hba_file: rules },
    })
    address = server.address
  })
  afterAll(async () => {
    await servers.close()
    rmSync(directory, { recursive: true })
  })

  it('reports wal_level, and the statement that sets it', async () => {
    const db = await bench.database('create table t (id int primary key)', address)
    expect(await check(db.config())).toEqual([
      {
        key: 'database.hostname',
        message: expect.stringMatching(
          /^PG_WAL_LEVEL: wal_level is "replica"\. Run: ALTER SYSTEM SET wal_level = logical; then restart Postgres/,
        ),
      },
    ])
    const source = await bench.source(db.config())
    expect((await source.failure()).message).toMatch(/^PG_WAL_LEVEL/)
  })

  it('reports a wrong password, without showing it (I8)', async () => {
    const db = await bench.database('create table t (id int primary key)', address)
    const user = await role(db, `password 'right'`)
    const [problem] = await check(db.config({ 'database.user': user, 'database.password': 'wrong-secret' }))
    await roles.pop()?.()
    expect(problem?.key).toBe('database.password')
    expect(problem?.message).toMatch(/^PG_AUTHENTICATION: .*password authentication failed/)
    expect(problem?.message).not.toContain('wrong-secret')
  })

  it('reports that all slots are in use', async () => {
    const db = await bench.database('create table t (id int primary key)', address)
    await db.rows(`select pg_create_physical_replication_slot('taken')`)
    const problems = await check(db.config())
    await db.rows(`select pg_drop_replication_slot('taken')`)
    expect(problems.map((problem) => problem.message)).toContainEqual(
      expect.stringMatching(
        /^PG_SLOTS: all 1 replication slots are in use, and "\w+" is not among them\. Run: ALTER SYSTEM SET max_replication_slots = 5;/,
      ),
    )
  })
})
