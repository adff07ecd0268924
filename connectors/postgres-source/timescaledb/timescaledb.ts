import {
  ConfigError,
  DataError,
  fieldOf,
  isArray,
  primitive,
  systemClock,
  type ConfigDef,
  type ConfigKey,
  type ConnectRecord,
  type ConnectValue,
  type Header,
  type ParsedConfig,
  type RawConfig,
  type Schema,
  type StructValue,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'

import { configDef as sourceDef } from '../config/config-def.ts'
import { connectionOf } from '../config/source-settings.ts'
import { topicName } from '../records/envelope.ts'
import { ChunkCatalog } from './chunk-catalog.ts'
import type { ChunkOwner, TableId } from './chunk-owner.ts'
import { chunkReader } from './read-chunks.ts'

const transform = 'TimescaleDb'
const connectTimeoutMs = 60_000

const same = ['port', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'sslpassword', 'query.timeout.ms', 'tcpKeepAlive']
const refused = ['initial.statements', 'sslfactory']

const defaultSchemas = ['_timescaledb_internal']

const configDef: ConfigDef = {
  'schema.list': {
    type: 'LIST',
    defaultValue: defaultSchemas,
    importance: 'HIGH',
    doc: 'The schemas that have chunks. Records of tables in other schemas are not changed.',
    displayName: 'The list of TimescaleDB data schemas',
    width: 'MEDIUM',
    order: 1,
  },
  'target.topic.prefix': {
    type: 'STRING',
    defaultValue: 'timescaledb',
    importance: 'MEDIUM',
    doc: 'The first part of the names of topics, before the schema and the name of the hypertable or continuous aggregate.',
    displayName: 'The prefix of TimescaleDB topic names',
    width: 'MEDIUM',
    order: 1,
  },
  ...ofSource('hostname', { doc: 'Host name or address of the Postgres server that has the catalog of TimescaleDB.' }),
  ...ofSource('user', { doc: 'User to connect as. Every user may read the catalog.' }),
  ...ofSource('password'),
  ...ofSource('dbname', { doc: 'Database that has the hypertables.' }),
  ...Object.assign({}, ...same.map((name) => ofSource(name))),
  ...Object.assign({}, ...refused.map((name) => ofSource(name))),
}

/** An option of the source with the same meaning here. */
function ofSource(name: string, changes: Partial<ConfigKey> = {}): ConfigDef {
  const key = `database.${name}`
  const known = sourceDef[key]
  if (known === undefined) throw new RangeError(`the source has no option ${key}`)
  return { [key]: { ...known, ...changes } }
}

/** Where the source block of change events of one schema has what counts here: the indices of fields. */
interface SourcePlan {
  readonly source: number
  readonly schema: number
  readonly table: number
  /** -1: there is none. */
  readonly transaction: number
}

export interface TimescaleSettings {
  readonly schemas: ReadonlySet<string>
  readonly topicPrefix: string
}

/**
 * Debezium's [TimescaleDB integration](https://debezium.io/documentation/reference/stable/transformations/timescaledb.html): sends the
 * changes of chunks to the topic of their hypertable or continuous aggregate.
 */
export class TimescaleDb implements Transform {
  readonly #settings: TimescaleSettings
  readonly #catalog: Pick<ChunkCatalog, 'ownerOf'>
  readonly #plans = new WeakMap<Schema, SourcePlan>()

  constructor(settings: TimescaleSettings, catalog: Pick<ChunkCatalog, 'ownerOf'>) {
    this.#settings = settings
    this.#catalog = catalog
  }

  apply<R extends ConnectRecord>(record: R): R {
    const { value, valueSchema } = record
    if (value === null || valueSchema === null || !isEnvelope(valueSchema)) return record
    const event = structIn(value, valueSchema)
    const plan = this.#plan(valueSchema)
    const block = event[plan.source] ?? null
    if (block === null) return record
    const source = structIn(block, valueSchema)
    const chunk = { schema: source[plan.schema] ?? null, table: source[plan.table] ?? null }
    if (!isTable(chunk) || !this.#settings.schemas.has(chunk.schema)) return record
    const owner = this.#catalog.ownerOf({ ...chunk, transaction: transactionIn(source[plan.transaction]) })
    return owner === null ? record : this.#routed(record, { event, source, plan, chunk, owner })
  }

  #routed<R extends ConnectRecord>(record: R, { event, source, plan, chunk, owner }: ChunkChange): R {
    const { hypertable, aggregate } = owner
    const { schema, table } = aggregate ?? hypertable
    return {
      ...record,
      topic: topicName(`${this.#settings.topicPrefix}.${schema}.${table}`),
      value: event.with(plan.source, source.with(plan.schema, schema).with(plan.table, table)),
      headers: [
        ...record.headers,
        ...headersOf('chunk', chunk),
        ...(aggregate === null ? [] : headersOf('hypertable', hypertable)),
      ],
    }
  }

  #plan(schema: Schema): SourcePlan {
    let plan = this.#plans.get(schema)
    if (plan === undefined) {
      plan = sourcePlan(schema)
      this.#plans.set(schema, plan)
    }
    return plan
  }
}

interface ChunkChange {
  readonly event: StructValue
  readonly source: StructValue
  readonly plan: SourcePlan
  readonly chunk: TableId
  readonly owner: ChunkOwner
}

const isEnvelope = (schema: Schema): boolean => schema.name?.endsWith('.Envelope') === true

/** @throws DataError for a change event without a source, or without the schema and table in it: no source of Postgres makes such */
function sourcePlan(envelope: Schema): SourcePlan {
  const source = fieldOf(envelope, 'source')
  if (source?.schema.type !== 'STRUCT') throw new DataError(`${transform}: ${envelope.name} has no structure "source"`)
  const indexOf = (name: string): number => {
    const field = fieldOf(source.schema, name)
    if (field?.schema.type !== 'STRING')
      throw new DataError(`${transform}: the source of ${envelope.name} has no text "${name}": it is not of Postgres`)
    return field.index
  }
  return {
    source: source.index,
    schema: indexOf('schema'),
    table: indexOf('table'),
    transaction: fieldOf(source.schema, 'txId')?.index ?? -1,
  }
}

function structIn(value: ConnectValue, envelope: Schema): StructValue {
  if (isArray(value)) return value
  throw new DataError(
    `${transform} needs a struct as the value and as its source, found a ${typeof value} in ${envelope.name}`,
  )
}

function isTable(chunk: Readonly<Record<keyof TableId, ConnectValue>>): chunk is TableId {
  return typeof chunk.schema === 'string' && typeof chunk.table === 'string'
}

/** Returns the id of a transaction without its epoch; null for rows of a snapshot. */
function transactionIn(value: ConnectValue | undefined): number | null {
  if (typeof value !== 'number' && typeof value !== 'bigint') return null
  return Number(BigInt.asUintN(32, BigInt(value)))
}

const text = primitive('STRING')

function headersOf(what: 'chunk' | 'hypertable', { schema, table }: TableId): readonly Header[] {
  const name = `__debezium_timescaledb_${what}`
  return [
    { key: `${name}_table`, schema: text, value: table },
    { key: `${name}_schema`, schema: text, value: schema },
  ]
}

/** Returns the settings of a parsed config. As in Debezium, a list of nothing but commas is the default. */
export function timescaleSettings(config: ParsedConfig): TimescaleSettings {
  const list = config['schema.list']
  const items: readonly string[] = Array.isArray(list) ? list.map(String) : []
  const isCommas = items.length > 0 && items.every((item) => item === '')
  return {
    schemas: new Set(isCommas ? defaultSchemas : items),
    topicPrefix: String(config['target.topic.prefix'] ?? ''),
  }
}

/** Debezium gives the driver every option of the connection that it does not know. @throws ConfigError for one of them */
function refuseUnknown(raw: RawConfig): void {
  const key = Object.keys(raw).find((name) => /^(?:database|driver)\./.test(name) && !Object.hasOwn(configDef, name))
  if (key === undefined) return
  const known = Object.keys(configDef).filter((name) => name.startsWith('database.') && !configDef[name]?.unsupported)
  throw new ConfigError(
    `${key} is not supported: pgjdbc is not used. The options of the connection are ${known.join(', ')}`,
  )
}

/** `io.debezium.connector.postgresql.transforms.timescaledb.TimescaleDb`. */
export const plugin: TransformPlugin = {
  kind: 'transformation',
  className: `io.debezium.connector.postgresql.transforms.timescaledb.${transform}`,
  aliases: [],
  version: '3.2.3.Final',
  configDef,
  create(config, raw, context) {
    refuseUnknown(raw)
    const connection = connectionOf({ ...config, 'connection.validation.timeout.ms': connectTimeoutMs })
    const read = chunkReader(connection, systemClock)
    return new TimescaleDb(timescaleSettings(config), new ChunkCatalog(read, systemClock, context?.logger ?? null))
  },
}
