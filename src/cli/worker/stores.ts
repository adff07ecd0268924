import type { KafkaClient } from '../../client/kafka-client.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { Conditions } from '../../foundation/metrics/conditions.ts'
import { ConfigBackingStore } from '../../storage/config-backing-store.ts'
import { OffsetBackingStore } from '../../storage/offset-backing-store.ts'
import { StatusBackingStore } from '../../storage/status-backing-store.ts'
import { TopicWriter } from '../../storage/topic-writer.ts'
import type { CleanupStack } from './cleanup-stack.ts'
import type { WorkerConditions } from './worker-conditions.ts'

/** The state of the worker in its three internal topics. */
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
  /** Shows why internal topics cannot be written or read. */
  readonly conditions: WorkerConditions
  readonly cleanup: CleanupStack
}

/** Creates the stores; the herder starts them. */
export function createStores({ client, config, clock, logger, conditions, cleanup }: StoreParts): Stores {
  const standing = new Conditions(logger)
  conditions.add('worker', () => standing.standing)
  const writer = new TopicWriter(client, (code, message) => {
    if (message === null) standing.withdraw(code)
    else standing.raise(code, `the worker's internal topics: ${message}`)
  })
  cleanup.add('the writer of internal topics', async () => await writer.close())
  const onError = ({ message }: Error): void =>
    standing.raise('INTERNAL_TOPIC_UNREAD', `${message}. This worker's copy of it becomes outdated: restart the worker`)
  const common = { client, writer, clock, logger, onError }
  const stores = {
    configs: new ConfigBackingStore({ ...common, topic: config.configTopic }),
    statuses: new StatusBackingStore({ ...common, topic: config.statusTopic }),
    offsets: new OffsetBackingStore({ ...common, topic: config.offsetTopic }),
  }
  for (const store of Object.values(stores)) cleanup.add('an internal topic', async () => await store.close())
  return stores
}
