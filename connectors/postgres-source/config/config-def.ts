import { atLeast, oneOfIgnoringCase, type ConfigDef, type ConfigKey, type Validator } from 'penstock/api'
import { patternProblem } from '../schema/name-pattern.ts'
import { acceptedOptions } from './accepted-options.ts'
import { unsupportedOptions } from './unsupported-options.ts'

/** Debezium's options and defaults. Those without effect and those that are not supported are in tables of their own. */

type Extra = Partial<Omit<ConfigKey, 'type' | 'doc'>>

function key(type: ConfigKey['type'], group: string, doc: string, extra: Extra = {}): ConfigKey {
  return { type, importance: 'MEDIUM', group, doc, ...extra }
}

function matching(pattern: RegExp, problem: string): Validator {
  return Object.assign(
    (_key: string, value: unknown) => (typeof value !== 'string' || pattern.test(value) ? null : problem),
    { describe: pattern.source },
  )
}

const regexList: Validator = Object.assign(
  (_key: string, value: unknown) => (typeof value === 'string' ? patternProblem(value) : null),
  { describe: 'comma-separated regular expressions' },
)

const operations = new Set(['c', 'u', 'd', 't', 'none'])
const operationList: Validator = Object.assign(
  (_key: string, value: unknown) => {
    const items = String(value ?? '')
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '')
    const unknown = items.find((item) => !operations.has(item.toLowerCase()))
    return unknown === undefined ? null : `"${unknown}" is none of c, u, d, t, none`
  },
  { describe: 'list of c, u, d, t, or none' },
)

function list(group: string, doc: string): ConfigKey {
  return key('STRING', group, doc, { defaultValue: null, validator: regexList })
}

function choice(group: string, doc: string, defaultValue: string, ...allowed: readonly string[]): ConfigKey {
  return key('STRING', group, doc, { defaultValue, validator: oneOfIgnoringCase(...allowed), recommended: allowed })
}

const nameAdjustments = ['none', 'avro', 'avro_unicode']

const connection: ConfigDef = {
  'database.hostname': key('STRING', 'Connection', 'Host name or address of the Postgres server.', {
    importance: 'HIGH',
    validator: matching(/^[A-Za-z0-9\-_.:]+$/, 'must be a host name or an address'),
  }),
  'database.port': key('INT', 'Connection', 'Port of the Postgres server.', {
    defaultValue: 5432,
    importance: 'HIGH',
    validator: atLeast(1),
  }),
  'database.user': key(
    'STRING',
    'Connection',
    'User to connect as. Needs REPLICATION, and SELECT on the captured tables.',
    {
      importance: 'HIGH',
    },
  ),
  'database.password': key('PASSWORD', 'Connection', 'Password of that user.', {
    defaultValue: null,
    importance: 'HIGH',
  }),
  'database.dbname': key('STRING', 'Connection', 'Database to capture.', { importance: 'HIGH' }),
  'topic.prefix': key(
    'STRING',
    'Connection',
    'Logical name of the database: first part of topic and schema names, and key of the stored offset.',
    {
      importance: 'HIGH',
      validator: matching(/^[A-Za-z0-9_.-]+$/, 'may contain only letters, digits, dots, underscores and hyphens'),
    },
  ),
  'database.sslmode': choice(
    'Connection',
    'Whether to use TLS, and what to verify in the server certificate, as in libpq.',
    'prefer',
    'disable',
    'allow',
    'prefer',
    'require',
    'verify-ca',
    'verify-full',
  ),
  'database.sslrootcert': key('STRING', 'Connection', 'File with the root certificates (PEM).', { defaultValue: null }),
  'database.sslcert': key('STRING', 'Connection', 'File with the client certificate (PEM).', { defaultValue: null }),
  'database.sslkey': key('STRING', 'Connection', 'File with the private key of the client (PEM).', {
    defaultValue: null,
  }),
  'database.sslpassword': key('PASSWORD', 'Connection', 'Password of the private key.', { defaultValue: null }),
  'connection.validation.timeout.ms': key('INT', 'Connection', 'Timeout of connecting.', {
    defaultValue: 60_000,
    importance: 'LOW',
    validator: atLeast(1),
  }),
  'database.query.timeout.ms': key('INT', 'Connection', 'Timeout of a query; 0 for none.', {
    defaultValue: 600_000,
    importance: 'LOW',
    validator: atLeast(0),
  }),
  'database.tcpKeepAlive': key('BOOLEAN', 'Connection', 'Whether to send TCP keep-alive probes.', {
    defaultValue: true,
    importance: 'LOW',
  }),
}

const replication: ConfigDef = {
  'plugin.name': key('STRING', 'Replication', 'Output plugin of the slot; only pgoutput.', {
    defaultValue: 'pgoutput',
    validator: oneOfIgnoringCase('pgoutput', 'decoderbufs'),
    unsupportedValues: { decoderbufs: 'only pgoutput is supported, which is part of Postgres 10 and later' },
  }),
  'slot.name': key('STRING', 'Replication', 'Name of the replication slot. Created if it does not exist.', {
    defaultValue: 'debezium',
    validator: matching(/^[a-z0-9_]{1,63}$/, 'may contain only lower-case letters, digits and underscores, 63 at most'),
  }),
  'slot.drop.on.stop': key(
    'BOOLEAN',
    'Replication',
    'Whether to drop the slot when the task stops gracefully. Changes until the next start are then lost.',
    {
      defaultValue: false,
    },
  ),
  'publication.name': key('STRING', 'Replication', 'Name of the publication.', {
    defaultValue: 'dbz_publication',
  }),
  'publication.autocreate.mode': choice(
    'Replication',
    'How to create a missing publication: for all tables, for the captured tables (filtered), without tables, or not at all (disabled).',
    'all_tables',
    'all_tables',
    'disabled',
    'filtered',
    'no_tables',
  ),
  'publish.via.partition.root': key(
    'BOOLEAN',
    'Replication',
    'Whether to publish changes of partitions as changes of the root table.',
    {
      defaultValue: false,
    },
  ),
  'status.update.interval.ms': key(
    'INT',
    'Replication',
    'Longest time between two status updates, which tell the server what is durable.',
    {
      defaultValue: 10_000,
      validator: atLeast(1),
    },
  ),
}

const capture: ConfigDef = {
  'schema.include.list': list('Capture', 'Schemas to capture, as regular expressions.'),
  'schema.exclude.list': list('Capture', 'Schemas to exclude, as regular expressions.'),
  'table.include.list': list('Capture', 'Tables to capture, as regular expressions that match schema.table.'),
  'table.exclude.list': list('Capture', 'Tables to exclude, as regular expressions that match schema.table.'),
  'column.include.list': list(
    'Capture',
    'Columns to include in values, as regular expressions that match schema.table.column. Keys stay complete.',
  ),
  'column.exclude.list': list(
    'Capture',
    'Columns to exclude from values, as regular expressions that match schema.table.column. Keys stay complete.',
  ),
  'table.ignore.builtin': key('BOOLEAN', 'Capture', 'Whether to exclude system tables.', {
    defaultValue: true,
    importance: 'LOW',
  }),
  'message.key.columns': key('STRING', 'Capture', 'Columns of the record key: schema.table:column,column;…', {
    defaultValue: null,
  }),
  'message.prefix.include.list': list(
    'Capture',
    'Prefixes of logical messages to capture (pg_logical_emit_message, Postgres 14 and later), as regular expressions; all by default.',
  ),
  'message.prefix.exclude.list': list('Capture', 'Prefixes of logical messages to exclude, as regular expressions.'),
  'skipped.operations': key('STRING', 'Capture', 'Operations to skip: c, u, d, t, or none.', {
    defaultValue: 't',
    validator: operationList,
  }),
  'tombstones.on.delete': key('BOOLEAN', 'Capture', 'Whether a tombstone follows each deletion.', {
    defaultValue: true,
  }),
  'snapshot.mode': key('STRING', 'Snapshot', 'When to take a snapshot: initial, always, initial_only, no_data.', {
    defaultValue: 'initial',
    validator: oneOfIgnoringCase(
      'initial', 'always', 'initial_only', 'no_data', 'never', 'exported', 'when_needed', 'configuration_based', 'custom',
    ), // prettier-ignore
    recommended: ['initial', 'always', 'initial_only', 'no_data'],
    unsupportedValues: {
      when_needed: 'not supported: a lost slot fails the task; use initial or no_data',
      configuration_based: 'not supported: use initial, always, initial_only or no_data',
      custom: 'not supported: Java snapshotters cannot be loaded',
    },
  }),
  'snapshot.include.collection.list': list(
    'Snapshot',
    'Captured tables to include in the snapshot, as regular expressions; all by default.',
  ),
  'snapshot.lock.timeout.ms': key(
    'LONG',
    'Snapshot',
    'Timeout of waiting for the ACCESS SHARE lock on a table, and for the locks that creating a publication takes; 0 for none. The task then retries.',
    { defaultValue: 10_000, validator: atLeast(0) },
  ),
  'extended.headers.enabled': key(
    'BOOLEAN',
    'Capture',
    'Whether to add headers with the names of the connector and its task.',
    {
      defaultValue: true,
    },
  ),
}

const values: ConfigDef = {
  'decimal.handling.mode': choice(
    'Values',
    'Representation of numeric and money: Connect Decimal (precise), double, or string.',
    'precise',
    'precise',
    'double',
    'string',
  ),
  'time.precision.mode': choice(
    'Values',
    'Representation of dates, times and timestamps.',
    'adaptive',
    'adaptive',
    'adaptive_time_microseconds',
    'connect',
    'isostring',
    'microseconds',
    'nanoseconds',
  ),
  'hstore.handling.mode': choice('Values', 'Representation of hstore.', 'json', 'json', 'map'),
  'interval.handling.mode': choice(
    'Values',
    'Representation of interval: microseconds (numeric), or ISO 8601 (string).',
    'numeric',
    'numeric',
    'string',
  ),
  'binary.handling.mode': choice(
    'Values',
    'Representation of bytea.',
    'bytes',
    'bytes',
    'base64',
    'base64-url-safe',
    'hex',
  ),
  'money.fraction.digits': key('SHORT', 'Values', 'Fraction digits of money.', { defaultValue: 2 }),
  'include.unknown.datatypes': key(
    'BOOLEAN',
    'Values',
    'Whether to include columns of types without a mapping, as the bytes of their text.',
    {
      defaultValue: false,
    },
  ),
  'unavailable.value.placeholder': key(
    'STRING',
    'Values',
    'Value of a TOAST column that an update did not change. The prefix hex: makes it bytes.',
    { defaultValue: '__debezium_unavailable_value' },
  ),
  'event.converting.failure.handling.mode': choice(
    'Values',
    'What to do with a value that its record type cannot represent: set it to null and report it (warn), set it to null (skip), or fail the row, by which errors.tolerance fails the task or skips it (fail).',
    'warn',
    'warn',
    'skip',
    'fail',
  ),
  'schema.name.adjustment.mode': choice(
    'Values',
    'How to make schema names valid in Avro.',
    'none',
    ...nameAdjustments,
  ),
  'field.name.adjustment.mode': choice('Values', 'How to make field names valid in Avro.', 'none', ...nameAdjustments),
  'include.schema.comments': key('BOOLEAN', 'Values', 'Whether to add column comments as documentation of fields.', {
    defaultValue: false,
  }),
  'topic.delimiter': key('STRING', 'Topics', 'Separator between topic prefix, schema and table name.', {
    defaultValue: '.',
    validator: matching(/^[A-Za-z0-9._-]$/, 'must be one letter, digit, dot, underscore or hyphen'),
  }),
}

const heartbeat: ConfigDef = {
  'heartbeat.interval.ms': key(
    'LONG',
    'Heartbeat',
    'Interval of heartbeat records; 0 for none. The slot advances without heartbeats too.',
    {
      defaultValue: 0,
      validator: atLeast(0),
    },
  ),
  'topic.heartbeat.prefix': key('STRING', 'Heartbeat', 'First part of the heartbeat topic name, before topic.prefix.', {
    defaultValue: '__debezium-heartbeat',
    importance: 'LOW',
  }),
  'topic.heartbeat.name': key('STRING', 'Heartbeat', 'Complete name of the heartbeat topic.', {
    defaultValue: null,
    importance: 'LOW',
  }),
}

const runtime: ConfigDef = {
  'max.batch.size': key('INT', 'Runtime', 'Maximum number of records of one poll.', {
    defaultValue: 2048,
    validator: atLeast(1),
  }),
  'max.queue.size': key('INT', 'Runtime', 'Maximum number of records in the queue before poll.', {
    defaultValue: 8192,
    validator: atLeast(1),
  }),
  'max.queue.size.in.bytes': key(
    'LONG',
    'Runtime',
    'Maximum size of that queue in bytes, as the server sent them; 0 for 16 MiB.',
    {
      defaultValue: 0,
      validator: atLeast(0),
    },
  ),
}

/** All options, in the order of the documentation. */
export const configDef: ConfigDef = {
  ...connection,
  ...replication,
  ...capture,
  ...values,
  ...heartbeat,
  ...runtime,
  ...acceptedOptions,
  ...unsupportedOptions,
}
