import type { ConfigDef, ConfigKey, ConfigValue } from 'penstock/api'

/** Debezium's options without effect here: the connector solves what they tune in another way, or does not have it. */
function accepted(type: ConfigKey['type'], defaultValue: ConfigValue, doc: string): ConfigKey {
  return { type, defaultValue, importance: 'LOW', group: 'Accepted', doc: `Accepted, has no effect: ${doc}.` }
}

const events = 'records are passed on as they arrive'
const backoff = 'transient failures are retried indefinitely with the back-off of the worker'
const copy = 'tables are read by COPY, without cursors, in one REPEATABLE READ transaction'
const signals = 'signals are not supported'

export const acceptedOptions: ConfigDef = {
  'poll.interval.ms': accepted('LONG', 500, events),
  'poll.dispatch.interval.ms': accepted('LONG', 0, events),
  'slot.max.retries': accepted('INT', 6, backoff),
  'slot.retry.delay.ms': accepted('LONG', 10_000, backoff),
  'errors.max.retries': accepted('INT', -1, backoff),
  'retriable.restart.connector.wait.ms': accepted('LONG', 10_000, backoff),
  'executor.shutdown.timeout.ms': accepted('LONG', 4000, 'a stop takes at most two seconds'),
  'snapshot.fetch.size': accepted('INT', 10_240, copy),
  'query.fetch.size': accepted('INT', 0, copy),
  'snapshot.isolation.mode': accepted('STRING', 'serializable', copy),
  'snapshot.max.threads.multiplier': accepted('INT', 1, copy),
  'schema.refresh.mode': accepted('STRING', 'columns_diff', 'the stream itself announces the columns'),
  'incremental.snapshot.chunk.size': accepted('INT', 1024, signals),
  'incremental.snapshot.watermarking.strategy': accepted('STRING', 'insert_insert', signals),
  'incremental.snapshot.allow.schema.changes': accepted('BOOLEAN', false, signals),
  'signal.poll.interval.ms': accepted('LONG', 5000, signals),
  'topic.cache.size': accepted('INT', 10_000, 'the topic name of a table is computed once'),
  'lsn.flush.timeout.ms': accepted('LONG', 30_000, 'confirming an LSN never waits'),
  'lsn.flush.timeout.action': accepted('STRING', 'fail', 'confirming an LSN never waits'),
  'statistics.metrics.enabled': accepted('BOOLEAN', true, 'the worker exposes the metrics'),
}
