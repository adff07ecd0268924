import { availableParallelism } from 'node:os'

import type { ConfigDef, ConfigKey, ConfigType, ConfigValue } from '../../api/config-def.ts'

import { atLeast, between, nonEmptyString, nullOr, oneOf } from '../../api/validators.ts'
import { brokerSettings, noLimit } from '../../broker/settings/broker-setting-definitions.ts'
import { restartConfigDef } from '../restart-settings.ts'
import { registryConfigDef } from './registry-config.ts'
import { advertisedHostKey, advertisedListenerKey, advertisedPortKey } from './rest/advertised.ts'
import { allowedMethodsKey, allowedOriginsKey } from './rest/cross-origin.ts'
import { adminListenersKey, allowUnauthenticatedKey, brokerTokenKey, hostsKey, restTokenKey } from './rest/listener.ts'
import { restUsersKey } from './rest/rest-users.ts'
import { responseHeadersKey } from './rest/response-headers.ts'
import { restLimitKeys } from './rest/rest-limits.ts'
import { pluginVersionKey } from '../definition/plugin-version.ts'

type Rest = Omit<ConfigKey, 'type' | 'defaultValue' | 'importance' | 'doc'>

/** Returns a key with a default; null makes it optional. */
function key(type: ConfigType, defaultValue: ConfigValue, doc: string, rest: Rest = {}): ConfigKey {
  return { type, defaultValue, importance: 'MEDIUM', doc, ...rest }
}

function required(type: ConfigType, doc: string): ConfigKey {
  return { type, importance: 'HIGH', doc, validator: nonEmptyString }
}

const intMax = 2_147_483_647
const positive = { validator: atLeast(0) }
const exactlyOnce = 'exactly-once delivery of sources is not supported; delivery is at least once'
const factor: Rest = {
  validator: (_key, value) =>
    typeof value === 'number' && (value === -1 || value >= 1)
      ? null
      : "Replication factor must be positive and not larger than the number of brokers in the Kafka cluster, or -1 to use the broker's default",
}
const partitions: Rest = {
  validator: (_key, value) =>
    typeof value === 'number' && (value === -1 || value >= 1)
      ? null
      : "Number of partitions must be positive, or -1 to use the broker's default",
}

/** Java's names of the algorithms for requests between workers. */
export const hmacAlgorithms = ['HmacMD5', 'HmacSHA1', 'HmacSHA224', 'HmacSHA256', 'HmacSHA384', 'HmacSHA512'] as const
const hmac: Rest = { validator: oneOf(...hmacAlgorithms) }

/** The settings of Kafka Connect's distributed worker, with its defaults. */
const connect: ConfigDef = {
  'bootstrap.servers': key(
    'LIST',
    [],
    'Brokers of a Kafka cluster, host:port. If it is not set, the worker starts the embedded broker.',
  ),
  'group.id': required('STRING', 'Group of workers that share connectors and tasks.'),
  'key.converter': required('CLASS', 'Converter of record keys, for connectors without one.'),
  'value.converter': required('CLASS', 'Converter of record values, for connectors without one.'),
  'header.converter': key(
    'CLASS',
    'org.apache.kafka.connect.storage.SimpleHeaderConverter',
    'Converter of header values, for connectors without one.',
  ),
  'config.storage.topic': required('STRING', 'Topic for connector and task configurations. One partition, compacted.'),
  'config.storage.replication.factor': key('SHORT', 3, 'Replication factor with which that topic is created.', factor),
  'offset.storage.topic': required('STRING', 'Topic for source offsets. Compacted.'),
  'offset.storage.partitions': key('INT', 25, 'Number of partitions with which that topic is created.', partitions),
  'offset.storage.replication.factor': key('SHORT', 3, 'Replication factor with which that topic is created.', factor),
  'status.storage.topic': required('STRING', 'Topic for connector and task states. Compacted.'),
  'status.storage.partitions': key('INT', 5, 'Number of partitions with which that topic is created.', partitions),
  'status.storage.replication.factor': key('SHORT', 3, 'Replication factor with which that topic is created.', factor),
  listeners: key(
    'LIST',
    ['http://127.0.0.1:8083'],
    'Addresses on which the REST API listens: `http://host:port` or `https://host:port`, separated by commas. TLS is set with `listeners.https.ssl.*`, or without such settings with `ssl.*`: docs/guides/https.md.',
  ),
  [adminListenersKey]: key(
    'LIST',
    null,
    'Addresses on which only `/admin` is served, which `listeners` then do not serve. Empty: `/admin` is not served at all.',
  ),
  [responseHeadersKey]: key(
    'STRING',
    '',
    'Headers of every response of the REST API: rules `[action] [name]:[value]` with the action set, add, setDate or addDate, separated by commas. A rule that contains a comma is in double quotes.',
  ),
  [hostsKey]: key(
    'LIST',
    [],
    'Host names in requests to the REST API, without port. By default a listener on loopback accepts localhost, and other listeners accept addresses, names without dots and the advertised name. Other names are rejected, as a defence against DNS rebinding.',
  ),
  [restTokenKey]: key(
    'STRING',
    null,
    'File with the token that requests to the REST API must send; GET /health needs none. If the file does not exist, it is created with a random token. Only the user of the worker may have permission to read it. All workers of a group need the same token.',
  ),
  [restUsersKey]: key(
    'STRING',
    null,
    'File with the users of the REST API: their roles, the hashes of their passwords and tokens, and the connectors that they may use. It is read again when it changes. Other users of the machine must not have permission to read it. All workers of a group need the same users.',
  ),
  'rest.mask.passwords': key(
    'BOOLEAN',
    false,
    'Whether the REST API shows `********` in place of passwords in the configs of connectors and tasks. References to config providers are shown. A config that is sent back with `********` keeps the stored password. All workers of a group need the same value.',
  ),
  'rest.docs.enable': key(
    'BOOLEAN',
    false,
    'Whether the REST API serves its contract as `/openapi.yaml`, and `/docs`, a page that shows it and can send requests. The page loads nothing from other machines.',
  ),
  [advertisedHostKey]: key('STRING', null, 'Host name of the REST API for other workers and in status records.'),
  [advertisedPortKey]: key('INT', null, 'Port of the REST API for other workers and in status records.'),
  [advertisedListenerKey]: key(
    'STRING',
    null,
    'Protocol of requests between workers: http or https. Without it, http if `listeners` has it.',
    {
      validator: (_key, value) =>
        value === null || /^https?$/i.test(String(value)) ? null : 'String must be one of: http, https',
    },
  ),
  ...restLimitKeys,
  'plugin.path': key('LIST', [], 'Directories with third-party plugins. `connect-file` adds the file connectors.'),
  'task.shutdown.graceful.timeout.ms': key(
    'LONG',
    5000,
    'How long all tasks together may take to stop, in milliseconds. After SIGTERM a worker ends within this time and 2 s, even if brokers are not available; the embedded broker closes its files after that.',
    positive,
  ),
  'offset.flush.interval.ms': key('LONG', 60_000, 'Maximum time between offset commits, in milliseconds.', positive),
  'offset.flush.timeout.ms': key('LONG', 5000, 'How long an offset commit may take, in milliseconds.', positive),
  'topic.creation.enable': key('BOOLEAN', true, 'Whether source connectors may create topics.', {
    unsupportedValues: { false: 'source connectors create the topics they need' },
  }),
  'topic.tracking.enable': key('BOOLEAN', true, 'Whether the topics that a connector uses are recorded.'),
  'topic.tracking.allow.reset': key('BOOLEAN', true, 'Whether that record can be reset over REST.'),
  'session.timeout.ms': key(
    'INT',
    6000,
    'Time without a heartbeat after which a worker leaves the group, in milliseconds. Connect waits for 10000.',
    positive,
  ),
  'heartbeat.interval.ms': key(
    'INT',
    1000,
    'Time between heartbeats to the group coordinator, in milliseconds.',
    positive,
  ),
  'rebalance.timeout.ms': key(
    'INT',
    60_000,
    'How long workers may take to rejoin in a rebalance, in milliseconds.',
    positive,
  ),
  'connect.protocol': key(
    'STRING',
    'sessioned',
    'The newest protocol that the worker offers its group: eager, compatible (incremental cooperative rebalances), or sessioned (and signed requests between workers). The group uses the newest one that all its workers offer.',
    { validator: oneOf('eager', 'compatible', 'sessioned') },
  ),
  'scheduled.rebalance.max.delay.ms': key(
    'INT',
    0,
    'How long the connectors and tasks of a worker that has left wait for its return, before others run them, in milliseconds; after the loss of the leader they do not wait. Connect waits for 300000.',
    { validator: between(0, intMax) },
  ),
  'inter.worker.key.generation.algorithm': key(
    'STRING',
    'HmacSHA256',
    'Algorithm for which the leader generates the key of requests between workers.',
    hmac,
  ),
  'inter.worker.key.size': key('INT', null, 'Size of that key in bits; the default depends on the algorithm.', {
    validator: nullOr(atLeast(1)),
  }),
  'inter.worker.key.ttl.ms': key(
    'INT',
    3_600_000,
    'Age at which the leader replaces that key, in milliseconds; 0 keeps it.',
    { validator: between(0, intMax) },
  ),
  'inter.worker.signature.algorithm': key(
    'STRING',
    'HmacSHA256',
    'Algorithm with which this worker signs its requests to other workers.',
    hmac,
  ),
  'inter.worker.verification.algorithms': key(
    'LIST',
    ['HmacSHA256'],
    'Algorithms with which the requests of other workers may be signed.',
  ),
  'exactly.once.source.support': key('STRING', 'disabled', 'Exactly-once delivery of sources.', {
    validator: oneOf('disabled', 'preparing', 'enabled'),
    unsupportedValues: { preparing: exactlyOnce, enabled: exactlyOnce },
  }),
  'connector.client.config.override.policy': key('STRING', 'All', 'Which client settings connectors may override.', {
    validator: oneOf('All'),
  }),
  'config.providers': key(
    'LIST',
    [],
    'Names of config providers. `config.providers.<name>.class` is the class of each, `config.providers.<name>.param.*` are its parameters. References such as `${name:path:key}` in the settings of the worker and in the configs of connectors are resolved with them.',
  ),
  [allowedOriginsKey]: key(
    'STRING',
    '',
    'Origins whose pages may call the REST API from a browser: `http://host:port`, separated by commas. An asterisk stands for any characters; `*` alone allows all origins. Empty: no other origin may.',
  ),
  [allowedMethodsKey]: key(
    'STRING',
    '',
    'Methods that such pages may use, separated by commas. Empty: GET, POST and HEAD.',
  ),
  'rest.extension.classes': key('LIST', [], 'Java extensions of the REST API.', {
    unsupported: 'extensions are Java classes, which this worker cannot run; remove the line',
  }),
  'key.converter.plugin.version': pluginVersionKey,
  'value.converter.plugin.version': pluginVersionKey,
  'header.converter.plugin.version': pluginVersionKey,
  'metric.reporters': key('LIST', [], 'Metrics reporters.', {
    unsupported: 'reporters are Java classes; use GET /metrics, which Prometheus can scrape',
  }),
}

/** The settings of connections to Kafka. */
const clients: ConfigDef = {
  'security.protocol': key('STRING', 'PLAINTEXT', 'Encryption and authentication of connections to Kafka.', {
    validator: oneOf('PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'),
  }),
}

/** Settings of Connect that are accepted and have no effect; the doc says why. A warning is logged unless they have the default. */
export const settingsWithoutEffect: ConfigDef = {
  'plugin.discovery': key('STRING', 'hybrid_warn', 'plugins are found by their manifests'),
  'worker.sync.timeout.ms': key('INT', 3000, 'a worker reads the config topic to its end without a time limit'),
  'worker.unsync.backoff.ms': key('INT', 300_000, 'a worker stays in the group while it reads the config topic'),
  'auto.include.jmx.reporter': key('BOOLEAN', true, 'there is no JMX'),
  'metrics.sample.window.ms': key('LONG', 30_000, 'Prometheus computes rates from counters'),
  'metrics.num.samples': key('INT', 2, 'Prometheus computes rates from counters'),
  'metrics.recording.level': key('STRING', 'INFO', 'all metrics are always recorded'),
  'client.id': key('STRING', '', 'clients are named after the group'),
  'client.dns.lookup': key('STRING', 'use_all_dns_ips', 'all addresses of a name are tried'),
  'request.timeout.ms': key('INT', 40_000, 'the client uses its own timeouts'),
  'retry.backoff.ms': key('LONG', 100, 'the client uses its own timeouts'),
  'retry.backoff.max.ms': key('LONG', 1000, 'the client uses its own timeouts'),
  'reconnect.backoff.ms': key('LONG', 50, 'the client uses its own timeouts'),
  'reconnect.backoff.max.ms': key('LONG', 1000, 'the client uses its own timeouts'),
  'connections.max.idle.ms': key('LONG', 540_000, 'idle connections are not closed'),
  'metadata.max.age.ms': key('LONG', 300_000, 'set consumer.metadata.max.age.ms'),
  'send.buffer.bytes': key('INT', 131_072, 'the operating system chooses the size'),
  'receive.buffer.bytes': key('INT', 32_768, 'the operating system chooses the size'),
  'socket.connection.setup.timeout.ms': key('LONG', 10_000, 'the client uses its own timeouts'),
  'socket.connection.setup.timeout.max.ms': key('LONG', 30_000, 'the client uses its own timeouts'),
  'metadata.recovery.strategy': key('STRING', 'none', 'the bootstrap servers are always retried'),
}

/** The prefix of the embedded broker's settings. The broker's own ones have Kafka's names after it. */
export const embeddedBrokerPrefix = 'embedded.broker.'

/** The settings of the embedded broker that have Kafka's names. */
const embeddedBroker: ConfigDef = Object.fromEntries(
  Object.entries(brokerSettings).map(([name, { type, defaultValue, least, most, doc }]) => {
    const isUnset = defaultValue === noLimit
    const range = most === noLimit ? atLeast(least) : between(least, most)
    const rest = type === 'boolean' ? {} : { validator: isUnset ? nullOr(range) : range }
    const kind = type.toUpperCase() as Uppercase<typeof type>
    return [`${embeddedBrokerPrefix}${name}`, key(kind, isUnset ? null : defaultValue, doc, rest)]
  }),
)

/** Penstock's own settings. */
const own: ConfigDef = {
  'embedded.broker.listener': key(
    'STRING',
    '127.0.0.1:9092',
    'Address on which the embedded broker listens for Kafka clients, host:port.',
  ),
  'embedded.broker.advertised.host': key(
    'STRING',
    null,
    'Host name of the embedded broker for its clients, if it differs from the one it listens on.',
  ),
  [brokerTokenKey]: key(
    'STRING',
    null,
    'File with the password that clients of the embedded broker must send (SASL/PLAIN). If the file does not exist, it is created with a random password. Only the user of the worker may have permission to read it. It may be the same file as `rest.token.file`.',
  ),
  'embedded.broker.user': key('STRING', 'penstock', 'User name that belongs to that password.', {
    validator: nonEmptyString,
  }),
  'embedded.broker.data.dir': key(
    'STRING',
    './penstock-data',
    'Data directory of the embedded broker. Only one worker may use it.',
    {
      validator: nonEmptyString,
    },
  ),
  ...embeddedBroker,
  [allowUnauthenticatedKey]: key(
    'BOOLEAN',
    false,
    'Whether other machines may reach listeners without authentication.',
  ),
  ...registryConfigDef,
  ...restartConfigDef,
  'task.threads.max': key(
    'INT',
    Math.max(4, 2 * availableParallelism()),
    'Maximum number of task threads. Up to this number, each task has its own thread; further tasks share threads.',
    { validator: atLeast(1) },
  ),
  'task.threads.blocked.max.ms': key(
    'LONG',
    10_000,
    'How long a task may block a shared thread, in milliseconds. After that the thread is terminated: its other tasks move to another thread, and the task gets its own.',
    { validator: atLeast(1000) },
  ),
  'task.blocked.max.ms': key(
    'LONG',
    300_000,
    'How long a task may block its own thread, in milliseconds. After that the task fails.',
    { validator: atLeast(1000) },
  ),
}

/** All settings of a worker, in documentation order. */
export const workerConfigDef: ConfigDef = { ...connect, ...clients, ...own, ...settingsWithoutEffect }

/**
 * The defaults of a worker without a properties file, or without a Kafka cluster: the values of Connect's sample file, with
 * the broker's default replication factor.
 */
export const sampleWorkerConfig: Readonly<Record<string, string>> = {
  'group.id': 'connect-cluster',
  'key.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'value.converter': 'org.apache.kafka.connect.json.JsonConverter',
  'config.storage.topic': 'connect-configs',
  'config.storage.replication.factor': '-1',
  'offset.storage.topic': 'connect-offsets',
  'offset.storage.replication.factor': '-1',
  'status.storage.topic': 'connect-status',
  'status.storage.replication.factor': '-1',
  'offset.flush.interval.ms': '10000',
}
