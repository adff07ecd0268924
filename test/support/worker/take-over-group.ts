import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { fetchDebezium } from '../../../bench/parts/debezium.ts'
import { postgresConfig } from '../../../bench/parts/postgres-config.ts'
import { Servers } from '../../../src/servers/servers.ts'
import { ClientHarness } from '../../contract/client-harness.ts'
import { service } from '../services.ts'
import { until } from '../until.ts'
import { CapturedTable } from './captured-table.ts'
import { JavaWorker, javaWorkerSettings } from './java-worker.ts'
import { kafkaSettings } from './kafka-settings.ts'
import { placed } from './placed.ts'
import { workerPlace, WorkerProcess } from './worker-process.ts'

const connector = 'shop'

/** A group on Apache Kafka whose one connector, Debezium's, a worker of Kafka Connect and one of Penstock run in turn. */
export class TakeOverGroup {
  readonly name: string
  /** A name for the database, its slot and its publication. */
  readonly database: string
  /** The worker that was started last. */
  worker: JavaWorker | WorkerProcess | null = null
  /** The config of the connector, once it was created. */
  config: Readonly<Record<string, string>> = {}
  readonly #harness: ClientHarness
  readonly #servers = Servers.open()
  readonly #plugins: string
  readonly #directory = mkdtempSync(join(tmpdir(), 'penstock-take-over-'))
  readonly #followed: CapturedTable[] = []

  private constructor(harness: ClientHarness, purpose: string, plugins: string) {
    this.#harness = harness
    this.#plugins = plugins
    this.name = harness.name(purpose)
    this.database = this.name.replaceAll('-', '_')
  }

  static async open(purpose: string): Promise<TakeOverGroup> {
    return new TakeOverGroup(new ClientHarness(service('kafka')), purpose, await fetchDebezium())
  }

  async startJava(): Promise<void> {
    const name = { 'bootstrap.servers': service('kafka'), 'group.id': this.name }
    const settings = { 'session.timeout.ms': '6000', 'heartbeat.interval.ms': '1000' }
    this.worker = await JavaWorker.start(this.#servers, name, { plugins: this.#plugins, settings })
  }

  async startPenstock(): Promise<void> {
    const { rest } = await workerPlace('')
    this.worker = await WorkerProcess.start(
      { rest, broker: '127.0.0.1:0', directory: this.#directory },
      { ...kafkaSettings(service('kafka'), this.name), ...javaWorkerSettings },
    )
  }

  /** Creates the connector, for the given tables of the database at `url`. */
  async create(url: string, tables: readonly string[]): Promise<void> {
    this.config = {
      ...postgresConfig(url),
      name: connector,
      'tasks.max': '1',
      'topic.prefix': this.name,
      'plugin.name': 'pgoutput',
      'slot.name': this.database,
      'publication.name': this.database,
      'publication.autocreate.mode': 'filtered',
      'table.include.list': tables.map((table) => `public.${table}`).join(),
      'slot.max.retries': '100',
      'slot.retry.delay.ms': '500',
      'poll.interval.ms': '50',
    }
    await this.request('POST', '/connectors', { name: connector, config: this.config })
  }

  /** Reads the topics of tables, in their order, once they exist. */
  async follow(tables: readonly string[]): Promise<CapturedTable[]> {
    const client = await this.#harness.connect()
    const topics = tables.map((table) => `${this.name}.public.${table}`)
    await until('the topics', async () => (await client.admin.describeTopics(topics)).size === topics.length)
    const followed = await Promise.all(topics.map((topic) => CapturedTable.follow(client, topic)))
    this.#followed.push(...followed)
    return followed
  }

  /** Waits until the connector and its task run. */
  async running(): Promise<void> {
    await placed(this.worker === null ? [] : [this.worker], { [connector]: 1 })
  }

  /** A request to the worker that was started last. The path of the connector is `/connectors/shop`. */
  async request(method: string, path: string, body?: unknown): Promise<unknown> {
    return await this.worker?.request(method, path, body)
  }

  async close(): Promise<void> {
    await this.worker?.kill()
    await Promise.all(this.#followed.map((table) => table.close()))
    await this.#harness.close()
    await this.#servers.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
