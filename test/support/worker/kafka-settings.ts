/** The settings of a worker on a Kafka cluster, with a group and internal topics that no other worker has. */
export function kafkaSettings(bootstrapServers: string, group: string): Record<string, string> {
  return {
    'bootstrap.servers': bootstrapServers,
    'group.id': group,
    'config.storage.topic': `${group}-configs`,
    'offset.storage.topic': `${group}-offsets`,
    'status.storage.topic': `${group}-status`,
  }
}
