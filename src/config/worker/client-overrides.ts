import type { ConfigDef, ConfigKey, ConfigType, ParsedConfig, RawConfig, Validator } from '../../api/config-def.ts'
import type { ConfigInfo, SubmittedConfig } from '../definition/config-infos.ts'

import { atLeast, oneOf } from '../../api/validators.ts'
import { listOfAssignors } from './assignor-classes.ts'
import { describeValues, undefinedValue } from '../definition/describe-config.ts'
import { checkConfig, parseConfig } from '../definition/parse-config.ts'

function key(type: ConfigType, doc: string, validator: Validator): ConfigKey {
  return { type, defaultValue: null, importance: 'MEDIUM', doc, validator }
}

const size = atLeast(0)

/** The supported settings of a source task's producer. */
const producer: ConfigDef = {
  'batch.size': key('INT', 'Maximum size of a record batch in bytes, before compression.', size),
  'buffer.memory': key('LONG', 'Memory for records that wait to be sent, in bytes.', size),
  'compression.type': key(
    'STRING',
    'Compression codec of record batches.',
    oneOf('none', 'gzip', 'snappy', 'lz4', 'zstd'),
  ),
  'linger.ms': key('LONG', 'How long a batch waits for more records, in milliseconds.', size),
  'max.request.size': key('INT', 'Maximum size of a record and of a request, in bytes.', size),
  acks: key('STRING', 'Acknowledgements required: all in-sync replicas.', oneOf('all', '-1')),
  'enable.idempotence': key('BOOLEAN', 'Whether retries never write a batch twice.', (_key, value) =>
    value === true ? null : 'Not supported: the producer is always idempotent',
  ),
}

/** The supported settings of a sink task's consumer. */
const consumer: ConfigDef = {
  'auto.offset.reset': key(
    'STRING',
    'Where to start in a partition without a committed offset. If it is set, a task also continues there when its position is ' +
      'no longer in the partition, and reports what it skips; otherwise it fails then.',
    oneOf('earliest', 'latest', 'none'),
  ),
  'fetch.max.bytes': key('INT', 'Maximum size of a fetch response, in bytes.', size),
  'fetch.max.wait.ms': key('INT', 'How long a broker waits for `fetch.min.bytes`, in milliseconds.', size),
  'fetch.min.bytes': key('INT', 'Minimum size of a fetch response, in bytes.', size),
  'group.id': key('STRING', 'The consumer group.', (_key, value) => (value === '' ? 'String must be non-empty' : null)),
  'group.instance.id': key(
    'STRING',
    'Identity of the first task in the consumer group; the others add their number to it. By default it is made of the names of ' +
      'the worker group and the connector, and of the topics: a task that starts on another worker takes the place of its last run.',
    (_key, value) =>
      typeof value === 'string' && /^[\w.-]{1,240}$/.test(value) && value !== '.' && value !== '..'
        ? null
        : 'has to be 1 to 240 letters, digits, dots, dashes or underscores',
  ),
  'heartbeat.interval.ms': key('INT', 'Time between heartbeats to the group coordinator, in milliseconds.', size),
  'isolation.level': key(
    'STRING',
    'Whether records of aborted transactions are read.',
    oneOf('read_committed', 'read_uncommitted'),
  ),
  'max.partition.fetch.bytes': key('INT', 'Maximum size of a partition in a fetch response, in bytes.', size),
  'max.poll.interval.ms': key('INT', 'Maximum time between polls, and so of one `put`, in milliseconds.', size),
  'max.poll.records': key('INT', 'Maximum number of records in one `put`.', atLeast(1)),
  'metadata.max.age.ms': key('LONG', 'Interval at which topics are looked up again, in milliseconds.', size),
  'partition.assignment.strategy': key(
    'LIST',
    'The assignors that tasks offer to their group, by the names of Java classes. The group uses the first one that all members ' +
      'offer. With CooperativeStickyAssignor alone, tasks keep their partitions during a rebalance.',
    listOfAssignors,
  ),
  'session.timeout.ms': key(
    'INT',
    'Time without a heartbeat after which a task leaves the group, in milliseconds.',
    size,
  ),
  'enable.auto.commit': key('BOOLEAN', 'Whether the consumer commits offsets by itself.', (_key, value) =>
    value === true ? 'Not supported: offsets are committed when they are durable in the target' : null,
  ),
}

const clients = { producer, consumer, admin: {} as ConfigDef }
type ClientName = keyof typeof clients

/** Settings that all clients of a worker share. With a client's prefix they must have the same value. */
const sharedSetting = /^(?:bootstrap\.servers$|security\.protocol$|sasl\.|ssl\.)/

/** The settings of a client: the worker's, without their prefix `producer.` or `consumer.`, and the connector's overrides. */
export interface ClientSettings {
  readonly client: 'producer' | 'consumer'
  readonly worker: RawConfig
  readonly connectorConfig: RawConfig
}

/**
 * Parses some settings of a client. An override of the connector takes precedence over the worker's setting; settings that
 * neither has are left out.
 * @throws ConfigError with the full name of each invalid setting
 */
export function parseClientSettings(settings: ClientSettings, names: readonly string[]): ParsedConfig {
  const { client, worker, connectorConfig } = settings
  const given = names.flatMap((name) => {
    const definition = clients[client][name]
    const override = `${client}.override.${name}`
    const isOverridden = Object.hasOwn(connectorConfig, override)
    if (definition === undefined || (!isOverridden && !Object.hasOwn(worker, name))) return []
    const fullName = isOverridden ? override : `${client}.${name}`
    return [{ name, fullName, definition, value: isOverridden ? connectorConfig[override] : worker[name] }]
  })
  const parsed = parseConfig(
    Object.fromEntries(given.map(({ fullName, definition }) => [fullName, definition])),
    Object.fromEntries(given.map(({ fullName, value }) => [fullName, value ?? null])),
  )
  return Object.fromEntries(given.map(({ name, fullName }) => [name, parsed[fullName] ?? null]))
}

/** Returns the client settings that a connector overrides, with an error for each that is not supported. */
export function checkClientOverrides(kind: 'source' | 'sink', config: SubmittedConfig): readonly ConfigInfo[] {
  const names: readonly ClientName[] = kind === 'source' ? ['producer', 'admin'] : ['producer', 'consumer', 'admin']
  return names.flatMap((name) => checkOverrides(`${name}.override.`, clients[name], config))
}

function checkOverrides(prefix: string, def: ConfigDef, config: SubmittedConfig): readonly ConfigInfo[] {
  const given = Object.entries(config).filter(([name]) => name.startsWith(prefix))
  const served = given.filter(([name]) => Object.hasOwn(def, name.slice(prefix.length)))
  const ownDef = Object.fromEntries(
    served.flatMap(([name]) => {
      const definition = def[name.slice(prefix.length)]
      return definition === undefined
        ? []
        : [[name, { ...definition, displayName: name.slice(prefix.length) }] as const]
    }),
  )
  const known = Object.keys(def).join(', ')
  const refused = given.filter((entry) => !served.includes(entry))
  return [
    ...refused.map(([name]) =>
      undefinedValue(name, [
        `Configuration "${name}" is not supported: ${known === '' ? 'no setting of this client can be overridden' : `the settings that can be overridden are ${known}`}`,
      ]),
    ),
    ...describeValues(ownDef, checkConfig(ownDef, Object.fromEntries(served))),
  ]
}

/** Returns warnings about `producer.*`, `consumer.*` and `admin.*` in the worker's settings. Without values (I8). */
export function clientSettingWarnings(raw: RawConfig): readonly string[] {
  return Object.entries(raw).flatMap(([name, value]) => {
    // The listeners of /admin have settings of their own.
    const [, client, setting] = /^(producer|consumer|admin(?!\.listeners\b))\.(.+)$/.exec(name) ?? []
    if (client === undefined || setting === undefined) return []
    if (Object.hasOwn(clients[client as ClientName], setting)) return []
    if (sharedSetting.test(setting)) {
      if (raw[setting] === value) return []
      return [`Worker configuration "${name}" has no effect: all clients use "${setting}"`]
    }
    return [`Worker configuration "${name}" has no effect`]
  })
}
