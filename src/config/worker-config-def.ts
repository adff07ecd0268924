import { availableParallelism } from 'node:os'

import type { ConfigDef, ConfigKey, ConfigType, ConfigValue } from '../api/config-def.ts'

import { atLeast, between, nonEmptyString, oneOf } from '../api/validators.ts'
import { allowUnauthenticatedKey } from './listener.ts'

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
  'rest.advertised.host.name': key('STRING', null, 'Host that other workers and the status records name.'),
  'rest.advertised.port': key('INT', null, 'Port that other workers and the status records name.'),
  'rest.advertised.listener': key('STRING', null, 'Protocol that other workers use: http.', {
    unsupportedValues: { https: 'only http is served; put a proxy that speaks TLS in front' },
  }),
  'plugin.path': key('LIST', [], 'Folders with third-party plugins.'),
  'plugin.discovery': key('STRING', 'hybrid_warn', 'Without effect: plugins are found by their manifests.'),
  'task.shutdown.graceful.timeout.ms': key('LONG', 5000, 'How long tasks may take to stop, all together.', positive),
  'offset.flush.interval.ms': key('LONG', 60_000, 'Upper bound of the time between offset commits.', positive),
  'offset.flush.timeout.ms': key('LONG', 5000, 'How long an offset commit may take.', positive),
  'topic.creation.enable': key('BOOLEAN', true, 'Whether source connectors may make topics.'),
  'topic.tracking.enable': key('BOOLEAN', true, 'Whether the topics a connector uses are recorded.'),
  'topic.tracking.allow.reset': key('BOOLEAN', true, 'Whether that record may be reset over REST.'),
  'session.timeout.ms': key('INT', 10_000, 'Silence after which a worker counts as gone.', positive),
  'heartbeat.interval.ms': key('INT', 3000, 'How often a worker tells the group that it is there.', positive),
  'rebalance.timeout.ms': key('INT', 60_000, 'How long workers may take to rejoin in a rebalance.', positive),
  'worker.sync.timeout.ms': key('INT', 3000, 'How long a worker may take to catch up with the config topic.', positive),
  'worker.unsync.backoff.ms': key('INT', 300_000, 'Without effect: it belongs to the eager protocol.', positive),
  'connect.protocol': key('STRING', 'sessioned', 'How the group shares work.', {
    validator: oneOf('eager', 'compatible', 'sessioned'),
  }),
  'scheduled.rebalance.max.delay.ms': key(
    'INT',
    300_000,
    'How long the tasks of a worker that left are kept back for its return.',
    { validator: between(0, intMax) },
  ),
  'exactly.once.source.support': key('STRING', 'disabled', 'Exactly-once delivery of sources.', {
    validator: oneOf('disabled', 'preparing', 'enabled'),
    unsupportedValues: { preparing: exactlyOnce, enabled: exactlyOnce },
  }),
  'inter.worker.key.generation.algorithm': key('STRING', 'HmacSHA256', 'Of the key that signs internal requests.'),
  'inter.worker.key.size': key('INT', null, 'Bits of that key.'),
  'inter.worker.key.ttl.ms': key('INT', 3_600_000, 'Life of that key.', { validator: between(0, intMax) }),
  'inter.worker.signature.algorithm': key('STRING', 'HmacSHA256', 'Of the signatures of internal requests.'),
  'inter.worker.verification.algorithms': key('LIST', ['HmacSHA256'], 'Signatures that are accepted.'),
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
  'access.control.allow.methods': key('STRING', '', 'Methods for those origins; without effect without them.'),
  'response.http.headers.config': key('STRING', '', 'Headers added to each answer.', {
    unsupported: 'answers carry no additional headers; add them in a proxy',
  }),
  'rest.extension.classes': key('LIST', [], 'Java extensions of the REST API.', {
    unsupported: 'extensions are Java classes, and this worker has no Java; leave the line out',
  }),
  'metric.reporters': key('LIST', [], 'Without effect: GET /metrics answers for Prometheus.', {
    unsupported: 'reporters are Java classes; GET /metrics answers for Prometheus instead',
  }),
  'auto.include.jmx.reporter': key('BOOLEAN', true, 'Without effect: there is no JMX.'),
  'metrics.sample.window.ms': key('LONG', 30_000, 'Without effect: Prometheus takes its own samples.'),
  'metrics.num.samples': key('INT', 2, 'Without effect: Prometheus takes its own samples.'),
  'metrics.recording.level': key('STRING', 'INFO', 'Without effect: everything is recorded.'),
}

/** Settings of the connections to Kafka. They are checked by the client, and kept as text for it. */
const clients: ConfigDef = {
  'client.id': key('STRING', '', 'Name that the brokers see.'),
  'client.dns.lookup': key('STRING', 'use_all_dns_ips', 'Without effect: every address of a name is tried.'),
  'security.protocol': key('STRING', 'PLAINTEXT', 'How connections to Kafka are protected.', {
    validator: oneOf('PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL'),
  }),
  'request.timeout.ms': key('INT', 40_000, 'How long an answer of a broker may take.', positive),
  'retry.backoff.ms': key('LONG', 100, 'First wait before a retry.', positive),
  'retry.backoff.max.ms': key('LONG', 1000, 'Longest wait before a retry.', positive),
  'reconnect.backoff.ms': key('LONG', 50, 'First wait before a reconnect.', positive),
  'reconnect.backoff.max.ms': key('LONG', 1000, 'Longest wait before a reconnect.', positive),
  'connections.max.idle.ms': key('LONG', 540_000, 'Without effect: connections are kept.'),
  'metadata.max.age.ms': key('LONG', 300_000, 'Age at which metadata is asked for anew.', positive),
  'send.buffer.bytes': key('INT', 131_072, 'Without effect: the system chooses.'),
  'receive.buffer.bytes': key('INT', 32_768, 'Without effect: the system chooses.'),
  'socket.connection.setup.timeout.ms': key('LONG', 10_000, 'How long a connection may take.', positive),
  'socket.connection.setup.timeout.max.ms': key('LONG', 30_000, 'The same after retries.', positive),
  'metadata.recovery.strategy': key('STRING', 'none', 'Without effect: the bootstrap servers are always tried again.'),
}

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
  'embedded.broker.data.dir': key('STRING', './penstock-data', 'Folder of the embedded log. One worker owns it.', {
    validator: nonEmptyString,
  }),
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
}

/** Everything a worker can be told, in the order in which it is documented. */
export const workerConfigDef: ConfigDef = { ...connect, ...clients, ...own }

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
