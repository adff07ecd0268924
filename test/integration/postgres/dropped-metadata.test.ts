import type { ConfigProblem, RawConfig } from 'penstock/api'
import { expect, it } from 'vitest'
import { plugin } from '../../../connectors/postgres-source/index.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import { rowOf, sourceBench, story } from '../../support/postgres/postgres-source.ts'
import { describeWith, service } from '../../support/services.ts'

describeWith(['postgres'], 'rows that the current catalog describes only in part', () => {
  const bench = sourceBench(() => service('postgres'))

  it('keep the values of a type that is dropped before they are read', async () => {
    const db = await bench.database(`create type mood as enum ('sad', 'it''s ok'); create domain price as numeric(6, 2);
      create table t (id int primary key, m mood, ms mood[], p price)`)
    const first = await bench.source(db.config())
    await first.waitFor('the stream', () => db.isStreaming())
    await first.waitFor('the list of tables', () => first.offsets.others.size > 0)
    await first.stop()
    await db.play(`insert into t values (1, 'it''s ok', '{sad,NULL}', 2.5);
      alter table t alter m type text, alter ms type text[], alter p type text; drop type mood; drop domain price`)
    const source = await bench.source(db.config(), first.offsets)
    const [record] = await source.waitForRecords(1)
    expect(record && rowOf(record)).toEqual({ id: 1, m: `it's ok`, ms: '{sad,NULL}', p: '2.50' })
  })

  it('have a key of the columns of message.key.columns, or a condition reports that they do not', async () => {
    const db = await bench.database(`create table t (a int, b int, c text, primary key (a, b));
      alter table t replica identity full; insert into t values (1, 1, 'x')`)
    const config = (columns: string): RawConfig => db.config({ 'message.key.columns': `public.t:${columns}` })
    const check = async (raw: RawConfig): Promise<readonly ConfigProblem[]> =>
      (await plugin.check?.(parseConfig(plugin.configDef, raw), raw, AbortSignal.timeout(60_000))) ?? []
    expect(await check(config('a,C'))).toEqual([
      {
        key: 'message.key.columns',
        message:
          'PG_KEY_COLUMNS: message.key.columns names C of public.t, but its rows have no such column. The columns are: a, b, c.',
      },
    ])
    expect(await check(config('a,c'))).toEqual([])
    const source = await bench.source(config('a,c'))
    await source.waitForRecords(1)
    await source.waitFor('the stream', () => db.isStreaming())
    expect([...source.conditions.keys()]).toEqual([])
    await db.play(`alter table t rename c to d; insert into t values (1, 2, 'y')`)
    expect(story(await source.waitForRecords(2))).toEqual(['r [1,"x"]', 'c [1]'])
    expect(source.conditions.get('PG_KEY_COLUMNS')).toMatch(
      /^message\.key\.columns names columns that rows do not have: public\.t \(c\)\. /,
    )
  })
})
