import type { KafkaClient } from '../../client/kafka-client.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import { Conditions } from '../../foundation/metrics/conditions.ts'
import { RegistryHandle } from '../../registry/registry-handle.ts'
import type { RestContext } from '../../rest/route.ts'
import type { RestListener } from '../../config/worker/rest/listener.ts'
import { formatListenAddress, isAnyAddress } from '../../foundation/network/listen-address.ts'
import { registryPrefix } from '../../rest/registry/registry-route.ts'
import type { Access } from '../worker/access.ts'
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

/**
 * The URL of the worker's schema registry for its own converters that name none. Absent when they would need a password, a token or a
 * certificate for it: those are not theirs to have.
 */
export function registryForConverters(
  { registry }: Pick<WorkerConfig, 'registry'>,
  listeners: readonly RestListener[],
  { restToken, restUsers }: Pick<Access, 'restToken' | 'restUsers'>,
): { readonly registryUrl?: string } {
  const listener = listeners.find(({ tls }) => tls === undefined)
  if (registry === null || listener === undefined || restToken !== null || restUsers !== null) return {}
  const host = isAnyAddress(listener.host) ? '127.0.0.1' : listener.host
  return { registryUrl: `http://${formatListenAddress({ ...listener, host })}${registryPrefix}` }
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
