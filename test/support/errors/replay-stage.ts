import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { Kafka, logLevel, type Admin } from 'kafkajs'

import type { KafkaClient } from '../../../src/client/kafka-client.ts'
import { present } from '../../../src/foundation/assert.ts'
import { ClientHarness, Outcomes, readAll } from '../../contract/client-harness.ts'
import { until } from '../until.ts'
import { WorkerProcess, workerPlace, type WorkerPlace } from '../worker/worker-process.ts'

export const jsonConverter = 'org.apache.kafka.connect.json.JsonConverter'
export const textConverter = 'org.apache.kafka.connect.storage.StringConverter'

/** Key and value: `bad…` is no JSON. */
export type Entry = readonly [key: string | null, value: string, partition?: number]

interface Replay {
  readonly topic: string
  readonly records: number
  readonly gone: number
  readonly partitions: readonly Readonly<Record<string, unknown>>[]
  readonly message: string
}

interface Cause {
  readonly cause: string
  readonly count: number
  readonly replayed: number
  readonly stage: string
}

/** A worker, a sink of topic `orders` that writes lines to a file, and its dead letter queue `letters`. */
export class ReplayStage {
  readonly place: WorkerPlace
  readonly #directory: string
  #worker: WorkerProcess | null = null
  #harness: ClientHarness | null = null
  #client: KafkaClient | null = null

  private constructor(directory: string, place: WorkerPlace) {
    this.#directory = directory
    this.place = place
  }

  static async set(): Promise<ReplayStage> {
    const directory = mkdtempSync(join(tmpdir(), 'penstock-replayed-'))
    const stage = new ReplayStage(directory, await workerPlace(join(directory, 'log')))
    await stage.start()
    for (const name of ['orders', 'letters'])
      await stage.client.admin.createTopic({ name, partitions: 2, replicationFactor: 1 })
    return stage
  }

  get worker(): WorkerProcess {
    return present(this.#worker, 'a worker')
  }

  get client(): KafkaClient {
    return present(this.#client, 'a client')
  }

  async close(): Promise<void> {
    await this.kill()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  /** @param dies the fail point at which the worker is killed */
  async start(dies = ''): Promise<void> {
    const settings = { 'offset.flush.interval.ms': '20', 'session.timeout.ms': '6000' }
    this.#worker = await WorkerProcess.start(this.place, settings, { PENSTOCK_FAIL_POINT: dies })
    this.#harness = new ClientHarness(this.place.broker)
    this.#client = await this.#harness.connect()
  }

  async kill(): Promise<void> {
    await this.#harness?.close()
    this.#harness = null
    await this.#worker?.kill()
  }

  /** The config of the sink. */
  sink(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    return {
      'connector.class': 'FileStreamSink',
      file: this.file(),
      topics: 'orders',
      'key.converter': textConverter,
      'value.converter': jsonConverter,
      'value.converter.schemas.enable': 'false',
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': 'letters',
      'errors.deadletterqueue.context.headers.enable': 'true',
      ...more,
    }
  }

  file(name = 'out.txt'): string {
    return join(this.#directory, name)
  }

  async write(...entries: readonly Entry[]): Promise<void> {
    await this.writeTo('orders', ...entries)
  }

  async writeTo(topic: string, ...entries: readonly Entry[]): Promise<void> {
    const outcomes = new Outcomes()
    const producer = this.client.producer(outcomes)
    for (const [index, [key, value, partition = 0]] of entries.entries()) {
      const bare = { topic, partition, value: Buffer.from(value), headers: [], timestamp: null }
      producer.append({ ...bare, key: key === null ? null : Buffer.from(key) }, index)
    }
    await producer.flush()
    await producer.close()
    if (outcomes.failed[0] !== undefined) throw outcomes.failed[0].error
  }

  /** Writes the letter of a record of partition 0 as Kafka Connect does: without the id of its topic. */
  async letterOfConnect(offset: number): Promise<void> {
    const records = await readAll(this.client, 'orders')
    const { key, value, timestamp } = present(
      records.find((record) => record.partition === 0 && record.offset === offset),
      'the record',
    )
    const texts = { topic: 'orders', partition: '0', offset: `${offset}`, 'connector.name': 'sink' }
    const headers = Object.entries(texts).map(([name, text]) => ({
      key: `__connect.errors.${name}`,
      value: Buffer.from(text),
    }))
    const producer = this.client.producer(new Outcomes())
    producer.append({ topic: 'letters', partition: 0, key, value, headers, timestamp }, 0)
    await producer.flush()
    await producer.close()
  }

  /** The lines of the file. */
  delivered(): string[] {
    return existsSync(this.file()) ? readFileSync(this.file(), 'utf8').trimEnd().split('\n') : []
  }

  /** What was delivered does not matter any more. */
  forget(): void {
    rmSync(this.file(), { force: true })
  }

  /** Those of the lines that are delivered, in the order of their last delivery. */
  lastOf(lines: readonly string[]): string[] {
    const found = this.delivered()
    return lines.filter((line) => found.includes(line)).toSorted((a, b) => found.lastIndexOf(a) - found.lastIndexOf(b))
  }

  async letters(): Promise<number> {
    return (await readAll(this.client, 'letters')).filter(({ headers }) => headers.length > 1).length
  }

  async marks(): Promise<number> {
    return (await readAll(this.client, 'letters')).filter(({ headers }) => headers.length === 1).length
  }

  async causes(): Promise<readonly Cause[]> {
    return ((await this.worker.request('GET', '/connectors/sink/errors')) as { causes: Cause[] }).causes
  }

  async status(connector = 'sink'): Promise<string> {
    return JSON.stringify(await this.worker.request('GET', `/connectors/${connector}/status`))
  }

  async replay(body?: unknown): Promise<Replay> {
    return (await this.worker.request('POST', '/connectors/sink/errors/replay', body)) as Replay
  }

  /** Returns the status and the message of a response. */
  async refusal(body: string, connector = 'sink'): Promise<unknown> {
    const url = `${this.place.rest}/connectors/${connector}/errors/replay`
    const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } })
    return [response.status, ((await response.json()) as { message: string }).message]
  }

  async asAdmin(action: (admin: Admin) => Promise<void>): Promise<void> {
    const admin = new Kafka({ brokers: [this.place.broker], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    try {
      await action(admin)
    } finally {
      await admin.disconnect()
    }
  }

  /** The sink has delivered what it can, and has committed it. */
  async standsAt(...ends: readonly number[]): Promise<void> {
    await until(`the sink stands at ${ends.join()}`, async () => {
      const { offsets } = (await this.worker.request('GET', '/connectors/sink/offsets')) as {
        offsets: { partition: { kafka_partition: number }; offset: { kafka_offset: number } }[]
      }
      const found = offsets.toSorted((a, b) => a.partition.kafka_partition - b.partition.kafka_partition)
      return found.map(({ offset }) => offset.kafka_offset).join() === ends.join()
    })
  }

  async stop(connector = 'sink'): Promise<void> {
    await this.worker.request('PUT', `/connectors/${connector}/stop`)
    await until(`${connector} is stopped`, async () => (await this.status(connector)).includes('"state":"STOPPED"'))
  }

  async resume(): Promise<void> {
    await this.worker.request('PUT', '/connectors/sink/resume')
  }

  /** Sets the offset of a partition of `orders`. */
  async alterOffset(partition: number, offset: number): Promise<void> {
    const of = { kafka_topic: 'orders', kafka_partition: partition }
    const offsets = [{ partition: of, offset: { kafka_offset: offset } }]
    await this.worker.request('PATCH', '/connectors/sink/offsets', { offsets })
  }

  /** The worker is killed before a commit of the sink, in each life before another one, and started again. */
  async resumeAndDie(...commits: readonly number[]): Promise<void> {
    for (const commit of commits) {
      await this.kill()
      // It may be gone before it has responded.
      await this.start(`after-upload-before-commit@${commit}`)
        .then(async () => await this.resume())
        .catch(() => undefined)
      await this.worker.end(60_000)
    }
    await this.kill()
    await this.start()
    await this.resume()
  }

  async configure(config: Readonly<Record<string, string>>): Promise<void> {
    await this.worker.request('PUT', '/connectors/sink/config', config)
  }

  /** The converter reads every value. */
  async correct(): Promise<void> {
    await this.configure(this.sink({ 'value.converter': textConverter, 'consumer.override.max.poll.records': '20' }))
  }
}
