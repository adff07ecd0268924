import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, expect, it } from 'vitest'

import { dumpTopic } from '../../support/broker/topic-dump.ts'
import { LogView } from '../../support/log/log-view.ts'
import { TestDatabase } from '../../support/postgres/postgres.ts'
import { describeWith, service } from '../../support/services.ts'
import { until } from '../../support/until.ts'
import { workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'

const cleanups: (() => Promise<unknown> | void)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

const kafka = 'org.apache.kafka.connect.transforms'
const json = 'org.apache.kafka.connect.json.JsonConverter'

const transforms = {
  transforms: 'row,drop,mask,text',
  'transforms.row.type': 'io.debezium.transforms.ExtractNewRecordState',
  'transforms.drop.type': `${kafka}.Filter`,
  'transforms.drop.predicate': 'cards',
  'transforms.drop.negate': 'true',
  'transforms.mask.type': `${kafka}.MaskField$Value`,
  'transforms.mask.fields': 'number',
  'transforms.mask.replacement': '****',
  'transforms.text.type': `${kafka}.Cast$Value`,
  'transforms.text.spec': 'id:string,amount:float64',
  predicates: 'cards',
  'predicates.cards.type': `${kafka}.predicates.TopicNameMatches`,
  'predicates.cards.pattern': '.*\\.cards',
}

describeWith(['postgres', 'kcat'], 'a Postgres source with a chain of transforms', () => {
  it('writes the rows of the matching table, masked and cast, and drops the others', async () => {
    const db = await TestDatabase.create(service('postgres'), 'transformed')
    cleanups.push(() => db.drop())
    await db.play(`create table cards (id int primary key, number text, amount numeric(10, 2));
      create table secrets (id int primary key);
      insert into cards values (1, '4111', 12.50); insert into secrets values (1)`)
    const directory = mkdtempSync(join(tmpdir(), 'penstock-transformed-'))
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
    const worker = await WorkerProcess.start(await workerPlace(directory))
    cleanups.push(() => worker.kill())
    await worker.post('source', {
      ...db.config({ name: 'source', 'connector.class': 'io.debezium.connector.postgresql.PostgresConnector' }),
      'value.converter': json,
      'value.converter.schemas.enable': 'false',
      ...transforms,
    })
    const log = await LogView.open(worker.place.broker)
    cleanups.push(() => log.close())
    const topic = 't.public.cards'
    const arrived = async (count: number): Promise<void> =>
      await until(
        () => `${count} records arrive:\n${worker.output.slice(-2000)}`,
        async () => (await log.end(topic)) === count,
      )
    await arrived(1)
    await db.play('insert into secrets values (2); insert into cards values (2, null, null)')
    await arrived(2)
    const values: unknown[] = []
    for await (const { value } of dumpTopic(service('kcat'), { broker: worker.place.broker, topic }))
      values.push(JSON.parse(String(value)))
    expect(values).toEqual([
      { id: '1', number: '****', amount: 12.5 },
      { id: '2', number: null, amount: null },
    ])
    expect(await log.admin.listTopics()).not.toContain('t.public.secrets')
    expect(await worker.failures()).toEqual([])
  }, 180_000)
})
