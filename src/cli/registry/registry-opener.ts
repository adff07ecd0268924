import type { KafkaClient } from '../../client/kafka-client.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import type { ConditionListener } from '../../foundation/metrics/conditions.ts'
import type { SchemaRegistry } from '../../registry/schema-registry.ts'

interface OpenerParts {
  readonly client: KafkaClient
  readonly topic: string
  readonly replicationFactor: number
  readonly clock: Clock
  readonly logger: Logger
  /** Receives why the topic cannot be written, and null when it can again. */
  readonly onCondition?: ConditionListener
  /** Called when the registry cannot read its topic any more. */
  readonly reset: () => void
}

/** Opens a registry on its topic. Its code is loaded by the first call. */
export function registryOpener({ reset, onCondition, ...parts }: OpenerParts): () => Promise<SchemaRegistry> {
  const { logger } = parts
  return async () => {
    const { openRegistry } = await import('../../registry/open-registry.ts')
    return await openRegistry({
      ...parts,
      onError: ({ message }) => {
        logger.error(`the schema registry reads its topic again: ${message}`)
        reset()
      },
      ...(onCondition === undefined ? {} : { setCondition: onCondition }),
    })
  }
}
