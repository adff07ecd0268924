import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { systemClock } from 'penstock/api'
import { ElasticsearchClient } from './elasticsearch-client.ts'
import { HttpFaults, type Fault } from '../http-faults.ts'
import '../broker/kafkajs-queue.ts'
import { S3Bucket } from '../s3/s3-bucket.ts'
import { seededRandom } from '../seeded-random.ts'
import { eventually, workerPlace, WorkerProcess, type WorkerPlace } from '../worker/worker-process.ts'

export interface SinkChaos {
  readonly elasticsearch: string
  /** The S3 store's URL with its keys as user and password. */
  readonly store: string
  readonly seed: number
  /** How long records are written. */
  readonly ms: number
}

/** What came of it. `wrong`: documents that are not what was written last; each archived record stands once. */
export interface SinkChaosReport {
  readonly records: number
  readonly topics: number
  readonly wrong: readonly string[]
  readonly archived: number
  readonly archivedDistinct: number
  readonly failures: readonly string[]
}

const maxTopics = 8
const keys = 40
const perSend = 15
const modes: readonly Fault[] = [
  { kind: 'pass' },
  { kind: 'answer', status: 503 },
  { kind: 'pass' },
  { kind: 'drop' },
  { kind: 'pass' },
  { kind: 'hang' },
  { kind: 'pass' },
  { kind: 'cut' },
  { kind: 'drop-after' },
  { kind: 'pass' },
]
const sinks = ['search', 'archive']
const settleMs = 180_000

/**
 * Two sinks of three tasks each, on topics that come while they run, through proxies that refuse, drop, cut and hang;
 * connectors are paused, resumed and restarted, the worker is killed.
 */
export async function runSinkChaos(chaos: SinkChaos): Promise<SinkChaosReport> {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-chaos-'))
  const bucket = await S3Bucket.create(chaos.store)
  const proxies = [
    await HttpFaults.before(chaos.elasticsearch),
    await HttpFaults.before(new URL(chaos.store).origin, true),
  ]
  const run = new Run(chaos, await workerPlace(directory), bucket, proxies)
  try {
    return await run.report()
  } finally {
    await run.end()
    for (const proxy of proxies) await proxy.close()
    await bucket.remove()
    rmSync(directory, { recursive: true, force: true })
  }
}

class Run {
  readonly #chaos: SinkChaos
  readonly #place: WorkerPlace
  readonly #bucket: S3Bucket
  readonly #random: () => number
  readonly #name: string
  readonly #kafka: Kafka
  readonly #search: HttpFaults
  readonly #archive: HttpFaults
  /** By topic the last value of each key. */
  readonly #last = new Map<string, Map<string, string>>()
  #worker: WorkerProcess | null = null
  #records = 0

  constructor(chaos: SinkChaos, place: WorkerPlace, bucket: S3Bucket, [search, archive]: readonly HttpFaults[]) {
    if (search === undefined || archive === undefined) throw new TypeError('a proxy before each server is needed')
    this.#chaos = chaos
    this.#place = place
    this.#bucket = bucket
    this.#search = search
    this.#archive = archive
    this.#random = seededRandom(chaos.seed)
    this.#name = `chaos${process.pid}x${chaos.seed}`
    this.#kafka = new Kafka({ brokers: [place.broker], logLevel: logLevel.NOTHING })
  }

  async report(): Promise<SinkChaosReport> {
    this.#worker = await WorkerProcess.start(this.#place)
    await this.#makeTopic(4)
    await this.#makeConnectors(this.#worker)
    await this.#write()
    this.#fault({ kind: 'pass' })
    for (const sink of sinks) await this.#worker.request('PUT', `/connectors/${sink}/resume`)
    let wrong: readonly string[] = []
    let archived: readonly number[] = []
    let failures: readonly string[] = []
    await eventually('all has arrived', settleMs, async () => {
      wrong = await this.#differences()
      archived = await this.#archived()
      failures = (await this.#worker?.failures()) ?? []
      if (failures.length > 0) return true
      return wrong.length === 0 && new Set(archived).size === this.#records ? true : null
    }).catch(() => undefined)
    return {
      records: this.#records,
      topics: this.#last.size,
      wrong,
      archived: archived.length,
      archivedDistinct: new Set(archived).size,
      failures,
    }
  }

  async end(): Promise<void> {
    await this.#worker?.kill()
    for (const topic of this.#last.keys()) await fetch(`${this.#chaos.elasticsearch}/${topic}`, { method: 'DELETE' })
  }

  async #makeConnectors(worker: WorkerProcess): Promise<void> {
    const common = {
      'topics.regex': `${this.#name}t.*`,
      'tasks.max': '3',
      'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
      'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
      'value.converter.schemas.enable': 'false',
    }
    await worker.post('search', {
      ...common,
      'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
      'connection.url': this.#search.url,
      'read.timeout.ms': '2000',
      'batch.size': '20',
    })
    const { name: _, ...archive } = this.#bucket.config(common, this.#archive.url)
    await worker.post('archive', {
      ...archive,
      'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
      'flush.size': '13',
      'rotate.schedule.interval.ms': '700',
      timezone: 'UTC',
      's3.request.timeout.ms': '2000',
    })
  }

  async #write(): Promise<void> {
    const start = systemClock.monotonic()
    const spanMs = this.#chaos.ms / modes.length
    for (let passed = 0; passed < this.#chaos.ms; passed = systemClock.monotonic() - start) {
      this.#fault(modes[Math.min(modes.length - 1, Math.floor(passed / spanMs))] ?? { kind: 'pass' })
      await this.#send()
      if (this.#random() < 0.06 && this.#last.size < maxTopics) await this.#makeTopic(2)
      await this.#disturb()
      await systemClock.sleep(60)
    }
  }

  /** A cut answer, or a dropped one, comes now and then: with nothing else nothing would ever arrive. */
  #fault(fault: Fault): void {
    const now = (): Fault => {
      const rare = fault.kind === 'cut' || fault.kind === 'drop-after'
      return rare && this.#random() >= 0.3 ? { kind: 'pass' } : fault
    }
    this.#search.decide = now
    this.#archive.decide = now
  }

  async #disturb(): Promise<void> {
    const worker = this.#worker
    if (worker === null) return
    const dice = this.#random()
    const sink = sinks[Math.floor(this.#random() * sinks.length)]
    if (dice < 0.04) await worker.request('PUT', `/connectors/${sink}/pause`)
    else if (dice < 0.1) for (const each of sinks) await worker.request('PUT', `/connectors/${each}/resume`)
    else if (dice < 0.13)
      await worker.request('POST', `/connectors/${sink}/restart?includeTasks=true`).catch(() => undefined)
    else if (dice < 0.14) {
      await worker.kill()
      this.#worker = await WorkerProcess.start(this.#place)
    }
  }

  async #makeTopic(partitions: number): Promise<void> {
    const topic = `${this.#name}t${this.#last.size}`
    const admin = this.#kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions }] })
    await admin.disconnect()
    this.#last.set(topic, new Map())
  }

  async #send(): Promise<void> {
    const [topic, last] = [...this.#last][Math.floor(this.#random() * this.#last.size)] ?? []
    if (topic === undefined || last === undefined) return
    const messages = Array.from({ length: perSend }, () => {
      const message = { key: `k${Math.floor(this.#random() * keys)}`, value: `{"n":${this.#records}}` }
      this.#records += 1
      last.set(message.key, message.value)
      return message
    })
    const producer = this.#kafka.producer({ allowAutoTopicCreation: false })
    await producer.connect()
    await producer.send({ topic, messages })
    await producer.disconnect()
  }

  async #differences(): Promise<readonly string[]> {
    const client = new ElasticsearchClient(this.#chaos.elasticsearch)
    const wrong: string[] = []
    for (const [topic, last] of this.#last) {
      if (last.size === 0) continue
      const found = await client.documents(topic).catch(() => new Map<string, string>())
      for (const [key, value] of last)
        if (found.get(key) !== value) wrong.push(`${topic}/${key}: ${found.get(key) ?? 'nothing'}, written: ${value}`)
    }
    return wrong
  }

  async #archived(): Promise<readonly number[]> {
    const objects = await this.#bucket.objects()
    return [...objects.values()].flat().map((line) => (JSON.parse(line) as { n: number }).n)
  }
}
