import type { ConfigDef, ConfigKey, ConfigValue } from 'penstock/api'

/**
 * Debezium's options that this connector knows and does not support: a config with one of them is rejected with the
 * reason, unless it has Debezium's default value, which requests nothing.
 */

/** Only the default value passes. */
function refused(reason: string, type: ConfigKey['type'] = 'STRING', defaultValue: ConfigValue = null): ConfigKey {
  return { type, defaultValue, importance: 'LOW', group: 'Not served', doc: reason, unsupported: reason }
}

const java = 'Java classes cannot be loaded'
export const noMasking = 'columns cannot be masked, truncated or annotated; exclude them with column.exclude.list'
const signals = 'signals and incremental snapshots are not supported'
const notifications = 'notifications are not supported'
const transactions = 'transaction metadata is not supported'
export const noCustomSelect = 'custom SELECT statements for the snapshot are not supported'
const modes = 'use snapshot.mode initial, always, initial_only or no_data'

export const unsupportedOptions: ConfigDef = {
  'heartbeat.action.query': refused('no statement is run with a heartbeat; the slot advances without one'),
  'provide.transaction.metadata': refused(transactions, 'BOOLEAN', false),
  'transaction.metadata.factory': refused(java),
  'topic.transaction': refused(transactions),
  'signal.data.collection': refused(signals),
  'signal.kafka.topic': refused(signals),
  'signal.kafka.bootstrap.servers': refused(signals),
  'signal.file': refused(signals),
  'read.only': refused(signals, 'BOOLEAN', false),
  'notification.enabled.channels': refused(notifications),
  'notification.sink.topic.name': refused(notifications),
  'slot.failover': refused('failover slots are not supported', 'BOOLEAN', false),
  'slot.stream.params': refused('options of the output plugin cannot be set'),
  'replica.identity.autoset.values': refused(
    'replica identities are not changed; run ALTER TABLE … REPLICA IDENTITY …',
  ),
  'offset.mismatch.strategy': refused(
    'a slot ahead of its stored offset fails the task with PG_SLOT_AHEAD',
    'STRING',
    'no_validation',
  ),
  'lsn.flush.mode': refused('the slot is always confirmed exactly up to what is durable', 'STRING', 'connector'),
  'flush.lsn.source': refused('the slot is always confirmed exactly up to what is durable', 'BOOLEAN', true),
  'xmin.fetch.interval.ms': refused('source.xmin is always null', 'LONG', 0),
  'database.initial.statements': refused('no statements can be run when a connection opens'),
  'database.sslfactory': refused(java),
  'skip.messages.without.change': refused('updates without a change are always captured', 'BOOLEAN', false),
  'snapshot.max.threads': refused('tables are read one after another', 'INT', 1),
  'snapshot.select.statement.overrides': refused(noCustomSelect),
  'snapshot.query.mode': refused(java, 'STRING', 'select_all'),
  'snapshot.locking.mode': refused('the only table locks are ACCESS SHARE', 'STRING', 'none'),
  'snapshot.tables.order.by.row.count': refused(
    'tables are read in the order of table.include.list',
    'STRING',
    'disabled',
  ),
  'snapshot.delay.ms': refused('the snapshot starts immediately', 'LONG', 0),
  'streaming.delay.ms': refused('the stream starts immediately', 'LONG', 0),
  'column.propagate.source.type': refused(noMasking),
  'datatype.propagate.source.type': refused(noMasking),
  converters: refused(java),
  'post.processors': refused('post processors are not supported'),
  'topic.naming.strategy': refused(java, 'STRING', 'io.debezium.schema.SchemaTopicNamingStrategy'),
  'sourceinfo.struct.maker': refused(java),
  'event.processing.failure.handling.mode': refused('a message that cannot be read fails the task', 'STRING', 'fail'),
  'guardrail.collections.max': refused('the number of tables is not limited', 'INT', 0),
  'legacy.snapshot.max.threads': refused('tables are read one after another', 'BOOLEAN', false),
  'snapshot.mode.configuration.based.snapshot.data': refused(modes),
  'snapshot.mode.configuration.based.snapshot.schema': refused(modes),
  'snapshot.mode.configuration.based.start.stream': refused(modes),
  'snapshot.mode.configuration.based.snapshot.on.schema.error': refused(modes),
  'snapshot.mode.configuration.based.snapshot.on.data.error': refused(modes),
  'snapshot.mode.custom.name': refused(java),
  'snapshot.locking.mode.custom.name': refused(java),
  'snapshot.query.mode.custom.name': refused(java),
  'signal.enabled.channels': refused(signals, 'STRING', 'source'),
  'signal.kafka.groupId': refused(signals),
  'custom.metric.tags': refused('metrics have only the labels connector and task'),
  'guardrail.collections.limit.action': refused('the number of tables is not limited'),
  'queue.provider.type': refused('records are queued in memory', 'STRING', 'memory'),
  'openlineage.integration.enabled': refused('lineage is not reported', 'BOOLEAN', false),
  'internal.log.position.check.enable': refused('the slot is always checked', 'BOOLEAN', true),
}
