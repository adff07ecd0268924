import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HttpFaults, type Fault } from '../http-faults.ts'
import { StubElasticsearch } from '../elasticsearch/stub-elasticsearch.ts'
import { S3Bucket } from '../s3/s3-bucket.ts'
import { plainText } from './condition-cases.ts'
import type { WorkerProcess } from './worker-process.ts'

type Config = Readonly<Record<string, string>>

/** Where faults are injected: one worker, and the servers of its connectors. */
export interface FaultGround {
  readonly worker: WorkerProcess
  readonly directory: string
  /** The URL of a Postgres whose user may do everything. */
  readonly postgres: string
  /** The URL of an S3 store with its keys. */
  readonly store: string
  /** Ends what a fault has begun. */
  readonly cleanups: (() => Promise<unknown> | void)[]
}

/** A fault, and what the diagnosis has to say of it. */
export interface FaultCase {
  readonly title: string
  /** Begins the fault. Resolves when it is visible to a client of the server or of the worker. */
  readonly inject: (ground: FaultGround, name: string) => Promise<void>
  /** The code of the first finding. */
  readonly code: string
  readonly severity?: 'error' | 'warning' | 'info'
  /** What the cause has to name. */
  readonly cause: RegExp
  /** What one of the commands has to be. */
  readonly command?: RegExp
}

const json = {
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'key.converter': plainText['key.converter'],
}
const plainJson = { ...json, 'value.converter.schemas.enable': 'false' }
const tolerant = { 'errors.tolerance': 'all' }

/** Writes lines into a topic by a source of its own. */
async function lines(
  { worker, directory }: FaultGround,
  topic: string,
  text: readonly string[],
  config: Config = {},
): Promise<void> {
  const file = join(directory, `${topic}.in`)
  writeFileSync(file, text.map((line) => `${line}\n`).join(''))
  await worker.post(`${topic}-lines`, { 'connector.class': 'FileStreamSource', file, topic, ...plainText, ...config })
}

function fileSink(ground: FaultGround, topics: string, config: Config): Config {
  return { 'connector.class': 'FileStreamSink', file: join(ground.directory, `${topics}.out`), topics, ...config }
}

const faultySink =
  (text: readonly string[], config: Config): FaultCase['inject'] =>
  async (ground, name) => {
    await lines(ground, name, text)
    await ground.worker.post(name, fileSink(ground, name, config))
  }

export const recordFaults: readonly FaultCase[] = [
  {
    title: 'a connector is paused',
    inject: async (ground, name) => {
      await faultySink(['a'], plainText)(ground, name)
      await ground.worker.request('PUT', `/connectors/${name}/pause`)
    },
    code: 'CONNECTOR_PAUSED',
    severity: 'info',
    cause: /is paused/,
    command: /resume/,
  },
  {
    title: 'a connector is stopped',
    inject: async (ground, name) => {
      await faultySink(['a'], plainText)(ground, name)
      await ground.worker.request('PUT', `/connectors/${name}/stop`)
    },
    code: 'CONNECTOR_STOPPED',
    severity: 'info',
    cause: /is stopped/,
    command: /resume/,
  },
  {
    title: 'the converter of a sink is not that of its topic',
    inject: faultySink(['{"id": 1}'], json),
    code: 'CONVERTER_MISMATCH',
    cause: /schemas\.enable requires/,
    command: /tasks\/0\/restart/,
  },
  {
    title: 'a record cannot be read',
    inject: faultySink(['{"id": 1}', 'no JSON'], plainJson),
    code: 'RECORD_UNREADABLE',
    cause: /-0@1 does not decode/,
    command: /tasks\/0\/restart/,
  },
  {
    title: 'records fail and are tolerated',
    inject: faultySink(['{"id": 1}', 'no JSON'], { ...plainJson, ...tolerant }),
    code: 'ERRANT_RECORDS',
    severity: 'warning',
    cause: /1 record was skipped/,
    command: /errors/,
  },
  {
    title: 'a transform fails',
    inject: faultySink(['a'], {
      ...plainText,
      transforms: 'field',
      'transforms.field.type': 'org.apache.kafka.connect.transforms.ExtractField$Value',
      'transforms.field.field': 'id',
    }),
    code: 'TRANSFORM_FAILED',
    cause: /transform "field" failed/,
  },
  {
    title: 'a pattern matches no topic',
    inject: async ({ worker, directory }, name) => {
      const config = { 'connector.class': 'FileStreamSink', file: join(directory, name), ...plainText }
      await worker.post(name, { ...config, 'topics.regex': 'ordres-.*' })
    },
    code: 'TOPIC_MISSING',
    cause: /topics\.regex .* matches no topic: ordres-\.\*/,
  },
  {
    title: 'a topic does not exist',
    inject: async (ground, name) => await ground.worker.post(name, fileSink(ground, 'nowhere', plainText)),
    code: 'TOPIC_MISSING',
    cause: /reads nowhere, which does not exist/,
  },
  {
    title: 'the schema registry does not respond',
    inject: async (ground, name) =>
      await lines(ground, name.replace(/-lines$/, ''), ['a'], {
        'value.converter': 'io.confluent.connect.avro.AvroConverter',
        'value.converter.schema.registry.url': 'http://127.0.0.1:1',
      }),
    code: 'REGISTRY_UNAVAILABLE',
    cause: /schema registry at http:\/\/127\.0\.0\.1:1/,
  },
  {
    title: 'the schema registry does not accept a schema',
    inject: async (ground, name) => {
      const registry = await HttpFaults.before('http://127.0.0.1:1')
      ground.cleanups.push(() => registry.close())
      const body = '{"error_code":409,"message":"Schema being registered is incompatible with an earlier schema"}'
      registry.decide = (method) => ({ kind: 'answer', status: method === 'POST' ? 409 : 404, body })
      await lines(ground, name.replace(/-lines$/, ''), ['a'], {
        'value.converter': 'io.confluent.connect.avro.AvroConverter',
        'value.converter.schema.registry.url': registry.url,
      })
    },
    code: 'SCHEMA_INCOMPATIBLE',
    cause: /is incompatible/,
  },
]

/** An Elasticsearch sink whose cluster responds as the fault says. */
const faultyCluster =
  (decide: (method: string, path: string) => Fault, config: Config = {}): FaultCase['inject'] =>
  async (ground, name) => {
    const stub = await StubElasticsearch.start()
    const faults = await HttpFaults.before(stub.url)
    ground.cleanups.push(async () => {
      await faults.close()
      await stub.close()
    })
    await lines(ground, name, ['{"id": 1}'])
    await ground.worker.post(name, {
      'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
      topics: name,
      'connection.url': faults.url,
      'key.ignore': 'true',
      'schema.ignore': 'true',
      ...plainJson,
      ...config,
    })
    faults.decide = (method, path) => decide(method, path)
  }

const pass: Fault = { kind: 'pass' }
const responds = (status: number, body: object): Fault => ({ kind: 'answer', status, body: JSON.stringify(body) })
const blocked = (type: string): object => ({ error: { type, reason: 'it is blocked' }, status: 429 })
const rest = (path: string, body: object): Fault => (path.includes('_bulk') ? pass : responds(200, body))
const bulkFails = (status: number, type: string, reason: string): Fault =>
  responds(200, { errors: true, items: [{ index: { _index: 'i', _id: '0', status, error: { type, reason } } }] })

export const elasticsearchFaults: readonly FaultCase[] = [
  {
    title: 'Elasticsearch does not respond',
    inject: faultyCluster(() => ({ kind: 'drop' })),
    code: 'ES_UNAVAILABLE',
    cause: /does not respond/,
    command: /_cluster\/health/,
  },
  {
    title: 'Elasticsearch is red',
    inject: faultyCluster((_method, path) => {
      if (path.includes('_cluster/health'))
        return responds(200, { status: 'red', unassigned_shards: 2, number_of_nodes: 1 })
      return path.includes('_bulk')
        ? responds(503, { error: { type: 'unavailable_shards_exception' }, status: 503 })
        : pass
    }),
    code: 'ES_CLUSTER_RED',
    cause: /is red: primary shards are not assigned.*2 shards/,
    command: /allocation\/explain/,
  },
  {
    title: 'Elasticsearch is overloaded',
    inject: faultyCluster((_method, path) =>
      path.includes('_bulk') ? responds(429, blocked('es_rejected_execution_exception')) : pass,
    ),
    code: 'ES_OVERLOADED',
    cause: /HTTP 429/,
  },
  {
    title: 'a disk of Elasticsearch is above its flood-stage watermark',
    inject: faultyCluster((_method, path) => {
      if (path.includes('_bulk'))
        return bulkFails(
          429,
          'cluster_block_exception',
          'index blocked by: [TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark]',
        )
      return path.includes('blocks')
        ? rest(path, { i: { settings: { index: { blocks: { read_only_allow_delete: 'true' } } } } })
        : pass
    }),
    code: 'ES_WATERMARK',
    cause: /read-only, because a disk/,
    command: /read_only_allow_delete/,
  },
  {
    title: 'an index of Elasticsearch is blocked',
    inject: faultyCluster((_method, path) => {
      if (path.includes('_bulk'))
        return bulkFails(403, 'cluster_block_exception', 'index [i] blocked by: [FORBIDDEN/8/index write (api)]')
      return path.includes('blocks') ? rest(path, { i: { settings: { index: { blocks: { write: 'true' } } } } }) : pass
    }),
    code: 'ES_INDEX_BLOCKED',
    cause: /index\.blocks\.write/,
    command: /index\.blocks\.write": null/,
  },
  {
    title: 'a document does not fit its mapping',
    inject: faultyCluster((_method, path) =>
      path.includes('_bulk')
        ? bulkFails(400, 'document_parsing_exception', 'failed to parse field [id] of type [date]')
        : pass,
    ),
    code: 'ES_MALFORMED',
    cause: /failed to parse field \[id\]/,
  },
  {
    title: 'Elasticsearch rejects the credentials',
    inject: faultyCluster((_method, path) =>
      path.includes('_bulk') || path === '/'
        ? responds(401, { error: { type: 'security_exception' }, status: 401 })
        : pass,
    ),
    code: 'ES_DENIED',
    cause: /HTTP 401/,
  },
]

const faultyStore =
  (
    change: (config: Config, ground: FaultGround, bucket: S3Bucket) => Promise<Config> | Config,
    after: (bucket: S3Bucket) => Promise<unknown> = async () => undefined,
  ): FaultCase['inject'] =>
  async (ground, name) => {
    const bucket = await S3Bucket.create(ground.store)
    await lines(ground, name, ['{"id": 1}', '{"id": 2}'])
    const config = bucket.config({
      ...plainJson,
      name,
      topics: name,
      'flush.size': '1',
      'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
      's3.compression.type': 'none',
    })
    await ground.worker.post(name, await change(config, ground, bucket))
    await after(bucket)
  }

/** A way to the store that breaks once the connector is created: validation would refuse it. */
const brokenStore =
  (broken: (method: string) => Fault): FaultCase['inject'] =>
  async (ground, name) => {
    const faults = await HttpFaults.before(new URL(ground.store).origin, true)
    ground.cleanups.push(() => faults.close())
    const inject = faultyStore(
      (config) => ({ ...config, 'store.url': faults.url }),
      async () => {
        faults.decide = broken
      },
    )
    await inject(ground, name)
  }

const xml = (code: string): string => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>no</Message></Error>`

export const storeFaults: readonly FaultCase[] = [
  {
    title: 'the bucket is gone',
    inject: faultyStore(
      (config) => config,
      async (bucket) => await bucket.remove(),
    ),
    code: 'S3_NO_BUCKET',
    cause: /NoSuchBucket/,
  },
  {
    title: 'the store is unavailable (503)',
    inject: brokenStore(() => ({ kind: 'answer', status: 503, body: xml('ServiceUnavailable') })),
    code: 'S3_UNAVAILABLE',
    cause: /ServiceUnavailable|503/,
  },
  {
    title: 'the store denies writes (403)',
    inject: brokenStore((method) =>
      method === 'PUT' || method === 'POST' ? { kind: 'answer', status: 403, body: xml('AccessDenied') } : pass,
    ),
    code: 'S3_DENIED',
    cause: /AccessDenied/,
  },
  {
    title: 'the store does not know the key',
    inject: brokenStore(() => ({ kind: 'answer', status: 403, body: xml('InvalidAccessKeyId') })),
    code: 'S3_CREDENTIALS',
    cause: /InvalidAccessKeyId/,
  },
]
