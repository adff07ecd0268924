import type { KafkaClient } from '../../client/kafka-client.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import type { Clock } from '../../foundation/clock.ts'
import { Conditions } from '../../foundation/metrics/conditions.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { ConfigBackingStore } from '../../storage/config-backing-store.ts'
import type { ConfigRecord } from '../../storage/config-record.ts'
import { OffsetBackingStore } from '../../storage/offset-backing-store.ts'
import { StatusBackingStore } from '../../storage/status-backing-store.ts'
import { TopicWriter } from '../../storage/topic-writer.ts'
import type { Undo } from './undo.ts'
import type { WorkerConditions } from './worker-conditions.ts'

/** The worker's state in its three internal topics. */
export interface Stores {
  readonly configs: ConfigBackingStore
  readonly statuses: StatusBackingStore
  readonly offsets: OffsetBackingStore
}

interface StoreParts {
  readonly client: KafkaClient
  readonly config: WorkerConfig
  readonly clock: Clock
  readonly logger: Logger
  /** Shows what keeps the worker's own records from being written or read. */
  readonly conditions: WorkerConditions
}

/** Opens the three side by side, each read to its end. @throws ConfigError, ConnectError */
export async function openStores(
  { client, config, clock, logger, conditions }: StoreParts,
  undo: Undo,
  onConfig: (record: ConfigRecord | null, offset: number) => void,
): Promise<Stores> {
  const standing = new Conditions(logger)
  conditions.add('worker', () => standing.standing)
  const writer = new TopicWriter(client, (code, message) => {
    if (message === null) standing.withdraw(code)
    else standing.raise(code, `the worker's internal topics: ${message}`)
  })
  undo.add('the writer of internal topics', async () => await writer.close())
  const onError = ({ message }: Error): void =>
    standing.raise('INTERNAL_TOPIC_UNREAD', `${message}. What this worker knows of it grows old: restart the worker`)
  const common = { client, writer, clock, logger, onError }
  const [configs, statuses, offsets] = await Promise.all([
    ConfigBackingStore.open({ ...common, topic: config.configTopic, onRecord: onConfig }),
    StatusBackingStore.open({ ...common, topic: config.statusTopic }),
    OffsetBackingStore.open({ ...common, topic: config.offsetTopic }),
  ])
  for (const store of [configs, statuses, offsets]) undo.add('an internal topic', async () => await store.close())
  return { configs, statuses, offsets }
}
