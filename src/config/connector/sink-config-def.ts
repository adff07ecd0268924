import type { ConfigDef } from '../../api/config-def.ts'

import { javaRegex } from '../../api/validators.ts'
import { connectorConfigDef, errorsReason, only } from './connector-config-def.ts'

/** The keys of every sink connector. */
export const sinkConfigDef: ConfigDef = {
  ...connectorConfigDef,
  topics: {
    type: 'LIST',
    defaultValue: [],
    importance: 'HIGH',
    doc: 'List of topics to consume, separated by commas',
    group: 'Common',
    displayName: 'Topics',
    width: 'LONG',
    order: 4,
  },
  'topics.regex': {
    type: 'STRING',
    defaultValue: '',
    importance: 'HIGH',
    doc: 'Regular expression giving topics to consume. Under the hood, the regex is compiled to a <code>java.util.regex.Pattern</code>. Only one of topics or topics.regex should be specified.',
    group: 'Common',
    displayName: 'Topics regex',
    width: 'LONG',
    order: 4,
    validator: javaRegex,
  },
  'errors.deadletterqueue.topic.name': {
    type: 'STRING',
    defaultValue: '',
    importance: 'MEDIUM',
    doc: 'The name of the topic to be used as the dead letter queue (DLQ) for messages that result in an error when processed by this sink connector, or its transformations or converters. The topic name is blank by default, which means that no messages are to be recorded in the DLQ.',
    group: 'Error Handling',
    displayName: 'Dead Letter Queue Topic Name',
    width: 'MEDIUM',
    order: 6,
    validator: only('', errorsReason),
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
