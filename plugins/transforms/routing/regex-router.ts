import {
  DataError,
  javaRegex,
  javaRegExp,
  nullOr,
  type ConfigDef,
  type ConnectRecord,
  type Transform,
  type TransformPlugin,
  errorMessage,
} from 'penstock/api'

import { kafkaTransform } from '../record/record-side.ts'
import { javaReplacement } from './java-replacement.ts'

const configDef = {
  regex: {
    type: 'STRING',
    importance: 'HIGH',
    doc: 'Regular expression to use for matching.',
    validator: nullOr(javaRegex),
  },
  replacement: { type: 'STRING', importance: 'HIGH', doc: 'Replacement string.' },
} as const satisfies ConfigDef

/** Renames topics whose whole name matches. Others are not changed. */
class RegexRouter implements Transform {
  readonly #regex: RegExp
  readonly #replacement: string
  /** New names by topic: there are few topics, so each is computed once. */
  readonly #topics = new Map<string, string>()

  constructor(regex: string, replacement: string) {
    this.#regex = javaRegExp(regex, { whole: true })
    this.#replacement = replacement
  }

  apply<R extends ConnectRecord>(record: R): R {
    const topic = this.#topics.get(record.topic) ?? this.#route(record.topic)
    return topic === record.topic ? record : { ...record, topic }
  }

  #route(topic: string): string {
    const match = this.#regex.exec(topic)
    const routed = match === null ? topic : this.#replace(match, topic)
    if (this.#topics.size >= 10_000) this.#topics.clear()
    this.#topics.set(topic, routed)
    return routed
  }

  #replace(match: RegExpExecArray, topic: string): string {
    try {
      return javaReplacement(match, this.#replacement)
    } catch (cause) {
      const why = errorMessage(cause)
      throw new DataError(`RegexRouter cannot rename topic ${topic} to "${this.#replacement}": ${why}`, { cause })
    }
  }
}

/** `org.apache.kafka.connect.transforms.RegexRouter`. */
export const plugin: TransformPlugin = kafkaTransform(
  'RegexRouter',
  configDef,
  (config) => new RegexRouter(String(config['regex']), String(config['replacement'])),
)
