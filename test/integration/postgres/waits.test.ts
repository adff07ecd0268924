import type { RawConfig } from 'penstock/api'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { plugin } from '../../../connectors/postgres-source/index.ts'
import { waitProbeIntervalMs } from '../../../connectors/postgres-source/connection/wait-monitor.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import { Servers } from '../../../src/servers/servers.ts'
import { caughtUp, configOn, play, MovingPostgres } from '../../support/postgres/moving-postgres.ts'
import { look, sourceBench, story } from '../../support/postgres/postgres-source.ts'
import { needsPostgres, type TestDatabase } from '../../support/postgres/postgres.ts'
import { SkippingClock } from '../../support/skipping-clock.ts'
import type { SourceTaskHarness } from '../../support/task/source-task-harness.ts'
import { until } from '../../support/until.ts'

const disabled: RawConfig = { 'publication.autocreate.mode': 'disabled' }
const filtered: RawConfig = { 'publication.autocreate.mode': 'filtered', 'table.include.list': 'public.t' }
/** As long as a test, so that no lock times out. */
const patient: RawConfig = { 'snapshot.lock.timeout.ms': '0' }
const oneTable = 'create table t (id int primary key); insert into t values (1)'

describe('a Postgres source that waits', () => {
  const servers = Servers.open()
  let address = ''
  beforeAll(async () => {
    address = (await servers.get('postgres', { settings: { max_prepared_transactions: '10' } })).address
  })
  afterAll(() => servers.close())
  const bench = sourceBench(() => address)

  /** Another session, with its pid. */
  async function session(db: TestDatabase, script: string): Promise<{ client: pg.Client; pid: number }> {
    const client = await db.connect()
    bench.onEnd(() => client.end())
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    if (script !== '') await client.query(script)
    return { client, pid: rows[0]?.pid ?? 0 }
  }

  async function source(config: RawConfig): Promise<{ source: SourceTaskHarness; clock: SkippingClock }> {
    const clock = new SkippingClock()
    return { source: await bench.source(config, undefined, undefined, clock), clock }
  }

  /** Triggers probes until the condition matches. */
  async function shows(
    { source: task, clock }: { source: SourceTaskHarness; clock: SkippingClock },
    code: string,
    text: RegExp,
  ): Promise<string> {
    await task.waitFor(`${code} to say ${text.source}, not: ${task.conditions.get(code)}`, () => {
      if (text.test(task.conditions.get(code) ?? '')) return true
      if (clock.isWaiting(waitProbeIntervalMs)) clock.skip(waitProbeIntervalMs)
      return false
    })
    return task.conditions.get(code) ?? ''
  }

  async function waiting(db: TestDatabase, query: string): Promise<void> {
    await expect
      .poll(
        async () =>
          await db.rows(`select 1 from pg_stat_activity where wait_event_type = 'Lock' and query ilike $1`, [query]),
        { timeout: 60_000 },
      )
      .not.toEqual([])
  }

  it('reports the transactions that its slot waits for, one after another, and stops waiting with them', async () => {
    const db = await bench.database(oneTable)
    const other = await bench.database('create table u (id int primary key)')
    const first = await session(db, `set application_name = 'nightly "job"'; begin; insert into t values (2)`)
    const second = await session(other, 'begin; insert into u values (1)')
    const started = await source(db.config())
    const both = await shows(started, 'PG_SLOT_WAITS', /pid/)
    expect(both).toMatch(
      new RegExp(
        `^the creation of replication slot "${db.name}" waits for transactions .* Blocked by: pid ${first.pid} \\(user "postgres", application ` +
          `"nightly \\\\"job\\\\"", database "${db.name}", idle in transaction, since \\d{4}-.* UTC\\): run SELECT ` +
          `pg_terminate_backend\\(${first.pid}\\); pid ${second.pid} \\(.*database "${other.name}".*$`,
      ),
    )
    await first.client.query('commit')
    expect(await shows(started, 'PG_SLOT_WAITS', new RegExp(`Blocked by: pid ${second.pid} `))).not.toContain(
      `pid ${first.pid} `,
    )
    await db.rows(
      /SELECT pg_terminate_backend\(\d+\)/.exec(started.source.conditions.get('PG_SLOT_WAITS') ?? '')?.[0] ?? '',
    )
    expect(story(await started.source.waitForRecords(2))).toEqual(['r [1]', 'r [2]'])
    expect([...started.source.conditions.keys()]).toEqual([])
  })

  it('reports a transaction that its slot waits for only after it has looked at the WAL a second time', async () => {
    const db = await bench.database(oneTable)
    const first = await session(db, 'begin; insert into t values (2)')
    const started = await source(db.config())
    await shows(started, 'PG_SLOT_WAITS', new RegExp(`pid ${first.pid} `))
    const second = await session(db, 'begin; insert into t values (3)')
    await first.client.query('commit')
    await shows(started, 'PG_SLOT_WAITS', new RegExp(`Blocked by: pid ${second.pid} `))
    await second.client.query('commit')
    expect(story(await started.source.waitForRecords(3))).toEqual(['r [1]', 'r [2]', 'r [3]'])
    expect([...started.source.conditions.keys()]).toEqual([])
  })

  it('reports a prepared transaction that its slot waits for, with the command that ends it', async () => {
    const db = await bench.database(oneTable)
    const gid = `it's \\ a\n"gid" ${db.name}`
    await db.play('begin; insert into t values (2)')
    await db.rows(
      `prepare transaction e'${gid.replaceAll('\\', '\\\\').replaceAll("'", "''").replaceAll('\n', '\\n')}'`,
    )
    const started = await source(db.config())
    const text = await shows(started, 'PG_SLOT_WAITS', /prepared transaction/)
    expect(text).toMatch(
      new RegExp(
        `prepared transaction \\(owner "postgres", since .* UTC\\): in database "${db.name}" run ROLLBACK PREPARED `,
      ),
    )
    expect(text).not.toContain('\n')
    await db.rows(/ROLLBACK PREPARED [^;]+/.exec(text)?.[0] ?? '')
    expect(story(await started.source.waitForRecords(1))).toEqual(['r [1]'])
    expect([...started.source.conditions.keys()]).toEqual([])
  })

  it('reports the holder of the lock that the snapshot waits for, and what blocks that holder', async () => {
    const db = await bench.database(`${oneTable}; create publication p for table t`)
    await db.rows(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [db.name])
    const reader = await session(db, 'begin; select from t')
    const altering = await session(db, 'begin')
    const altered = altering.client.query('alter table t add n int')
    await waiting(db, 'alter table t add%')
    const started = await source(db.config({ ...disabled, ...patient }))
    expect(await shows(started, 'PG_LOCK_WAITS', /pid/)).toMatch(
      new RegExp(
        `^.* waits for a lock on "public\\.t"\\. Blocked by: pid ${reader.pid} \\(.*idle in transaction, .*\\): run SELECT .*; pid ` +
          `${altering.pid} \\(.*active, .*itself waiting for pid ${reader.pid}\\): run SELECT pg_terminate_backend\\(${altering.pid}\\);$`,
      ),
    )
    await db.rows('select pg_terminate_backend($1)', [reader.pid])
    await altered
    await shows(started, 'PG_LOCK_WAITS', new RegExp(`Blocked by: pid ${altering.pid} \\([^)]*idle in transaction`))
    await altering.client.query('rollback')
    expect(story(await started.source.waitForRecords(1))).toEqual(['r [1]'])
    expect([...started.source.conditions.keys()]).toEqual([])
  })

  it('reports a prepared transaction at the end of a lock queue', async () => {
    const db = await bench.database(`${oneTable}; create publication p for table t`)
    await db.rows(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [db.name])
    await db.play(`begin; insert into t values (2); prepare transaction '${db.name}'`)
    const altering = await session(db, '')
    const altered = altering.client.query('alter table t add n int')
    await waiting(db, 'alter table t add%')
    const started = await source(db.config({ ...disabled, ...patient }))
    expect(await shows(started, 'PG_LOCK_WAITS', /ROLLBACK PREPARED/)).toMatch(
      new RegExp(
        `Blocked by: prepared transaction \\(.*\\): in database "${db.name}" run ROLLBACK PREPARED '${db.name}'; pid ` +
          `${altering.pid} \\(.*itself waiting for a prepared transaction\\): run SELECT pg_terminate_backend`,
      ),
    )
    await db.rows(`commit prepared '${db.name}'`)
    await altered
    expect(story(await started.source.waitForRecords(2))).toEqual(['r [1]', 'r [2]'])
    expect([...started.source.conditions.keys()]).toEqual([])
  })

  it('reports the prepared transaction that blocks a change of its publication, and no other', async () => {
    const db = await bench.database(
      `${oneTable}; create table u (id int primary key); create publication p for table u`,
    )
    await db.rows(`select pg_create_logical_replication_slot($1, 'pgoutput')`, [db.name])
    await db.play(`begin; insert into t values (2); prepare transaction 'beside ${db.name}'`)
    await db.play(`begin; lock table t in share update exclusive mode; prepare transaction 'holds ${db.name}'`)
    const started = await source(db.config({ ...filtered, ...patient }))
    expect(await shows(started, 'PG_LOCK_WAITS', /ROLLBACK PREPARED/)).toMatch(
      new RegExp(
        `^creating or extending publication "p" waits for a lock on "public\\.t"\\. Blocked by: prepared transaction ` +
          `\\([^)]*\\): in database "${db.name}" run ROLLBACK PREPARED 'holds ${db.name}';$`,
      ),
    )
    await db.rows(`rollback prepared 'holds ${db.name}'`)
    expect(story(await started.source.waitForRecords(1))).toEqual(['r [1]'])
    expect([...started.source.conditions.keys()]).toEqual([])
    await db.rows(`rollback prepared 'beside ${db.name}'`)
  })

  it('reports what blocks the creation of its publication', async () => {
    const db = await bench.database(oneTable)
    const vacuum = await session(db, 'begin; lock table t in share update exclusive mode')
    const started = await source(db.config({ ...filtered, ...patient }))
    expect(await shows(started, 'PG_LOCK_WAITS', /pid/)).toMatch(
      new RegExp(
        `^creating or extending publication "p" waits for a lock on "public\\.t"\\. Blocked by: pid ${vacuum.pid} `,
      ),
    )
    await vacuum.client.query('commit')
    expect(story(await started.source.waitForRecords(1))).toEqual(['r [1]'])
    expect([...started.source.conditions.keys()]).toEqual([])
  })

  it('reports it when a lock times out, and when validation waits, which has no status', async () => {
    const db = await bench.database(`${oneTable}; create publication p for table t`)
    const { client, pid } = await session(db, 'begin; lock table t in access exclusive mode')
    const config = db.config({ ...disabled, 'snapshot.lock.timeout.ms': '1000' })
    const task = await bench.source(config)
    // The first attempts may end before the first probe.
    const who = new RegExp(
      `^PG_LOCK_TIMEOUT: .*lock timeout.* Blocked by: pid ${pid} \\(.*run SELECT pg_terminate_backend`,
    )
    await task.waitFor('a retry', () => task.retried.some(({ message }) => who.test(message)))
    await until('validation', async () => {
      const problems = await plugin.check?.(parseConfig(plugin.configDef, config), config, AbortSignal.timeout(60_000))
      return who.test(problems?.[0]?.message ?? '')
    })
    await client.query('commit')
    expect(story(await task.waitForRecords(1))).toEqual(['r [1]'])
  })

  it('reports the oldest of many, counts the others, and shortens and escapes the names that other users chose', async () => {
    const db = await bench.database(oneTable)
    const hostile = `x"): SELECT 1;\\ ${'long '.repeat(20)}`
    const blockers = []
    for (let i = 0; i < 20; i += 1) {
      const blocker = await session(db, '')
      await blocker.client.query(`select set_config('application_name', $1, false)`, [hostile])
      await blocker.client.query(`begin`)
      await blocker.client.query(`insert into t values (${100 + i})`)
      blockers.push(blocker)
    }
    const started = await source(db.config())
    const text = await shows(started, 'PG_SLOT_WAITS', /pid/)
    expect(text.match(/pg_terminate_backend\(\d+\)/g)).toEqual(
      blockers.slice(0, 3).map(({ pid }) => `pg_terminate_backend(${pid})`),
    )
    expect(text).toMatch(/ And 17 more\.$/)
    expect(text).toContain('application "x\\"): SELECT 1;\\\\ long long long long long…"')
    expect(text.length).toBeLessThan(1000)
    for (const { client } of blockers) await client.query('rollback')
    expect(story(await started.source.waitForRecords(1))).toEqual(['r [1]'])
  })

  it('reports sessions also to a user without the privilege to see their state, and names the privilege', async () => {
    const db = await bench.database(oneTable)
    const user = `${db.name}_role`
    await db.play(
      `create role ${user} login replication; grant select on t to ${user}; create publication p for table t`,
    )
    bench.onEnd(async () => void (await db.rows(`drop owned by ${user}`), await db.rows(`drop role ${user}`)))
    const { client, pid } = await session(db, 'begin; insert into t values (2)')
    const started = await source(db.config({ ...disabled, 'database.user': user }))
    expect(await shows(started, 'PG_SLOT_WAITS', /pid/)).toMatch(
      new RegExp(`pid ${pid} \\(user "postgres", database "${db.name}"\\): .* GRANT pg_read_all_stats TO "${user}";$`),
    )
    await client.query('commit')
    expect(story(await started.source.waitForRecords(2))).toEqual(['r [1]', 'r [2]'])
    await started.source.stop()
  })

  it('reports that it cannot probe when no connection is available, and continues', async () => {
    const db = await bench.database(oneTable)
    const user = `${db.name}_role`
    await db.play(
      `create role ${user} login replication connection limit 1; grant select on t to ${user}; create publication p for table t`,
    )
    bench.onEnd(async () => void (await db.rows(`drop owned by ${user}`), await db.rows(`drop role ${user}`)))
    const { client, pid } = await session(db, 'begin; insert into t values (2)')
    const started = await source(db.config({ ...disabled, 'database.user': user }))
    expect(await shows(started, 'PG_SLOT_WAITS', /./)).toMatch(
      /^creating replication slot "\w+" takes long, .* \(PG_UNAVAILABLE: .*too many connections for role.* SELECT pid, usename/,
    )
    await db.play(`alter role ${user} connection limit 5`)
    await shows(started, 'PG_SLOT_WAITS', new RegExp(`pid ${pid} `))
    await client.query('commit')
    expect(story(await started.source.waitForRecords(2))).toEqual(['r [1]', 'r [2]'])
    await started.source.stop()
  })

  it('leaves no session on the server that still creates its slot, when it is stopped (I9)', async () => {
    const db = await bench.database(oneTable)
    await session(db, 'begin; insert into t values (2)')
    const started = await source(db.config())
    await shows(started, 'PG_SLOT_WAITS', /pid/)
    await started.source.waitFor('the server to make it', async () => (await db.slot()) !== undefined)
    await started.source.stop()
    await expect.poll(() => db.slot(), { timeout: 60_000 }).toBeUndefined()
  })

  it('reports which session reads its slot', async () => {
    const db = await bench.database(oneTable)
    const first = await source(db.config())
    await first.source.waitFor('the stream', () => db.isStreaming())
    const second = await source(db.config())
    await second.source.waitFor('a retry', () => second.source.retried.length > 0)
    const [row] = await db.rows<{ pid: number }>(
      'select active_pid as pid from pg_replication_slots where slot_name = $1',
      [db.name],
    )
    expect(second.source.retried[0]?.message).toMatch(
      new RegExp(
        `^PG_SLOT_ACTIVE: .* It is read by: pid ${row?.pid} \\(user "postgres", application "Penstock Streaming", .*walsender.*\\): run SELECT`,
      ),
    )
  })

  it('reports what blocks a check of the publication', async (test) => {
    const db = await bench.database(oneTable)
    await needsPostgres(db, 16, test)
    const started = await source(db.config(filtered))
    await started.source.waitForRecords(1)
    await started.source.waitFor('the stream', () => db.isStreaming())
    const { client, pid } = await session(db, 'begin; lock table t in access exclusive mode')
    await look(started.source, started.clock)
    await shows(started, 'PG_LOCK_WAITS', new RegExp(`^checking the publication waits for a lock on .* pid ${pid} `))
    await client.query('commit')
    await started.source.waitFor('the end of the wait', () => started.source.conditions.size === 0)
  })

  it('reports a synchronous standby that its publication waits for', async () => {
    const db = await bench.database(oneTable)
    const set = async (names: string): Promise<void> => {
      await db.play(`alter system set synchronous_standby_names = '${names}'; select pg_reload_conf()`)
      await until('the setting', async () => {
        const [row] = await db.rows<{ names: string }>(`select current_setting('synchronous_standby_names') as names`)
        return row?.names === names
      })
    }
    bench.onEnd(() => set(''))
    await set('nowhere')
    const started = await source(db.config({ ...filtered, ...patient }))
    expect(await shows(started, 'PG_LOCK_WAITS', /synchronous/)).toMatch(
      /^creating or extending publication "p" waits until a synchronous standby has confirmed it /,
    )
    await set('')
    expect(story(await started.source.waitForRecords(1))).toEqual(['r [1]'])
    expect([...started.source.conditions.keys()]).toEqual([])
  })
})

describe('a Postgres source on a standby that waits', () => {
  let lines: MovingPostgres
  beforeEach(() => {
    lines = new MovingPostgres()
  })
  afterEach(() => lines.close())
  const bench = sourceBench(() => '')

  it('reports the primary when its slot and its locks wait for transactions there', async () => {
    const first = await lines.start('primary')
    await play(
      first,
      'create table item (id int primary key); insert into item values (1); create publication moving for table item',
    )
    await first.stop()
    lines.copy('primary', 'standby')
    await first.start()
    const standby = await lines.standby('standby', first)
    await caughtUp(standby, first)
    const clock = new SkippingClock()
    const shows = async (source: SourceTaskHarness, code: string, text: RegExp): Promise<void> => {
      await source.waitFor(`${code} to say ${text.source}, not: ${source.conditions.get(code)}`, () => {
        if (text.test(source.conditions.get(code) ?? '')) return true
        if (clock.isWaiting(waitProbeIntervalMs)) clock.skip(waitProbeIntervalMs)
        return false
      })
    }
    const making = await bench.source(configOn(standby, patient), undefined, undefined, clock)
    await shows(
      making,
      'PG_SLOT_WAITS',
      / on a standby waits .* On the primary run SELECT pg_log_standby_snapshot\(\);/,
    )
    await making.waitFor('the slot', async () => {
      await play(first, 'select pg_log_standby_snapshot()')
      return making.records.length > 0
    })
    expect([...making.conditions.keys()]).toEqual([])
    await making.stop()
    const locker = new pg.Client({ connectionString: first.address })
    await locker.connect()
    await locker.query('begin; lock table item in access exclusive mode')
    await until('the standby to hold the lock', async () => {
      await play(first, 'checkpoint')
      const mode = `mode = 'AccessExclusiveLock' and relation = 'item'::regclass`
      return (await play(standby, `select 1 from pg_locks where ${mode}`)).length > 0
    })
    const reading = await bench.source(configOn(standby, patient), undefined, undefined, clock)
    await shows(
      reading,
      'PG_LOCK_WAITS',
      /^(?:starting|locking) .*\(this server is a standby\)\. Blocked by: pid \d+ \(startup.*\): it holds the lock of a transaction of the primary/,
    )
    await locker.query('commit')
    await locker.end()
    await reading.waitForRecords(1)
    expect([...reading.conditions.keys()]).toEqual([])
    await reading.stop()
  })
})
