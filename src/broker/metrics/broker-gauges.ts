import { Meters, type Sample } from '../../foundation/metrics/meters.ts'
import type { FileSystem } from '../../log/disk/file-system.ts'
import type { Topics } from '../topics/topics.ts'

/** The current values of the broker: disk, topics, connections. */
export function brokerGauges(broker: {
  readonly topics: Topics
  readonly fs: FileSystem
  readonly dataDirectory: string
  /** Open connections. */
  readonly connections: number
}): readonly Sample[] {
  const meters = new Meters()
  const free = broker.fs.freeBytes(broker.dataDirectory)
  if (free !== null) meters.gauge('broker_disk_free_bytes', 'Free bytes of the disk that holds the log').set(free)
  meters
    .gauge('broker_connections', 'Open connections of clients; those of the worker itself are not counted')
    .set(broker.connections)
  let [online, offline] = [0, 0]
  for (const { name, partitions } of broker.topics.all()) {
    let bytes = 0
    for (const partition of partitions) {
      if (partition === null) offline += 1
      else {
        online += 1
        bytes += partition.sizeInBytes
      }
    }
    meters.gauge('broker_topic_bytes', 'Bytes of the log of a topic, without its indexes', { topic: name }).set(bytes)
  }
  meters.gauge('broker_partitions', 'Partitions that are served').set(online)
  meters.gauge('broker_offline_partitions', 'Partitions whose files cannot be read').set(offline)
  return meters.samples()
}
