import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { systemClock } from '../../../src/foundation/clock.ts'
import { StubElasticsearch, stubConfig } from '../elasticsearch/stub-elasticsearch.ts'
import { TestDatabase } from '../postgres/postgres.ts'
import { MemoryS3 } from '../s3/memory-s3.ts'
import { WorkerProcess, workerPlace } from '../worker/worker-process.ts'

/** The topic whose records all sinks of the stage read. */
export const ordersTopic = 'shop.public.orders'

type StageParts = Pick<DashboardStage, 'database' | 'elasticsearch' | 'store' | 'worker' | 'directory'>

/** A shop in Postgres, a worker in a process of its own, and connectors that run, wait and fail. */
export class DashboardStage {
  readonly database: TestDatabase
  readonly elasticsearch: StubElasticsearch
  readonly store: MemoryS3
  readonly worker: WorkerProcess
  readonly directory: string
  #orders = 0

  private constructor(parts: StageParts) {
    this.database = parts.database
    this.elasticsearch = parts.elasticsearch
    this.store = parts.store
    this.worker = parts.worker
    this.directory = parts.directory
  }

  static async open(postgresUrl: string, settings: Readonly<Record<string, string>> = {}): Promise<DashboardStage> {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-dashboard-'))
    const database = await TestDatabase.create(postgresUrl, 'ui')
    await database.play(`
      create table customers (id int primary key, name text not null, city text);
      create table orders (id int primary key, customer int not null, status text not null, total numeric(10,2) not null);
      alter table orders replica identity full;
      insert into customers select n, 'customer ' || n, (array['Oslo','Porto','Graz'])[1 + n % 3] from generate_series(1, 40) n;
    `)
    const [elasticsearch, store] = [await StubElasticsearch.start(), await MemoryS3.start()]
    const worker = await WorkerProcess.start(await workerPlace(join(directory, 'data')), {
      'offset.flush.interval.ms': '500',
      ...settings,
    })
    return new DashboardStage({ database, elasticsearch, store, worker, directory })
  }

  /** Inserts orders, and changes each of them once. */
  async write(orders: number): Promise<void> {
    const [from, to] = [this.#orders + 1, this.#orders + orders]
    this.#orders = to
    await this.database.play(`
      insert into orders select n, 1 + n % 40, 'new', (n % 90) + 9.5 from generate_series(${from}, ${to}) n;
      update orders set status = 'paid' where id between ${from} and ${to};
    `)
  }

  /** Writes at a rate that rises and falls, so that pictures have a past. */
  async writeFor(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      await this.write(Math.round(120 + 80 * Math.sin(second / 17) + 25 * Math.sin(second / 3)))
      await systemClock.sleep(1000)
    }
  }

  /** A source, a sink that keeps up, one that flushes rarely, and one that fails on its first record. */
  async createConnectors(): Promise<void> {
    const { worker, database } = this
    await worker.post(
      'shop',
      database.config({
        'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
        'topic.prefix': 'shop',
        'table.include.list': 'public.orders,public.customers',
        'publication.autocreate.mode': 'filtered',
        name: 'shop',
      }),
    )
    await worker.post('search', {
      'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
      ...stubConfig(this.elasticsearch, ordersTopic),
      name: 'search',
      'behavior.on.malformed.documents': 'ignore',
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': 'search.letters',
      'errors.deadletterqueue.context.headers.enable': 'true',
    })
    await worker.post('archive', {
      'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
      topics: `${ordersTopic},shop.public.customers`,
      's3.bucket.name': 'archive',
      's3.region': 'eu-north-1',
      'store.url': this.store.url,
      'aws.access.key.id': 'key',
      'aws.secret.access.key': 'secret-of-the-archive',
      'storage.class': 'io.confluent.connect.s3.storage.S3Storage',
      'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
      'flush.size': '500',
    })
    await worker.post('invoices', {
      'connector.class': 'FileStreamSink',
      topics: ordersTopic,
      file: join(this.directory, 'invoices', 'lines.txt'),
    })
  }

  /** Orders of this status do not fit the index of the search. */
  rejectStatus(status: string | null): void {
    this.elasticsearch.rejects = (text) => status !== null && text.includes(`"${status}"`)
  }

  /** Inserts one order. */
  async writeOrder(status: string): Promise<void> {
    this.#orders += 1
    await this.database.rows('insert into orders values ($1, 7, $2, 10)', [this.#orders, status])
  }

  /** What the sink of invoices needs. */
  createDirectory(): void {
    mkdirSync(join(this.directory, 'invoices'))
  }

  async close(): Promise<void> {
    await this.worker.kill()
    await Promise.all([this.elasticsearch.close(), this.store.close(), this.database.drop()])
    rmSync(this.directory, { recursive: true, force: true })
  }
}
