import { atLeast, oneOfIgnoringCase, type ConfigDef, type ConfigKey, type Validator } from 'penstock/api'
import { acceptedOptions } from './config-accepted.ts'
import { unsupportedOptions } from './config-unsupported.ts'
import { patternProblem } from '../schema/table-filter.ts'

/** Debezium's options and defaults; what it has and this connector does not serve stands in the other table. */

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
    'User to connect as; needs REPLICATION and SELECT on the captured tables.',
    {
      importance: 'HIGH',
    },
  ),
  'database.password': key('PASSWORD', 'Connection', 'Password of the user.', {
    defaultValue: null,
    importance: 'HIGH',
  }),
  'database.dbname': key('STRING', 'Connection', 'Database whose changes are read.', { importance: 'HIGH' }),
  'topic.prefix': key(
    'STRING',
    'Connection',
    'Logical name: begins topic and schema names, and names the stored offset.',
    {
      importance: 'HIGH',
      validator: matching(/^[A-Za-z0-9_.-]+$/, 'may hold only letters, digits, dots, underscores and hyphens'),
    },
  ),
  'database.sslmode': choice(
    'Connection',
    'Whether the connection is encrypted, and what of the certificate is checked.',
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
  'database.sslkey': key('STRING', 'Connection', 'File with the client key (PEM).', { defaultValue: null }),
  'database.sslpassword': key('PASSWORD', 'Connection', 'Password of the client key.', { defaultValue: null }),
  'connection.validation.timeout.ms': key('INT', 'Connection', 'How long connecting may take.', {
    defaultValue: 60_000,
    importance: 'LOW',
    validator: atLeast(1),
  }),
  'database.query.timeout.ms': key('INT', 'Connection', 'How long the answer to a query may take; 0 for ever.', {
    defaultValue: 600_000,
    importance: 'LOW',
    validator: atLeast(0),
  }),
  'database.tcpKeepAlive': key('BOOLEAN', 'Connection', 'TCP keep-alive probes.', {
    defaultValue: true,
    importance: 'LOW',
  }),
}

const replication: ConfigDef = {
  'plugin.name': key('STRING', 'Replication', 'Logical decoding plugin; only pgoutput, which every server has.', {
    defaultValue: 'pgoutput',
    validator: oneOfIgnoringCase('pgoutput', 'decoderbufs'),
    unsupportedValues: { decoderbufs: 'only pgoutput is served, which Postgres 10 and later bring along' },
  }),
  'slot.name': key('STRING', 'Replication', 'Replication slot; made when it does not exist.', {
    defaultValue: 'debezium',
    validator: matching(/^[a-z0-9_]{1,63}$/, 'may hold only lower-case letters, digits and underscores, 63 at most'),
  }),
  'slot.drop.on.stop': key(
    'BOOLEAN',
    'Replication',
    'Drop the slot at an orderly stop. Changes until the next start are lost.',
    {
      defaultValue: false,
    },
  ),
  'publication.name': key('STRING', 'Replication', 'Publication that the stream sends.', {
    defaultValue: 'dbz_publication',
  }),
  'publication.autocreate.mode': choice(
    'Replication',
    'What is done when the publication is missing: make it for all tables, for the captured ones, empty, or fail.',
    'all_tables',
    'all_tables',
    'disabled',
    'filtered',
    'no_tables',
  ),
  'publish.via.partition.root': key(
    'BOOLEAN',
    'Replication',
    'Publish changes of partitions as changes of their root.',
    {
      defaultValue: false,
    },
  ),
  'status.update.interval.ms': key(
    'INT',
    'Replication',
    'How often the server is told what is durable, at the latest.',
    {
      defaultValue: 10_000,
      validator: atLeast(1),
    },
  ),
}

const capture: ConfigDef = {
  'schema.include.list': list('Capture', 'Schemas to capture, as regular expressions.'),
  'schema.exclude.list': list('Capture', 'Schemas to leave out.'),
  'table.include.list': list('Capture', 'Tables to capture, as regular expressions over schema.table.'),
  'table.exclude.list': list('Capture', 'Tables to leave out.'),
  'column.include.list': list('Capture', 'Columns to keep in values, over schema.table.column. Keys stay whole.'),
  'column.exclude.list': list('Capture', 'Columns to leave out of values. Keys stay whole.'),
  'table.ignore.builtin': key('BOOLEAN', 'Capture', 'Leave the tables of the system out.', {
    defaultValue: true,
    importance: 'LOW',
  }),
  'message.key.columns': key('STRING', 'Capture', 'Columns that make the key: schema.table:column,column;…', {
    defaultValue: null,
  }),
  'message.prefix.include.list': list(
    'Capture',
    'Prefixes of logical messages (pg_logical_emit_message, Postgres 14 and later) to write, as regular expressions; all by default.',
  ),
  'message.prefix.exclude.list': list('Capture', 'Prefixes of logical messages to leave out.'),
  'skipped.operations': key('STRING', 'Capture', 'Operations to leave out: c, u, d, t, or none.', {
    defaultValue: 't',
    validator: operationList,
  }),
  'tombstones.on.delete': key('BOOLEAN', 'Capture', 'Whether a deletion is followed by a record without a value.', {
    defaultValue: true,
  }),
  'snapshot.mode': key('STRING', 'Snapshot', 'When tables are read: initial, always, initial_only, no_data.', {
    defaultValue: 'initial',
    validator: oneOfIgnoringCase(
      'initial', 'always', 'initial_only', 'no_data', 'never', 'exported', 'when_needed', 'configuration_based', 'custom',
    ), // prettier-ignore
    recommended: ['initial', 'always', 'initial_only', 'no_data'],
    unsupportedValues: {
      when_needed: 'not served: a slot that is lost stops the task by name; initial and no_data are served',
      configuration_based: 'not served: use initial, always, initial_only or no_data',
      custom: 'not served: Java snapshotters cannot be loaded',
    },
  }),
  'snapshot.include.collection.list': list('Snapshot', 'Which of the captured tables are read at the start.'),
  'snapshot.lock.timeout.ms': key(
    'LONG',
    'Snapshot',
    'How long to wait for the ACCESS SHARE lock on a table, and for the locks of creating a publication; 0 waits indefinitely. The attempt is then retried.',
    { defaultValue: 10_000, validator: atLeast(0) },
  ),
  'extended.headers.enabled': key('BOOLEAN', 'Capture', 'Headers that name the connector and its task.', {
    defaultValue: true,
  }),
}

const values: ConfigDef = {
  'decimal.handling.mode': choice('Values', 'How numeric appears.', 'precise', 'precise', 'double', 'string'),
  'time.precision.mode': choice(
    'Values',
    'How dates, times and timestamps appear.',
    'adaptive',
    'adaptive',
    'adaptive_time_microseconds',
    'connect',
    'isostring',
    'microseconds',
    'nanoseconds',
  ),
  'hstore.handling.mode': choice('Values', 'How hstore appears.', 'json', 'json', 'map'),
  'interval.handling.mode': choice('Values', 'How interval appears.', 'numeric', 'numeric', 'string'),
  'binary.handling.mode': choice('Values', 'How bytea appears.', 'bytes', 'bytes', 'base64', 'base64-url-safe', 'hex'),
  'money.fraction.digits': key('SHORT', 'Values', 'Digits of money behind the point.', { defaultValue: 2 }),
  'include.unknown.datatypes': key('BOOLEAN', 'Values', 'Keep columns without a mapping as the bytes of their text.', {
    defaultValue: false,
  }),
  'unavailable.value.placeholder': key(
    'STRING',
    'Values',
    'Stands for a large value that an update left alone. hex: before it gives bytes.',
    { defaultValue: '__debezium_unavailable_value' },
  ),
  'event.converting.failure.handling.mode': choice(
    'Values',
    'What happens to a value that its type in records cannot hold: null and named (warn), null (skip), or the task fails.',
    'warn',
    'warn',
    'skip',
    'fail',
  ),
  'schema.name.adjustment.mode': choice(
    'Values',
    'How schema names are made legal for Avro.',
    'none',
    ...nameAdjustments,
  ),
  'field.name.adjustment.mode': choice(
    'Values',
    'How field names are made legal for Avro.',
    'none',
    ...nameAdjustments,
  ),
  'include.schema.comments': key('BOOLEAN', 'Values', 'Column comments as documentation of fields.', {
    defaultValue: false,
  }),
  'topic.delimiter': key('STRING', 'Topics', 'Between prefix, schema and table.', {
    defaultValue: '.',
    validator: matching(/^[A-Za-z0-9._-]$/, 'must be one letter, digit, dot, underscore or hyphen'),
  }),
}

const heartbeat: ConfigDef = {
  'heartbeat.interval.ms': key(
    'LONG',
    'Heartbeat',
    'How often a heartbeat is written; 0 for never. The slot moves on without.',
    {
      defaultValue: 0,
      validator: atLeast(0),
    },
  ),
  'topic.heartbeat.prefix': key('STRING', 'Heartbeat', 'Begins the name of the topic for heartbeats.', {
    defaultValue: '__debezium-heartbeat',
    importance: 'LOW',
  }),
  'topic.heartbeat.name': key('STRING', 'Heartbeat', 'The whole name of the topic for heartbeats.', {
    defaultValue: null,
    importance: 'LOW',
  }),
}

const runtime: ConfigDef = {
  'max.batch.size': key('INT', 'Runtime', 'Records that one poll returns, at most.', {
    defaultValue: 2048,
    validator: atLeast(1),
  }),
  'max.queue.size': key('INT', 'Runtime', 'Records that wait between the database and the log, at most.', {
    defaultValue: 8192,
    validator: atLeast(1),
  }),
  'max.queue.size.in.bytes': key('LONG', 'Runtime', 'The same in bytes as the server sent them; 0 is 16 MiB.', {
    defaultValue: 0,
    validator: atLeast(0),
  }),
}

/** All options, in the order they are documented. */
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
