import type { ParsedConfig, RawConfig } from 'penstock/api'
import type { ConnectionSettings, SslMode } from '../connection/connection-settings.ts'
import { topicName, type NameAdjustment } from '../records/envelope.ts'
import type { MessageSettings } from '../records/logical-message.ts'
import type { QueueLimits } from '../records/record-queue.ts'
import { keyColumnRules, type KeyColumnRule } from '../schema/key-column-rule.ts'
import { patterns, splitList, type NamePattern } from '../schema/name-pattern.ts'
import { TableFilter } from '../schema/table-filter.ts'
import type { BinaryMode, DecimalMode, TimeMode, ValueModes } from '../values/column-type.ts'
import type { FailureMode } from '../values/conversion-failures.ts'

export type SnapshotMode = 'initial' | 'always' | 'initial_only' | 'no_data'
export type PublicationMode = 'all_tables' | 'disabled' | 'filtered' | 'no_tables'

/** The options, named and typed. Times in milliseconds, sizes in bytes. */
export interface SourceSettings {
  readonly connection: ConnectionSettings
  readonly prefix: string
  readonly delimiter: string
  readonly slot: string
  readonly dropSlotOnStop: boolean
  readonly publication: string
  readonly publicationMode: PublicationMode
  readonly viaPartitionRoot: boolean
  readonly snapshotMode: SnapshotMode
  readonly snapshotTables: readonly NamePattern[]
  readonly lockTimeoutMs: number
  readonly filter: TableFilter
  readonly keyRules: readonly KeyColumnRule[]
  readonly messages: MessageSettings
  readonly modes: ValueModes
  readonly failureMode: FailureMode
  readonly schemaNames: NameAdjustment
  readonly fieldNames: NameAdjustment
  readonly comments: boolean
  readonly tombstones: boolean
  readonly extendedHeaders: boolean
  readonly skippedOperations: ReadonlySet<string>
  /** Whether the user set `skipped.operations`: then a publication created here does not publish them. */
  readonly skippedExplicitly: boolean
  readonly statusIntervalMs: number
  /** 0: no heartbeats. */
  readonly heartbeatMs: number
  readonly heartbeatTopic: string
  readonly queue: QueueLimits
}

// The reader and `poll` share a thread: reading further ahead only lets records outlive a scavenge (90 MB of peak memory).
const maxReadAhead = 256

/** Size limit of the queue when `max.queue.size.in.bytes` is 0 (I10). */
const defaultQueueBytes = 16 * 1024 * 1024
const snapshotModes: Readonly<Record<string, SnapshotMode>> = { never: 'no_data', exported: 'initial' }

/** Converts a parsed config. @throws ConfigError when a list contains an invalid regular expression */
export function settingsOf(config: ParsedConfig, raw: RawConfig): SourceSettings {
  const text = (key: string): string => String(config[key] ?? '')
  const optional = (key: string): string | null => textOrNull(config, key)
  const word = <T extends string>(key: string): T => text(key).toLowerCase() as T
  const skipped = splitList(text('skipped.operations')).map((operation) => operation.toLowerCase())
  const mode = word<string>('snapshot.mode')
  return {
    connection: connectionOf(config),
    prefix: text('topic.prefix'),
    delimiter: text('topic.delimiter'),
    slot: text('slot.name'),
    dropSlotOnStop: config['slot.drop.on.stop'] === true,
    publication: text('publication.name'),
    publicationMode: word('publication.autocreate.mode'),
    viaPartitionRoot: config['publish.via.partition.root'] === true,
    snapshotMode: snapshotModes[mode] ?? (mode as SnapshotMode),
    snapshotTables: patterns('snapshot.include.collection.list', optional('snapshot.include.collection.list')),
    lockTimeoutMs: Number(config['snapshot.lock.timeout.ms']),
    filter: filterOf(config, optional),
    keyRules: keyColumnRules(optional('message.key.columns')),
    messages: messagesOf(config, text, optional),
    modes: modesOf(config, text),
    failureMode: word('event.converting.failure.handling.mode'),
    schemaNames: word('schema.name.adjustment.mode'),
    fieldNames: word('field.name.adjustment.mode'),
    comments: config['include.schema.comments'] === true,
    tombstones: config['tombstones.on.delete'] === true,
    extendedHeaders: config['extended.headers.enabled'] === true,
    skippedOperations: new Set(skipped),
    skippedExplicitly: raw['skipped.operations'] !== undefined,
    statusIntervalMs: Number(config['status.update.interval.ms']),
    heartbeatMs: Number(config['heartbeat.interval.ms']),
    heartbeatTopic:
      optional('topic.heartbeat.name') ?? topicName(`${text('topic.heartbeat.prefix')}.${text('topic.prefix')}`),
    queue: {
      batchSize: Number(config['max.batch.size']),
      maxRecords: Math.min(Number(config['max.queue.size']), maxReadAhead),
      maxBytes: Number(config['max.queue.size.in.bytes']) || defaultQueueBytes,
    },
  }
}

function textOrNull(config: ParsedConfig, key: string): string | null {
  const value = config[key]
  return value === null || value === undefined || value === '' ? null : String(value)
}

/** Returns the options of the connection of a parsed config, which may be that of a transform. */
export function connectionOf(config: ParsedConfig): ConnectionSettings {
  const optional = (key: string): string | null => textOrNull(config, key)
  return {
    host: String(config['database.hostname']),
    port: Number(config['database.port']),
    user: String(config['database.user']),
    password: optional('database.password'),
    database: String(config['database.dbname']),
    sslMode: String(config['database.sslmode']).toLowerCase() as SslMode,
    sslRootCert: optional('database.sslrootcert'),
    sslCert: optional('database.sslcert'),
    sslKey: optional('database.sslkey'),
    sslPassword: optional('database.sslpassword'),
    tcpKeepAlive: config['database.tcpKeepAlive'] === true,
    connectTimeoutMs: Number(config['connection.validation.timeout.ms']),
    queryTimeoutMs: Number(config['database.query.timeout.ms']),
  }
}

function filterOf(config: ParsedConfig, optional: (key: string) => string | null): TableFilter {
  const list = (key: string): NamePattern[] => patterns(key, optional(key))
  return new TableFilter({
    schemaInclude: list('schema.include.list'),
    schemaExclude: list('schema.exclude.list'),
    tableInclude: list('table.include.list'),
    tableExclude: list('table.exclude.list'),
    columnInclude: list('column.include.list'),
    columnExclude: list('column.exclude.list'),
    ignoreBuiltin: config['table.ignore.builtin'] === true,
  })
}

function messagesOf(
  config: ParsedConfig,
  text: (key: string) => string,
  optional: (key: string) => string | null,
): MessageSettings {
  const list = (key: string): NamePattern[] => patterns(key, optional(key))
  return {
    topic: topicName(`${text('topic.prefix')}.message`),
    include: list('message.prefix.include.list'),
    exclude: list('message.prefix.exclude.list'),
    binary: modesOf(config, text).binary,
  }
}

function modesOf(config: ParsedConfig, text: (key: string) => string): ValueModes {
  const placeholder = text('unavailable.value.placeholder')
  return {
    decimal: text('decimal.handling.mode').toLowerCase() as DecimalMode,
    time: text('time.precision.mode').toLowerCase() as TimeMode,
    binary: text('binary.handling.mode').toLowerCase() as BinaryMode,
    interval: text('interval.handling.mode').toLowerCase() as ValueModes['interval'],
    hstore: text('hstore.handling.mode').toLowerCase() as ValueModes['hstore'],
    moneyDigits: Number(config['money.fraction.digits']),
    includeUnknown: config['include.unknown.datatypes'] === true,
    placeholder: placeholder.startsWith('hex:')
      ? Buffer.from(placeholder.slice('hex:'.length), 'hex')
      : Buffer.from(placeholder),
  }
}
