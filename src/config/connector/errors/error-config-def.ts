import type { ConfigDef } from '../../../api/config-def.ts'

import { oneOf } from '../../../api/validators.ts'

/** The keys of every connector about records that fail (KIP-298). */
export const errorConfigDef: ConfigDef = {
  'errors.retry.timeout': {
    type: 'LONG',
    defaultValue: 0,
    importance: 'MEDIUM',
    doc: 'The maximum duration in milliseconds that a failed operation will be reattempted. The default is 0, which means no retries will be attempted. Use -1 for infinite retries.',
    group: 'Error Handling',
    displayName: 'Retry Timeout for Errors',
    width: 'MEDIUM',
    order: 1,
  },
  'errors.retry.delay.max.ms': {
    type: 'LONG',
    defaultValue: 60000,
    importance: 'MEDIUM',
    doc: 'The maximum duration in milliseconds between consecutive retry attempts. Jitter will be added to the delay once this limit is reached to prevent thundering herd issues.',
    group: 'Error Handling',
    displayName: 'Maximum Delay Between Retries for Errors',
    width: 'MEDIUM',
    order: 2,
  },
  'errors.tolerance': {
    type: 'STRING',
    defaultValue: 'none',
    importance: 'MEDIUM',
    doc: "Behavior for tolerating errors during connector operation. 'none' is the default value and signals that any error will result in an immediate connector task failure; 'all' changes the behavior to skip over problematic records.",
    group: 'Error Handling',
    displayName: 'Error Tolerance',
    width: 'SHORT',
    order: 3,
    validator: oneOf('none', 'all'),
  },
  'errors.log.enable': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'MEDIUM',
    doc: "If true, write each error and the details of the failed operation and problematic record to the Connect application log. This is 'false' by default, so that only errors that are not tolerated are reported.",
    group: 'Error Handling',
    displayName: 'Log Errors',
    width: 'SHORT',
    order: 4,
  },
  'errors.log.include.messages': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'MEDIUM',
    doc: "Whether to include in the log the Connect record that resulted in a failure. For sink records, the topic, partition, offset, and timestamp will be logged. For source records, the key and value (and their schemas), all headers, and the timestamp, Kafka topic, Kafka partition, source partition, and source offset will be logged. This is 'false' by default, which will prevent record keys, values, and headers from being written to log files.",
    group: 'Error Handling',
    displayName: 'Log Error Details',
    width: 'SHORT',
    order: 5,
  },
}

/** The keys of a dead letter queue. Kafka Connect has them for sinks only. */
export const deadLetterConfigDef: ConfigDef = {
  'errors.deadletterqueue.topic.name': {
    type: 'STRING',
    defaultValue: '',
    importance: 'MEDIUM',
    doc: 'The name of the topic to be used as the dead letter queue (DLQ) for messages that result in an error when processed by this sink connector, or its transformations or converters. The topic name is blank by default, which means that no messages are to be recorded in the DLQ.',
    group: 'Error Handling',
    displayName: 'Dead Letter Queue Topic Name',
    width: 'MEDIUM',
    order: 6,
  },
  'errors.deadletterqueue.topic.replication.factor': {
    type: 'SHORT',
    defaultValue: 3,
    importance: 'MEDIUM',
    doc: "Replication factor used to create the dead letter queue topic when it doesn't already exist.",
    group: 'Error Handling',
    displayName: 'Dead Letter Queue Topic Replication Factor',
    width: 'MEDIUM',
    order: 7,
  },
  'errors.deadletterqueue.context.headers.enable': {
    type: 'BOOLEAN',
    defaultValue: false,
    importance: 'MEDIUM',
    doc: 'If true, add headers containing error context to the messages written to the dead letter queue. To avoid clashing with headers from the original record, all error context header keys, all error context header keys will start with <code>__connect.errors.</code>',
    group: 'Error Handling',
    displayName: 'Enable Error Context Headers',
    width: 'MEDIUM',
    order: 8,
  },
}

/** Those of a source, which Kafka Connect's REST API does not have. */
export const sourceDeadLetterConfigDef: ConfigDef = Object.fromEntries(
  Object.entries(deadLetterConfigDef).map(([key, definition]) => [key, { ...definition, internal: true }]),
)
