import { BenthosPeer, type BenthosOutput } from '../parts/benthos-peer.ts'
import type { BenchContext } from '../parts/context.ts'
import { fillTopic } from '../parts/fill-topic.ts'
import { groupDrained } from '../parts/group-drain.ts'
import type { TreeUsage } from '../parts/process-tree.ts'
import type { Measurement } from '../parts/results.ts'
import { checkCount, freshIndex, indexed, makeBucket, record, warmSearch } from '../parts/sink-target.ts'
import { BenchWorker } from '../parts/worker.ts'

const topic = 'bench-sink'
const warmUpDocuments = 600_000

const kinds = ['search', 'archive'] as const
type Kind = (typeof kinds)[number]

interface SinkRun {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakRssBytes: number
}

/** The input and the target of a sink. */
interface Target {
  readonly broker: string
  readonly search: string
  readonly store: string
  readonly bucket: string
  readonly rows: number
}

/**
 * Measures a topic of JSON records of about 230 bytes → Elasticsearch, and → S3 with gzip: from the POST of the connector (the
 * launch of Benthos) until the last document is indexed, or the last object committed. The first round is reported as cold;
 * then Elasticsearch is warmed up. All read the same topic from the worker's broker, whose CPU counts only for Penstock.
 */
export async function sinks(context: BenchContext): Promise<readonly Measurement[]> {
  const { address: search, description: elasticsearch } = await context.servers.get('elasticsearch')
  const { address: store, description: s3 } = await context.servers.get('minio')
  const withBenthos = context.peers.has('benthos')
  if (withBenthos) await BenthosPeer.fetch()
  const bucket = await makeBucket(store)
  const worker = await BenchWorker.launch(context.worker)
  const target = { broker: worker.broker, search, store, bucket, rows: context.rows }
  const rounds = { search: [] as SinkRun[], archive: [] as SinkRun[] }
  const rival = { search: [] as SinkRun[], archive: [] as SinkRun[] }
  try {
    await fillTopic(worker.broker, topic, { rows: context.rows, recordOf: record })
    for (let round = 0; round <= context.runs; round++) {
      if (round === 1) await warmSearch(search, Math.min(warmUpDocuments, 3 * context.rows))
      for (const kind of kinds) {
        rounds[kind].push(await ours(worker, target, kind, round))
        if (withBenthos) rival[kind].push(await benthos(context, target, kind, round))
      }
    }
  } finally {
    await worker.stop()
  }
  const conditions = { rows: context.rows, partitions: 1, elasticsearch, s3, warmUpDocuments }
  const measure = (who: string, pick: (runs: readonly SinkRun[]) => readonly SinkRun[], runs: typeof rounds) => [
    ...measured('log → Elasticsearch', who, 'docs/s', pick(runs.search), conditions),
    ...measured('log → S3, gzip', who, 'records/s', pick(runs.archive), conditions),
  ]
  return [
    ...measure('penstock', (runs) => runs.slice(1), rounds),
    ...measure('penstock, first run', (runs) => runs.slice(0, 1), rounds),
    ...(withBenthos ? measure('Benthos 4.11', (runs) => runs.slice(1), rival) : []),
  ]
}

function measured(
  what: string,
  who: string,
  unit: string,
  runs: readonly SinkRun[],
  conditions: { readonly rows: number } & Measurement['conditions'],
): readonly Measurement[] {
  const of = (suffix: string, its: string, pick: (run: SinkRun) => number): Measurement => ({
    what: what + suffix,
    who,
    unit: its,
    samples: runs.map(pick),
    conditions,
  })
  return [
    of('', unit, (run) => conditions.rows / run.seconds),
    of(', CPU a million', 's', (run) => (run.cpuSeconds * 1e6) / conditions.rows),
    of(', peak RSS', 'MB', (run) => run.peakRssBytes / 1e6),
  ]
}

async function ours(worker: BenchWorker, target: Target, kind: Kind, round: number): Promise<SinkRun> {
  if (kind === 'search') await freshIndex(target.search, topic)
  const name = `${kind}${round}`
  const before = worker.usage()
  const began = performance.now()
  await worker.create(name, kind === 'search' ? elasticsearchConfig(target) : s3Config(target, `penstock${round}`))
  await applied(target, kind, `connect-${name}`, () => worker.checkRunning(name))
  const run = since(before, worker.usage(), began)
  if (kind === 'search') await checkCount(target.search, topic, target.rows)
  await worker.remove(name)
  return run
}

async function benthos(context: BenchContext, target: Target, kind: Kind, round: number): Promise<SinkRun> {
  if (kind === 'search') await freshIndex(target.search, topic)
  const source = { broker: target.broker, topic, group: `benthos-${kind}${round}` }
  const output = kind === 'search' ? elasticsearchOutput(target) : s3Output(target, `benthos${round}`)
  const began = performance.now()
  const peer = await BenthosPeer.launch(context.servers, source, output)
  try {
    await applied(target, kind, source.group, () => peer.checkRunning())
    const run = since({ cpuSeconds: 0 }, peer.usage(), began)
    if (kind === 'search') await checkCount(target.search, topic, target.rows)
    return run
  } finally {
    await peer.stop()
  }
}

/** Waits until all records are in the target. An S3 sink commits immediately after an upload. */
function applied(target: Target, kind: Kind, group: string, check: () => Promise<void>): Promise<void> {
  return kind === 'search'
    ? indexed(target.search, topic, target.rows, check)
    : groupDrained(target.broker, group, topic, target.rows, check)
}

function since(before: Pick<TreeUsage, 'cpuSeconds'>, after: TreeUsage, began: number): SinkRun {
  return {
    seconds: (performance.now() - began) / 1000,
    cpuSeconds: after.cpuSeconds - before.cpuSeconds,
    peakRssBytes: after.peakRssBytes,
  }
}

/** Returns the records per object: about 50,000, chosen so that the last object is full. */
function recordsAnObject(rows: number): number {
  let objects = Math.ceil(rows / 50_000)
  while (rows % objects !== 0) objects += 1
  return rows / objects
}

const converters = {
  'key.converter.schemas.enable': 'false',
  'value.converter.schemas.enable': 'false',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
}

function elasticsearchConfig(target: Target): Record<string, string> {
  return {
    ...converters,
    'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
    topics: topic,
    'connection.url': target.search,
  }
}

function elasticsearchOutput(target: Target): BenthosOutput {
  return {
    elasticsearch: {
      urls: [target.search],
      index: topic,
      id: '${! json("id") }',
      type: '',
      sniff: false,
      healthcheck: false,
      max_in_flight: 4,
      batching: { count: 5000, period: '200ms' },
    },
  }
}

function s3Config(target: Target, directory: string): Record<string, string> {
  const url = new URL(target.store)
  return {
    ...converters,
    'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
    topics: topic,
    'topics.dir': directory,
    's3.bucket.name': target.bucket,
    's3.region': 'us-east-1',
    'store.url': url.origin,
    'aws.access.key.id': url.username,
    'aws.secret.access.key': url.password,
    'storage.class': 'io.confluent.connect.s3.storage.S3Storage',
    'format.class': 'io.confluent.connect.s3.format.json.JsonFormat',
    's3.compression.type': 'gzip',
    'flush.size': String(recordsAnObject(target.rows)),
  }
}

function s3Output(target: Target, directory: string): BenthosOutput {
  const url = new URL(target.store)
  return {
    aws_s3: {
      bucket: target.bucket,
      path: `${directory}/\${! count("objects") }.json.gz`,
      endpoint: url.origin,
      region: 'us-east-1',
      force_path_style_urls: true,
      credentials: { id: url.username, secret: url.password },
      max_in_flight: 4,
      timeout: '60s',
      batching: {
        count: recordsAnObject(target.rows),
        processors: [{ archive: { format: 'lines' } }, { compress: { algorithm: 'gzip' } }],
      },
    },
  }
}
