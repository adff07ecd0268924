import type { KafkaClient } from '../../client/kafka-client.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { Conditions } from '../../foundation/metrics/conditions.ts'
import type { Lease } from '../../runtime/thread/lease.ts'
import { ConfigBackingStore, operationMs } from '../../storage/config-backing-store.ts'
import { OffsetBackingStore } from '../../storage/offset-backing-store.ts'
import { StatusBackingStore } from '../../storage/status-backing-store.ts'
import { TopicWriter, type WriteLimits } from '../../storage/topic-writer.ts'
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
  readonly config: Pick<WorkerConfig, 'configTopic' | 'statusTopic' | 'offsetTopic'>
  readonly clock: Clock
  readonly logger: Logger
  /** Shows why internal topics cannot be written or read. */
  readonly conditions: WorkerConditions
  readonly cleanup: CleanupStack
  /** Until when this worker may act as a member of its group. */
  readonly lease: Pick<Lease, 'isValid'>
}

/** Creates the stores; the herder starts them. */
export function createStores({ client, config, clock, logger, conditions, cleanup, lease }: StoreParts): Stores {
  const standing = new Conditions(logger)
  conditions.add('worker', () => standing.standing)
  const newWriter = (what: string, limits?: WriteLimits): TopicWriter => {
    const writer = new TopicWriter(
      client,
      (code, message) => {
        if (message === null) standing.withdraw(code)
        else standing.raise(code, `the worker's internal topics: ${message}`)
      },
      limits,
    )
    cleanup.add(`the writer of ${what}`, async () => await writer.close())
    return writer
  }
  const writer = newWriter('internal topics')
  // A worker that was suspended or cut off may not lead any more: it writes no configuration before it has heard from its group.
  const configWriter = newWriter('the config topic', { mayWrite: () => lease.isValid, deliveryTimeoutMs: operationMs })
  const onError = ({ message }: Error): void =>
    standing.raise('INTERNAL_TOPIC_UNREAD', `${message}. This worker's copy of it becomes outdated: restart the worker`)
  const common = { client, writer, clock, logger, onError }
  const stores = {
    configs: new ConfigBackingStore({ ...common, writer: configWriter, topic: config.configTopic }),
    statuses: new StatusBackingStore({ ...common, topic: config.statusTopic }),
    offsets: new OffsetBackingStore({ ...common, topic: config.offsetTopic }),
  }
  for (const store of Object.values(stores)) cleanup.add('an internal topic', async () => await store.close())
  return stores
}
