import { afterEach, beforeEach, expect, it } from 'vitest'

import { dumpTopic } from '../../support/broker/topic-dump.ts'
import { TestDatabase } from '../../support/postgres/postgres.ts'
import { RestClient } from '../../support/rest/rest-client.ts'
import { describeWith, service } from '../../support/services.ts'
import { until, untilPasses } from '../../support/until.ts'
import { testWorkers } from '../../support/worker/test-workers.ts'
import type { WorkerProcess } from '../../support/worker/worker-process.ts'

const workers = testWorkers()
let worker: WorkerProcess
let rest: RestClient
let db: TestDatabase

describeWith(['postgres', 'kcat'], 'the offsets of a Postgres source over REST', () => {
  beforeEach(async () => {
    worker = await workers.start()
    rest = new RestClient(worker.place.rest)
    db = await TestDatabase.create(service('postgres'), 'offsets')
    await db.play('create table item (id int primary key); insert into item values (1), (2)')
    await worker.post('pg', {
      'connector.class': 'PostgresConnector',
      ...(db.config() as Record<string, string>),
      name: 'pg',
    })
    await until('the stream', () => db.isStreaming())
    // kcat fails while the topic does not exist.
    await until('both rows', async () => (await keys().catch(() => [])).length === 2)
  })
  afterEach(async () => {
    await worker.kill()
    await db.drop()
  })

  /** The keys of the records in the topic, in order. */
  async function keys(): Promise<readonly number[]> {
    const read: number[] = []
    for await (const { key } of dumpTopic(service('kcat'), { broker: worker.place.broker, topic: 't.public.item' }))
      read.push((JSON.parse(key) as { payload: { id: number } }).payload.id)
    return read
  }

  it('are the way out when the slot is gone: after a reset all rows are read again, and changes follow', async () => {
    await worker.request('PUT', '/connectors/pg/stop')
    await until('the slot to be free', async () => (await db.slot())?.active === false)
    await db.play(`select pg_drop_replication_slot('${db.name}'); insert into item values (3)`)
    await worker.request('PUT', '/connectors/pg/resume')
    await untilPasses(async () => expect(await worker.failures()).toEqual([expect.stringContaining('PG_SLOT_MISSING')]))
    await worker.request('PUT', '/connectors/pg/stop')
    expect((await rest.delete('/connectors/pg/offsets')).body).toBe(
      '{"message":"The offsets for this connector have been reset successfully"}',
    )
    await worker.request('PUT', '/connectors/pg/resume')
    await untilPasses(async () => expect((await keys()).slice(2)).toEqual([1, 2, 3]))
    await db.play('insert into item values (4)')
    await untilPasses(async () => expect((await keys()).slice(5)).toEqual([4]))
    expect(await worker.failures()).toEqual([])
  })

  it('that a start could not use are rejected', async () => {
    await worker.request('PUT', '/connectors/pg/stop')
    const before = (await rest.get('/connectors/pg/offsets')).body
    const alter = async (partition: object, offset: object): Promise<object> => {
      const { status, json } = await rest.send('PATCH', '/connectors/pg/offsets', { offsets: [{ partition, offset }] })
      return { status, json }
    }
    expect(await alter({ server: 't' }, { lsn: 'x' })).toMatchObject({
      status: 500,
      json: { message: expect.stringContaining('cannot parse the stored offset: {"lsn":"x"}') },
    })
    expect(await alter({ server: 'other' }, { lsn: 1 })).toMatchObject({
      status: 500,
      json: { message: expect.stringContaining('this connector reads only {"server":"t"}') },
    })
    expect((await rest.get('/connectors/pg/offsets')).body).toBe(before)
  })
})
