import {
  javaRegex,
  nullOr,
  type ConfigDef,
  type ConnectRecord,
  type Transform,
  type TransformPlugin,
} from 'penstock/api'

import { kafkaTransform } from '../record/record-side.ts'
import { TopicNames } from './topic-names.ts'

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
  readonly #names: TopicNames

  constructor(names: TopicNames) {
    this.#names = names
  }

  apply<R extends ConnectRecord>(record: R): R {
    const topic = this.#names.of(record.topic)
    return topic === record.topic ? record : { ...record, topic }
  }
}

/** `org.apache.kafka.connect.transforms.RegexRouter`. */
export const plugin: TransformPlugin = kafkaTransform(
  'RegexRouter',
  configDef,
  (config) => new RegexRouter(new TopicNames(String(config['regex']), String(config['replacement']), 'RegexRouter')),
)
