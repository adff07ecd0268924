import { availableParallelism } from 'node:os'

import type { ConfigDef, ConfigKey, ConfigType, ConfigValue } from '../../api/config-def.ts'

import { atLeast, between, nonEmptyString, nullOr, oneOf } from '../../api/validators.ts'
import { brokerSettings, noLimit } from '../../broker/settings/broker-settings.ts'
import { allowUnauthenticatedKey, brokerTokenKey, hostsKey, restTokenKey } from './listener.ts'
import { restLimitKeys } from './rest-limits.ts'

type Rest = Omit<ConfigKey, 'type' | 'defaultValue' | 'importance' | 'doc'>

/** A key with a default; `null` makes it optional. */
function key(type: ConfigType, defaultValue: ConfigValue, doc: string, rest: Rest = {}): ConfigKey {
  return { type, defaultValue, importance: 'MEDIUM', doc, ...rest }
}

function required(type: ConfigType, doc: string): ConfigKey {
  return { type, importance: 'HIGH', doc, validator: nonEmptyString }
}

const intMax = 2_147_483_647
const positive = { validator: atLeast(0) }
const exactlyOnce = 'exactly-once delivery of sources is not served yet; delivery is at least once'
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

/** What Kafka Connect's distributed worker can be told, with Connect's defaults. */
const connect: ConfigDef = {
  'bootstrap.servers': key('LIST', [], 'Brokers of a Kafka cluster, host:port. Without it the embedded log is used.'),
  'group.id': required('STRING', 'The group this worker belongs to; its workers share connectors and tasks.'),
  'key.converter': required('CLASS', 'Converter of record keys, for connectors that name none.'),
  'value.converter': required('CLASS', 'Converter of record values, for connectors that name none.'),
  'header.converter': key(
    'CLASS',
    'org.apache.kafka.connect.storage.SimpleHeaderConverter',
    'Converter of header values, for connectors that name none.',
  ),
  'config.storage.topic': required('STRING', 'Topic of connector and task configurations. One partition, compacted.'),
  'config.storage.replication.factor': key('SHORT', 3, 'Replication factor of that topic when it is made.', factor),
  'offset.storage.topic': required('STRING', 'Topic of the source offsets. Compacted.'),
  'offset.storage.partitions': key('INT', 25, 'Partitions of that topic when it is made.', partitions),
  'offset.storage.replication.factor': key('SHORT', 3, 'Replication factor of that topic when it is made.', factor),
  'status.storage.topic': required('STRING', 'Topic of connector and task states. Compacted.'),
  'status.storage.partitions': key('INT', 5, 'Partitions of that topic when it is made.', partitions),
  'status.storage.replication.factor': key('SHORT', 3, 'Replication factor of that topic when it is made.', factor),
  listeners: key('LIST', ['http://127.0.0.1:8083'], 'Where the REST API listens.'),
  [hostsKey]: key(
    'LIST',
    [],
    'Host names under which clients call the REST API, without port. Without it a listener on loopback is called localhost, others by an address, a name without dots or the advertised name; other names could belong to a page in a browser.',
  ),
  [restTokenKey]: key(
    'STRING',
    null,
    'File with the token that every request to the REST API has to carry, but GET /health. A missing file is made, with a random token. It has to be readable by the user of the worker alone. The workers of a group need the same token.',
  ),
  'rest.advertised.host.name': key('STRING', null, 'Host that other workers and the status records name.'),
  'rest.advertised.port': key('INT', null, 'Port that other workers and the status records name.'),
  'rest.advertised.listener': key('STRING', null, 'Protocol that other workers use: http.', {
    unsupportedValues: { https: 'only http is served; put a proxy that speaks TLS in front' },
  }),
  ...restLimitKeys,
  'plugin.path': key('LIST', [], 'Directories with third-party plugins. `connect-file` brings the file connectors.'),
  'task.shutdown.graceful.timeout.ms': key(
    'LONG',
    5000,
    'How long tasks may take to stop, all together. SIGTERM ends a worker within this and 2 s, also when brokers are away; an embedded log closes its files after that.',
    positive,
  ),
  'offset.flush.interval.ms': key('LONG', 60_000, 'Upper bound of the time between offset commits.', positive),
  'offset.flush.timeout.ms': key('LONG', 5000, 'How long an offset commit may take.', positive),
  'topic.creation.enable': key('BOOLEAN', true, 'Whether source connectors may make topics.', {
    unsupportedValues: { false: 'source connectors make the topics they need' },
  }),
  'topic.tracking.enable': key('BOOLEAN', true, 'Whether the topics a connector uses are recorded.'),
  'session.timeout.ms': key('INT', 10_000, 'Silence after which a worker counts as gone.', positive),
  'heartbeat.interval.ms': key('INT', 3000, 'How often a worker tells the group that it is there.', positive),
  'rebalance.timeout.ms': key('INT', 60_000, 'How long workers may take to rejoin in a rebalance.', positive),
  'exactly.once.source.support': key('STRING', 'disabled', 'Exactly-once delivery of sources.', {
    validator: oneOf('disabled', 'preparing', 'enabled'),
    unsupportedValues: { preparing: exactlyOnce, enabled: exactlyOnce },
  }),
  'connector.client.config.override.policy': key('STRING', 'All', 'Which client settings connectors may override.', {
    validator: oneOf('All'),
  }),
  'config.providers': key('LIST', [], 'Names of config providers.', {
    unsupported: '${provider:…} references are not resolved yet; write the values themselves',
  }),
  'admin.listeners': key('LIST', null, 'Listeners of the admin API alone.', {
    unsupported: 'the API has one set of listeners; name them in "listeners"',
  }),
  'access.control.allow.origin': key('STRING', '', 'Origins that browsers may call the API from.', {
    unsupported: 'pages of other origins may not call the API yet; put a proxy in front that allows them',
  }),
  'response.http.headers.config': key('STRING', '', 'Headers added to each answer.', {
    unsupported: 'answers carry no additional headers; add them in a proxy',
  }),
  'rest.extension.classes': key('LIST', [], 'Java extensions of the REST API.', {
    unsupported: 'extensions are Java classes, and this worker has no Java; leave the line out',
  }),
  'metric.reporters': key('LIST', [], 'Without effect: GET /metrics answers for Prometheus.', {
    unsupported: 'reporters are Java classes; GET /metrics answers for Prometheus instead',
  }),
}

/** Settings of the connections to Kafka. */
const clients: ConfigDef = {
  'security.protocol': key('STRING', 'PLAINTEXT', 'How connections to Kafka are protected.', {
    validator: oneOf('PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'),
  }),
}

/** Settings of Connect that are taken and change nothing; the doc says why. Other values than the default are warned of. */
export const settingsWithoutEffect: ConfigDef = {
  'plugin.discovery': key('STRING', 'hybrid_warn', 'plugins are found by their manifests'),
  'worker.sync.timeout.ms': key('INT', 3000, 'a worker reads the config topic to its end, however long it takes'),
  'worker.unsync.backoff.ms': key('INT', 300_000, 'it belongs to the eager protocol'),
  'connect.protocol': key('STRING', 'sessioned', 'the group uses the newest protocol all of its workers know', {
    validator: oneOf('eager', 'compatible', 'sessioned'),
  }),
  'scheduled.rebalance.max.delay.ms': key('INT', 300_000, 'work of a worker that left is taken up at once', {
    validator: between(0, intMax),
  }),
  'inter.worker.key.generation.algorithm': key('STRING', 'HmacSHA256', 'workers send each other no signed requests'),
  'inter.worker.key.size': key('INT', null, 'workers send each other no signed requests'),
  'inter.worker.key.ttl.ms': key('INT', 3_600_000, 'workers send each other no signed requests'),
  'inter.worker.signature.algorithm': key('STRING', 'HmacSHA256', 'workers send each other no signed requests'),
  'inter.worker.verification.algorithms': key('LIST', ['HmacSHA256'], 'workers send each other no signed requests'),
  'access.control.allow.methods': key('STRING', '', 'pages of other origins may not call the API'),
  'topic.tracking.allow.reset': key('BOOLEAN', true, 'the topics a connector has used cannot be reset over REST'),
  'auto.include.jmx.reporter': key('BOOLEAN', true, 'there is no JMX'),
  'metrics.sample.window.ms': key('LONG', 30_000, 'Prometheus takes its own samples'),
  'metrics.num.samples': key('INT', 2, 'Prometheus takes its own samples'),
  'metrics.recording.level': key('STRING', 'INFO', 'everything is recorded'),
  'client.id': key('STRING', '', 'clients are named after the group'),
  'client.dns.lookup': key('STRING', 'use_all_dns_ips', 'every address of a name is tried'),
  'request.timeout.ms': key('INT', 40_000, 'the client has times of its own'),
  'retry.backoff.ms': key('LONG', 100, 'the client has times of its own'),
  'retry.backoff.max.ms': key('LONG', 1000, 'the client has times of its own'),
  'reconnect.backoff.ms': key('LONG', 50, 'the client has times of its own'),
  'reconnect.backoff.max.ms': key('LONG', 1000, 'the client has times of its own'),
  'connections.max.idle.ms': key('LONG', 540_000, 'connections are kept'),
  'metadata.max.age.ms': key('LONG', 300_000, 'set consumer.metadata.max.age.ms'),
  'send.buffer.bytes': key('INT', 131_072, 'the system chooses'),
  'receive.buffer.bytes': key('INT', 32_768, 'the system chooses'),
  'socket.connection.setup.timeout.ms': key('LONG', 10_000, 'the client has times of its own'),
  'socket.connection.setup.timeout.max.ms': key('LONG', 30_000, 'the client has times of its own'),
  'metadata.recovery.strategy': key('STRING', 'none', 'the bootstrap servers are always tried again'),
}

/** What the names of the embedded log's settings begin with; behind it stand Kafka's names. */
export const embeddedBrokerPrefix = 'embedded.broker.'

/** The settings of the embedded log that the broker itself has under Kafka's names. */
const embeddedBroker: ConfigDef = Object.fromEntries(
  Object.entries(brokerSettings).map(([name, { type, defaultValue, least, most, doc }]) => {
    const isUnset = defaultValue === noLimit
    const range = most === noLimit ? atLeast(least) : between(least, most)
    const rest = type === 'boolean' ? {} : { validator: isUnset ? nullOr(range) : range }
    const kind = type.toUpperCase() as Uppercase<typeof type>
    return [`${embeddedBrokerPrefix}${name}`, key(kind, isUnset ? null : defaultValue, doc, rest)]
  }),
)

/** Settings of our own. */
const own: ConfigDef = {
  'embedded.broker.listener': key(
    'STRING',
    '127.0.0.1:9092',
    'Where the embedded log listens for Kafka clients, host:port.',
  ),
  'embedded.broker.advertised.host': key(
    'STRING',
    null,
    'Host that the embedded log tells its clients, where it is not the one it listens on.',
  ),
  [brokerTokenKey]: key(
    'STRING',
    null,
    'File with the password that clients of the embedded log have to show (SASL/PLAIN). A missing file is made, with a random one. It has to be readable by the user of the worker alone; it may be the file of `rest.token.file`.',
  ),
  'embedded.broker.user': key('STRING', 'penstock', 'Name of the user that shows that password.', {
    validator: nonEmptyString,
  }),
  'embedded.broker.data.dir': key('STRING', './penstock-data', 'Folder of the embedded log. One worker owns it.', {
    validator: nonEmptyString,
  }),
  ...embeddedBroker,
  [allowUnauthenticatedKey]: key(
    'BOOLEAN',
    false,
    'Whether listeners without authentication may be reached from other machines.',
  ),
  'task.threads.max': key(
    'INT',
    Math.max(4, 2 * availableParallelism()),
    'Tasks have a thread each up to this many, then they share.',
    { validator: atLeast(1) },
  ),
  'task.threads.blocked.max.ms': key(
    'LONG',
    10_000,
    'How long a task may run without a pause on a thread that it shares. Then the thread is ended: its other tasks move to another one, and the task gets one of its own.',
    { validator: atLeast(1000) },
  ),
  'task.blocked.max.ms': key(
    'LONG',
    300_000,
    'How long a task may run without a pause on a thread of its own. Then it fails.',
    { validator: atLeast(1000) },
  ),
}

/** Everything a worker can be told, in the order in which it is documented. */
export const workerConfigDef: ConfigDef = { ...connect, ...clients, ...own, ...settingsWithoutEffect }

/**
 * What a worker takes for granted that was started without a properties file, or has no cluster: the values of
 * Connect's own sample file, on a broker's own replication factor.
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
