import { sourceContract } from 'penstock/testing'
import { afterEach, it } from 'vitest'

import { plugin } from '../../../connectors/postgres-source/index.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { TestDatabase } from '../../support/postgres/postgres.ts'
import { rowOf } from '../../support/postgres/postgres-source.ts'
import { describeWith, service } from '../../support/services.ts'
import { patienceMs } from '../../support/until.ts'

describeWith(['postgres'], 'the Postgres source', () => {
  const closing: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0).toReversed()) await close()
  })

  const cases = sourceContract({
    plugin,
    waitMs: patienceMs,
    unusable: { 'database.dbname': 'there_is_no_such_database' },
    wrong: [
      {
        what: 'two lists of tables',
        change: { 'table.include.list': 'public.a', 'table.exclude.list': 'public.b' },
        names: ['table.exclude.list'],
      },
      {
        what: 'a queue that is too small',
        change: { 'max.queue.size': '10', 'max.batch.size': '10' },
        names: ['max.queue.size'],
      },
      { what: 'a database that does not exist', change: { 'database.dbname': 'none' }, names: ['database.dbname'] },
      {
        what: 'a masked column',
        change: { 'column.mask.with.5.chars': 'public.a.b' },
        names: ['column.mask.with.5.chars'],
      },
    ],
    prepare: async () => {
      const database = await TestDatabase.create(service('postgres'), 'contract')
      closing.push(async () => await database.drop())
      const { hostname, port } = database.url
      const proxy = await FaultProxy.open(hostname, Number(port))
      closing.push(async () => await proxy.close())
      // Rows that are added before the task starts are changes, because the slot is older.
      await database.play(`create table numbers (id int primary key); create publication p for table numbers;
        select pg_create_logical_replication_slot('${database.name}', 'pgoutput')`)
      let rows = 0
      return {
        proxy,
        config: database.config({
          'database.hostname': '127.0.0.1',
          'database.port': String(proxy.port),
          'snapshot.mode': 'no_data',
          'slot.retry.delay.ms': '10',
        }),
        add: async (count: number) => {
          const from = rows + 1
          rows += count
          // Some of the rows share a transaction.
          await database.play(`insert into numbers select generate_series(${from}, ${from + (count >> 1)});
            insert into numbers select generate_series(${from + (count >> 1) + 1}, ${rows})`)
          return Array.from({ length: count }, (_, i) => String(from + i))
        },
        identify: (record) => {
          const id = rowOf(record)?.['id']
          return id === undefined ? null : String(id)
        },
      }
    },
    interrupt: async ({ proxy }) => {
      await proxy.down()
      return async () => await proxy.up()
    },
  })
  for (const { name, run } of cases) it(name, run)
})
