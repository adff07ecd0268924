import { errorMessage } from '../../foundation/error-message.ts'
import { ConfigError } from '../../api/errors.ts'
import type { BrokerCredentials } from '../../broker/server/authentication.ts'
import type { ClientSecurity } from '../../config/worker/client-security.ts'
import { BrokerHost, BrokerStartError } from '../../broker/broker-host.ts'
import { settledBroker, type SettledBroker } from '../../broker/settings/broker-settings.ts'
import type { EmbeddedBrokerConfig } from '../../config/worker/worker-config.ts'
import { embeddedBrokerPrefix } from '../../config/worker/worker-config-def.ts'
import type { Clock } from '../../foundation/clock.ts'
import type { Logger } from '../../foundation/logging/logger.ts'

/**
 * Starts the embedded log in its thread.
 * @param credentials what its clients have to show; null: nothing
 * @throws what keeps it from starting, such as another owner of its folder; a ConfigError when its address cannot be had
 */
export async function startEmbeddedBroker(
  { listen, advertisedHost, dataDir, settings }: EmbeddedBrokerConfig,
  credentials: BrokerCredentials | null,
  clock: Clock,
  logger: Logger,
): Promise<BrokerHost> {
  const { config, coordinators } = settled(settings)
  try {
    return await BrokerHost.start({
      dataDir,
      listen,
      ownSocket: true,
      config,
      ...(advertisedHost === null ? {} : { advertisedHost }),
      ...(credentials === null ? {} : { credentials }),
      coordinators: { ...coordinators, forgetsMembersAtStart: true },
      clock,
      logger,
    })
  } catch (error) {
    if (!(error instanceof BrokerStartError)) throw error
    const advice = folderAdvice(error.message)
    if (advice !== null) {
      const text = `The folder of the embedded log, ${dataDir}, cannot be used: ${error.message}. ${advice}`
      throw new ConfigError(text, { cause: error, code: 'BROKER_FOLDER' })
    }
    if (error.reason !== 'ListenError') throw error
    throw new ConfigError(`The embedded log ${error.message}. Its address is set by embedded.broker.listener`, {
      cause: error,
      code: 'BROKER_LISTEN',
    })
  }
}

function settled(settings: EmbeddedBrokerConfig['settings']): SettledBroker {
  try {
    return settledBroker(settings)
  } catch (cause) {
    const problem = errorMessage(cause)
    throw new ConfigError(`${embeddedBrokerPrefix}${problem}`, { cause })
  }
}

/** How the worker reaches its log. */
export interface WayToLog {
  readonly bootstrapServers: string
  readonly security: ClientSecurity
  /** Where others reach the embedded log, `host:port`; null on a cluster. */
  readonly brokerAddress: string | null
}

/** By the worker's own socket where there is one: who may open it owns the files of the log, and shows no credentials. */
export function wayTo({ address, ownPath }: BrokerHost, security: ClientSecurity): WayToLog {
  const brokerAddress = addressText(address)
  if (ownPath === null) return { bootstrapServers: brokerAddress, security, brokerAddress }
  return { bootstrapServers: ownPath, security: { tls: null, sasl: null }, brokerAddress }
}

/** What to do about an error of the file system; null for any other. */
export function folderAdvice(message: string): string | null {
  const otherPlace = 'name another folder with embedded.broker.data.dir'
  switch (/^E[A-Z]+(?=:)/.exec(message)?.[0]) {
    case 'ENOSPC':
    case 'EDQUOT':
      return `Free space on its disk (what was acknowledged is kept), or ${otherPlace}`
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `Let the user of the worker write to it, or ${otherPlace}`
    case 'EEXIST':
    case 'ENOTDIR':
      return `It has to be a folder, or a place where one can be made: ${otherPlace}`
    case 'EIO':
      return 'Its disk fails: see the log of the system, and move the folder to another disk'
    default:
      return null
  }
}

/** `host:port`, IPv6 hosts in brackets. */
export function addressText({ host, port }: { readonly host: string; readonly port: number }): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`
}
