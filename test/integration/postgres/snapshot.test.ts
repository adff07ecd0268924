import { expect, it } from 'vitest'
import { rowOf, sourceBench, sourceOf, story, versionOf } from '../../support/postgres/postgres-source.ts'
import { needsPostgres } from '../../support/postgres/postgres.ts'
import { describeWith, service } from '../../support/services.ts'
import { MemoryOffsets } from '../../support/task/source-task-harness.ts'

describeWith(['postgres'], 'the snapshot of the Postgres source', () => {
  const bench = sourceBench(() => service('postgres'))

  it('starts again after an interruption with the same slot and version, and the stream has what happened meanwhile', async () => {
    const db = await bench.database(
      `create table t (id int primary key, v text); insert into t select g, 'old' from generate_series(1, 100) g`,
    )
    const config = db.config({ 'max.batch.size': '10', 'max.queue.size': '11' })
    const first = await bench.source(config, new MemoryOffsets(), 30)
    await first.waitForRecords(30)
    await first.stop()
    const slot = await db.slot()
    expect(slot?.active).toBe(false)
    expect(first.offsets.last).toMatchObject({ snapshot: 'INITIAL', snapshot_completed: false })

    await db.play(`update t set v = 'new' where id = 1; delete from t where id = 2`)
    const second = await bench.source(config, first.offsets)
    const records = await second.waitForRecords(99 + 3)
    expect(story(records.slice(99))).toEqual(['u [1]', 'd [2]', '- [2]'])
    const reads = records.slice(0, 99)
    expect(reads.filter((record) => rowOf(record)?.['v'] === 'new').map((record) => record.key)).toEqual([[1]])
    expect(new Set([...first.records, ...reads].map(versionOf)).size).toBe(1)
    const [read, update] = [reads[0], records[99]]
    expect(read !== undefined && update !== undefined && versionOf(update) > versionOf(read)).toBe(true)
    expect(first.offsets.written.filter((offset) => offset['snapshot_completed'] === true)).toHaveLength(1)
  })

  it('is not taken again once it is complete', async () => {
    const db = await bench.database('create table t (id int primary key); insert into t values (1)')
    const first = await bench.source(db.config())
    await first.waitForRecords(1)
    await first.stop()
    const second = await bench.source(db.config(), first.offsets)
    await db.play('insert into t values (2)')
    expect(story(await second.waitForRecords(1))).toEqual(['c [2]'])
  })

  it('of tables without rows is complete too', async () => {
    const db = await bench.database('create table t (id int primary key)')
    const first = await bench.source(db.config())
    await first.waitFor('the offset', () => first.offsets.last?.['snapshot_completed'] === true)
    await first.stop()
    await db.play('insert into t values (1)')
    const second = await bench.source(db.config(), first.offsets)
    expect(story(await second.waitForRecords(1))).toEqual(['c [1]'])
  })

  it('marks the first and last rows of all and of each table', async () => {
    const db = await bench.database(`
      create table a (id int primary key); create table b (id int primary key); create table c (id int primary key);
      insert into a values (1), (2); insert into b values (1); insert into c values (1), (2), (3)`)
    const source = await bench.source(db.config({ 'table.include.list': 'public.c,public.b,public.a' }))
    const records = await source.waitForRecords(6)
    expect(records.map((record) => `${record.topic} ${String(sourceOf(record, 'snapshot'))}`)).toEqual([
      't.public.c first',
      't.public.c true',
      't.public.c last_in_data_collection',
      't.public.b last_in_data_collection',
      't.public.a first_in_data_collection',
      't.public.a last',
    ])
  })

  it('has a transaction id before those of later changes', async () => {
    const db = await bench.database('create table t (id int primary key); insert into t values (1)')
    const source = await bench.source(db.config())
    await source.waitForRecords(1)
    await db.play('insert into t values (2)')
    const [read, change] = (await source.waitForRecords(2)).map((record) => Number(sourceOf(record, 'txId')))
    expect(read).toBeLessThan(change ?? 0)
  })

  it('decodes what COPY escapes', async () => {
    const texts = ['a\tb', 'a\nb\r', 'back\\slash', '\\N', '', '\b\f\v', '\\.', 'ü€😀', ' ']
    const db = await bench.database('create table t (id int primary key, v text, w text[], b bytea)')
    for (const [i, text] of texts.entries()) {
      await db.rows('insert into t values ($1, $2, $3, $4)', [i, text, [text, null], Buffer.from(text)])
    }
    await db.play('insert into t values (100, null, null, null)')
    const source = await bench.source(db.config())
    const records = await source.waitForRecords(texts.length + 1)
    const rows = records.map((record) => rowOf(record))
    expect(rows.map((row) => row?.['v'])).toEqual([...texts, null])
    expect(rows.map((row) => row?.['w'])).toEqual([...texts.map((text) => [text, null]), null])
    expect(rows.map((row) => row?.['b'])).toEqual([...texts.map((text) => Buffer.from(text)), null])
  })

  it('keeps the connection alive while no one polls: status updates are sent on a timer', async () => {
    const db = await bench.database(
      `create table t (id int primary key, v text); insert into t select g, repeat('x', 500) from generate_series(1, 20000) g`,
    )
    const config = db.config({ 'max.batch.size': '10', 'max.queue.size': '11', 'status.update.interval.ms': '50' })
    const source = await bench.source(config, new MemoryOffsets(), 20)
    await source.waitForRecords(20)
    const sender = async (): Promise<{ pid: number; reply: string } | undefined> => {
      const [row] = await db.rows<{ pid: number; reply: string }>(
        `select pid, reply_time::text as reply from pg_stat_replication
         where pid = (select active_pid from pg_replication_slots where slot_name = $1)`,
        [db.name],
      )
      return row
    }
    const first = await sender()
    if (first === undefined) throw new TypeError('the stream must be open during the snapshot')
    const replies = new Set<string>()
    await source.waitFor('one status update after another', async () => {
      return replies.add((await sender())?.reply ?? first.reply).size > 5
    })
    expect((await sender())?.pid).toBe(first.pid)
    source.goOn()
    await source.waitForRecords(20_000)
    expect(source.retried).toEqual([])
  })

  it('is not taken with no_data, or with its old name never', async () => {
    for (const mode of ['no_data', 'never']) {
      const db = await bench.database('create table t (id int primary key); insert into t values (1)')
      const source = await bench.source(db.config({ 'snapshot.mode': mode }))
      await source.waitFor('the stream', () => db.isStreaming())
      await db.play('insert into t values (2)')
      expect(story(await source.waitForRecords(1))).toEqual(['c [2]'])
    }
  })

  it('needs no slot and no publication with initial_only', async () => {
    const db = await bench.database('create table t (id int primary key); insert into t values (1)')
    const source = await bench.source(db.config({ 'snapshot.mode': 'initial_only' }))
    await source.waitForRecords(1)
    expect(await db.slot()).toBeUndefined()
    expect(await db.rows('select pubname from pg_publication')).toEqual([])
  })

  it('is taken at every start with always, and the stream continues from its slot', async () => {
    const db = await bench.database('create table t (id int primary key); insert into t values (1)')
    const config = db.config({ 'snapshot.mode': 'always', 'status.update.interval.ms': '50' })
    const first = await bench.source(config)
    await first.waitForRecords(1)
    await db.play('insert into t values (2)')
    await first.waitForRecords(2)
    await first.waitFor('the end of the transaction', () => first.offsets.last?.['messageType'] === 'COMMIT')
    await first.stop()
    await db.play('insert into t values (3)')
    const second = await bench.source(config, first.offsets)
    expect(story(await second.waitForRecords(4))).toEqual(['r [1]', 'r [2]', 'r [3]', 'c [3]'])
  })

  it('reads the columns and rows that the publication sends', async (test) => {
    const db = await bench.database('')
    await needsPostgres(db, 15, test)
    await db.play(`
      create table t (id int primary key, v text, hidden text);
      insert into t select g, 'v' || g, 'h' from generate_series(1, 6) g;
      create publication p for table t (id, v) where (id > 4)`)
    const source = await bench.source(db.config({ 'publication.autocreate.mode': 'disabled' }))
    await source.waitForRecords(2)
    await db.play(`insert into t values (1000, 'n', 'h'), (0, 'n', 'h')`)
    const records = await source.waitForRecords(3)
    expect(records.map((record) => rowOf(record))).toEqual([
      { id: 5, v: 'v5' },
      { id: 6, v: 'v6' },
      { id: 1000, v: 'n' },
    ])
  })

  it.each([
    ['false', ['t.public.m_1', 't.public.m_2']],
    ['true', ['t.public.m']],
  ])('reads partitioned tables under the names that the stream uses (via root: %s)', async (viaRoot, topics) => {
    const db = await bench.database(`
      create table m (id int primary key) partition by range (id);
      create table m_1 partition of m for values from (0) to (10);
      create table m_2 partition of m for values from (10) to (20);
      insert into m values (1), (11)`)
    const source = await bench.source(db.config({ 'publish.via.partition.root': viaRoot }))
    await source.waitForRecords(2)
    await db.play('insert into m values (2), (12)')
    const records = await source.waitForRecords(4)
    expect(story(records)).toEqual(['r [1]', 'r [11]', 'c [2]', 'c [12]'])
    expect([...new Set(records.map((record) => record.topic))].toSorted()).toEqual(topics)
  })
})
