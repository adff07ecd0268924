import type { Converter, ConnectValue, RawConfig, Schema } from 'penstock/api'

import { plugin as json } from '../../../plugins/converters/json-converter.ts'
import { UnknownTopicError } from '../../../src/client/errors.ts'
import type { FetchedRecord } from '../../../src/client/consumer/fetched-record.ts'
import type { KafkaClient } from '../../../src/client/kafka-client.ts'
import { parseConfig } from '../../../src/config/definition/parse-config.ts'
import { registryPrefix } from '../../../src/rest/registry/registry-route.ts'
import { readAll } from '../../contract/client-harness.ts'
import { until, untilPasses } from '../until.ts'
import { avroConverter, whenReady } from '../registry/avro-converters.ts'
import { jsonSchemaConverter } from '../registry/json-schema-codec.ts'
import { protobufConverter } from '../registry/protobuf-codec.ts'
import type { TestDatabase } from '../postgres/postgres.ts'
import type { WorkerProcess } from '../worker/worker-process.ts'
import { schemaChanges, type SchemaChange, type Verdict } from './schema-changes.ts'

export type Level = 'BACKWARD' | 'FULL' | 'NONE'

/** The rules by which the registry compares schemas. */
export type Ruled = 'avro' | 'json' | 'closed' | 'protobuf'

/** A converter, under the name of its source and prefix of its topics. */
export interface UsedConverter {
  readonly prefix: string
  readonly className: string
  readonly options: RawConfig
  /** What the registry says by the rules; null without a registry. */
  readonly verdicts: Ruled | null
}

const jsonConverter = 'org.apache.kafka.connect.json.JsonConverter'
const jsonSchema = 'io.confluent.connect.json.JsonSchemaConverter'
const protobuf = 'io.confluent.connect.protobuf.ProtobufConverter'

export const usedConverters: readonly UsedConverter[] = [
  { prefix: 'json', className: jsonConverter, options: { 'decimal.format': 'NUMERIC' }, verdicts: null },
  {
    prefix: 'plain',
    className: jsonConverter,
    options: { 'schemas.enable': 'false', 'decimal.format': 'NUMERIC' },
    verdicts: null,
  },
  { prefix: 'avro', className: 'io.confluent.connect.avro.AvroConverter', options: {}, verdicts: 'avro' },
  { prefix: 'open', className: jsonSchema, options: {}, verdicts: 'json' },
  { prefix: 'closed', className: jsonSchema, options: { 'object.additional.properties': 'false' }, verdicts: 'closed' },
  { prefix: 'protobuf', className: protobuf, options: {}, verdicts: 'protobuf' },
]

/** A table of its own for a change and a level: all converters write it. */
export interface ChangedTable {
  readonly change: SchemaChange
  readonly level: Level
  readonly name: string
}

/** A table at another level is there when a verdict depends on the level. */
export const changedTables: readonly ChangedTable[] = schemaChanges.flatMap((change) => {
  const all = [change.avro, change.json, change.closed, change.protobuf]
  const levels: Level[] = ['BACKWARD']
  if (all.some(({ full }) => full !== undefined)) levels.push('FULL')
  if (all.some(({ backward }) => backward === 'refused')) levels.push('NONE')
  return levels.map((level) => ({ change, level, name: `${change.name}_${level.toLowerCase()}` }))
})

/** What the registry says by the rules. */
export function verdictOf({ change, level }: ChangedTable, by: Ruled): Verdict {
  const { backward, full } = change[by]
  if (level === 'NONE') return backward === 'refused' ? 'new' : backward
  return level === 'FULL' ? (full ?? backward) : backward
}

/** The statement for a table. */
export function statementOn(table: ChangedTable, statement: string): string {
  return statement.replaceAll('{t}', table.name)
}

/** The topic of a row after the change. */
function topicAfter(prefix: string, table: ChangedTable): string {
  return `${prefix}.public.${statementOn(table, table.change.renamed ?? '{t}')}`
}

const letterTopic = (prefix: string): string => `${prefix}-dlq`

/** A row of the topic of a table, as a consumer reads it. */
export interface ReadRow {
  readonly schema: Schema | null
  /** By column. */
  readonly row: Readonly<Record<string, ConnectValue>>
  readonly key: Buffer | null
}

export interface Outcome {
  readonly topic: string
  readonly records: readonly FetchedRecord[]
  /** The headers of the dead letters. */
  readonly letters: readonly ReadonlyMap<string, string>[]
}

/** All tables in a worker, captured by one source for each converter. */
export class ChangedTables {
  readonly #worker: WorkerProcess
  readonly #kafka: KafkaClient
  readonly #database: TestDatabase

  constructor(worker: WorkerProcess, kafka: KafkaClient, database: TestDatabase) {
    this.#worker = worker
    this.#kafka = kafka
    this.#database = database
  }

  /** Creates the tables with a row each, and starts the sources; waits until all have read them. */
  async start(): Promise<void> {
    for (const table of changedTables) {
      const mood = table.change.table.includes('_mood') ? "create type {t}_mood as enum ('ok');" : ''
      const script = `${mood} create table {t} (${table.change.table}); ${table.change.row}`
      await this.#database.play(statementOn(table, script))
    }
    await this.#database.play('create table progress (id int primary key); create publication p for all tables')
    for (const { prefix, verdicts } of usedConverters)
      if (verdicts !== null) for (const table of changedTables) await this.#setLevel(prefix, table)
    for (const converter of usedConverters)
      await this.startSource(converter, converter.prefix, {
        'errors.tolerance': 'all',
        'errors.deadletterqueue.topic.name': letterTopic(converter.prefix),
        'errors.deadletterqueue.context.headers.enable': 'true',
      })
    await until('all sources stream', async () => {
      const streams = await this.#database.rows(
        `select 1 from pg_stat_replication where state in ('catchup', 'streaming')
         and pid in (select active_pid from pg_replication_slots where database = current_database())`,
      )
      return streams.length === usedConverters.length
    })
    await this.#untilDone(1)
  }

  /** Changes all tables and writes a row after each change; waits until all sources are done with them. */
  async change(): Promise<void> {
    for (const table of changedTables) {
      const { ddl, after } = table.change
      await this.#database.play(statementOn(table, `${ddl}; ${after}`))
    }
    await this.#untilDone(2)
  }

  /** Waits until all sources have written what was committed so far: they stream it in this order, behind their snapshots. */
  async #untilDone(step: number): Promise<void> {
    await this.#database.play(`insert into progress values (${step})`)
    for (const { prefix } of usedConverters) await this.untilRecords(`${prefix}.public.progress`, step)
  }

  async records(topic: string): Promise<readonly FetchedRecord[]> {
    return await readAll(this.#kafka, topic).catch((error: unknown) => {
      if (error instanceof UnknownTopicError) return []
      throw error
    })
  }

  /** What became of the rows of a table, in the topic of the row after the change; waits until nothing is missing. */
  async outcome(prefix: string, table: ChangedTable): Promise<Outcome> {
    const topic = topicAfter(prefix, table)
    const count = table.change.renamed === undefined ? (table.change.records ?? 2) : 1
    return await untilPasses(async () => {
      const records = await this.records(topic)
      const letters = records.length >= count ? [] : await this.#letters(prefix, topic)
      if (records.length + letters.length < count)
        throw new RangeError(`${records.length} records and ${letters.length} letters of ${count} in ${topic}`)
      return { topic, records, letters }
    })
  }

  /** The headers of the letters of records of this topic. */
  async #letters(prefix: string, topic: string): Promise<Outcome['letters']> {
    const letters = await this.records(letterTopic(prefix))
    return letters
      .map(({ headers }) => new Map(headers.map(({ key, value }) => [key, value?.toString() ?? ''])))
      .filter((headers) => headers.get('__penstock.errors.topic') === topic)
  }

  /** The versions of a subject; empty if there is none. */
  async versions(subject: string): Promise<readonly number[]> {
    const response = await fetch(`${this.registry}/subjects/${subject}/versions`)
    return response.ok ? ((await response.json()) as number[]) : []
  }

  get registry(): string {
    return `${this.#worker.place.rest}${registryPrefix}`
  }

  /** The row of a change event. */
  async read({ className, options }: UsedConverter, { topic, key, value }: FetchedRecord): Promise<ReadRow> {
    const converter = this.#converter(className, options)
    const event = await whenReady(() => converter.toConnect(topic, value))
    const after = event.schema?.fields.find(({ name }) => name === 'after')
    if (after === undefined) return { schema: null, row: plainRow(event.value), key }
    const values = (event.value as readonly ConnectValue[])[after.index] as readonly ConnectValue[]
    const row = Object.fromEntries(after.schema.fields.map((field) => [field.name, values[field.index] ?? null]))
    return { schema: after.schema, row, key }
  }

  #converter(className: string, options: RawConfig): Converter {
    if (className === jsonConverter) return json.create(parseConfig(json.configDef, options), options, false)
    if (className === protobuf) return protobufConverter(this.registry, options)
    return className === jsonSchema
      ? jsonSchemaConverter(this.registry, options)
      : avroConverter(this.registry, options)
  }

  async #setLevel(prefix: string, table: ChangedTable): Promise<void> {
    if (table.level === 'BACKWARD') return
    for (const part of ['key', 'value'])
      await this.#worker.request('PUT', `${registryPrefix}/config/${prefix}.public.${table.name}-${part}`, {
        compatibility: table.level,
      })
  }

  /** Starts a source with a converter. Its topics have the prefix of the converter unless `more` says otherwise. */
  async startSource({ prefix, className, options }: UsedConverter, name: string, more: RawConfig): Promise<void> {
    const converters: RawConfig = { 'key.converter': className, 'value.converter': className }
    const ofConverters = Object.entries(options).flatMap(([key, value]) => [
      [`key.converter.${key}`, value],
      [`value.converter.${key}`, value],
    ])
    const { name: _, ...config } = this.#database.config({
      'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
      'topic.prefix': prefix,
      'slot.name': `${this.#database.name}_${name}`,
      ...converters,
      ...(Object.fromEntries(ofConverters) as RawConfig),
      ...more,
    })
    await this.#worker.post(name, config)
  }

  async untilRecords(topic: string, count: number): Promise<void> {
    await until(`${count} records in ${topic}`, async () => (await this.records(topic)).length >= count)
  }
}

function plainRow(event: ConnectValue): Readonly<Record<string, ConnectValue>> {
  return (event as { readonly after: Readonly<Record<string, ConnectValue>> }).after
}
