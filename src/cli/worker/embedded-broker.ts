import { formatListenAddress } from '../../foundation/network/listen-address.ts'
import { errorMessage } from '../../foundation/error-message.ts'
import { ConfigError } from '../../api/errors.ts'
import { BrokerHost, BrokerStartError } from '../../broker/broker-host.ts'
import type { BrokerCredentials } from '../../broker/server/authentication.ts'
import { settledBroker, type SettledBroker } from '../../broker/settings/broker-settings.ts'
import type { ClientSecurity } from '../../config/worker/client-security.ts'
import { embeddedBrokerPrefix } from '../../config/worker/worker-config-def.ts'
import type { EmbeddedBrokerConfig } from '../../config/worker/embedded-broker-config.ts'
import type { WorkerConfig } from '../../config/worker/worker-config.ts'
import { deferred } from '../../foundation/async/deferred.ts'
import type { Sample } from '../../foundation/metrics/meters.ts'
import type { Access } from './access.ts'
import type { CleanupStack } from './cleanup-stack.ts'
import type { WorkerConditions } from './worker-conditions.ts'
import type { WorkerEnvironment } from './worker-environment.ts'

/** How clients of the worker connect to its broker. */
export interface BrokerAddress {
  readonly bootstrapServers: string
  readonly security: ClientSecurity
}

/** The broker of a worker: a Kafka cluster, or the embedded broker. */
export interface WorkerBroker {
  readonly address: BrokerAddress
  /** `host:port` on which the embedded broker listens; null on a cluster. */
  readonly listenAddress: string | null
  /** The metrics of the embedded broker; empty on a cluster. */
  readonly samples: () => Promise<readonly Sample[]>
  /** Resolves with the reason when the embedded broker dies; never on a cluster. */
  readonly died: Promise<Error>
}

interface BrokerParts {
  readonly config: WorkerConfig
  readonly access: Access
  readonly env: WorkerEnvironment
  readonly cleanup: CleanupStack
  readonly conditions: WorkerConditions
}

/**
 * Starts the embedded broker in its thread, unless the worker uses a cluster.
 * @throws what prevents its start, such as another owner of its directory; ConfigError for its address or its directory
 */
export async function openBroker({ config, access, env, cleanup, conditions }: BrokerParts): Promise<WorkerBroker> {
  const { security, credentials } = access
  const died = deferred<Error>()
  if (config.embedded === null) {
    const address = { bootstrapServers: config.bootstrapServers, security }
    return { address, listenAddress: null, samples: async () => [], died: died.promise }
  }
  const broker = await startEmbeddedBroker(config.embedded, credentials, env)
  cleanup.add('the embedded broker', async () => await broker.close(), Number.POSITIVE_INFINITY)
  conditions.add('broker', () => broker.conditions)
  void broker.ended.then((reason) => {
    if (reason !== null) died.resolve(reason)
  })
  const listenAddress = formatListenAddress(broker.address)
  // A process that may open the broker's own socket can also open its files, so the socket requires no credentials.
  const address =
    broker.ownPath === null
      ? { bootstrapServers: listenAddress, security }
      : { bootstrapServers: broker.ownPath, security: { tls: null, sasl: null } }
  return { address, listenAddress, samples: async () => await broker.samples(), died: died.promise }
}

async function startEmbeddedBroker(
  { listen, advertisedHost, dataDir, settings }: EmbeddedBrokerConfig,
  credentials: BrokerCredentials | null,
  { clock, logger }: WorkerEnvironment,
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
      logger: logger.child('broker'),
    })
  } catch (error) {
    if (!(error instanceof BrokerStartError)) throw error
    const advice = directoryAdvice(error.message)
    if (advice !== null) {
      const text = `The directory of the embedded broker, ${dataDir}, cannot be used: ${error.message}. ${advice}`
      throw new ConfigError(text, { cause: error, code: 'BROKER_FOLDER' })
    }
    if (error.reason !== 'ListenError') throw error
    throw new ConfigError(`The embedded broker ${error.message}. embedded.broker.listener sets its address`, {
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

/** Returns how to fix an error of the file system; null for any other error. */
export function directoryAdvice(message: string): string | null {
  const otherPlace = 'set embedded.broker.data.dir to another directory'
  switch (/^E[A-Z]+(?=:)/.exec(message)?.[0]) {
    case 'ENOSPC':
    case 'EDQUOT':
      return `Free space on its disk (acknowledged records are kept), or ${otherPlace}`
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return `Give the user of the worker write access, or ${otherPlace}`
    case 'EEXIST':
    case 'ENOTDIR':
      return `It must be a directory, or a path at which one can be created: ${otherPlace}`
    case 'EIO':
      return "Its disk fails: see the system's log, and move the directory to another disk"
    default:
      return null
  }
}
