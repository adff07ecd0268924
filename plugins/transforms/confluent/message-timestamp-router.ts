import {
  ConfigError,
  DataError,
  errorMessage,
  systemClock,
  type ConfigDef,
  type ConnectRecord,
  type ConnectValue,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'

import { configuredFormatter, type DateFormatter } from '../dates/format-date.ts'
import { dateParser, type DateParser } from '../dates/parse-date.ts'
import { isPlainMap, memberOf } from '../record/plain-map.ts'
import { confluentTransform } from '../record/record-side.ts'
import { clipped, kindOf } from '../record/requirements.ts'
import { listOf, nonEmptyList, textOf } from '../record/setting.ts'

const transform = 'MessageTimestampRouter'

// The documentation gives examples of these settings. Where a default is not certain, the setting is required.
const configDef = {
  'topic.format': {
    type: 'STRING',
    defaultValue: '${topic}-${timestamp}',
    importance: 'HIGH',
    doc: 'The name of the topic, in which ${topic} and ${timestamp} are replaced.',
  },
  'topic.timestamp.format': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The format of ${timestamp}, a pattern of SimpleDateFormat, such as yyyy.MM.dd.',
  },
  'message.timestamp.format': {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'The format of the text in the value, a pattern of SimpleDateFormat, such as yyyy-MM-dd.',
  },
  'message.timestamp.keys': {
    type: 'LIST',
    importance: 'HIGH',
    doc: 'The names of the members of the value that may have the timestamp. The first that the value has counts.',
    validator: nonEmptyList,
  },
} as const satisfies ConfigDef

/**
 * Confluent's [MessageTimestampRouter](https://docs.confluent.io/kafka-connectors/transforms/current/messagetimestamprouter.html):
 * renames the topic by a timestamp in the value, which is a map without a schema, in UTC.
 */
class MessageTimestampRouter implements Transform {
  readonly #topicFormat: string
  readonly #keys: readonly string[]
  readonly #read: DateParser
  readonly #write: DateFormatter

  constructor(topicFormat: string, keys: readonly string[], read: DateParser, write: DateFormatter) {
    this.#topicFormat = topicFormat
    this.#keys = keys
    this.#read = read
    this.#write = write
  }

  apply<R extends ConnectRecord>(record: R): R {
    const timestamp = this.#write(this.#timestamp(record))
    const named = this.#topicFormat.replaceAll('${topic}', () => record.topic)
    return { ...record, topic: named.replaceAll('${timestamp}', () => timestamp) }
  }

  #timestamp({ value, valueSchema }: ConnectRecord): number | bigint {
    if (!isPlainMap(value) || valueSchema !== null) {
      throw new DataError(`${transform} needs a map without a schema, found ${kindOf(valueSchema, value)}`)
    }
    const text = this.#keys.map((key): ConnectValue => memberOf(value, key)).find((member) => member !== null) ?? null
    if (typeof text !== 'string') {
      throw new DataError(
        `${transform}: ${this.#keys.join(', ')} of the value has to be a text, found ${kindOf(null, text)}`,
      )
    }
    const ms = this.#read(text)
    if (ms === null) throw new DataError(`${transform}: "${clipped(text)}" is no date in message.timestamp.format`)
    return ms
  }
}

function configuredParser(pattern: string): DateParser {
  try {
    if (pattern.trim() === '') throw new SyntaxError('a pattern is needed')
    return dateParser(pattern, systemClock.now())
  } catch (cause) {
    const key = 'message.timestamp.format'
    throw new ConfigError(`Invalid value ${pattern} for configuration ${key}: ${errorMessage(cause)}`, { cause, key })
  }
}

/** `io.confluent.connect.transforms.MessageTimestampRouter`. */
export const plugin: TransformPlugin = confluentTransform(
  transform,
  configDef,
  (config) =>
    new MessageTimestampRouter(
      textOf(config, 'topic.format') ?? '',
      listOf(config, 'message.timestamp.keys'),
      configuredParser(textOf(config, 'message.timestamp.format') ?? ''),
      configuredFormatter(textOf(config, 'topic.timestamp.format') ?? '', 'topic.timestamp.format'),
    ),
)
