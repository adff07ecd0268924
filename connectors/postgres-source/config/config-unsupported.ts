import type { ConfigDef, ConfigKey, ConfigValue } from 'penstock/api'

/**
 * Debezium's options that this connector knows and does not serve: named in a config they are refused with the reason,
 * unless they have Debezium's default, which asks for nothing.
 */

/** Passes with the default alone, which asks for nothing. */
function refused(reason: string, type: ConfigKey['type'] = 'STRING', defaultValue: ConfigValue = null): ConfigKey {
  return { type, defaultValue, importance: 'LOW', group: 'Not served', doc: reason, unsupported: reason }
}

const java = 'Java classes cannot be loaded'
export const masks = 'columns cannot be masked, cut or annotated yet; leave them out with column.exclude.list'
const signals = 'signals and incremental snapshots are not served yet'
const notifications = 'notifications are not served yet'
const transactions = 'transaction metadata is not served yet'
export const selects = 'own SELECT statements for the snapshot are not served yet'
const modes = 'use snapshot.mode initial, always, initial_only or no_data'

export const unsupportedOptions: ConfigDef = {
  'heartbeat.action.query': refused('statements are not run with heartbeats; the slot moves on without them'),
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
  'slot.failover': refused('failover slots are not made yet', 'BOOLEAN', false),
  'slot.stream.params': refused('options of the output plugin cannot be set yet'),
  'replica.identity.autoset.values': refused(
    'replica identities are not changed; run ALTER TABLE … REPLICA IDENTITY … yourself',
  ),
  'offset.mismatch.strategy': refused(
    'a slot that is ahead of its stored offset stops the task by name',
    'STRING',
    'no_validation',
  ),
  'lsn.flush.mode': refused('the log is always confirmed up to what is durable, and no further', 'STRING', 'connector'),
  'flush.lsn.source': refused('the log is always confirmed up to what is durable, and no further', 'BOOLEAN', true),
  'xmin.fetch.interval.ms': refused('source.xmin is not filled in', 'LONG', 0),
  'database.initial.statements': refused('statements of your own cannot be run on the connections'),
  'database.sslfactory': refused(java),
  'skip.messages.without.change': refused('updates without a change are not left out yet', 'BOOLEAN', false),
  'snapshot.max.threads': refused('tables are read one after the other', 'INT', 1),
  'snapshot.select.statement.overrides': refused(selects),
  'snapshot.query.mode': refused(java, 'STRING', 'select_all'),
  'snapshot.locking.mode': refused('tables are not locked', 'STRING', 'none'),
  'snapshot.tables.order.by.row.count': refused(
    'tables are read in the order of table.include.list',
    'STRING',
    'disabled',
  ),
  'snapshot.delay.ms': refused('the snapshot begins at once', 'LONG', 0),
  'streaming.delay.ms': refused('the stream begins at once', 'LONG', 0),
  'column.propagate.source.type': refused(masks),
  'datatype.propagate.source.type': refused(masks),
  converters: refused(java),
  'post.processors': refused('post processors are not served yet'),
  'topic.naming.strategy': refused(java, 'STRING', 'io.debezium.schema.SchemaTopicNamingStrategy'),
  'sourceinfo.struct.maker': refused(java),
  'event.processing.failure.handling.mode': refused(
    'a message that cannot be read stops the task by name',
    'STRING',
    'fail',
  ),
  'guardrail.collections.max': refused('the number of tables is not limited', 'INT', 0),
  'legacy.snapshot.max.threads': refused('tables are read one after the other', 'BOOLEAN', false),
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
  'custom.metric.tags': refused('metrics carry the names of connector and task alone'),
  'guardrail.collections.limit.action': refused('the number of tables is not limited'),
  'queue.provider.type': refused('records wait in memory', 'STRING', 'memory'),
  'openlineage.integration.enabled': refused('lineage is not reported', 'BOOLEAN', false),
  'internal.log.position.check.enable': refused('the slot is always checked', 'BOOLEAN', true),
}
