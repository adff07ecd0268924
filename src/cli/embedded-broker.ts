import { ConfigError } from '../api/errors.ts'
import { BrokerHost, BrokerStartError } from '../broker/broker-host.ts'
import type { EmbeddedBrokerConfig } from '../config/worker-config.ts'
import type { Clock } from '../foundation/clock.ts'
import type { Logger } from '../foundation/logger.ts'

/**
 * Starts the embedded log in its thread.
 * @throws what keeps it from starting, such as another owner of its folder; a ConfigError when its address cannot be had
 */
export async function startEmbeddedBroker(
  { listen, advertisedHost, dataDir }: EmbeddedBrokerConfig,
  clock: Clock,
  logger: Logger,
): Promise<BrokerHost> {
  try {
    return await BrokerHost.start({
      dataDir,
      listen,
      ...(advertisedHost === null ? {} : { advertisedHost }),
      coordinators: { forgetsMembersAtStart: true },
      clock,
      logger,
    })
  } catch (error) {
    if (!(error instanceof BrokerStartError) || error.reason !== 'ListenError') throw error
    throw new ConfigError(`The embedded log ${error.message}. Its address is set by embedded.broker.listener`, {
      cause: error,
      code: 'BROKER_LISTEN',
    })
  }
}

/** `host:port`, IPv6 hosts in brackets. */
export function addressText({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
