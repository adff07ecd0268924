import { present, type RawConfig } from 'penstock/api'

import type { KafkaClient } from '../../../src/client/kafka-client.ts'
import { registryPrefix } from '../../../src/rest/registry/registry-route.ts'
import { ElasticsearchClient } from '../elasticsearch/elasticsearch-client.ts'
import type { TestDatabase } from '../postgres/postgres.ts'
import type { S3Bucket } from '../s3/s3-bucket.ts'
import { until } from '../until.ts'
import type { WorkerProcess } from '../worker/worker-process.ts'
import { ChangedTables, usedConverters, type UsedConverter } from './changed-tables.ts'
import { sinkChanges, type IndexAfter, type SinkChange } from './sink-changes.ts'

/** The Elasticsearch sinks: `mapped` creates mappings from schemas, `guessed` leaves them to Elasticsearch. */
export const searches = ['mapped', 'guessed'] as const
export type Search = (typeof searches)[number]
/**
 * The prefixes of topics: with schemas, without, and rows alone with schemas. Change events have a version of their own, which their
 * schemas keep, so only the schemas of rows have the versions of the registry.
 */
const prefixes = ['avro', 'plain', 'rows'] as const
type Prefix = (typeof prefixes)[number]
/** The S3 sinks: `plain` reads topics without schemas, `backward` and `forward` read rows, and have these levels. */
export const archives = ['none', 'backward', 'forward', 'plain'] as const
export type Archive = (typeof archives)[number]

export interface ChangedSinksParts {
  readonly worker: WorkerProcess
  readonly kafka: KafkaClient
  readonly database: TestDatabase
  /** The URL of Elasticsearch. */
  readonly elasticsearch: string
  readonly bucket: S3Bucket
}

const rows = 3
const mappedTypes = (properties: Readonly<Record<string, { readonly type: string }>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(properties).flatMap(([name, { type }]) => (name === 'id' ? [] : [[name, type] as const])),
  )

/** Tables that change while sinks write their rows to Elasticsearch and S3: one row before the change, two after it. */
export class ChangedSinks {
  readonly #parts: ChangedSinksParts
  readonly #tables: ChangedTables
  readonly #client: ElasticsearchClient

  constructor(parts: ChangedSinksParts) {
    this.#parts = parts
    this.#tables = new ChangedTables(parts.worker, parts.kafka, parts.database)
    this.#client = new ElasticsearchClient(parts.elasticsearch)
  }

  /** Creates the tables with a row each, and starts sources and sinks; waits until the indices have the rows. */
  async start(): Promise<void> {
    const { database, worker } = this.#parts
    for (const { change } of sinkChanges) {
      const mood = change.table.includes('_mood') ? "create type {t}_mood as enum ('ok');" : ''
      await this.#play(change.name, `${mood} create table {t} (${change.table}); ${change.row}`)
    }
    await database.play('create table progress (id int primary key); create publication p for all tables')
    // What a schema may become is the subject of another test.
    await worker.request('PUT', `${registryPrefix}/config`, { compatibility: 'NONE' })
    for (const prefix of prefixes)
      await this.#tables.startSource(converterOf(prefix), prefix, {
        'topic.prefix': this.#prefix(prefix),
        ...(prefix === 'rows' ? unwrapped : {}),
      })
    await until('all sources stream', async () => {
      const slots = await database.rows(
        `select 1 from pg_replication_slots where database = current_database() and confirmed_flush_lsn is not null and active`,
      )
      return slots.length === prefixes.length
    })
    await this.#untilWritten(1)
    const all = sinkChanges.map(({ change }) => this.topicOf('avro', change.name)).join(',')
    for (const search of searches) await this.startSearch(search, search, all, tolerant(this.#letterTopic(search)))
    for (const archive of archives) await worker.post(`archive-${archive}`, this.#archiveConfig(archive))
    for (const search of searches) await this.#untilCommitted(search, () => 1)
  }

  /** Changes all tables, and writes two rows to each; waits until all sinks are done with them. */
  async change(): Promise<void> {
    for (const { change, more } of sinkChanges) await this.#play(change.name, `${change.ddl}; ${change.after}; ${more}`)
    await this.#untilWritten(2)
    for (const search of searches) await this.#untilCommitted(search, () => rows)
    // Objects end after two records: the last one of three is in an object if the first one is in an object of its own.
    for (const archive of archives)
      await this.#untilCommitted(`archive-${archive}`, (one) => (separates(archive, one) ? rows : 2))
  }

  topicOf(prefix: Prefix, table: string): string {
    return `${this.#prefix(prefix)}.public.${table}`
  }

  /** The index of a table that a sink of {@link startSearch} writes. */
  indexOf(name: string, table: string): string {
    return `${this.#parts.database.name}_${name}.${table}`
  }

  /** Starts a sink that writes topics to indices of its own. */
  async startSearch(name: string, search: Search, topics: string, more: RawConfig): Promise<void> {
    await this.#parts.worker.post(name, {
      'connector.class': 'io.confluent.connect.elasticsearch.ElasticsearchSinkConnector',
      topics,
      'connection.url': this.#parts.elasticsearch,
      'schema.ignore': String(search === 'guessed'),
      transforms: 'index',
      'transforms.index.type': 'org.apache.kafka.connect.transforms.RegexRouter',
      'transforms.index.regex': '.*\\.public\\.(.*)',
      'transforms.index.replacement': this.indexOf(name, '$1'),
      ...convertersOf('avro'),
      ...more,
    })
  }

  /** What became of the rows of a table in the index of a sink. */
  async index(search: Search, { change }: SinkChange): Promise<IndexAfter> {
    const index = this.indexOf(search, change.name)
    const mapping = (await this.#client.json('GET', `/${index}/_mapping`)) as Record<string, Mapping>
    const documents = await this.#client.documents(index)
    const types = mappedTypes(present(mapping[index], index).mappings.properties)
    return {
      types: Object.fromEntries(Object.entries(types).filter(([name]) => !name.includes('.'))),
      documents: Object.fromEntries([...documents].map(([id, source]) => [id, JSON.parse(source) as unknown])),
      letters: await this.#letters(search, this.topicOf('avro', change.name)),
    }
  }

  /** The objects of a table: the offset of the first record, and the rows after each change. */
  async objects(archive: Archive, { change }: SinkChange): Promise<Readonly<Record<number, readonly unknown[]>>> {
    const topic = this.topicOf(prefixOf(archive), change.name)
    const keys = (await this.#parts.bucket.keys()).filter((key) => key.startsWith(`${archive}/${topic}/`))
    const entries = keys.map(async (key) => {
      const lines = (await this.#parts.bucket.text(key)).trim().split('\n')
      const values = lines.map((line) => JSON.parse(line) as { readonly after?: unknown })
      const after = values.map((value) => value.after ?? value)
      return [Number(/\+0\+(\d+)\.json$/.exec(key)?.[1]), after] as const
    })
    return Object.fromEntries(await Promise.all(entries))
  }

  /** Returns the error of a request for an S3 sink with other settings; null if it is created. */
  async refusal(archive: Archive, settings: RawConfig): Promise<string | null> {
    return await this.#parts.worker.post('refused', { ...this.#archiveConfig(archive), ...settings }).then(
      () => null,
      (error: unknown) => String(error),
    )
  }

  /** Deletes the indices that the sinks have created. */
  async close(): Promise<void> {
    const found = (await this.#client.json('GET', `/_cat/indices/${this.#parts.database.name}*?format=json`)) as Named[]
    // A server of a test may forbid wildcards.
    await this.#client.text('DELETE', `/${found.map(({ index }) => index).join()}`)
  }

  #archiveConfig(archive: Archive): RawConfig {
    const { name: _, ...config } = this.#parts.bucket.config({
      'connector.class': 'io.confluent.connect.s3.S3SinkConnector',
      topics: sinkChanges.map(({ change }) => this.topicOf(prefixOf(archive), change.name)).join(','),
      'topics.dir': archive,
      'flush.size': '2',
      ...(archive === 'plain' ? {} : { 'schema.compatibility': archive.toUpperCase() }),
      'json.decimal.format': 'NUMERIC',
      ...convertersOf(prefixOf(archive)),
    })
    return config
  }

  async #play(table: string, script: string): Promise<void> {
    await this.#parts.database.play(script.replaceAll('{t}', table))
  }

  /** Waits until the sources have written what was committed so far. */
  async #untilWritten(step: number): Promise<void> {
    await this.#parts.database.play(`insert into progress values (${step})`)
    for (const prefix of prefixes) await this.#tables.untilRecords(this.topicOf(prefix, 'progress'), step)
  }

  async #untilCommitted(
    connector: Search | `archive-${Archive}`,
    offset: (change: SinkChange) => number,
  ): Promise<void> {
    const archive = archives.find((one) => connector === `archive-${one}`)
    const prefix = archive === undefined ? 'avro' : prefixOf(archive)
    const wanted = sinkChanges.map((one) => `${this.topicOf(prefix, one.change.name)}@${offset(one)}`).toSorted()
    let seen: readonly string[] = []
    await until(
      () => `offsets of ${connector}: ${wanted.join()} instead of ${seen.join()}`,
      async () => {
        const failures = await this.#parts.worker.failures()
        if (failures.length > 0) throw new RangeError(failures.join('; '))
        const offsets = await this.#parts.kafka.admin.groupOffsets(`connect-${connector}`)
        seen = offsets.map(({ topic, offset: at }) => `${topic}@${at}`).toSorted()
        return seen.join() === wanted.join()
      },
    )
  }

  /** The messages of the dead letters of a topic, by offset. */
  async #letters(search: Search, topic: string): Promise<Readonly<Record<number, string>>> {
    const letters = await this.#tables.records(this.#letterTopic(search))
    const headers = letters.map((letter) => new Map(letter.headers.map(({ key, value }) => [key, String(value)])))
    return Object.fromEntries(
      headers
        .filter((of) => of.get('__connect.errors.topic') === topic)
        .map((of) => [Number(of.get('__connect.errors.offset')), of.get('__connect.errors.exception.message') ?? '']),
    )
  }

  #prefix(prefix: Prefix): string {
    return `${this.#parts.database.name}_${prefix}`
  }

  #letterTopic(search: Search): string {
    return `${search}-letters`
  }
}

interface Mapping {
  readonly mappings: { readonly properties: Readonly<Record<string, { readonly type: string }>> }
}

interface Named {
  readonly index: string
}

const unwrapped: RawConfig = {
  transforms: 'unwrap',
  'transforms.unwrap.type': 'io.debezium.transforms.ExtractNewRecordState',
}

const tolerant = (topic: string): RawConfig => ({
  'errors.tolerance': 'all',
  'errors.deadletterqueue.topic.name': topic,
  'errors.deadletterqueue.context.headers.enable': 'true',
})

/** Whether the rows before and after a change are in different objects. */
export function separates(archive: Archive, { changesSchema, projectedBack }: SinkChange): boolean {
  return changesSchema && archive !== 'plain' && !(archive === 'forward' && projectedBack !== null)
}

function prefixOf(archive: Archive): Prefix {
  if (archive === 'plain') return 'plain'
  return archive === 'none' ? 'avro' : 'rows'
}

function converterOf(prefix: Prefix): UsedConverter {
  return present(
    usedConverters.find((one) => one.prefix === (prefix === 'rows' ? 'avro' : prefix)),
    prefix,
  )
}

function convertersOf(prefix: Prefix): RawConfig {
  const { className, options } = converterOf(prefix)
  const ofPart = (part: string): [string, string][] => [
    [`${part}.converter`, className],
    ...Object.entries(options).map(([name, value]): [string, string] => [`${part}.converter.${name}`, value]),
  ]
  return Object.fromEntries([...ofPart('key'), ...ofPart('value')])
}
