import type { BrokerHost } from '../../broker/broker-host.ts'
import { KafkaClient } from '../../client/kafka-client.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'
import { Meters } from '../../foundation/metrics/meters.ts'
import { formatListenAddress, type ListenAddress } from '../../foundation/network/listen-address.ts'
import { RegistryHandle } from '../../registry/registry-handle.ts'
import { registryPrefix } from '../../rest/registry/registry-route.ts'
import { startRegistryRest } from '../../rest/rest-server.ts'
import { registryOpener } from './registry-opener.ts'

interface BrokerRegistryOptions {
  readonly listen: ListenAddress
  readonly broker: Pick<BrokerHost, 'address' | 'ownPath'>
  /** The user and the password of the broker's clients, and of the registry's; null: they need none. */
  readonly credentials: { readonly username: string; readonly password: string } | null
  readonly clock: Clock
  readonly logger: Logger
}

/** A schema registry beside a broker without a worker. */
export interface BrokerRegistry {
  /** For clients of the registry. */
  readonly url: string
  close(): Promise<void>
}

/** Serves the registry of a broker's topic `_schemas`. @throws ListenError, and what prevents a connection to the broker */
export async function startBrokerRegistry(options: BrokerRegistryOptions): Promise<BrokerRegistry> {
  const { listen, broker, credentials, clock, logger } = options
  const sasl = credentials === null || broker.ownPath !== null ? null : { mechanism: 'PLAIN' as const, ...credentials }
  const client = await KafkaClient.connect({
    bootstrapServers: broker.ownPath ?? formatListenAddress(broker.address),
    security: { tls: null, sasl },
    clientId: 'schema-registry',
    clock,
    logger: logger.child('client'),
  })
  const topic = { topic: '_schemas', replicationFactor: -1 }
  const handle = new RegistryHandle(registryOpener({ ...topic, client, clock, logger, reset: () => handle.reset() }))
  try {
    const rest = await startRegistryRest(
      {
        listeners: [listen],
        listenersKey: '--registry',
        clock,
        logger: logger.child('rest'),
        audit: logger.child('audit'),
        meters: new Meters(),
        ...(credentials === null ? {} : { token: credentials.password }),
      },
      { registry: async () => await handle.get() },
    )
    return {
      url: `${rest.url}${registryPrefix}`,
      close: async () => {
        await rest.close()
        await handle.close()
        await client.close()
      },
    }
  } catch (error) {
    await client.close()
    throw error
  }
}
