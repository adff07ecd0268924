import { setTimeout as delay } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import pg from 'pg'
import { ConnectPeer } from '../parts/connect-peer.ts'
import type { BenchContext } from '../parts/context.ts'
import { debeziumVariants } from '../parts/debezium.ts'
import { postgresConfig } from '../parts/postgres-config.ts'
import { query } from '../parts/postgres-query.ts'
import type { Measurement } from '../parts/results.ts'
import { TopicWatch } from '../parts/topic-watch.ts'
import { BenchError } from '../parts/bench-error.ts'
import { BenchWorker } from '../parts/worker.ts'

const table = 'bench_latency'
const writers = 16
const rates = [50, 1000]
/** Warm-up per rate, which is not measured: for the code, the connections and the JVM. */
const warmUpSeconds = 5

/**
 * Measures the time from just before COMMIT is sent to the callback of a consumer's fetch, on one clock: single-row transactions
 * at a steady rate, with Penstock's default settings.
 */
export async function latency(context: BenchContext): Promise<readonly Measurement[]> {
  const { address: url, description: postgres } = await context.servers.get('postgres')
  await query(url, `CREATE TABLE ${table} (id bigint PRIMARY KEY, note text)`)
  const measurements: Measurement[] = []
  const measure = async (reader: Reader, broker: string, who: string, id: string, config: Config): Promise<void> => {
    await reader.create(id, { ...sourceConfig(url, id), ...config })
    for (const rate of rates) {
      const samples = await measureRate(url, broker, `${id}.public.${table}`, rate, context.seconds)
      const conditions = { rate, seconds: context.seconds, postgres, ...config }
      measurements.push({ what: `commit → readable at ${rate} rows/s`, who, unit: 'ms', samples, conditions })
    }
  }
  const worker = await BenchWorker.launch(context.worker)
  try {
    await measure(worker, worker.broker, 'penstock', 'penstock', {})
  } finally {
    await worker.stop()
  }
  if (context.peers.has('debezium')) {
    const kafka = await context.servers.get('kafka')
    for (const { who, id, latency: config } of debeziumVariants) {
      const peer = await ConnectPeer.launch(context.servers, kafka)
      try {
        await measure(peer, kafka.address, who, `dbz_${id}`, config)
      } finally {
        await peer.stop()
      }
    }
  }
  return measurements
}

type Config = Readonly<Record<string, string>>

interface Reader {
  create(name: string, config: Config): Promise<void>
}

async function measureRate(
  url: string,
  broker: string,
  topic: string,
  rate: number,
  seconds: number,
): Promise<readonly number[]> {
  const sent = new Map<number, number>()
  const samples: number[] = []
  const firstMarker = await insertMarker(url)
  await waitForTopic(broker, topic)
  const consumer = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).consumer({
    groupId: `bench-${Date.now()}`,
    maxWaitTimeInMs: 500,
    minBytes: 1,
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const seen = { streamed: false }
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      const now = performance.now()
      for (const message of batch.messages) {
        if (message.value === null) continue
        const { after, op } = JSON.parse(message.value.toString()) as { after: { id: number } | null; op: string }
        if (after !== null && after.id <= firstMarker && op === 'c') seen.streamed = true
        const began = after === null ? undefined : sent.get(after.id)
        if (began !== undefined) samples.push(now - began)
      }
    },
  })
  // The snapshot may contain the first markers, and streaming may begin seconds later.
  const deadline = performance.now() + 60_000
  while (!seen.streamed) {
    if (performance.now() > deadline) throw new BenchError(`no marker row was streamed to ${topic}`)
    await insertMarker(url)
    await delay(250)
  }
  await write(url, rate, warmUpSeconds + seconds, sent)
  const end = performance.now() + 30_000
  while (samples.length < sent.size && performance.now() < end) await delay(20)
  await consumer.disconnect()
  if (samples.length < sent.size)
    throw new BenchError(`${sent.size - samples.length} of ${sent.size} rows did not arrive`)
  return samples.slice(rate * warmUpSeconds)
}

async function write(url: string, rate: number, seconds: number, sent: Map<number, number>): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: Math.min(writers, rate) }, async () => {
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      return client
    }),
  )
  const base = Date.now() * 1000
  const began = performance.now()
  const idle = [...clients]
  const pending = new Set<Promise<void>>()
  for (let i = 0; i < rate * seconds; i++) {
    const due = began + (i * 1000) / rate
    const wait = due - performance.now()
    if (wait > 1) await delay(wait)
    while (idle.length === 0) await Promise.race(pending)
    const client = idle.pop()
    if (client === undefined) continue
    const id = base + i
    const one = (async () => {
      await client.query('BEGIN')
      await client.query(`INSERT INTO ${table} VALUES ($1, 'a row of the size that rows have')`, [id])
      sent.set(id, performance.now())
      await client.query('COMMIT')
      idle.push(client)
    })()
    pending.add(one)
    void one.then(() => pending.delete(one))
  }
  await Promise.all(pending)
  await Promise.all(clients.map((client) => client.end()))
}

async function waitForTopic(broker: string, topic: string): Promise<void> {
  const watch = await TopicWatch.open(broker)
  await watch.until(topic, 1, 60_000)
  await watch.close()
}

let markers = 0

async function insertMarker(url: string): Promise<number> {
  const id = -(markers += 1)
  await query(url, `INSERT INTO ${table} VALUES (${id}, 'marker')`)
  return id
}

function sourceConfig(url: string, id: string): Record<string, string> {
  return {
    ...postgresConfig(url),
    'topic.prefix': id,
    'plugin.name': 'pgoutput',
    'slot.name': `bench_latency_${id}`,
    'publication.name': `bench_latency_${id}`,
    'publication.autocreate.mode': 'filtered',
    'table.include.list': `public.${table}`,
  }
}
