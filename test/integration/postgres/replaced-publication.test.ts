import type { RawConfig } from 'penstock/api'
import { expect, it } from 'vitest'
import { checkIntervalMs } from '../../../connectors/postgres-source/publication/publication-monitor.ts'
import { look, sourceBench, story } from '../../support/postgres/postgres-source.ts'
import { needsPostgres } from '../../support/postgres/postgres.ts'
import { describeWith, service } from '../../support/services.ts'
import { SkippingClock } from '../../support/skipping-clock.ts'
import type { SourceTaskHarness } from '../../support/task/source-task-harness.ts'

const twoTables = `create table a (id int primary key); create table b (id int primary key);
  insert into a values (1); insert into b values (1)`
const filtered: RawConfig = { 'publication.autocreate.mode': 'filtered' }
const disabled: RawConfig = { 'publication.autocreate.mode': 'disabled' }
const allTables: RawConfig = { 'publication.autocreate.mode': 'all_tables' }
const restored = `alter publication p set (publish = 'insert, update, delete, truncate')`

interface Case {
  readonly tables?: string
  readonly config: RawConfig
  readonly away: string
  readonly back: string
  /** The first server version that supports it. */
  readonly since?: number
}

describeWith(['postgres'], 'a publication that is changed and changed back between two checks', () => {
  const bench = sourceBench(() => service('postgres'))

  /** A source that has checked what the script did, while it ran or after a restart. */
  async function after(
    script: readonly string[],
    { tables = twoTables, config }: Pick<Case, 'tables' | 'config'>,
    isRunning = true,
  ): Promise<SourceTaskHarness> {
    const clock = new SkippingClock()
    const db = await bench.database(tables)
    const options = db.config({ 'table.include.list': 'public\\..*', ...config })
    const first = await bench.source(options, undefined, undefined, clock)
    await first.waitFor('the stream', () => db.isStreaming())
    await first.waitFor('the list of tables', () => first.offsets.others.size > 0)
    if (!isRunning) await first.stop()
    for (const part of script) await db.play(part)
    await db.play('insert into b values (9)')
    const source = isRunning ? first : await bench.source(options, first.offsets, undefined, clock)
    await source.waitFor('the end', () => story(source.records).includes('c [9]'))
    await look(source, clock)
    await source.waitFor('the look', () => clock.isWaiting(checkIntervalMs))
    return source
  }

  const replaced = (as: string): string => `begin; drop publication p; create publication p ${as}; commit`
  const change = 'update a set id = 2 where id = 1'

  it.for<[string, Case]>([
    [
      'was another one without the table',
      { config: filtered, away: replaced('for table b'), back: 'alter publication p add table a' },
    ],
    [
      'was another one with a row filter',
      {
        config: filtered,
        away: replaced('for table b, a where (id > 5)'),
        back: 'alter publication p set table a, b',
        since: 15,
      },
    ],
    [
      'was another one that sends inserts only',
      { config: filtered, away: replaced(`for table a, b with (publish = 'insert')`), back: restored },
    ],
    ['was another one twice', { config: allTables, away: replaced('for table b'), back: replaced('for all tables') }],
    [
      'had another name while another one had its own',
      {
        config: allTables,
        away: `create publication q for table b; begin; alter publication p rename to o; alter publication q rename to p; commit`,
        back: `begin; alter publication p rename to q; alter publication o rename to p; commit`,
      },
    ],
    [
      'was without the schema of the table',
      {
        tables: `${twoTables}; create schema s; alter table b set schema s; create view b as select * from s.b;
          create publication p for tables in schema public, s`,
        config: { ...disabled, 'table.include.list': 'public.a,s.b' },
        away: 'alter publication p drop tables in schema public',
        back: 'alter publication p add tables in schema public',
        since: 15,
      },
    ],
    [
      'was without the table above it',
      {
        tables: `create table m (id int primary key) partition by range (id);
          create table a partition of m for values from (0) to (10); insert into a values (1);
          create table b (id int primary key); create publication p for table m, b`,
        config: { ...disabled, 'table.include.list': 'public.a,public.b' },
        away: 'alter publication p drop table m',
        back: 'alter publication p add table m',
      },
    ],
  ])('is told of where it %s, running or stopped', async ([, { away, back, since = 10, ...where }], test) => {
    if (since > 10) await needsPostgres(await bench.database(''), since, test)
    for (const isRunning of [true, false]) {
      const source = await after([away, change, back], where, isRunning)
      await source.waitFor('the condition', () => source.conditions.has('PG_UNREAD'))
      expect(source.conditions.get('PG_UNREAD')).toMatch(
        /^public\.a(?:, (?:public|s)\.b)? left the captured tables or /,
      )
      expect(story(source.records)).not.toContain('c [2]')
    }
  })

  it.for<[string, Case]>([
    ['sent no inserts', { config: allTables, away: `alter publication p set (publish = 'delete')`, back: restored }],
    [
      'was without its schema',
      {
        tables: `${twoTables}; create schema s; create table s.t (id int primary key);
          create publication p for table a, b, tables in schema s`,
        config: { ...disabled, 'table.include.list': 'public\\..*,s\\..*' },
        away: 'alter publication p drop tables in schema s',
        back: 'alter publication p add tables in schema s',
        since: 15,
      },
    ],
  ])('is told of where it %s when a new table was filled', async ([, { away, back, since = 10, ...where }], test) => {
    if (since > 10) await needsPostgres(await bench.database(''), since, test)
    const schema = since > 10 ? 's' : 'public'
    const filled = `create table ${schema}.young (id int primary key); insert into ${schema}.young values (5)`
    const source = await after([away, filled, back], where, true)
    await source.waitFor('the condition', () => source.conditions.has('PG_UNREAD'))
    expect(source.conditions.get('PG_UNREAD')).toContain(
      `${schema}.young joined the captured tables after the snapshot: `,
    )
  })

  const held = `${twoTables}; create table m (id int primary key) partition by range (id);
    create table m1 partition of m for values from (0) to (10); create publication p for table a, b, m`
  it.for<[string, Case]>([
    ['is left alone', { config: filtered, away: '', back: '' }],
    [
      'takes in another table',
      { config: filtered, away: 'create table c (id int primary key)', back: 'alter publication p add table c' },
    ],
    [
      'holds partitions by their root and takes in another one',
      {
        tables: held,
        config: disabled,
        away: 'create table m2 partition of m for values from (10) to (20)',
        back: 'insert into m values (1), (11)',
      },
    ],
    [
      'takes in the schema of its tables',
      {
        tables: held,
        config: disabled,
        away: 'alter publication p add tables in schema public',
        back: '',
        since: 15,
      },
    ],
    ['gets another owner', { config: allTables, away: 'alter publication p owner to pg_monitor', back: '' }],
    [
      'is frozen and rewritten',
      {
        config: filtered,
        away: 'vacuum freeze pg_publication; vacuum freeze pg_publication_rel',
        back: 'vacuum full pg_publication; vacuum full pg_publication_rel; reindex table pg_publication',
      },
    ],
  ])('is not told of where it %s, running or stopped', async ([, { away, back, since = 10, ...where }], test) => {
    if (since > 10) await needsPostgres(await bench.database(''), since, test)
    for (const isRunning of [true, false]) {
      const source = await after([away, back, change], where, isRunning)
      expect([...source.conditions.keys()]).toEqual([])
      expect(story(source.records)).toContain('c [2]')
    }
  })
})
