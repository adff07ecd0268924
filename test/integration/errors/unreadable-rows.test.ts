import { expect, it } from 'vitest'

import { ClientHarness, readAll } from '../../contract/client-harness.ts'
import type { FetchedRecord } from '../../../src/client/consumer/fetched-record.ts'
import type { KafkaClient } from '../../../src/client/kafka-client.ts'
import { TestDatabase } from '../../support/postgres/postgres.ts'
import { describeWith, service } from '../../support/services.ts'
import { untilPasses } from '../../support/until.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'
import type { WorkerProcess } from '../../support/worker/worker-process.ts'

const tolerant = {
  'errors.tolerance': 'all',
  'errors.deadletterqueue.topic.name': 'dlq',
  'errors.deadletterqueue.context.headers.enable': 'true',
}

const jsonOf = (bytes: Uint8Array | null): unknown =>
  bytes === null ? null : (JSON.parse(Buffer.from(bytes).toString()) as unknown)

function headersOf({ headers }: FetchedRecord): ReadonlyMap<string, string> {
  return new Map(headers.map(({ key, value }) => [key, value?.toString() ?? '']))
}

describeWith(
  ['postgres'],
  'rows that a record cannot represent, with event.converting.failure.handling.mode=fail',
  () => {
    const workers = testWorkers()

    async function withDatabase(script: string, use: (database: TestDatabase) => Promise<void>): Promise<void> {
      const database = await TestDatabase.create(service('postgres'), 'unreadable')
      try {
        await database.play(script)
        await use(database)
      } finally {
        await database.drop()
      }
    }

    async function connected(
      database: TestDatabase,
      more: Readonly<Record<string, string>>,
    ): Promise<{ readonly worker: WorkerProcess; readonly kafka: KafkaClient; readonly close: () => Promise<void> }> {
      const worker = await workers.start({ 'offset.flush.interval.ms': '100' })
      const harness = new ClientHarness(worker.place.broker)
      const kafka = await harness.connect()
      await worker.post('source', sourceOf(database, more))
      return {
        worker,
        kafka,
        close: async () => {
          await harness.close()
          await worker.kill()
        },
      }
    }

    function sourceOf(database: TestDatabase, more: Readonly<Record<string, string>>): Record<string, string> {
      const { name: _, ...config } = database.config({
        'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
        'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
        'value.converter.schemas.enable': 'false',
        'value.converter.decimal.format': 'NUMERIC',
        'event.converting.failure.handling.mode': 'fail',
        'column.exclude.list': 'public.t.secret',
        ...more,
      })
      return config
    }

    /** `op id v` of each record; `-` for a tombstone. */
    async function story(kafka: KafkaClient, count: number): Promise<readonly string[]> {
      return await untilPasses(async () => {
        const records = await readAll(kafka, 't.public.t')
        expect(records.length).toBeGreaterThanOrEqual(count)
        return records.map(({ value }) => {
          const event = jsonOf(value) as { op: string; after: { id: number; v: number } | null } | null
          return event === null ? '-' : `${event.op} ${event.after?.id ?? ''} ${event.after?.v ?? ''}`
        })
      })
    }

    it('are in the dead letter queue as Postgres sent them, those of the snapshot too, and the others continue', async () => {
      const tables = `
      create table t (id int primary key, v numeric(10, 2), note text, secret text);
      insert into t values (1, 1, 'a', 's'), (2, 'NaN', E'tab\\t\\\\N', 's'), (3, 3, null, 's')`
      await withDatabase(tables, async (database) => {
        const { worker, kafka, close } = await connected(database, tolerant)
        try {
          expect(await story(kafka, 2)).toEqual(['r 1 1', 'r 3 3'])
          await database.play(`
          insert into t values (4, 'NaN', null, 's');
          update t set v = 'NaN', note = 'x' where id = 3;
          update t set v = 33 where id = 3;
          begin; update t set id = 10, v = 'NaN' where id = 1; insert into t values (5, 5); commit;
          alter table t replica identity full;
          delete from t where id = 4;
          insert into t values (6, 6)`)
          expect(await story(kafka, 5)).toEqual(['r 1 1', 'r 3 3', 'u 3 33', 'c 5 5', 'c 6 6'])
          const letters = await untilPasses(async () => {
            const found = await readAll(kafka, 'dlq')
            expect(found).toHaveLength(5)
            return found
          })
          expect(letters.map(({ key, value }) => [jsonOf(key), jsonOf(value)])).toEqual([
            [{ id: '2' }, { op: 'r', before: null, after: { id: '2', v: 'NaN', note: 'tab\t\\N' } }],
            [{ id: '4' }, { op: 'c', before: null, after: { id: '4', v: 'NaN', note: null } }],
            [{ id: '3' }, { op: 'u', before: null, after: { id: '3', v: 'NaN', note: 'x' } }],
            [{ id: '10' }, { op: 'u', before: { id: '1' }, after: { id: '10', v: 'NaN', note: 'a' } }],
            [{ id: '4' }, { op: 'd', before: { id: '4', v: 'NaN', note: null }, after: null }],
          ])
          const [first = new Map<string, string>(), second = new Map<string, string>()] = letters.map(headersOf)
          expect(first.get('__connect.errors.stage')).toBe('TASK_POLL')
          expect(first.get('__connect.errors.class.name')).toBe('org.apache.kafka.connect.source.SourceTask')
          expect(first.get('__connect.errors.exception.message')).toMatch(
            /^PG_VALUE: public\.t\.v cannot be represented: .*NaN/,
          )
          expect(first.get('__penstock.errors.topic')).toBe('t.public.t')
          expect(jsonOf(Buffer.from(first.get('__penstock.errors.source.partition') ?? ''))).toEqual({ server: 't' })
          expect(jsonOf(Buffer.from(first.get('__penstock.errors.source.offset') ?? ''))).toHaveProperty('lsn')
          expect(Number(second.get('__penstock.version'))).toBeGreaterThan(Number(first.get('__penstock.version')))
          const status = JSON.stringify(await worker.request('GET', '/connectors/source/status'))
          expect(status).toContain('ERRANT_RECORDS')
          expect(status).not.toContain('FAILED')
        } finally {
          await close()
        }
      })
    })

    it('fail the task without tolerance, and are in the queue once it tolerates them, with no row lost', async () => {
      const tables = `create table t (id int primary key, v numeric(10, 2)); insert into t values (1, 1)`
      await withDatabase(tables, async (database) => {
        const { worker, kafka, close } = await connected(database, {})
        try {
          expect(await story(kafka, 1)).toEqual(['r 1 1'])
          await database.play(
            `insert into t values (2, 2); insert into t values (3, 'NaN'); insert into t values (4, 4)`,
          )
          const [trace] = await untilPasses(async () => {
            const failures = await worker.failures()
            expect(failures).toHaveLength(1)
            return failures
          })
          expect(trace).toMatch(
            /the task could not read a record for the topic t\.public\.t: PG_VALUE: public\.t\.v cannot be represented: .*NaN.*mode to warn.*errors\.tolerance to all/,
          )
          expect(await story(kafka, 2)).toEqual(['r 1 1', 'c 2 2'])
          await worker.request('PUT', '/connectors/source/config', sourceOf(database, tolerant))
          const seen = await story(kafka, 3)
          expect([...new Set(seen)]).toEqual(['r 1 1', 'c 2 2', 'c 4 4'])
          await untilPasses(async () =>
            expect((await readAll(kafka, 'dlq')).map(({ key }) => jsonOf(key))).toEqual([{ id: '3' }]),
          )
        } finally {
          await close()
        }
      })
    })
  },
)
