import { DataError, type ConfigDef, type ConnectRecord, type Transform, type TransformPlugin } from 'penstock/api'

import { configuredFormatter, type DateFormatter } from '../dates/format-date.ts'
import { kafkaTransform } from '../record/record-side.ts'
import { textOf } from '../record/setting.ts'

const configDef = {
  'topic.format': {
    type: 'STRING',
    defaultValue: '${topic}-${timestamp}',
    importance: 'HIGH',
    doc: 'Format string which can contain <code>${topic}</code> and <code>${timestamp}</code> as placeholders for the topic and timestamp, respectively.',
  },
  'timestamp.format': {
    type: 'STRING',
    defaultValue: 'yyyyMMdd',
    importance: 'HIGH',
    doc: 'Format string for the timestamp that is compatible with <code>java.text.SimpleDateFormat</code>.',
  },
} as const satisfies ConfigDef

/** Renames the topic by the time of the record, in UTC. */
class TimestampRouter implements Transform {
  readonly #topicFormat: string
  readonly #timestampText: DateFormatter

  constructor(topicFormat: string, timestampText: DateFormatter) {
    this.#topicFormat = topicFormat
    this.#timestampText = timestampText
  }

  apply<R extends ConnectRecord>(record: R): R {
    if (record.timestamp === null) throw new DataError('TimestampRouter: the record has no timestamp')
    const timestamp = this.#timestampText(record.timestamp)
    const named = this.#topicFormat.replaceAll('${topic}', () => record.topic)
    return { ...record, topic: named.replaceAll('${timestamp}', () => timestamp) }
  }
}

/** `org.apache.kafka.connect.transforms.TimestampRouter`. */
export const plugin: TransformPlugin = kafkaTransform(
  'TimestampRouter',
  configDef,
  (config) =>
    new TimestampRouter(
      textOf(config, 'topic.format') ?? '',
      configuredFormatter(textOf(config, 'timestamp.format') ?? '', 'timestamp.format'),
    ),
)
