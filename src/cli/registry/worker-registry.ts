import type { KafkaClient } from '../../client/kafka-client.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import { Conditions } from '../../foundation/metrics/conditions.ts'
import { RegistryHandle } from '../../registry/registry-handle.ts'
import type { RestContext } from '../../rest/route.ts'
import { registryOpener } from './registry-opener.ts'
import type { CleanupStack } from '../worker/cleanup-stack.ts'
import type { WorkerConditions } from '../worker/worker-conditions.ts'
import type { WorkerEnvironment } from '../worker/worker-environment.ts'

interface RegistryParts {
  readonly config: Pick<WorkerConfig, 'registry'>
  readonly client: KafkaClient
  readonly env: WorkerEnvironment
  readonly cleanup: CleanupStack
  readonly conditions: WorkerConditions
}

/** The schema registry for the REST API, if the worker has one. It costs nothing until it is used. */
export function workerRegistry(parts: RegistryParts): Pick<RestContext, 'registry'> {
  const { config, client, env, cleanup, conditions } = parts
  if (config.registry === null) return {}
  const { topic, replicationFactor } = config.registry
  const { clock } = env
  const logger = env.logger.child('registry')
  const standing = new Conditions(logger)
  conditions.add('worker', () => standing.standing)
  const handle = new RegistryHandle(
    registryOpener({
      client,
      topic,
      replicationFactor,
      clock,
      logger,
      reset: () => handle.reset(),
      onCondition: (code, message) => {
        if (message === null) standing.withdraw(code)
        else standing.raise(code, `the schema registry: ${message}`)
      },
    }),
  )
  cleanup.add('the schema registry', async () => await handle.close())
  return { registry: async () => await handle.get() }
}
