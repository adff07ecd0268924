import { afterEach, expect, it } from 'vitest'
import { plugin } from '../../connectors/postgres-source/index.ts'
import { TestDatabase } from '../support/postgres.ts'
import { describeWith, service } from '../support/services.ts'
import { MemoryOffsets, SourceTaskHarness } from '../support/source-task-harness.ts'

describeWith(['postgres'], 'the Postgres source', () => {
  const cleanups: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
  })

  async function database(purpose: string, script: string): Promise<TestDatabase> {
    const made = await TestDatabase.create(service('postgres'), purpose)
    cleanups.push(() => made.drop())
    await made.play(script)
    return made
  }

  async function source(config: Record<string, string>, offsets = new MemoryOffsets()): Promise<SourceTaskHarness> {
    const harness = new SourceTaskHarness(plugin, config, offsets)
    cleanups.push(() => harness.stop())
    await harness.start()
    return harness
  }

  it('reads the tables, then follows their changes', async () => {
    const db = await database(
      'first',
      `create table t (id int primary key, v text); insert into t values (1, 'a'), (2, 'b')`,
    )
    const harness = await source(db.config())
    await harness.waitForRecords(2)
    await db.play(`insert into t values (3, 'c'); update t set v = 'B' where id = 2; delete from t where id = 1`)
    const records = await harness.waitForRecords(6)
    expect(records.map((record) => [record.key, Array.isArray(record.value) ? record.value[4] : null])).toEqual([
      [[1], 'r'],
      [[2], 'r'],
      [[3], 'c'],
      [[2], 'u'],
      [[1], 'd'],
      [[1], null],
    ])
  })
})
