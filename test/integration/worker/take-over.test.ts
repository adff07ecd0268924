import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { from as copyFrom } from 'pg-copy-streams'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'

import { fetchDebezium } from '../../../bench/parts/debezium.ts'
import { postgresConfig } from '../../../bench/parts/postgres-config.ts'
import { Servers } from '../../../src/servers/servers.ts'
import { ClientHarness } from '../../contract/client-harness.ts'
import { FaultProxy } from '../../support/fault-proxy.ts'
import { countedRows, lastId, loadTables, writeLastRow } from '../../support/load/load-tables.ts'
import { ChangeLoad } from '../../support/postgres/change-load.ts'
import { describeWith, service } from '../../support/services.ts'
import { until } from '../../support/until.ts'
import { CapturedTable } from '../../support/worker/captured-table.ts'
import { JavaWorker, javaWorkerSettings } from '../../support/worker/java-worker.ts'
import { kafkaSettings } from '../../support/worker/kafka-settings.ts'
import { placed } from '../../support/worker/placed.ts'
import { workerPlace, WorkerProcess } from '../../support/worker/worker-process.ts'

const timeoutMs = 300_000
const logChars = 20_000
const ledgerRows = 300
/** Changes that each worker has to stream before the next one takes over. */
const share = 200
/** Rows of one COPY; Postgres writes many of them in one WAL record, with one LSN. */
const copied = 20_000
const connector = 'shop'

describeWith(['kafka', 'postgres'], 'a connector that Kafka Connect and Penstock take over from each other', () => {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-take-over-'))
  const tables: CapturedTable[] = []
  let harness: ClientHarness
  let servers: Servers
  let load: ChangeLoad
  let proxy: FaultProxy
  let copies: CapturedTable
  let group: string
  let plugins: string
  let worker: JavaWorker | WorkerProcess
  let config: unknown
  let reads = 0
  let begun = 0

  const settings = () => kafkaSettings(service('kafka'), group)
  const changes = (): number => tables.reduce((sum, table) => sum + table.changes, 0)
  const resent = (): number => [...tables, copies].reduce((sum, { history }) => sum + history.resent, 0)
  const running = async (): Promise<void> => void (await placed([worker], { [connector]: 1 }))
  const startJava = async (): Promise<void> => {
    const name = { 'bootstrap.servers': service('kafka'), 'group.id': group }
    worker = await JavaWorker.start(servers, name, {
      plugins,
      settings: { 'session.timeout.ms': '6000', 'heartbeat.interval.ms': '1000' },
    })
  }
  const startOurs = async (): Promise<void> => {
    const { rest } = await workerPlace('')
    worker = await WorkerProcess.start(
      { rest, broker: '127.0.0.1:0', directory },
      {
        ...settings(),
        ...javaWorkerSettings,
      },
    )
  }
  /** The worker that has just started runs the connector of the one before, with its config, and streams on. */
  const continues = async (): Promise<void> => {
    await running()
    expect(await worker.request('GET', `/connectors/${connector}/config`)).toEqual(config)
    begun = changes()
    await until('changes of this worker', () => changes() >= begun + share)
  }
  /** Nothing was lost so far that a row's later change would show, and no snapshot was taken. */
  const expectWhole = (): void => {
    expect(tables.flatMap(({ history }) => history.faults)).toEqual([])
    expect(tables.reduce((sum, table) => sum + table.reads, 0)).toBe(reads)
  }

  beforeAll(async () => {
    harness = new ClientHarness(service('kafka'))
    group = harness.name('take-over')
    servers = Servers.open()
    plugins = await fetchDebezium()
    const database = group.replaceAll('-', '_')
    load = await ChangeLoad.make(service('postgres'), database, { ledgerRows, seed: 7, connections: 2 })
    await load.rows('CREATE TABLE copied (id bigint PRIMARY KEY, rev int NOT NULL)')
    await load.rows('INSERT INTO copied VALUES (0, 0)')
    const { hostname, port } = new URL(load.url)
    proxy = await FaultProxy.open(hostname, Number(port === '' ? 5432 : port))
    load.start(400, ledgerRows)
    await startJava()
    const url = new URL(load.url)
    url.host = `127.0.0.1:${proxy.port}`
    config = {
      ...postgresConfig(url.href),
      name: connector,
      'tasks.max': '1',
      'topic.prefix': group,
      'plugin.name': 'pgoutput',
      'slot.name': database,
      'publication.name': database,
      'publication.autocreate.mode': 'filtered',
      'table.include.list': 'public.orders,public.ledger,public.copied',
      'slot.max.retries': '100',
      'slot.retry.delay.ms': '500',
      'poll.interval.ms': '50',
    }
    await worker.request('POST', '/connectors', { name: connector, config })
    const client = await harness.connect()
    const topics = [...loadTables, 'copied'].map((table) => `${group}.public.${table}`)
    await until('the topics', async () => (await client.admin.describeTopics(topics)).size === topics.length)
    const followed = await Promise.all(topics.map((topic) => CapturedTable.follow(client, topic)))
    copies = followed.pop() as CapturedTable
    tables.push(...followed)
    // A table whose topic has a change has been read whole.
    await until('changes of each table', () => tables.every((table) => table.changes >= share / 4))
    reads = tables.reduce((sum, table) => sum + table.reads, 0)
  }, timeoutMs)
  afterEach(({ task }) => {
    if (task.result?.state === 'fail')
      process.stderr.write(`the end of the log of ${worker.place.rest}:\n${worker.output.slice(-logChars)}\n`)
  })
  afterAll(async () => {
    await worker?.kill()
    await load?.stop()
    await Promise.all([...tables, copies].map((table) => table?.close()))
    await load?.drop()
    await proxy?.close()
    await harness?.close()
    await servers?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  /** Copies the next rows. The stream to the worker stalls in the middle of them; returns once the worker has what it received. */
  const copyHalf = async (first: number): Promise<void> => {
    const middle = first + copied / 2
    proxy.stallAt(`${middle}`)
    const client = new pg.Client({ connectionString: load.url })
    await client.connect()
    const stream = client.query(copyFrom('COPY copied FROM STDIN'))
    for (let id = first; id < first + copied; id += 1) stream.write(`${id}\t0\n`)
    await new Promise((resolve, reject) => stream.on('finish', resolve).on('error', reject).end())
    await client.end()
    await until('the stream to stall', () => proxy.isStalled)
    // Of the last WAL record that it received, the worker may keep rows back.
    await until('the rows before', () => copies.has(middle - 1000))
    expect(copies.has(first + copied - 1)).toBe(false)
  }
  const release = (): void => {
    proxy.cut()
    proxy.flow()
  }
  const expectCopied = async (first: number): Promise<void> => {
    const missing = (): number => {
      let count = 0
      for (let id = first; id < first + copied; id += 1) if (!copies.has(id)) count += 1
      return count
    }
    await until(
      () => `all copied rows, of which ${missing()} are missing`,
      () => missing() === 0,
    )
  }

  it(
    'is continued by Penstock where a stopped worker of Kafka Connect has ended, with nothing twice',
    async () => {
      await worker.stop()
      await startOurs()
      await continues()
      expectWhole()
      expect(resent()).toBe(0)
    },
    timeoutMs,
  )

  it(
    'is continued by Kafka Connect where a stopped worker of Penstock has ended, with nothing twice',
    async () => {
      await worker.stop()
      await startJava()
      await continues()
      expectWhole()
      expect(resent()).toBe(0)
    },
    timeoutMs,
  )

  it(
    'loses nothing in the middle of a COPY, when Kafka Connect is killed and Penstock continues',
    async () => {
      await copyHalf(1_000_000)
      await worker.kill()
      release()
      await startOurs()
      await expectCopied(1_000_000)
      await continues()
      expectWhole()
    },
    timeoutMs,
  )

  it(
    'loses nothing in the middle of a COPY, when Penstock is stopped and Kafka Connect continues',
    async () => {
      await copyHalf(2_000_000)
      await worker.stop()
      release()
      await startJava()
      await expectCopied(2_000_000)
      await continues()
      expectWhole()
    },
    timeoutMs,
  )

  it(
    'loses nothing when each is killed, and holds at the end what the tables hold',
    async () => {
      await worker.kill()
      await startOurs()
      await continues()
      await worker.kill()
      await startJava()
      await continues()
      await load.stop()
      for (const [i, table] of loadTables.entries()) {
        await writeLastRow(load, table)
        const seen = tables[i] as CapturedTable
        await until(`the last row of ${table}`, () => seen.has(lastId))
        for await (const { id, rev } of countedRows(load, table)) seen.history.expect(id, rev)
        seen.history.finish()
      }
      expectWhole()
    },
    timeoutMs,
  )
})
