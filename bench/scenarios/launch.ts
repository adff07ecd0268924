import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import type { BenchContext } from '../parts/context.ts'
import { postgresConfig } from '../parts/postgres-config.ts'
import { treeUsage } from '../parts/process-tree.ts'
import type { Measurement } from '../parts/results.ts'
import { TopicWatch } from '../parts/topic-watch.ts'
import { BenchError } from '../parts/bench-error.ts'
import { BenchWorker } from '../parts/worker.ts'

const table = 'bench_launch'
const topic = `launch.public.${table}`

/**
 * Measures the time from the launch of the worker (servers running, an empty directory) to its REST API, to the first row in
 * the topic, and to the row in a search; then memory and CPU of the idle worker with three connectors.
 */
export async function launch(context: BenchContext): Promise<readonly Measurement[]> {
  const { address: postgres } = await context.servers.get('postgres')
  const { address: search } = await context.servers.get('elasticsearch')
  const { address: store } = await context.servers.get('versitygw')
  await makeBucket(store)
  const cold = await once(postgres, search, store, context, true)
  const warm: Launch[] = []
  for (let run = 0; run < context.runs; run++) warm.push(await once(postgres, search, store, context, false))
  const conditions = { compileCache: 'warm', connectors: 3 }
  const of = (what: string, pick: (one: Launch) => number): readonly Measurement[] => [
    { what, who: 'penstock', unit: 'ms', samples: warm.map(pick), conditions },
    {
      what,
      who: 'penstock, cold compile cache',
      unit: 'ms',
      samples: [pick(cold)],
      conditions: { ...conditions, compileCache: 'cold' },
    },
  ]
  return [
    ...of('launch → REST', (one) => one.restMs),
    ...of('launch → first row in the topic', (one) => one.rowMs),
    ...of('launch → searchable', (one) => one.searchableMs),
  ]
}

interface Launch {
  readonly restMs: number
  readonly rowMs: number
  readonly searchableMs: number
}

async function once(
  postgres: string,
  search: string,
  store: string,
  context: BenchContext,
  cold: boolean,
): Promise<Launch> {
  await prepare(postgres, search)
  const empty = cold ? mkdtempSync(join(tmpdir(), 'penstock-bench-cache-')) : null
  const worker = await BenchWorker.launch({
    ...context.worker,
    ...(empty === null ? {} : { env: { NODE_COMPILE_CACHE: empty } }),
  })
  try {
    const restMs = performance.now() - worker.launchedAt
    for (const [name, config] of Object.entries(connectors(postgres, search, store))) await worker.create(name, config)
    const watch = await TopicWatch.open(worker.broker)
    const { first } = await watch.until(topic, 1, 60_000, () => worker.checkRunning('source'))
    await watch.close()
    const found = await searchable(search)
    return { restMs, rowMs: first - worker.launchedAt, searchableMs: found - worker.launchedAt }
  } finally {
    await worker.stop()
    await prepare(postgres, search)
    if (empty !== null) rmSync(empty, { recursive: true, force: true })
  }
}

/** Measures memory and CPU of the worker with three connectors: idle 60 s after the snapshot, then under load. */
export async function footprint(context: BenchContext): Promise<readonly Measurement[]> {
  const { address: postgres } = await context.servers.get('postgres')
  const { address: search } = await context.servers.get('elasticsearch')
  const { address: store } = await context.servers.get('versitygw')
  await makeBucket(store)
  await prepare(postgres, search)
  const worker = await BenchWorker.launch(context.worker)
  try {
    for (const [name, config] of Object.entries(connectors(postgres, search, store))) await worker.create(name, config)
    await searchable(search)
    await delay(60_000)
    const before = treeUsage(worker.pid)
    await delay(20_000)
    const after = treeUsage(worker.pid)
    await query(postgres, `INSERT INTO ${table} SELECT i, repeat('n', 150) FROM generate_series(2, ${context.rows}) i`)
    const watch = await TopicWatch.open(worker.broker)
    await watch.until(topic, context.rows, 600_000, () => worker.checkRunning('source'))
    await watch.close()
    await indexed(search, context.rows, worker)
    const loaded = treeUsage(worker.pid)
    const conditions = { connectors: 3, rows: context.rows }
    return [
      { what: 'RSS at rest', who: 'penstock', unit: 'MB', samples: [after.rssBytes / 1e6], conditions },
      {
        what: 'CPU at rest',
        who: 'penstock',
        unit: '% of a core',
        samples: [((after.cpuSeconds - before.cpuSeconds) / 20) * 100],
        conditions,
      },
      { what: 'peak RSS loaded', who: 'penstock', unit: 'MB', samples: [loaded.peakRssBytes / 1e6], conditions },
    ]
  } finally {
    await worker.stop()
    await prepare(postgres, search)
  }
}

async function indexed(search: string, rows: number, worker: BenchWorker): Promise<void> {
  const deadline = performance.now() + 600_000
  for (;;) {
    const answer = await fetch(`${search}/${topic}/_count`)
    const { count = 0 } = (await answer.json()) as { count?: number }
    if (count >= rows) return
    if (performance.now() > deadline) throw new BenchError(`the index holds ${count} of ${rows} documents`)
    await worker.checkRunning('search')
    await delay(500)
  }
}

async function searchable(search: string): Promise<number> {
  const deadline = performance.now() + 60_000
  for (;;) {
    const answer = await fetch(`${search}/${topic}/_search?q=id:1&filter_path=hits.total.value`)
    const { hits } = (await answer.json()) as { hits?: { total: { value: number } } }
    if ((hits?.total.value ?? 0) > 0) return performance.now()
    if (performance.now() > deadline) throw new BenchError('the first row was not found in a minute')
    await delay(10)
  }
}

async function prepare(postgres: string, search: string): Promise<void> {
  await query(
    postgres,
    "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'bench_launch' AND NOT active",
  )
  await query(postgres, 'DROP PUBLICATION IF EXISTS bench_launch')
  await query(postgres, `DROP TABLE IF EXISTS ${table}`)
  await query(postgres, `CREATE TABLE ${table} (id bigint PRIMARY KEY, note text)`)
  await query(postgres, `INSERT INTO ${table} VALUES (1, 'first')`)
  await fetch(`${search}/${topic}`, { method: 'DELETE' })
}

async function query(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(sql)
  await client.end()
}

async function makeBucket(store: string): Promise<void> {
  const { CreateBucketCommand, S3Client } = await import('@aws-sdk/client-s3')
  const client = new S3Client(clientOptions(store))
  await client.send(new CreateBucketCommand({ Bucket: 'bench' })).catch((error: unknown) => {
    if (!(error instanceof Error) || !/BucketAlready/.test(error.name)) throw error
  })
  client.destroy()
}

function clientOptions(store: string): ConstructorParameters<typeof import('@aws-sdk/client-s3').S3Client>[0] & object {
  const url = new URL(store)
  return {
    endpoint: url.origin,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: url.username, secretAccessKey: url.password },
  }
}

function connectors(postgres: string, search: string, store: string): Record<string, Record<string, string>> {
  const s3 = new URL(store)
  return {
    source: {
      ...postgresConfig(postgres),
      'topic.prefix': 'launch',
      'plugin.name': 'pgoutput',
      'slot.name': 'bench_launch',
      'publication.name': 'bench_launch',
      'publication.autocreate.mode': 'filtered',
      'table.include.list': `public.${table}`,
    },
    search: {
      'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
      'topics.regex': 'launch\\..*',
      'connection.url': search,
    },
    archive: {
      'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
      'topics.regex': 'launch\\..*',
      's3.bucket.name': 'bench',
      's3.region': 'us-east-1',
      'store.url': s3.origin,
      'aws.access.key.id': s3.username,
      'aws.secret.access.key': s3.password,
      'storage.class': 'io.confluent.connect.s3.storage.S3Storage',
      'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
      's3.compression.type': 'gzip',
      'flush.size': '100000',
      'rotate.schedule.interval.ms': '10000',
      timezone: 'UTC',
    },
  }
}
