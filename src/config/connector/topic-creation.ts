import type { ConfigDef, ConfigKey } from '../../api/config-def.ts'
import type { SubmittedConfig } from '../definition/config-infos.ts'

const prefix = 'topic.creation.'

/** A count of -1 asks for the broker's default. */
const count: Pick<ConfigKey, 'importance' | 'group' | 'validator'> = {
  importance: 'LOW',
  group: 'default',
  validator: (_key, value) =>
    typeof value === 'number' && (value === -1 || value >= 1)
      ? null
      : "Must be 1 or larger, or -1 to use the broker's default",
}

const defaultGroup: ConfigDef = {
  'topic.creation.default.replication.factor': {
    type: 'SHORT',
    doc: "The replication factor for new topics created for this connector using this group. This value must not be larger than the number of brokers in the Kafka cluster, or otherwise an error will be thrown when the connector will attempt to create a topic. For the default group this configuration is required. For any other group defined in topic.creation.groups this config is optional and if it's missing it gets the value of the default group",
    ...count,
  },
  'topic.creation.default.partitions': {
    type: 'INT',
    doc: "The number of partitions new topics created for this connector. For the default group this configuration is required. For any other group defined in topic.creation.groups this config is optional and if it's missing it gets the value of the default group",
    ...count,
  },
}

/** The keys that come into being when a source connector says how its topics are to be created. */
export function topicCreationDef(config: SubmittedConfig): ConfigDef {
  return Object.keys(config).some((key) => key.startsWith(prefix)) ? defaultGroup : {}
}
