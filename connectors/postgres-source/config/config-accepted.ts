import type { ConfigDef, ConfigKey, ConfigValue } from 'penstock/api'

/** Debezium's options that are taken and change nothing: what they tune is done otherwise, or does not exist here. */
function accepted(type: ConfigKey['type'], defaultValue: ConfigValue, doc: string): ConfigKey {
  return { type, defaultValue, importance: 'LOW', group: 'Accepted', doc: `Accepted without effect: ${doc}.` }
}

const events = 'records are handed on as they come, without waiting'
const backoff = 'what passes by itself is retried for ever, with a back-off of the worker'
const copy = 'tables are read by COPY, without cursors, in one repeatable-read transaction'
const signals = 'signals are not served'

export const acceptedOptions: ConfigDef = {
  'poll.interval.ms': accepted('LONG', 500, events),
  'poll.dispatch.interval.ms': accepted('LONG', 0, events),
  'slot.max.retries': accepted('INT', 6, backoff),
  'slot.retry.delay.ms': accepted('LONG', 10_000, backoff),
  'errors.max.retries': accepted('INT', -1, backoff),
  'retriable.restart.connector.wait.ms': accepted('LONG', 10_000, backoff),
  'executor.shutdown.timeout.ms': accepted('LONG', 4000, 'a stop takes two seconds at most'),
  'snapshot.fetch.size': accepted('INT', 10_240, copy),
  'query.fetch.size': accepted('INT', 0, copy),
  'snapshot.isolation.mode': accepted('STRING', 'serializable', copy),
  'snapshot.max.threads.multiplier': accepted('INT', 1, copy),
  'schema.refresh.mode': accepted('STRING', 'columns_diff', 'columns come with the stream itself'),
  'incremental.snapshot.chunk.size': accepted('INT', 1024, signals),
  'incremental.snapshot.watermarking.strategy': accepted('STRING', 'insert_insert', signals),
  'incremental.snapshot.allow.schema.changes': accepted('BOOLEAN', false, signals),
  'signal.poll.interval.ms': accepted('LONG', 5000, signals),
  'topic.cache.size': accepted('INT', 10_000, 'names of topics are made once for each table'),
  'lsn.flush.timeout.ms': accepted('LONG', 30_000, 'confirming never waits'),
  'lsn.flush.timeout.action': accepted('STRING', 'fail', 'confirming never waits'),
  'statistics.metrics.enabled': accepted('BOOLEAN', true, 'metrics are those of the worker'),
}
