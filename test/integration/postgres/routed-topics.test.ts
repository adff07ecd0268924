import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { LogView } from '../../support/log/log-view.ts'
import { TestDatabase } from '../../support/postgres/postgres.ts'
import { describeWith, service } from '../../support/services.ts'
import { until } from '../../support/until.ts'
import { workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'

const cleanups: (() => Promise<unknown> | void)[] = []

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
})

describeWith(['postgres'], 'a Postgres source whose records are routed to other topics', () => {
  it('creates the topics of its records as configured, and no others', async () => {
    const db = await TestDatabase.create(service('postgres'), 'routed')
    cleanups.push(() => db.drop())
    await db.play('create table lines (id int primary key); insert into lines values (1), (2)')
    const directory = mkdtempSync(join(tmpdir(), 'penstock-routed-'))
    cleanups.push(() => rmSync(directory, { recursive: true, force: true }))
    const worker = await WorkerProcess.start(await workerPlace(directory))
    cleanups.push(() => worker.kill())
    await worker.post('source', {
      ...db.config({
        name: 'source',
        'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
      }),
      'heartbeat.interval.ms': '200',
      'topic.creation.default.partitions': '3',
      'topic.creation.default.replication.factor': '1',
      transforms: 'route',
      'transforms.route.type': 'org.apache.kafka.connect.transforms.RegexRouter',
      'transforms.route.regex': '(.*)',
      'transforms.route.replacement': 'routed-$1',
    })
    const log = await LogView.open(worker.place.broker)
    cleanups.push(() => log.close())
    const own = async (): Promise<string[]> =>
      (await log.admin.listTopics()).filter((name) => !/^(connect-|__)/.test(name) || /heartbeat/.test(name)).toSorted()
    const wanted = ['routed-__debezium-heartbeat.t', 'routed-t.public.lines']
    await until(
      () => `records and heartbeats arrive:\n${worker.output.slice(-2000)}`,
      async () => {
        const topics = await own()
        return wanted.every((name) => topics.includes(name))
      },
    )
    expect(await own()).toEqual(wanted)
    const { topics } = await log.admin.fetchTopicMetadata({ topics: wanted })
    expect(topics.map(({ partitions }) => partitions.length)).toEqual([3, 3])
    expect(await worker.failures()).toEqual([])
  }, 180_000)
})
