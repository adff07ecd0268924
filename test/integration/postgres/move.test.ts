import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { Outcomes } from '../../contract/client-harness.ts'
import { KafkaClient } from '../../../src/client/kafka-client.ts'
import { systemClock } from '../../../src/foundation/clock.ts'
import type { Server } from '../../../src/servers/process/server.ts'
import { ElasticsearchClient } from '../../support/elasticsearch/elasticsearch-client.ts'
import { configOn, growWal, play, MovingPostgres } from '../../support/postgres/moving-postgres.ts'
import { quietLogger } from '../../support/quiet-logger.ts'
import { describeWith, service } from '../../support/services.ts'
import { eventually, workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'
import { deleteTopic } from '../../support/broker/cluster-tools.ts'

const deadlineMs = 120_000
const table = 'create table item (id int primary key, v text)'
const source = { 'connector.class': 'io.debezium.connector.postgresql.PostgresConnector' }
const json = {
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter.schemas.enable': 'false',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter.schemas.enable': 'false',
}

describeWith(['elasticsearch'], 'documents of a database that moves', () => {
  let lines: MovingPostgres
  let directory: string
  let worker: WorkerProcess
  let prefix: string
  let topic: string
  let search: ElasticsearchClient
  let run = 0

  beforeEach(async () => {
    run += 1
    prefix = `move${process.pid}x${run}`
    topic = `${prefix}.public.item`
    lines = new MovingPostgres()
    directory = mkdtempSync(join(tmpdir(), 'penstock-move-'))
    worker = await WorkerProcess.start(await workerPlace(directory))
    search = new ElasticsearchClient(service('elasticsearch'))
  })
  afterEach(async () => {
    await worker.kill()
    await lines.close()
    await search.text('DELETE', `/${topic}?ignore_unavailable=true`)
    rmSync(directory, { recursive: true, force: true })
  })

  function config(server: Server, extra: Readonly<Record<string, string>> = {}): Record<string, string> {
    const { name: _name, ...rest } = configOn(server)
    return { ...source, ...json, ...rest, 'topic.prefix': prefix, ...extra }
  }

  async function sink(name: string, extra: Readonly<Record<string, string>> = {}): Promise<void> {
    await worker.post(name, {
      'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
      ...json,
      topics: topic,
      'connection.url': service('elasticsearch'),
      ...extra,
    })
  }

  /** The column `v` of each document. */
  async function documents(): Promise<Record<string, string>> {
    try {
      const found = await search.documents(topic)
      return Object.fromEntries([...found].map(([id, text]) => [id, (JSON.parse(text) as { v: string }).v]))
    } catch {
      return {} // no index yet
    }
  }

  async function shows(expected: Readonly<Record<string, string>>): Promise<void> {
    // Integer keys are listed in their order.
    const text = (value: object): string => JSON.stringify(value)
    let seen = {}
    try {
      await eventually(`documents ${text(expected)}`, deadlineMs, async () => {
        seen = await documents()
        return text(seen) === text(expected) ? true : null
      })
    } catch (error) {
      expect(seen, `${String(error)}; ${JSON.stringify(await worker.failures())}`).toEqual(expected)
    }
  }

  async function failed(pattern: RegExp): Promise<void> {
    const look = async (): Promise<true | null> =>
      (await worker.failures()).some((text) => pattern.test(text)) ? true : null
    await eventually(`a failure ${pattern}`, deadlineMs, look)
  }

  async function withClient<T>(action: (client: KafkaClient) => Promise<T>): Promise<T> {
    const client = await KafkaClient.connect({
      bootstrapServers: worker.place.broker,
      clientId: 'test',
      clock: systemClock,
      logger: quietLogger(),
    })
    try {
      return await action(client)
    } finally {
      await client.close()
    }
  }

  /** Writes keys and values as JSON, without headers, as Debezium and Kafka Connect do. */
  async function write(to: string, records: readonly (readonly [key: unknown, value: unknown])[]): Promise<void> {
    await withClient(async (client) => {
      const producer = client.producer(new Outcomes())
      for (const [index, parts] of records.entries()) {
        const [key = null, value = null] = parts.map((part) => Buffer.from(JSON.stringify(part)))
        producer.append({ topic: to, partition: 0, key, value, timestamp: null, headers: [] }, index)
      }
      await producer.flush()
      await producer.close()
    })
  }

  /** A server with two rows, and a new one with less WAL that the database was dumped to. */
  async function move(): Promise<{ old: Server; moved: Server }> {
    const old = await lines.start('old')
    await growWal(old)
    await play(old, `${table}; insert into item values (1, 'cluster A'), (2, 'cluster A')`)
    const moved = await lines.start('moved')
    await play(moved, `${table}; insert into item values (1, 'cluster A'), (2, 'moved to B'), (3, 'only in B')`)
    return { old, moved }
  }

  const changesOnB = `update item set v = 'changed in B' where id = 1; delete from item where id = 2`
  const rightOnB = { 1: 'changed in B', 3: 'only in B' }

  it(
    'are correct after the connector is pointed at the new server and follows the advice of the error',
    { timeout: 600_000 },
    async () => {
      const { old, moved } = await move()
      await worker.post('source', config(old))
      await sink('search')
      await shows({ 1: 'cluster A', 2: 'cluster A' })
      await play(old, `update item set v = 'late in A' where id = 1`)
      await shows({ 1: 'late in A', 2: 'cluster A' })
      await worker.request('PUT', '/connectors/source/config', config(moved))
      await failed(/PG_OTHER_SERVER/)
      await worker.request('PUT', '/connectors/source/config', config(moved, { 'snapshot.mode': 'always' }))
      await shows({ 1: 'cluster A', 2: 'moved to B', 3: 'only in B' })
      await play(moved, changesOnB)
      await shows(rightOnB)
      expect(await worker.failures()).toEqual([])
    },
  )

  it('are correct with a connector of another name that routes its topics', { timeout: 600_000 }, async () => {
    const { old, moved } = await move()
    const routed = {
      transforms: 'route',
      'transforms.route.type': 'org.apache.kafka.connect.transforms.RegexRouter',
      'transforms.route.regex': `${prefix}in\\.(.*)`,
      'transforms.route.replacement': `${prefix}.$1`,
      'topic.prefix': `${prefix}in`,
    }
    await worker.post('source', config(old, routed))
    await sink('search')
    await shows({ 1: 'cluster A', 2: 'cluster A' })
    await worker.request('DELETE', '/connectors/source')
    await worker.post('other', config(moved, routed))
    await shows({ 1: 'cluster A', 2: 'moved to B', 3: 'only in B' })
    await play(moved, changesOnB)
    await shows(rightOnB)
    expect(await worker.failures()).toEqual([])
  })

  it('are correct after the topic is deleted and all tables are read again', { timeout: 600_000 }, async () => {
    const server = await lines.start('server')
    await play(server, `${table}; insert into item values (1, 'a'), (2, 'a')`)
    await worker.post('source', config(server))
    await sink('search')
    await shows({ 1: 'a', 2: 'a' })
    await worker.request('DELETE', '/connectors/search')
    await worker.request('DELETE', '/connectors/source')
    await deleteTopic(worker.place.broker, topic)
    await play(server, `update item set v = 'b' where id = 1`)
    await worker.post('again', config(server))
    await sink('search-again')
    await shows({ 1: 'b', 2: 'a' })
    await play(server, `update item set v = 'c' where id = 2`)
    await shows({ 1: 'b', 2: 'c' })
    expect(await worker.failures()).toEqual([])
  })

  it('are correct after the connector takes over a topic and an offset of Debezium', { timeout: 600_000 }, async () => {
    const server = await lines.start('server')
    await play(server, `${table}; insert into item values (1, 'read by Debezium'), (2, 'read by Debezium')`)
    await play(server, 'create publication moving for table item')
    await play(server, `select pg_create_logical_replication_slot('moving', 'pgoutput')`)
    await withClient((client) => client.admin.createTopic({ name: topic, partitions: 1, replicationFactor: 1 }))
    const read = { before: null, source: { lsn: 1 }, op: 'r', ts_ms: 1 }
    await write(
      topic,
      [1, 2].map((id) => [{ id }, Object.assign({ after: { id, v: 'read by Debezium' } }, read)]),
    )
    await sink('search')
    await shows({ 1: 'read by Debezium', 2: 'read by Debezium' })
    const [slot] = await play(server, `select (confirmed_flush_lsn - '0/0')::text as lsn from pg_replication_slots`)
    const lsn = Number(slot?.['lsn'])
    await write('connect-offsets', [
      [
        ['source', { server: prefix }],
        { lsn_proc: lsn, messageType: 'COMMIT', lsn_commit: lsn, lsn, txId: 700, ts_usec: 1 },
      ],
    ])
    await play(server, `update item set v = 'changed since' where id = 1`)
    await worker.post('source', config(server))
    await shows({ 1: 'changed since', 2: 'read by Debezium' })
    await play(server, 'delete from item where id = 2')
    await shows({ 1: 'changed since' })
    expect(await worker.failures()).toEqual([])
  })
})
