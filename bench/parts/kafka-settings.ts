/**
 * The settings of a worker on a Kafka cluster of one broker: its group, and internal topics that no other group has,
 * `<group>-configs`, `-offsets` and `-status`.
 */
export function kafkaSettings(bootstrapServers: string, group: string): Readonly<Record<string, string>> {
  return {
    'bootstrap.servers': bootstrapServers,
    'group.id': group,
    'config.storage.topic': `${group}-configs`,
    'config.storage.replication.factor': '1',
    'offset.storage.topic': `${group}-offsets`,
    'offset.storage.replication.factor': '1',
    'status.storage.topic': `${group}-status`,
    'status.storage.replication.factor': '1',
  }
}
