import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import kafkajs from 'kafkajs'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { freePorts } from '../../../src/servers/process/port.ts'
import type { Server } from '../../../src/servers/process/server.ts'
import { Servers } from '../../../src/servers/servers.ts'
import {
  NumberedLines,
  plainText,
  StandaloneBroker,
  untilClear,
  untilShown,
} from '../../support/worker/condition-cases.ts'
import { ElasticsearchClient } from '../../support/elasticsearch/elasticsearch-client.ts'
import { LogView } from '../../support/log/log-view.ts'
import { pipelineConnectors, sourceConfig } from '../../support/worker/pipeline.ts'
import { S3Bucket } from '../../support/s3/s3-bucket.ts'
import { describeWith } from '../../support/services.ts'
import { until, untilPasses } from '../../support/until.ts'
import { workerPlace, WorkerProcess, type WorkerPlace } from '../../support/worker/worker-process.ts'
import { writtenLines } from '../../support/worker/written-lines.ts'

/** A worker with a connector through which data flows. */
interface Flow {
  worker: WorkerProcess
  readonly place: WorkerPlace
  readonly settings: Readonly<Record<string, string>>
  /** The connector that shows what is wrong. */
  readonly connector: string
  /** Gives it more. */
  produce(): Promise<void>
  /** Passes when all that was produced has arrived, in order and each once; `again`: each at least once. */
  arrived(again?: boolean): Promise<void>
}

interface Outage {
  readonly title: string
  readonly flow: () => Promise<Flow>
  readonly breaks: (flow: Flow) => Promise<void>
  readonly repairs: (flow: Flow) => Promise<void>
  readonly signs: Parameters<typeof untilShown>[2]
  /** Nothing can be produced while it lasts. */
  readonly silent?: boolean
  /** What is there is read a second time. */
  readonly readsAgain?: boolean
  /** The worker is killed and started again in the middle of it. */
  readonly restarts?: boolean
}

const offsetTopic = 'connect-offsets'
const cleanups: (() => Promise<unknown> | void)[] = []
let runs = 0

describeWith(['postgres', 'elasticsearch', 'versitygw'], 'what keeps a connector from its work', () => {
  const servers = Servers.open()
  let postgres: Server
  let elasticsearch: Server
  let store: Server

  beforeAll(async () => {
    postgres = await servers.get('postgres')
    elasticsearch = await servers.get('elasticsearch')
    store = await servers.get('versitygw')
  })
  afterAll(async () => await servers.close())
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).toReversed()) await cleanup()
  })

  // Postgres' processes leave the group of the one that started them.
  const frozen = (server: () => Server): Pick<Outage, 'breaks' | 'repairs'> => ({
    breaks: async () => signalTree(server(), 'SIGSTOP'),
    repairs: async () => signalTree(server(), 'SIGCONT'),
  })
  const killed = (server: () => Server): Pick<Outage, 'breaks' | 'repairs'> => ({
    breaks: async () => {
      server().kill('SIGKILL')
      await server().stop()
    },
    repairs: async () => await server().start(),
  })
  const searchWaits = conditionOf('ES_UNAVAILABLE')
  // A task that starts meanwhile asks for its bucket first, and retries its start.
  const storeWaits = {
    trace: /^(?:start failed and is retried: \w+: )?S3_UNAVAILABLE: /m,
    metric: /^penstock_task_(?:condition|waiting)\{.*code="S3_UNAVAILABLE"\} 1$/,
  }
  const pollWaits = {
    trace: /^poll failed and is retried: .*PG_/m,
    metric: /^penstock_task_waiting\{.*code="PG_\w+"\} 1$/,
  }

  const outages: readonly Outage[] = [
    {
      title: 'Elasticsearch, killed',
      flow: intoElasticsearch,
      ...killed(() => elasticsearch),
      signs: searchWaits,
      restarts: true,
    },
    { title: 'Elasticsearch, frozen', flow: intoElasticsearch, ...frozen(() => elasticsearch), signs: searchWaits },
    { title: 'the S3 store, killed', flow: intoStore, ...killed(() => store), signs: storeWaits, restarts: true },
    { title: 'the S3 store, frozen', flow: intoStore, ...frozen(() => store), signs: storeWaits },
    {
      title: 'Postgres, killed',
      flow: outOfPostgres,
      ...killed(() => postgres),
      signs: pollWaits,
      restarts: true,
      silent: true,
    },
    { title: 'Postgres, frozen', flow: outOfPostgres, ...frozen(() => postgres), signs: pollWaits, silent: true },
    ...(['source', 'sink'] as const).flatMap((connector) => {
      let broker: StandaloneBroker
      const flow = async (): Promise<Flow> => {
        const [port] = await freePorts([null])
        broker = new StandaloneBroker(port ?? 0, join(directory(), 'broker'))
        return await throughBroker(broker, connector)
      }
      const signs = { ...conditionOf('LOG_UNREACHABLE'), health: /LOG_UNREACHABLE: / }
      return [
        {
          title: `the broker of a ${connector}, killed`,
          flow,
          breaks: async () => await broker.kill(),
          repairs: async () => await broker.start(),
          signs,
        },
        {
          title: `the broker of a ${connector} that starts`,
          flow,
          breaks: async ({ worker }: Flow) => {
            await broker.kill()
            await worker.request('POST', `/connectors/${connector}/tasks/0/restart`)
          },
          repairs: async () => await broker.start(),
          signs,
          readsAgain: true,
        },
        {
          title: `the broker of a ${connector}, frozen`,
          flow,
          breaks: async () => broker.signal('SIGSTOP'),
          repairs: async () => broker.signal('SIGCONT'),
          signs,
          // A source that has lost its place in the group meanwhile continues at the offsets that it could commit.
          readsAgain: connector === 'source',
        },
      ]
    }),
    {
      title: 'the offset topic, deleted',
      flow: throughLog,
      breaks: async (flow) => await admin(flow, (log) => log.deleteTopics({ topics: [offsetTopic] })),
      repairs: startAgain,
      signs: { ...conditionOf('OFFSETS_NOT_STORED'), health: /INTERNAL_TOPIC_MISSING: / },
      readsAgain: true,
    },
    {
      title: 'an offset topic that takes no record',
      flow: throughLog,
      breaks: async (flow) => await limitOffsets(flow, '60'),
      repairs: async (flow) => await limitOffsets(flow, '1048588'),
      signs: conditionOf('OFFSETS_NOT_STORED'),
    },
    {
      title: 'the offset topic of a source that starts',
      flow: throughLog,
      breaks: async (flow) => {
        await admin(flow, (log) => log.deleteTopics({ topics: [offsetTopic] }))
        await flow.worker.request('POST', '/connectors/source/restart?includeTasks=true')
      },
      repairs: startAgain,
      signs: { ...conditionOf('OFFSETS_UNREAD'), health: /INTERNAL_TOPIC_MISSING: / },
      readsAgain: true,
    },
    {
      title: 'a table that was added to the filter and is not read',
      flow: outOfPostgres,
      breaks: async (flow) => {
        await sql('create table later (id int primary key, line text)', "insert into later values (1, 'before')")
        await flow.worker.request('PUT', '/connectors/source/config', {
          ...(await configOf(flow)),
          'table.include.list': 'public.lines,public.later',
        })
      },
      repairs: async (flow) => {
        await flow.worker.request('PUT', '/connectors/source/config', {
          ...(await configOf(flow)),
          'table.include.list': 'public.lines',
        })
      },
      signs: conditionOf('PG_UNREAD'),
      restarts: true,
    },
    {
      title: 'a publication that lost a table',
      flow: outOfPostgres,
      breaks: async () => await sql(`alter publication ${database()} drop table lines`),
      repairs: async (flow) => {
        await sql(`alter publication ${database()} add table lines`)
        await readAgain(flow)
      },
      signs: conditionOf('PG_NOT_PUBLISHED'),
      readsAgain: true,
    },
  ]

  it.each(outages)(
    '$title: is in status, metrics and health while it lasts, and in none after it',
    async (outage) => {
      runs += 1
      const flow = await outage.flow()
      await flow.produce()
      await untilPasses(() => flow.arrived())
      await untilClear(flow.worker, flow.connector)
      await outage.breaks(flow)
      if (outage.silent !== true) await flow.produce()
      await untilShown(flow.worker, flow.connector, outage.signs)
      if (outage.restarts === true) {
        await flow.worker.kill()
        flow.worker = await WorkerProcess.start(flow.place, flow.settings)
        await untilShown(flow.worker, flow.connector, outage.signs)
      }
      if (outage.silent !== true) await flow.produce()
      await outage.repairs(flow)
      await untilClear(flow.worker, flow.connector)
      await flow.produce()
      // A worker that is killed may not have committed what the file sink has written.
      const again = outage.readsAgain === true || (outage.restarts === true && outage.flow !== intoStore)
      await untilPasses(() => flow.arrived(again), 180_000)
      await untilClear(flow.worker, flow.connector)
      expect(await flow.worker.failures()).toEqual([])
    },
    900_000,
  )

  function directory(): string {
    const path = mkdtempSync(join(tmpdir(), 'penstock-conditions-'))
    cleanups.push(() => rmSync(path, { recursive: true, force: true }))
    return path
  }

  async function started(
    settings: Readonly<Record<string, string>> = {},
  ): Promise<Pick<Flow, 'worker' | 'place' | 'settings'>> {
    const place = await workerPlace(join(directory(), 'log'))
    const all = { 'offset.flush.interval.ms': '1000', ...settings }
    const flow = { worker: await WorkerProcess.start(place, all), place, settings: all }
    return flow
  }

  /** A flow whose worker, whichever it is by then, ends with the test. */
  function ending(flow: Flow): Flow {
    cleanups.push(() => flow.worker.kill())
    return flow
  }

  async function intoElasticsearch(): Promise<Flow> {
    const base = await started()
    const lines = new NumberedLines(join(directory(), 'in'), (number) => `{"line":${number}}`)
    const index = `conditions-${process.pid}-${runs}`
    await base.worker.post('source', lines.source(index))
    await base.worker.post('search', {
      'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
      topics: index,
      'connection.url': elasticsearch.address,
      'key.ignore': 'true',
      'schema.ignore': 'true',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
    })
    const client = new ElasticsearchClient(elasticsearch.address)
    return ending({
      ...base,
      connector: 'search',
      produce: async () => lines.write(50),
      arrived: async () => {
        const found = [...(await client.documents(index)).values()]
        expect(found.toSorted()).toEqual(lines.all.toSorted())
      },
    })
  }

  async function intoStore(): Promise<Flow> {
    const base = await started()
    const lines = new NumberedLines(join(directory(), 'in'))
    const topic = `conditions-${runs}`
    const bucket = await S3Bucket.create(store.address)
    const { archive } = pipelineConnectors({
      database: 'postgres://u:p@h/d',
      prefix: '',
      slot: '',
      elasticsearch: '',
      tables: [],
      store: store.address,
      bucket: bucket.name,
    })
    await base.worker.post('source', lines.source(topic))
    await base.worker.post('archive', {
      ...archive,
      topics: topic,
      'flush.size': '10',
      'rotate.schedule.interval.ms': '1000',
      ...plainText,
      's3.compression.type': 'none',
    })
    return ending({
      ...base,
      connector: 'archive',
      produce: async () => lines.write(50),
      arrived: async () => {
        const found = [...(await bucket.objects()).values()].flat().map((line) => JSON.parse(line) as string)
        expect(found.toSorted()).toEqual(lines.all.toSorted())
      },
    })
  }

  /** The name of database, slot and publication of this run. */
  function database(): string {
    return `conditions_${runs}`
  }

  async function sql(...statements: readonly string[]): Promise<void> {
    const client = new pg.Client({ connectionString: withDatabase(postgres.address, database()) })
    await client.connect()
    try {
      for (const statement of statements) await client.query(statement)
    } finally {
      await client.end()
    }
  }

  async function configOf(flow: Flow): Promise<Record<string, string>> {
    return (await flow.worker.request('GET', '/connectors/source/config')) as Record<string, string>
  }

  /** As PG_UNREAD says: reads all tables again. */
  async function readAgain(flow: Flow): Promise<void> {
    const snapshots = (): number => flow.worker.output.split('snapshot complete').length
    const before = snapshots()
    const config = await configOf(flow)
    await flow.worker.request('PUT', '/connectors/source/config', { ...config, 'snapshot.mode': 'always' })
    await until('the tables are read again', () => snapshots() > before)
    await flow.worker.request('PUT', '/connectors/source/config', config)
  }

  async function outOfPostgres(): Promise<Flow> {
    const admin = new pg.Client({ connectionString: postgres.address })
    await admin.connect()
    await admin.query(`create database ${database()}`)
    await admin.end()
    await sql('create table lines (id int primary key, line text)')
    const base = await started({ 'key.converter.schemas.enable': 'false', 'value.converter.schemas.enable': 'false' })
    const out = join(directory(), 'out')
    const config = sourceConfig({
      database: withDatabase(postgres.address, database()),
      tables: ['lines'],
      prefix: 'c',
      slot: database(),
    })
    await base.worker.post('source', config)
    await base.worker.post('sink', {
      'connector.class': 'FileStreamSink',
      file: out,
      topics: 'c.public.lines',
      'value.converter': plainText['value.converter'],
    })
    let written = 0
    return ending({
      ...base,
      connector: 'source',
      produce: async () => {
        await sql(`insert into lines select i, 'line ' || i from generate_series(${written}, ${written + 49}) i`)
        written += 50
      },
      arrived: async (again = false) => {
        const all = writtenLines(out).map((line) => (JSON.parse(line) as { after: { id: number } }).after.id)
        const found = again ? [...new Set(all)].toSorted((a, b) => a - b) : all
        expect(found).toEqual(Array.from({ length: written }, (_, i) => i))
      },
    })
  }

  /** From one file through the log into another. */
  async function throughLog(settings: Readonly<Record<string, string>> = {}): Promise<Flow> {
    const base = await started(settings)
    const lines = new NumberedLines(join(directory(), 'in'))
    const out = join(directory(), 'out')
    await base.worker.post('source', lines.source('lines'))
    await base.worker.post('sink', { 'connector.class': 'FileStreamSink', file: out, topics: 'lines', ...plainText })
    return ending({
      ...base,
      connector: 'source',
      produce: async () => lines.write(50),
      arrived: async (again = false) => {
        const found = again ? [...new Set(writtenLines(out))] : writtenLines(out)
        expect(found).toEqual(lines.all)
      },
    })
  }

  async function throughBroker(broker: StandaloneBroker, connector: 'source' | 'sink'): Promise<Flow> {
    await broker.start()
    cleanups.push(() => broker.kill())
    return { ...(await throughLog({ 'bootstrap.servers': broker.address })), connector }
  }

  async function admin(flow: Flow, action: (admin: LogView['admin']) => Promise<unknown>): Promise<void> {
    const log = await LogView.open(flow.place.broker)
    try {
      await action(log.admin)
    } finally {
      await log.close()
    }
  }

  async function limitOffsets(flow: Flow, maxBytes: string): Promise<void> {
    const configEntries = [
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'max.message.bytes', value: maxBytes },
    ]
    const resources = [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: offsetTopic, configEntries }]
    await admin(flow, (log) => log.alterConfigs({ validateOnly: false, resources }))
  }

  async function startAgain(flow: Flow): Promise<void> {
    await flow.worker.kill()
    flow.worker = await WorkerProcess.start(flow.place, flow.settings)
  }
})

function signalTree(server: Server, signal: NodeJS.Signals): void {
  server.kill(signal)
  const { pid } = server
  if (pid === null) throw new Error(`${server.description} does not run`)
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  for (const child of children) if (child !== '') process.kill(Number(child), signal)
}

function conditionOf(code: string): Pick<Outage['signs'], 'trace' | 'metric'> {
  return {
    trace: new RegExp(`^${code}: `, 'm'),
    metric: new RegExp(`^penstock_task_condition\\{.*code="${code}"\\} 1$`),
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url)
  changed.pathname = `/${name}`
  return changed.href
}
