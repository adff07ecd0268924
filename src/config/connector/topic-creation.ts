import type { ConfigDef, ConfigKey, RawConfig } from '../../api/config-def.ts'
import type { TopicSpec } from '../../api/task.ts'
import { configWithPrefix } from '../definition/config-with-prefix.ts'
import type { SubmittedConfig } from '../definition/config-infos.ts'
import { parseConfig } from '../definition/parse-config.ts'

const prefix = 'topic.creation.'
const defaultPrefix = `${prefix}default.`
const partitionsKey = 'topic.creation.default.partitions'
const factorKey = 'topic.creation.default.replication.factor'
/** The keys of the default group that are not settings of the topic. */
const groupKeys: ReadonlySet<string> = new Set(['partitions', 'replication.factor', 'include', 'exclude'])

/** A count of -1 is the broker's default. */
const count: Pick<ConfigKey, 'importance' | 'group' | 'validator'> = {
  importance: 'LOW',
  group: 'default',
  validator: (_key, value) =>
    typeof value === 'number' && (value === -1 || value >= 1)
      ? null
      : "Must be 1 or larger, or -1 to use the broker's default",
}

const defaultGroup = {
  [factorKey]: {
    type: 'SHORT',
    doc: "The replication factor for new topics created for this connector using this group. This value must not be larger than the number of brokers in the Kafka cluster, or otherwise an error will be thrown when the connector will attempt to create a topic. For the default group this configuration is required. For any other group defined in topic.creation.groups this config is optional and if it's missing it gets the value of the default group",
    ...count,
  },
  [partitionsKey]: {
    type: 'INT',
    doc: "The number of partitions new topics created for this connector. For the default group this configuration is required. For any other group defined in topic.creation.groups this config is optional and if it's missing it gets the value of the default group",
    ...count,
  },
} satisfies ConfigDef

/** Returns the keys of topic creation ([KIP-158](https://cwiki.apache.org/confluence/display/KAFKA/KIP-158%3A+Kafka+Connect+should+allow+source+connectors+to+set+topic-specific+settings+for+new+topics)), if the config has any of them. */
export function topicCreationDef(config: SubmittedConfig): ConfigDef {
  return Object.keys(config).some((key) => key.startsWith(prefix)) ? defaultGroup : {}
}

/**
 * Returns how a source connector's topics are created: by `topic.creation.default.*`, which takes precedence over the plugin's
 * defaults. Null if both leave it to the broker.
 * @throws ConfigError
 */
export function topicSpecOf(config: RawConfig, defaults: TopicSpec | null): TopicSpec | null {
  const settings = configWithPrefix(config, defaultPrefix)
  if (defaults === null && Object.keys(settings).length === 0) return null
  const parsed = parseConfig(defaults === null ? defaultGroup : withDefaults(defaults), config)
  const own = Object.entries(settings).filter(([key]) => !groupKeys.has(key))
  return {
    partitions: Number(parsed[partitionsKey]),
    replicationFactor: Number(parsed[factorKey]),
    configs: { ...defaults?.configs, ...Object.fromEntries(own) },
  }
}

function withDefaults({ partitions, replicationFactor }: TopicSpec): ConfigDef {
  return {
    [partitionsKey]: { ...defaultGroup[partitionsKey], defaultValue: partitions },
    [factorKey]: { ...defaultGroup[factorKey], defaultValue: replicationFactor },
  }
}
